import { OncoKBScraper, type OncoKBScraperOptions } from 'plinth/connectors/oncokb';
import { ConnectionPool } from 'plinth/http';
import { Secret } from 'plinth/kernel';
import { VirtualClock } from 'plinth/testing';
import { afterEach, beforeEach, expect } from 'vitest';
import { type StandIn, type StandInOptions, startStandIn } from '../index.ts';

/** What a test of the connector against the stand-in works with; new for each test. */
export interface OncoKBFixture {
  clock: VirtualClock;
  standIn: StandIn;
  pool: ConnectionPool;
  /** A scraper with this token; without any for `undefined`. */
  scraper(token: string | undefined, options?: OncoKBScraperOptions): OncoKBScraper;
  /** Lets virtual time pass until the work has ended, but not while the network is at it. */
  settle<Value>(work: Promise<Value>): Promise<Value>;
  /** The error that the work ends with. */
  failureOf(work: Promise<unknown>): Promise<unknown>;
}

/** Prepares the fixture before each test of a file, and takes it down after. */
export function useOncoKBFixture(options: Omit<StandInOptions, 'clock'> = {}): OncoKBFixture {
  const fixture = {} as OncoKBFixture;
  const scrapers: OncoKBScraper[] = [];
  beforeEach(async () => {
    const clock = new VirtualClock();
    const standIn = await startStandIn({ ...options, clock });
    const pool = new ConnectionPool();
    const scraper: OncoKBFixture['scraper'] = (token, more = {}) => {
      const made = new OncoKBScraper({
        baseUrl: standIn.addresses.oncoKB,
        token: token === undefined ? undefined : new Secret(token),
        pool,
        clock,
        ...more,
      });
      scrapers.push(made);
      return made;
    };
    const settle = <Value>(work: Promise<Value>): Promise<Value> => settleWith(clock, pool, work);
    const failureOf = (work: Promise<unknown>): Promise<unknown> =>
      settle(work).then(
        value => expect.fail(`Expected a failure, got ${JSON.stringify(value)}`),
        error => error,
      );
    Object.assign(fixture, { clock, standIn, pool, scraper, settle, failureOf });
  });
  afterEach(async () => {
    for (const scraper of scrapers.splice(0)) await scraper.close();
    await fixture.standIn.close();
    await fixture.pool.close();
  });
  return fixture;
}

/** OncoKB is asked once in two seconds: waiting for that must not run out the time of a request that is under way. */
async function settleWith<Value>(clock: VirtualClock, pool: ConnectionPool, work: Promise<Value>): Promise<Value> {
  let hasEnded = false;
  const end = (): void => {
    hasEnded = true;
  };
  work.then(end, end);
  while (!hasEnded) {
    for (let turn = 0; turn < 500 && !hasEnded && isBusy(pool); turn += 1) {
      await new Promise(resolve => setImmediate(resolve));
    }
    await clock.advance(20);
  }
  return work;
}

function isBusy(pool: ConnectionPool): boolean {
  return pool.stats().some(({ running, pending }) => running + pending > 0);
}

import { OncoKBScraper, type OncoKBScraperOptions } from 'plinth/connectors/oncokb';
import { ConnectionPool } from 'plinth/http';
import { Secret } from 'plinth/kernel';
import { VirtualClock } from 'plinth/testing';
import { afterEach, beforeEach } from 'vitest';
import { type StandIn, type StandInOptions, startStandIn } from '../index.ts';
import { failureOf, settle } from '../settle.fixture.ts';

/** What a test of the connector against the stand-in works with; new for each test. */
export interface OncoKBFixture {
  clock: VirtualClock;
  standIn: StandIn;
  pool: ConnectionPool;
  /** A scraper with this token; without any for `undefined`. */
  scraper(token: string | undefined, options?: OncoKBScraperOptions): OncoKBScraper;
  /** Lets virtual time pass until the work has ended. */
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
    Object.assign(fixture, { clock, standIn, pool, scraper });
    fixture.settle = work => settle(clock, work);
    fixture.failureOf = work => failureOf(clock, work);
  });
  afterEach(async () => {
    for (const scraper of scrapers.splice(0)) await scraper.close();
    await fixture.standIn.close();
    await fixture.pool.close();
  });
  return fixture;
}

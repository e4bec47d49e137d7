import { NYCDataClient, type NYCDataClientOptions } from 'plinth/connectors/nyc';
import { ConnectionPool, HostPace } from 'plinth/http';
import { standardGuard } from 'plinth/pipeline';
import { VirtualClock } from 'plinth/testing';
import { afterEach, beforeEach, expect } from 'vitest';
import { type StandIn, startStandIn } from '../index.ts';

/** What a test of the connector against the stand-in works with; new for each test. */
export interface NycFixture {
  clock: VirtualClock;
  standIn: StandIn;
  pool: ConnectionPool;
  /** That of the client that was made last. */
  pace: HostPace;
  /** A client of the stand-in, with the pace of the connector, and time for answers that are slow on this machine only. */
  client: (options?: NYCDataClientOptions) => NYCDataClient;
  /** Waits for the work. Time passes only while nothing is on the wire. */
  settled: <Value>(work: Promise<Value>) => Promise<Value>;
  /** The error that the work ends with. */
  failureOf: (work: Promise<unknown>) => Promise<unknown>;
}

/** Prepares the fixture before each test of a file, and takes it down after. */
export function useNycFixture(): NycFixture {
  const fixture = {} as NycFixture;
  const opened: NYCDataClient[] = [];
  fixture.client = (options = {}) => {
    const { clock, pool, standIn } = fixture;
    fixture.pace = new HostPace({ name: 'nyc', ratePerSecond: 2, clock });
    const numbers = { deadlineMs: 7_200_000, attemptTimeoutMs: 3_600_000 };
    const guard = standardGuard('nyc', { clock, limiter: fixture.pace, ...numbers });
    const nyc = new NYCDataClient({ baseUrl: standIn.addresses.nyc, pool, clock, guard, ...options });
    opened.push(nyc);
    return nyc;
  };
  fixture.settled = async work => {
    let hasEnded = false;
    const end = (): void => {
      hasEnded = true;
    };
    work.then(end, end);
    while (!hasEnded) {
      if (isBusy(fixture.pool)) await new Promise(resolve => setImmediate(resolve));
      else await fixture.clock.advance(20);
    }
    return work;
  };
  fixture.failureOf = work =>
    fixture.settled(
      work.then(
        value => expect.fail(`Expected a failure, got ${JSON.stringify(value)}`),
        error => error,
      ),
    );
  beforeEach(async () => {
    fixture.clock = new VirtualClock();
    fixture.standIn = await startStandIn({ clock: fixture.clock, nyc: { appTokens: ['good-token'] } });
    fixture.pool = new ConnectionPool();
  });
  afterEach(async () => {
    for (const nyc of opened.splice(0)) await nyc.close();
    await fixture.standIn.close();
    await fixture.pool.close();
  });
  return fixture;
}

function isBusy(pool: ConnectionPool): boolean {
  return pool.stats().some(({ active, running, pending }) => active + running + pending > 0);
}

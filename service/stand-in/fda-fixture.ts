import { mkdtemp, rm } from 'node:fs/promises';
import { createServer, type RequestListener } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { FDAOrangeBookScraper, type FDAOrangeBookScraperOptions } from 'plinth/connectors/fda';
import { ConnectionPool } from 'plinth/http';
import { VirtualClock } from 'plinth/testing';
import { afterEach, beforeEach, expect } from 'vitest';
import { type StandIn, startStandIn } from './index.ts';

/** What a test of the connector against the stand-in works with; new for each test. */
export interface FdaFixture {
  clock: VirtualClock;
  standIn: StandIn;
  /** Where the Orange Book is kept. */
  directory: string;
  pool: ConnectionPool;
  fda: FDAOrangeBookScraper;
}

/** Prepares the fixture before each test of a file, and takes it down after. */
export function useFdaFixture(): FdaFixture {
  const fixture = {} as FdaFixture;
  beforeEach(async () => {
    const clock = new VirtualClock();
    const standIn = await startStandIn({ clock, apiKeys: ['good-key'] });
    const directory = await mkdtemp(join(tmpdir(), 'plinth-fda-'));
    Object.assign(fixture, { clock, standIn, directory, pool: new ConnectionPool() });
    fixture.fda = createScraper(fixture);
  });
  afterEach(async () => {
    await fixture.fda.close();
    await fixture.standIn.close();
    await fixture.pool.close();
    await rm(fixture.directory, { recursive: true });
  });
  return fixture;
}

/** A scraper that asks the stand-in. */
export function createScraper(fixture: FdaFixture, options: FDAOrangeBookScraperOptions = {}): FDAOrangeBookScraper {
  const { standIn, directory, pool, clock } = fixture;
  return new FDAOrangeBookScraper({
    orangeBook: { url: standIn.addresses.orangeBook, cacheDirectory: directory },
    openFda: { baseUrl: standIn.addresses.openFda },
    pool,
    clock,
    ...options,
  });
}

/** A server with one handler, for answers that the stand-in does not give. */
export async function serve(handler: RequestListener): Promise<AsyncDisposable & { readonly url: string }> {
  const server = createServer(handler);
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve));
  const close = (): Promise<void> =>
    new Promise(resolve => {
      server.close(() => resolve());
      server.closeAllConnections();
    });
  return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, [Symbol.asyncDispose]: close };
}

/** Lets virtual time pass until the work has ended: retries and timeouts wait for it, the network does not. */
export async function settle<Value>(clock: VirtualClock, work: Promise<Value>): Promise<Value> {
  let ended = false;
  work.then(
    () => (ended = true),
    () => (ended = true),
  );
  while (!ended) await clock.advance(20);
  return work;
}

/** The error that the work ends with. */
export async function failureOf(clock: VirtualClock, work: Promise<unknown>): Promise<unknown> {
  return settle(clock, work).then(
    value => expect.fail(`Expected a failure, got ${JSON.stringify(value)}`),
    error => error,
  );
}

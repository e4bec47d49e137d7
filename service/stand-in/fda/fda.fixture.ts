import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { FDAOrangeBookScraper, type FDAOrangeBookScraperOptions } from 'plinth/connectors/fda';
import { ConnectionPool } from 'plinth/http';
import { VirtualClock } from 'plinth/testing';
import { afterEach, beforeEach } from 'vitest';
import { type StandIn, startStandIn } from '../index.ts';

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
    const standIn = await startStandIn({ clock, openFda: { apiKeys: ['good-key'] } });
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

import { ClinicalTrialsScraper, type ClinicalTrialsScraperOptions } from 'plinth/connectors/clinicaltrials';
import { ConnectionPool, type HostPace } from 'plinth/http';
import { type Guard, pipeline } from 'plinth/pipeline';
import { VirtualClock } from 'plinth/testing';
import { afterEach, beforeEach } from 'vitest';
import { type StandIn, startStandIn } from '../index.ts';

/** What a test of the connector against the stand-in works with; new for each test. */
export interface TrialsFixture {
  clock: VirtualClock;
  standIn: StandIn;
  pool: ConnectionPool;
  trials: ClinicalTrialsScraper;
  /** A scraper that asks the stand-in. */
  create(options?: ClinicalTrialsScraperOptions): ClinicalTrialsScraper;
}

/** Long, because virtual time passes faster than the network. */
export const tokenLifetimeMs = 36_000_000;

/** Prepares the fixture before each test of a file, and takes it down after. */
export function useTrialsFixture(): TrialsFixture {
  const fixture = {} as TrialsFixture;
  beforeEach(async () => {
    const clock = new VirtualClock();
    const standIn = await startStandIn({ clock, clinicalTrials: { tokenLifetimeMs } });
    const pool = new ConnectionPool();
    const baseUrl = standIn.addresses.clinicalTrials;
    const create = (options: ClinicalTrialsScraperOptions = {}): ClinicalTrialsScraper =>
      new ClinicalTrialsScraper({ baseUrl, pool, clock, guard: unhurried(clock), ...options });
    Object.assign(fixture, { clock, standIn, pool, create, trials: create() });
  });
  afterEach(async () => {
    await fixture.trials.close();
    await fixture.standIn.close();
    await fixture.pool.close();
  });
  return fixture;
}

/** Retries, and keeps the pace that is given; no timeouts, because virtual time passes faster than the network. */
export function unhurried(clock: VirtualClock, pace?: HostPace): Guard {
  const guard = pipeline('clinicaltrials', { clock }).retry({ maxAttempts: 3 });
  return pace === undefined ? guard.build() : guard.rate(pace).build();
}

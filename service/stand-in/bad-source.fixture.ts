import { FailedError, RateLimitError, ScraperError, TimeoutError, UpstreamError } from 'plinth/errors';
import { ConnectionPool, type ScraperOptions } from 'plinth/http';
import { VirtualClock } from 'plinth/testing';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { type Behaviour, type StandIn, type StandInOptions, startStandIn } from './index.ts';
import { failureOf, settle } from './settle.fixture.ts';

/** A connector, as the suite uses it. */
export interface ConnectorUnderTest<Scraper extends AsyncDisposable> {
  /** Its name, for the titles. */
  readonly name: string;
  /** Where the paths of the question begin at the stand-in. */
  readonly pathPrefix: string;
  /** What the question reads: `html` sources are not disturbed by a page. @default 'json' */
  readonly reads?: 'json' | 'html' | undefined;
  readonly standIn?: Omit<StandInOptions, 'clock'> | undefined;
  /** A connector that asks the stand-in. */
  create(standIn: StandIn, options: Required<Pick<ScraperOptions, 'pool' | 'clock'>>): Scraper;
  /** One question with an answer that is not empty. */
  ask(scraper: Scraper): Promise<unknown>;
}

/**
 * What every connector does when its source misbehaves, against the stand-in over HTTP: what passes is waited out, what
 * does not is told, nothing is invented, and the next question is answered.
 */
export function describeBadSource<Scraper extends AsyncDisposable>(connector: ConnectorUnderTest<Scraper>): void {
  const { pathPrefix, reads = 'json' } = connector;
  describe(`${connector.name}, when its source misbehaves`, () => {
    let clock: VirtualClock;
    let standIn: StandIn;
    let pool: ConnectionPool;
    let scraper: Scraper;

    beforeEach(async () => {
      clock = new VirtualClock();
      standIn = await startStandIn({ ...connector.standIn, clock });
      pool = new ConnectionPool();
      scraper = connector.create(standIn, { pool, clock });
    });

    afterEach(async () => {
      await scraper[Symbol.asyncDispose]();
      await standIn.close();
      await pool.close();
    });

    function behave(behaviour: Exclude<Behaviour, 'normal'>): void {
      standIn.behave({ pathPrefix, ...behaviour });
    }

    async function failure(): Promise<unknown> {
      const error = await failureOf(clock, connector.ask(scraper));
      expect(error).toBeInstanceOf(FailedError);
      return error;
    }

    /** Nothing that went wrong stays: after the breaker's time the same question is answered. */
    async function isAnsweredLater(): Promise<void> {
      standIn.behave('normal');
      await clock.advance(120_000);
      expect(await settle(clock, connector.ask(scraper))).toBeDefined();
    }

    it('waits as long as a 429 says, and gets its answer', async () => {
      behave({ failWith: 429, retryAfterSeconds: 7, count: 1 });
      const startMs = clock.monotonic();
      expect(await settle(clock, connector.ask(scraper))).toBeDefined();
      expect(clock.monotonic() - startMs).toBeGreaterThanOrEqual(7_000);
      expect(standIn.stats().faults).toBe(1);
    });

    it('waits by itself where a 429 says nothing, and gives up as a rate limit when it does not end', async () => {
      behave({ failWith: 429, count: 1 });
      expect(await settle(clock, connector.ask(scraper))).toBeDefined();
      behave({ failWith: 429 });
      await clock.advance(90_000_000); // past what is kept
      expect(await failure()).toBeInstanceOf(RateLimitError);
      await isAnsweredLater();
    });

    it('asks again after a 503 and after a connection that broke', async () => {
      behave({ failWith: 503, count: 1 });
      behave({ dropConnection: true, count: 1 });
      expect(await settle(clock, connector.ask(scraper))).toBeDefined();
      expect(standIn.stats().faults).toBe(2);
    });

    it('ends with a timeout when nothing comes', async () => {
      behave({ hang: true });
      expect(await failure()).toBeInstanceOf(TimeoutError);
      await isAnsweredLater();
    });

    it('refuses half an answer', async () => {
      behave({ truncate: true });
      await failure();
      await isAnsweredLater();
    });

    it('refuses another page than the source has', async () => {
      behave({ html: true });
      const error = await failure();
      expect(error).toBeInstanceOf(ScraperError);
      if (reads === 'json') expect(String(error)).toMatch(/html/i);
      await isAnsweredLater();
    });

    it('stops reading a body that never ends', async () => {
      behave({ endless: true });
      const before = process.memoryUsage().rss;
      expect(await failure()).toBeInstanceOf(ScraperError);
      expect(process.memoryUsage().rss - before).toBeLessThan(512 * 1_024 * 1_024);
      await isAnsweredLater();
    }, 60_000);

    it('is not led to an address inside the network', async () => {
      behave({ redirectTo: 'http://169.254.169.254/latest/meta-data/' });
      expect(await failure()).toBeInstanceOf(UpstreamError);
      expect(pool.stats().map(({ origin }) => origin)).toEqual([new URL(standIn.url).origin]);
      await isAnsweredLater();
    });
  });
}

import { MemoryCache } from 'plinth/cache';
import { ClinicalTrialsError, ClinicalTrialsScraper } from 'plinth/connectors/clinicaltrials';
import { ScraperError } from 'plinth/errors';
import { CachedScraper, ContractError, HostPace } from 'plinth/http';
import { pipeline } from 'plinth/pipeline';
import { VirtualClock } from 'plinth/testing';
import { describe, expect, it } from 'vitest';
import { describeBadSource } from '../bad-source.fixture.ts';
import { startStandIn } from '../index.ts';
import { failureOf, serve, settle } from '../settle.fixture.ts';
import { unhurried, useTrialsFixture } from './clinical-trials.fixture.ts';

describeBadSource({
  name: 'ClinicalTrialsScraper',
  pathPrefix: '/api/v2',
  create: (standIn, options) => new ClinicalTrialsScraper({ baseUrl: standIn.addresses.clinicalTrials, ...options }),
  ask: scraper => scraper.searchTrials({ condition: 'NSCLC', intervention: 'pembrolizumab' }),
});

describe('ClinicalTrialsScraper', () => {
  const fixture = useTrialsFixture();

  it('keeps the source’s plain words of an error, three hundred characters of them (trap: text/plain errors)', async () => {
    const error = await failureOf(fixture.clock, fixture.trials.searchTrials({ advanced: 'AREA[Nowhere]x' }));
    expect(error).toBeInstanceOf(ClinicalTrialsError);
    expect(error).toMatchObject({
      kind: 'query',
      status: 400,
      retryable: false,
      message: 'ClinicalTrials.gov answered 400: Unknown area name: `Nowhere`',
    });
    expect(fixture.standIn.stats().requests).toBe(1);
    await using server = await serve((_request, response) => {
      response.writeHead(400, { 'content-type': 'text/plain' }).end('x'.repeat(5_000));
    });
    await using scraper = fixture.create({ baseUrl: server.url });
    const long = (await failureOf(fixture.clock, scraper.getVersion())) as Error;
    expect(long.message).toBe(`ClinicalTrials.gov answered 400: ${'x'.repeat(300)}`);
  });

  it.each([
    [403, 'refused'],
    [400, 'query'],
    [500, 'server'],
  ])('names a %i for what it is', async (failWith, kind) => {
    const guard = pipeline('clinicaltrials', { clock: fixture.clock }).build();
    await using scraper = fixture.create({ guard });
    fixture.standIn.behave({ pathPrefix: '/api/v2', failWith });
    expect(await failureOf(fixture.clock, scraper.getVersion())).toMatchObject({
      kind,
      status: failWith,
      retryable: failWith === 500,
    });
  });

  it('keeps below fifty requests a minute', async () => {
    await using ordinary = new ClinicalTrialsScraper({ pool: fixture.pool, clock: fixture.clock });
    expect(ordinary.baseUrl.href).toBe('https://clinicaltrials.gov/api/v2');
    const ratePerSecond = ordinary.pace?.ratePerSecond ?? Number.NaN;
    expect(ratePerSecond * 60).toBeLessThan(50);
    const paced = fixture.create({
      guard: unhurried(fixture.clock, new HostPace({ ratePerSecond, clock: fixture.clock })),
    });
    for (let count = 0; count < 2; count += 1) {
      const answer = await settle(fixture.clock, paced.searchTrials({ status: 'ANY', pageSize: 1 }));
      expect(answer.trials).toHaveLength(27);
    }
    expect(fixture.standIn.stats()).toMatchObject({ requests: 54, limited: 0 });
    expect(fixture.clock.monotonic()).toBeGreaterThanOrEqual(53_000 / ratePerSecond);
  });

  it('gets every page past a limit that answers 429 without saying how long (trap: no Retry-After)', async () => {
    const sourceClock = new VirtualClock();
    await using strict = await startStandIn({ clock: sourceClock, clinicalTrials: { requestsPerMinute: 3 } });
    const pace = new HostPace({ ratePerSecond: 20, burst: 100, clock: fixture.clock });
    const hasty = fixture.create({ baseUrl: strict.addresses.clinicalTrials, guard: unhurried(fixture.clock, pace) });
    let ended = false;
    const search = hasty.searchTrials({ status: 'ANY', pageSize: 2 }).finally(() => {
      ended = true;
    });
    let limited = 0;
    while (!ended) {
      await fixture.clock.advance(20);
      // The source's minute ends only after it has refused somebody.
      if (strict.stats().limited > limited) await sourceClock.advance(60_000);
      limited = strict.stats().limited;
    }
    expect((await search).trials).toHaveLength(27);
    expect(limited).toBe(4);
  });

  it('puts bad records aside, counts them and tells what has changed', async () => {
    const record = (nctId: unknown): object => ({
      protocolSection: {
        identificationModule: { nctId },
        statusModule: { overallStatus: 'RECRUITING' },
        newModule: {},
      },
    });
    await using server = await serve((_request, response) => {
      const studies = [record('NCT00000001'), record(7), record('NCT00000002')];
      response.writeHead(200, { 'content-type': 'application/json' }).end(JSON.stringify({ studies }));
    });
    await using scraper = fixture.create({ baseUrl: server.url });
    const drifts: string[] = [];
    scraper.contracts.search.events.on('drift', ({ kind, path }) => drifts.push(`${kind} ${path}`));
    const answer = await settle(fixture.clock, scraper.searchTrials({ condition: 'x' }));
    expect(answer.trials.map(({ nctId }) => nctId)).toEqual(['NCT00000001', 'NCT00000002']);
    expect(answer.unreadable).toBe(1);
    expect(drifts).toContain('new-field protocolSection.newModule');
    expect((await scraper.contracts.search.replay()).remaining).toMatchObject([
      { error: { path: 'protocolSection.identificationModule.nctId' } },
    ]);
    const error = await failureOf(fixture.clock, scraper.getTrialDetails('NCT00000001'));
    expect(error).toBeInstanceOf(ContractError);
  });

  it('refuses an answer without a list of studies', async () => {
    await using server = await serve((_request, response) => {
      response.writeHead(200, { 'content-type': 'application/json' }).end('null');
    });
    await using scraper = fixture.create({ baseUrl: server.url });
    expect(await failureOf(fixture.clock, scraper.searchTrials({}))).toBeInstanceOf(ScraperError);
    expect(await failureOf(fixture.clock, scraper.countTrials({}))).toBeInstanceOf(ScraperError);
    expect(await failureOf(fixture.clock, scraper.getVersion())).toBeInstanceOf(ScraperError);
  });

  it('ends with its caller’s signal', async () => {
    fixture.standIn.behave({ pathPrefix: '/api/v2', hang: true });
    const controller = new AbortController();
    const search = fixture.trials.searchTrials({ condition: 'x' }, { signal: controller.signal });
    await fixture.clock.advance(100);
    controller.abort();
    await expect(search).rejects.toMatchObject({ name: 'AbortError' });
  });

  it('can be cached, method by method', async () => {
    const cache = new MemoryCache<unknown>({ name: 'trials', clock: fixture.clock });
    const cached = new CachedScraper(fixture.create(), { cache });
    const query = { condition: 'NSCLC' };
    const first = await settle(fixture.clock, cached.searchTrials(query));
    expect(await settle(fixture.clock, cached.searchTrials({ ...query }))).toEqual(first);
    await settle(fixture.clock, cached.getTrialDetails('NCT02220894'));
    await settle(fixture.clock, cached.getTrialDetails('NCT02220894'));
    expect(fixture.standIn.stats().requests).toBe(2);
  });
});

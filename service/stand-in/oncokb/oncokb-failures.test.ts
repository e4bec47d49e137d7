import { MemoryCache } from 'plinth/cache';
import { OncoKBError, OncoKBRightsError, OncoKBScraper, OncoKBTokenError } from 'plinth/connectors/oncokb';
import { ArgumentError, ScraperError } from 'plinth/errors';
import { MemoryQuarantine } from 'plinth/http';
import { Secret } from 'plinth/kernel';
import { describe, expect, it } from 'vitest';
import { describeBadSource } from '../bad-source.fixture.ts';
import { serve } from '../settle.fixture.ts';
import { useOncoKBFixture } from './oncokb.fixture.ts';

describeBadSource({
  name: 'oncokb',
  pathPrefix: '/api/v1/annotate',
  create: (standIn, { pool, clock }) =>
    new OncoKBScraper({
      baseUrl: standIn.addresses.oncoKB,
      token: new Secret('ordinary'),
      ratePerSecond: 5,
      pool,
      clock,
    }),
  ask: scraper => scraper.getResistanceInfo('EXMP1', 'T222M'),
});

const fixture = useOncoKBFixture();

describe('a token', () => {
  it.each([
    ['expired-1', 'token-expired'],
    ['unlicensed-1', 'licence-not-accepted'],
  ])('that is refused is told by its kind: %s', async (token, kind) => {
    const error = await fixture.failureOf(fixture.scraper(token).getResistanceInfo('EXMP1', 'T222M'));
    expect(error).toBeInstanceOf(OncoKBTokenError);
    expect(error).toMatchObject({
      kind,
      status: 401,
      retryable: false,
      details: { type: expect.stringContaining('problem/') },
    });
    expect(fixture.standIn.stats().requests).toBe(1);
    expect(JSON.stringify(error)).not.toContain(token);
  });

  it('that lacks a right is not the same as one that is refused', async () => {
    const oncoKB = fixture.scraper('ordinary');
    const error = await fixture.failureOf(oncoKB.getDrugs());
    expect(error).toBeInstanceOf(OncoKBRightsError);
    expect(error).not.toBeInstanceOf(OncoKBTokenError);
    expect(error).toMatchObject({ kind: 'rights', status: 403, role: 'premium', endpoint: '/drugs' });
  });

  it('that may not read the table says which right is missing when there are no biomarkers', async () => {
    const error = await fixture.failureOf(fixture.scraper('ordinary').getDrugAnnotations('examplinib'));
    expect(error).toBeInstanceOf(OncoKBRightsError);
    expect(error).toMatchObject({ role: 'premium-or-download', endpoint: '/utils/allActionableVariants.txt' });
    expect(String(error)).toMatch(/premium or the data download right.*biomarkers/s);
  });

  it('that is refused often does not stop what it may ask', async () => {
    const oncoKB = fixture.scraper('ordinary');
    for (let time = 0; time < 8; time += 1) await fixture.failureOf(oncoKB.getDrugs());
    expect(await fixture.settle(oncoKB.getResistanceInfo('EXMP1', 'T222M'))).toMatchObject({ known: true });
  });

  it('with another one shares no answers, even in one cache', async () => {
    const cache = new MemoryCache<unknown>({ clock: fixture.clock });
    await fixture.settle(fixture.scraper('premium-1', { cache }).getDrugs());
    const error = await fixture.failureOf(fixture.scraper('ordinary', { cache }).getDrugs());
    expect(error).toBeInstanceOf(OncoKBRightsError);
  });

  it('that cannot be sent is refused at construction, and not shown', () => {
    expect(() => fixture.scraper('two words\n')).toThrow(ArgumentError);
    expect(() => fixture.scraper('two words\n')).toThrow(/^(?!.*two words)/s);
  });
});

describe('tokens by list', () => {
  const listed = useOncoKBFixture({ oncoKB: { tokens: { mine: 'ordinary' }, requestsPerMinute: 2 } });

  it('make others unknown', async () => {
    const error = await listed.failureOf(listed.scraper('yours').getResistanceInfo('EXMP1', 'T222M'));
    expect(error).toMatchObject({ kind: 'token-rejected', status: 401 });
    expect(String(error)).toContain('Full authentication is required');
  });

  it('have a limit that is told in the form of the source: epoch milliseconds in x-ratelimit-reset', async () => {
    const url = `${listed.standIn.addresses.oncoKB}/annotate/mutations/byProteinChange?hugoSymbol=EXMP1`;
    const ask = (): Promise<Response> => fetch(url, { headers: { authorization: 'Bearer mine' } });
    await Promise.all([ask(), ask()]);
    const limited = await ask();
    expect(limited.status).toBe(429);
    expect(limited.headers.get('x-ratelimit-remaining')).toBe('0');
    expect(Number(limited.headers.get('x-ratelimit-reset'))).toBeGreaterThan(listed.clock.now());
    expect(Number(limited.headers.get('x-ratelimit-reset'))).toBeLessThanOrEqual(listed.clock.now() + 60_000);
    expect(await limited.json()).toMatchObject({
      status: 429,
      detail: expect.stringContaining('exhausted your API Request Quota'),
    });
  });

  it('have a limit that is waited out, until the moment that a 429 names', async () => {
    const oncoKB = listed.scraper('mine', { ratePerSecond: 100, deadlineMs: 120_000 });
    const startMs = listed.clock.monotonic();
    for (const alteration of ['K101R', 'T222M', 'C333S']) {
      const answer = await listed.settle(oncoKB.getResistanceInfo('EXMP1', alteration));
      expect(answer.geneExist).toBe(true);
    }
    expect(listed.standIn.stats().limited).toBe(1);
    expect(listed.clock.monotonic() - startMs).toBeGreaterThan(50_000);
  });
});

describe('a question that OncoKB cannot read', () => {
  it('is an error of kind query: a number and a symbol of different genes', async () => {
    const oncoKB = fixture.scraper('ordinary');
    const error = await fixture.failureOf(oncoKB.annotateMutation('EXMP1', 'K101R', { entrezGeneId: 990002 }));
    expect(error).toBeInstanceOf(OncoKBError);
    expect(error).toMatchObject({ kind: 'query', status: 400, retryable: false });
  });
});

describe('an answer of another shape', () => {
  async function answerWith(body: unknown, quarantine?: MemoryQuarantine): Promise<unknown> {
    await using server = await serve((request, response) => {
      const isInfo = request.url?.endsWith('/info');
      response.writeHead(200, { 'content-type': 'application/json' });
      response.end(JSON.stringify(isInfo ? { dataVersion: { version: 'v1', date: '01/02/2026' } } : body));
    });
    const oncoKB = fixture.scraper('premium-1', { baseUrl: server.url, quarantine });
    return await fixture.settle(oncoKB.getDrugs().catch(error => error));
  }

  it('loses only the records that cannot be read: they are counted, and in quarantine', async () => {
    const quarantine = new MemoryQuarantine();
    const answer = await answerWith([{ drugName: 'Examplinib', ncitCode: 'C1' }, { name: 'moved' }], quarantine);
    expect(answer).toMatchObject({ drugs: [{ name: 'Examplinib', ncitCode: 'C1' }], unreadable: 1 });
    expect(await quarantine.stats()).toMatchObject({ records: 1 });
  });

  it('is refused when nothing of it can be read, or it is no list', async () => {
    expect(await answerWith([{ name: 'moved' }])).toBeInstanceOf(ScraperError);
    expect(await answerWith({ drugs: [] })).toBeInstanceOf(ScraperError);
  });

  it('raises an event for a field that is new', async () => {
    await using server = await serve((_, response) => {
      response.writeHead(200, { 'content-type': 'application/json' });
      response.end(JSON.stringify([{ drugName: 'Examplinib', ncitCode: 'C1', approved: true }]));
    });
    const oncoKB = fixture.scraper('premium-1', { baseUrl: server.url });
    const drifts: string[] = [];
    oncoKB.contracts.drugs.events.on('drift', ({ kind, path }) => drifts.push(`${kind} ${path}`));
    await fixture.settle(oncoKB.getDrugs());
    expect(drifts).toEqual(['new-field approved']);
  });
});

describe('the stand-in', () => {
  it.each([
    ['/drugs/lookup?name=examplinib&exactMatch=true', 'premium-1', 403],
    ['/drugs/lookup?name=EXAMPLINIB&exactMatch=true', 'admin-1', 200],
    ['/genes', 'premium-1', 403],
    ['/no/such/path', undefined, 401],
    ['/drugs', undefined, 401],
    ['/annotate/copyNumberAlterations?hugoSymbol=EXMP1', 'ordinary', 400],
    ['/utils/allActionableVariants?version=v99', 'premium-1', 404],
    ['/utils/allCuratedGenes.txt', undefined, 200],
  ])('answers %s for %s with %i, as OncoKB has its rights', async (path, token, status) => {
    const headers: Record<string, string> = token === undefined ? {} : { authorization: `Bearer ${token}` };
    const response = await fetch(`${fixture.standIn.addresses.oncoKB}${path}`, { headers });
    expect(response.status).toBe(status);
    if (status === 200) expect(response.headers.get('x-recorded')).toBe('2026-11-21');
    else if (status !== 400) {
      expect(response.headers.get('content-type')).toBe('application/problem+json');
      expect(await response.json()).toMatchObject({ status, path: `/api/v1${path.split('?')[0]}` });
    }
  });
});

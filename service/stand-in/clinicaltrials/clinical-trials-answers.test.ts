import { VirtualClock } from 'plinth/testing';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { type StandIn, startStandIn } from '../index.ts';

interface Body {
  readonly studies: readonly {
    readonly protocolSection: {
      readonly identificationModule: { readonly nctId: string };
      readonly designModule?: { readonly enrollmentInfo?: { readonly count: number } };
    };
  }[];
  readonly nextPageToken?: string;
}

describe('the stand-in of ClinicalTrials.gov', () => {
  let clock: VirtualClock;
  let standIn: StandIn;

  beforeEach(async () => {
    clock = new VirtualClock();
    standIn = await startStandIn({ clock, clinicalTrials: { tokenLifetimeMs: 60_000 } });
  });

  afterEach(() => standIn.close());

  function ask(path: string, init: RequestInit = {}): Promise<Response> {
    return fetch(`${standIn.addresses.clinicalTrials}${path}`, init);
  }

  async function bodyOf(path: string): Promise<Body> {
    const response = await ask(path);
    expect(response.status).toBe(200);
    return (await response.json()) as Body;
  }

  async function idsOf(query: string): Promise<string[]> {
    const { studies } = await bodyOf(`/studies?fields=NCTId&pageSize=100&${query}`);
    return studies.map(study => study.protocolSection.identificationModule.nctId);
  }

  it('sends ten studies, a line each, with a token and without a count', async () => {
    const text = await (await ask('/studies')).text();
    expect(text.startsWith('{"studies":[\n{"protocolSection"')).toBe(true);
    expect(text.split('\n')).toHaveLength(12);
    expect(Object.keys(JSON.parse(text))).toEqual(['studies', 'nextPageToken']);
  });

  it('counts on the first page only, and has no token on the last', async () => {
    const query = 'query.intr=semaglutide&countTotal=true&pageSize=2&fields=NCTId';
    const first = await bodyOf(`/studies?${query}`);
    expect(first).toMatchObject({ totalCount: 3, nextPageToken: expect.any(String) });
    const second = await bodyOf(`/studies?${query}&pageToken=${first.nextPageToken}`);
    expect(Object.keys(second)).toEqual(['studies']);
    expect(second.studies).toHaveLength(1);
  });

  it('takes 0 for ten and cuts more than a thousand', async () => {
    expect((await bodyOf('/studies?pageSize=0')).studies).toHaveLength(10);
    expect((await bodyOf('/studies?pageSize=5000')).studies).toHaveLength(27);
  });

  it('forgets a token after its time, and knows none of another query', async () => {
    const { nextPageToken } = await bodyOf('/studies?pageSize=2');
    expect((await ask(`/studies?pageSize=3&pageToken=${nextPageToken}`)).status).toBe(200);
    expect((await ask(`/studies?query.cond=x&pageToken=${nextPageToken}`)).status).toBe(400);
    expect((await ask('/studies?pageToken=nonsense')).status).toBe(400);
    await clock.advance(60_000);
    expect((await ask(`/studies?pageSize=2&pageToken=${nextPageToken}`)).status).toBe(400);
  });

  it.each([
    ['query.cond=NSCLC&query.intr=pembrolizumab&filter.overallStatus=RECRUITING', ['NCT06345729', 'NCT06119581']],
    ['query.cond=%22non-small%20cell%20lung%20cancer%22&query.lead=Lilly', ['NCT06119581']],
    ['query.id=%22KEYNOTE-042%22', ['NCT02220894']],
    ['query.titles=FLAURA', ['NCT02296125']],
    ['query.spons=Parexel', ['NCT02296125']],
    ['query.locn=Brussels', ['NCT02856893']],
    ['filter.ids=NCT02220894|nct02296125', ['NCT02220894', 'NCT02296125']],
    ['filter.geo=distance(30.7,-88,50km)', ['NCT02513394']],
    ['filter.geo=distance(50.85,4.34,5mi)', ['NCT02856893']],
    ['filter.advanced=AREA[StudyType]OBSERVATIONAL', ['NCT04764188']],
    ['filter.advanced=AREA[StartDate]RANGE[2024-01-01,MAX]', ['NCT06345729']],
    ['query.intr=metformin%20AND%20NOT%20placebo', []],
    ['query.term=NCT02220894&filter.overallStatus=RECRUITING', ['NCT02220894']],
  ])('finds with %s', async (query, ids) => {
    expect(await idsOf(query)).toEqual(ids);
  });

  it('sorts dates from the latest and numbers from the smallest, and leaves those without to the end', async () => {
    const [first] = await idsOf('sort=StartDate');
    expect(first).toBe('NCT06345729');
    const counts = (
      await bodyOf('/studies?fields=EnrollmentCount,NCTId&sort=EnrollmentCount&pageSize=100')
    ).studies.map(study => study.protocolSection.designModule?.enrollmentInfo?.count);
    const known = counts.flatMap(count => count ?? []);
    expect(known).toEqual([...known].sort((one, other) => one - other));
    expect(counts.slice(known.length).every(count => count === undefined)).toBe(true);
    expect(known.length).toBeLessThan(counts.length);
  });

  it('sends nothing but the fields, in the structure of a record', async () => {
    const body = await bodyOf(
      '/studies?filter.ids=NCT02296125&fields=NCTId,LocationCountry,protocolSection.designModule.phases',
    );
    expect(body.studies).toEqual([
      {
        protocolSection: {
          identificationModule: { nctId: 'NCT02296125' },
          designModule: { phases: ['PHASE3'] },
          contactsLocationsModule: { locations: Array(3).fill({ country: 'United States' }) },
        },
      },
    ]);
    const study = await bodyOf('/studies/NCT02296125?fields=ResultsSection');
    expect(Object.keys(study)).toEqual(['resultsSection']);
  });

  it.each([
    ['/studies?filter.overallStatus=BADSTATUS', 'Invalid value in parameter `overallStatus`: `BADSTATUS`'],
    ['/studies?fields=X', "Parameter 'fields' contains invalid field name: 'X'"],
    ['/studies?sort=::', 'Item 1 in parameter `sort` has incorrect format'],
    ['/studies?query.term=AREA[X]x', 'Unknown area name: `X`'],
    ['/studies?query.term=(lung', 'Invalid expression in parameter `query.term`: Unbalanced brackets'],
    ['/studies?filter.geo=near', 'Parameter `geo` has incorrect format'],
    ['/studies?sort=BriefTitle', "Parameter 'sort' contains invalid field name: 'BriefTitle'"],
    ['/studies?pageSize=-1', 'Parameter `pageSize` has incorrect format'],
    ['/studies?format=xml', 'Invalid value in parameter `format`: `xml`'],
    ['/studies/NCT123', 'Parameter `nctId` has incorrect format'],
  ])('says in plain text what is wrong with %s', async (path, message) => {
    const response = await ask(path);
    expect(response.status).toBe(400);
    expect(response.headers.get('content-type')).toMatch(/^text\/plain/);
    expect(response.headers.get('x-recorded')).toBeNull();
    expect(await response.text()).toBe(message);
  });

  it('sends a study, 404 in plain text for an unknown one, and 301 for an obsolete number', async () => {
    const found = await ask('/studies/nct02220894');
    expect(found.headers.get('x-recorded')).toBe('2026-11-21');
    expect(await found.json()).toMatchObject({ hasResults: true });
    const unknown = await ask('/studies/NCT00000000');
    expect([unknown.status, unknown.headers.get('content-type')]).toEqual([404, 'text/plain; charset=utf-8']);
    const moved = await ask('/studies/NCT99999042?fields=NCTId', { redirect: 'manual' });
    expect([moved.status, moved.headers.get('location')]).toEqual([301, '/api/v2/studies/NCT02220894?fields=NCTId']);
  });

  it('sends the web server’s page for paths that are none', async () => {
    const response = await ask('/stats/unknown');
    expect(response.status).toBe(404);
    expect(response.headers.get('content-type')).toMatch(/^text\/html/);
    expect(standIn.stats().byRoute).toEqual({ '/api/v2/*': 1 });
  });

  it('has an entity tag, and 304 for who has it', async () => {
    const etag = (await ask('/version')).headers.get('etag') ?? '';
    expect(await (await ask('/version')).json()).toEqual({ apiVersion: '2.0.5', dataTimestamp: '2026-11-20T09:00:05' });
    expect((await ask('/version', { headers: { 'if-none-match': etag } })).status).toBe(304);
  });

  it('answers fifty requests a minute, and 429 without further words to more', async () => {
    for (let count = 0; count < 50; count += 1) expect((await ask('/version')).status).toBe(200);
    const refused = await ask('/version');
    expect(refused.status).toBe(429);
    expect(refused.headers.get('retry-after')).toBeNull();
    await clock.advance(60_000);
    expect((await ask('/version')).status).toBe(200);
  });

  it('is for reading', async () => {
    expect((await ask('/version', { method: 'POST' })).status).toBe(405);
  });
});

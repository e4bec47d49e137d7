import { existsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { VirtualClock } from 'plinth/testing';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type StandIn, startStandIn } from './index.ts';

let standIn: StandIn;
const clock = new VirtualClock();

beforeAll(async () => {
  standIn = await startStandIn({ clock, openFda: { apiKeys: ['good-key'], requestsPerMinute: 1_000 } });
});

afterAll(() => standIn.close());

interface Page {
  readonly meta: { readonly last_updated: string; readonly results: { skip: number; limit: number; total: number } };
  readonly results: readonly { readonly application_number: string }[];
  readonly error: { readonly code: string; readonly message: string; readonly details?: string };
}

async function get(query: string, headers: Record<string, string> = {}): Promise<{ response: Response; body: Page }> {
  const response = await fetch(`${standIn.url}/drug/drugsfda.json${query}`, { headers });
  return { response, body: (await response.json()) as Page };
}

async function numbers(search: string): Promise<string[]> {
  const { response, body } = await get(`?limit=1000&search=${encodeURIComponent(search)}`);
  return response.status === 404 ? [] : body.results.map(record => record.application_number);
}

async function control(body: string, type = 'application/json'): Promise<number> {
  const headers = { 'content-type': type };
  return (await fetch(`${standIn.url}/_control`, { method: 'POST', headers, body })).status;
}

describe('drugsfda.json', () => {
  it('sends the envelope and the headers of openFDA, and says that it is recorded', async () => {
    const { response, body } = await get('?search=openfda.brand_name:"tagrisso"');
    expect(response.status).toBe(200);
    expect(Object.keys(body)).toEqual(['meta', 'results']);
    expect(Object.keys(body.meta)).toEqual(['disclaimer', 'terms', 'license', 'last_updated', 'results']);
    expect(body.meta.results).toEqual({ skip: 0, limit: 1, total: 1 });
    expect(Object.fromEntries(response.headers)).toMatchObject({
      'content-type': 'application/json; charset=utf-8',
      'x-ratelimit-limit': '1000',
      'x-ratelimit-remaining': expect.stringMatching(/^\d+$/),
      'x-recorded': '2026-11-21',
      etag: expect.stringMatching(/^W\//),
    });
  });

  it.each([
    ['a word, in any case', 'products.brand_name:Keytruda', ['BLA125514']],
    ['words only as a whole', 'products.brand_name:keytrud', []],
    ['a phrase in its order', 'products.active_ingredients.name:"osimertinib mesylate"', ['NDA208065']],
    ['not a phrase out of order', 'products.active_ingredients.name:"mesylate osimertinib"', []],
    ['a whole value by .exact', 'products.active_ingredients.name.exact:"OSIMERTINIB MESYLATE"', ['NDA208065']],
    ['not a part of a value by .exact', 'products.active_ingredients.name.exact:"OSIMERTINIB"', []],
    ['keywords in their own case', 'application_number:"NDA208065"', ['NDA208065']],
    ['not keywords in another', 'application_number:"nda208065"', []],
    ['AND', 'products.brand_name:iressa AND application_number:NDA206995', ['NDA206995']],
    ['OR', 'products.brand_name:keytruda OR products.brand_name:tagrisso', ['BLA125514', 'NDA208065']],
    ['a space as OR', 'products.brand_name:keytruda products.brand_name:tagrisso', ['BLA125514', 'NDA208065']],
    ['parentheses', 'products.brand_name:(keytruda OR iressa) AND application_number:NDA*', ['NDA021399', 'NDA206995']],
    ['NOT', 'products.brand_name:iressa AND NOT application_number:NDA021399', ['NDA206995']],
    ['minus', 'products.brand_name:iressa AND -application_number:NDA021399', ['NDA206995']],
    ['a wildcard', 'products.brand_name:tagri*', ['NDA208065']],
    [
      'a range of days',
      'products.brand_name:iressa AND submissions.submission_status_date:[2015-01-01 TO 20151231]',
      ['NDA206995'],
    ],
    ['any field', '"pembrolizumab"', ['BLA125514']],
    ['_exists_', 'products.brand_name:(tagrisso OR keytruda) AND _exists_:openfda.brand_name', ['NDA208065']],
    ['_missing_', 'products.brand_name:(tagrisso OR keytruda) AND _missing_:openfda.brand_name', ['BLA125514']],
  ])('finds %s', async (_, search, expected) => {
    expect(await numbers(search)).toEqual(expected);
  });

  it('treats a plus as a space', async () => {
    const { body } = await get('?search=products.brand_name:iressa+AND+application_number:NDA021399&limit=5');
    expect(body.meta.results.total).toBe(1);
  });

  it('pages by Link, and gives even a full last page one, as openFDA does', async () => {
    const seen: string[] = [];
    let address: string | undefined =
      `${standIn.url}/drug/drugsfda.json?search=openfda.generic_name:"semaglutide"&limit=2&api_key=good-key`;
    let pages = 0;
    while (address !== undefined) {
      const response: Response = await fetch(address);
      pages += 1;
      const body = (await response.json()) as Page;
      seen.push(...body.results.map(record => record.application_number));
      address = /<(.+)>; rel="next"/.exec(response.headers.get('link') ?? '')?.[1];
      expect(address ?? '').not.toContain('api_key');
    }
    expect(pages).toBe(2);
    expect(seen).toEqual(['NDA209637', 'NDA213051', 'NDA215256']);

    const only = await get('?search=products.brand_name:iressa&limit=2');
    expect([only.body.meta.results.total, only.response.headers.get('link')]).toEqual([2, null]);
    const full = await get('?search=products.brand_name:(iressa OR tecentriq)&limit=2');
    expect(full.body.meta.results.total).toBe(4);
    const second = await fetch(/<(.+)>/.exec(full.response.headers.get('link') ?? '')?.[1] ?? '');
    const beyond = /<(.+)>/.exec(second.headers.get('link') ?? '')?.[1] ?? '';
    expect(beyond).toContain('skip=0&search_after=0%3DNDA206995');
    expect((await fetch(beyond)).status).toBe(404);
  });

  it.each([
    ['?x=1', 400, 'BAD_REQUEST', 'Invalid parameter: x'],
    ['?limit=abc', 400, 'BAD_REQUEST', 'Invalid limit parameter value.'],
    [
      '?limit=1001',
      400,
      'BAD_REQUEST',
      'Limit cannot exceed 1000 results for search requests. Use the skip or search_after param to get additional results.',
    ],
    ['?skip=-1', 400, 'BAD_REQUEST', 'Invalid skip parameter value.'],
    ['?skip=25001', 400, 'BAD_REQUEST', 'Skip value must 25000 or less.'],
    ['?skip=1&count=sponsor_name', 400, 'BAD_REQUEST', 'Should not use skip param when using count.'],
    ['?skip=1&search_after=0%3DX', 400, 'BAD_REQUEST', 'The skip parameter is not supported when using search_after.'],
    ['?search=a~b', 400, 'BAD_REQUEST', 'Search not supported: a~b'],
    ['?sort=invalid_field:asc', 400, 'BAD_REQUEST', 'Sorting allowed by non-analyzed fields only: invalid_field'],
    ['?search=openfda.brand_name:"3129084"', 404, 'NOT_FOUND', 'No matches found!'],
    ['?search=products.brand_name:tagrisso&skip=500', 404, 'NOT_FOUND', 'No matches found!'],
    ['?count=nothing', 404, 'NOT_FOUND', 'Nothing to count'],
    ['?api_key=bad', 403, 'API_KEY_INVALID', 'An invalid api_key was supplied. Get one at https://api.fda.gov:443'],
  ])('answers %s with %i', async (query, status, code, message) => {
    const { response, body } = await get(query);
    expect([response.status, body.error]).toEqual([status, { code, message }]);
    expect(response.headers.has('x-ratelimit-limit')).toBe(status !== 403);
  });

  it('answers a stray quotation mark as it was recorded', async () => {
    const { response, body } = await get('?search=openfda.brand_name:%22verapamil%22%22&limit=1');
    expect(response.status).toBe(500);
    expect(body.error).toEqual({
      code: 'SERVER_ERROR',
      message: 'Check your request and try again',
      details:
        '[token_mgr_error] token_mgr_error: Lexical error at line 1, column 32.  Encountered: <EOF> after : "\\""',
    });
  });

  it('answers an unbalanced parenthesis with 500 as well', async () => {
    const { response, body } = await get('?search=(a');
    expect([response.status, body.error.details]).toEqual([500, expect.stringContaining('parse_exception')]);
  });

  it('accepts limit=0, sort and count', async () => {
    expect((await get('?limit=0')).body).toMatchObject({ meta: { results: { limit: 0, total: 25 } }, results: [] });
    const sorted = await get('?search=products.brand_name:iressa&limit=2&sort=application_number:desc');
    expect(sorted.body.results.map(record => record.application_number)).toEqual(['NDA206995', 'NDA021399']);
    const counted = await get('?search=products.brand_name:(iressa OR tagrisso)&count=products.brand_name.exact');
    expect(counted.body.results).toEqual([
      { term: 'IRESSA', count: 2 },
      { term: 'TAGRISSO', count: 1 },
    ]);
    expect(counted.body.meta.results).toBeUndefined();
  });

  it('knows a key in HTTP Basic, and zips when asked', async () => {
    const basic = (key: string): Record<string, string> => ({
      authorization: `Basic ${Buffer.from(`${key}:`).toString('base64')}`,
    });
    expect((await get('', basic('bad'))).response.status).toBe(403);
    const { response } = await get('', { ...basic('good-key'), 'accept-encoding': 'gzip' });
    expect([response.status, response.headers.get('content-encoding')]).toEqual([200, 'gzip']);
  });

  it('counts requests by minute', async () => {
    await using small = await startStandIn({ clock, openFda: { requestsPerMinute: 2 } });
    const ask = (): Promise<Response> => fetch(`${small.url}/drug/drugsfda.json`);
    expect((await ask()).headers.get('x-ratelimit-remaining')).toBe('1');
    await ask();
    const refused = await ask();
    expect(refused.status).toBe(429);
    expect(await refused.json()).toMatchObject({ error: { code: 'OVER_RATE_LIMIT' } });
    await clock.advance(60_000);
    expect((await ask()).status).toBe(200);
    expect(small.stats()).toMatchObject({ requests: 4, limited: 1 });
  });
});

describe('the download', () => {
  it('sends a ZIP with validators, and 304 to those who have it', async () => {
    const response = await fetch(standIn.addresses.orangeBook);
    expect(Object.fromEntries(response.headers)).toMatchObject({
      'content-type': 'application/zip',
      'x-recorded': '2024-05-10',
      'last-modified': 'Fri, 10 May 2024 12:00:00 GMT',
    });
    expect(
      Buffer.from(await response.arrayBuffer())
        .subarray(0, 2)
        .toString(),
    ).toBe('PK');
    const etag = response.headers.get('etag') ?? '';
    const ask = async (headers: Record<string, string>): Promise<number> =>
      (await fetch(standIn.addresses.orangeBook, { headers })).status;
    expect(await ask({ 'if-none-match': etag })).toBe(304);
    expect(await ask({ 'if-none-match': '"other"' })).toBe(200);
    expect(await ask({ 'if-modified-since': 'Fri, 10 May 2024 12:00:00 GMT' })).toBe(304);
    expect(await ask({ 'if-modified-since': 'Thu, 09 May 2024 12:00:00 GMT' })).toBe(200);
  });
});

describe('behave()', () => {
  const search = (): Promise<Response> => fetch(`${standIn.url}/drug/drugsfda.json`);

  it('fails as often as it is told to, and only where', async () => {
    standIn.behave({ pathPrefix: '/drug', failWith: 503, count: 2 });
    expect((await fetch(standIn.addresses.orangeBook, { method: 'HEAD' })).status).toBe(200);
    expect([(await search()).status, (await search()).status, (await search()).status]).toEqual([503, 503, 200]);
  });

  it('drops connections, cuts bodies and sends HTML', async () => {
    standIn.behave({ dropConnection: true, count: 1 });
    await expect(search()).rejects.toThrow();
    standIn.behave({ truncate: true, count: 1 });
    await expect(search().then(response => response.json())).rejects.toThrow(SyntaxError);
    standIn.behave({ html: true, count: 1 });
    expect(await (await search()).text()).toMatch(/^<!DOCTYPE html>/);
  });

  it('waits on its clock, and hangs until it is closed', async () => {
    standIn.behave({ latencyMs: 5_000, count: 1 });
    const slow = search();
    while (clock.pendingTimers === 0) await clock.advance(0);
    await clock.advance(5_000);
    expect((await slow).status).toBe(200);

    const other = await startStandIn({ clock });
    other.behave({ hang: true });
    const hanging = fetch(other.url);
    while (other.stats().requests === 0) await clock.advance(0);
    await other.close();
    await expect(hanging).rejects.toThrow();
  });

  it('is reached by POST /_control, in JSON only', async () => {
    expect(await control('{"failWith":503}')).toBe(200);
    expect(standIn.faults()).toEqual([{ fault: { failWith: 503 }, remaining: null }]);
    expect((await search()).status).toBe(503);
    expect(await control('"normal"')).toBe(200);
    expect((await search()).status).toBe(200);
    for (const body of ['{"failWith":7}', '{"else":1}', '[]', '{', 'null']) expect(await control(body)).toBe(400);
    expect(await control('"normal"', 'text/plain')).toBe(400);
    const shown = (await (await fetch(`${standIn.url}/_control`)).json()) as {
      readonly stats: { readonly requests: number };
    };
    expect(shown.stats.requests).toBeGreaterThan(0);
  });
});

const data = fileURLToPath(new URL('../../../shared/data', import.meta.url));

describe.skipIf(!existsSync(data))('with a folder of larger data (skipped without ../shared/data)', () => {
  it('serves the newest whole edition and the recorded answers of that folder', async () => {
    await using large = await startStandIn({ dataDirectory: data });
    const zip = await fetch(large.addresses.orangeBook);
    expect(Number(zip.headers.get('content-length'))).toBe(1_032_497);
    const ask = async (search: string): Promise<Page> =>
      (await (
        await fetch(`${large.url}/drug/drugsfda.json?limit=1000&search=${encodeURIComponent(search)}`)
      ).json()) as Page;
    expect((await ask('application_number:ANDA076242')).meta.results.total).toBe(1);
    expect((await ask('openfda.generic_name:"semaglutide"')).meta.results.total).toBe(3);
    expect((await ask('products.active_ingredients.name:pemetrexed')).meta.results.total).toBe(8);
  });
});

import { VirtualClock } from 'plinth/testing';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { type StandIn, startStandIn } from '../index.ts';

describe('the stand-in of NYC Open Data', () => {
  let standIn: StandIn;
  const clock = new VirtualClock();

  beforeEach(async () => {
    standIn = await startStandIn({ clock, nyc: { appTokens: ['good-token'], requestsPerMinute: 5 } });
  });

  afterEach(() => standIn.close());

  function ask(path: string, headers: Readonly<Record<string, string>> = {}): Promise<Response> {
    return fetch(`${standIn.addresses.nyc}/resource/${path}`, { headers });
  }

  it('sends one row a line, without what is empty, everything as text', async () => {
    const response = await ask('6bgk-3dad.json?$limit=2&$order=:id');
    const text = await response.text();
    expect(response.headers.get('content-type')).toBe('application/json;charset=utf-8');
    expect(text).toMatch(/^\[\{"isn_dob_bis_extract":"[^\n]+\}\n,\{[^\n]+\}\]\n$/);
    const rows = JSON.parse(text) as Record<string, unknown>[];
    expect(rows).toHaveLength(2);
    for (const value of rows.flatMap(row => Object.values(row))) expect(typeof value).toBe('string');
    expect(rows[0]).not.toHaveProperty('infraction_code2');
    expect(await (await ask('6bgk-3dad.json?lot=nothing')).text()).toBe('[]\n');
  });

  it('has the headers of the portal', async () => {
    const { headers } = await ask('3h2n-5cm9.json?$select=count(*)%20as%20n');
    expect(headers.get('x-soda2-fields')).toBe('["n"]');
    expect(headers.get('x-soda2-types')).toBe('["number"]');
    expect(headers.get('x-soda2-truth-last-modified')).toBe('Sat, 21 Nov 2026 17:40:22 GMT');
    expect(headers.get('last-modified')).toBe(headers.get('x-soda2-truth-last-modified'));
    expect(headers.get('x-socrata-requestid')).toMatch(/^[0-9a-f]{32}$/);
    expect(headers.get('x-recorded')).toBe('2026-11-21');
    expect(headers.get('etag')).toMatch(/^W\/"/);
    const again = await ask('3h2n-5cm9.json?$select=count(*)%20as%20n', { 'if-none-match': headers.get('etag') ?? '' });
    expect(again.status).toBe(304);
  });

  it('refuses a column that is none in a message of some KB, with the code behind it', async () => {
    const response = await ask('3h2n-5cm9.json?$select=not_a_real_column&$limit=1');
    expect(response.status).toBe(400);
    const text = await response.text();
    const body = JSON.parse(text) as { message: string; errorCode: string; data: Record<string, unknown> };
    expect(text.length).toBeGreaterThan(4_000);
    expect(Object.keys(body)).toEqual(['message', 'errorCode', 'data']);
    expect(body.message).toMatch(
      /^Query coordinator error: query\.soql\.no-such-column; No such column: not_a_real_column; position: Map\(/,
    );
    expect(body).toMatchObject({ errorCode: 'query.soql.no-such-column', data: { column: 'not_a_real_column' } });
    expect(Object.keys(body.data)).toEqual(['column', 'dataset', 'position']);
  });

  it('refuses other types, what it cannot read, and what is too much', async () => {
    const codeOf = async (where: string): Promise<unknown> => {
      const response = await ask(`855j-jady.json?$where=${encodeURIComponent(where)}`);
      const { errorCode } = (await response.json()) as { errorCode: string };
      return [response.status, errorCode];
    };
    expect(await codeOf('bbl = true')).toEqual([400, 'query.soql.type-mismatch']);
    expect(await codeOf('bbl = ')).toEqual([400, 'query.soql.parse-error']);
    expect(await codeOf(`${'('.repeat(99)}bbl = 1${')'.repeat(99)}`)).toEqual([500, 'internal-error']);
  });

  it('does not know every data set, nor every token', async () => {
    const unknown = await ask('zzzz-9999.json');
    expect(unknown.status).toBe(404);
    expect(await unknown.json()).toMatchObject({ error: true, message: 'Not found' });
    for (const refused of [
      await ask('3h2n-5cm9.json', { 'x-app-token': 'bad-token' }),
      await ask('3h2n-5cm9.json?$$app_token=bad-token'),
    ]) {
      expect(refused.status).toBe(403);
      expect(await refused.json()).toMatchObject({ error: true });
    }
    expect((await ask('3h2n-5cm9.json?$$app_token=good-token&$limit=1')).status).toBe(200);
    expect((await fetch(`${standIn.url}/resource/3h2n-5cm9.json`, { method: 'POST' })).status).toBe(405);
  });

  it('answers 429 to an address without a token, without saying until when', async () => {
    for (let request = 0; request < 5; request += 1) expect((await ask('3h2n-5cm9.json?$limit=1')).status).toBe(200);
    const limited = await ask('3h2n-5cm9.json?$limit=1');
    expect(limited.status).toBe(429);
    expect(await limited.text()).toBe('');
    expect([...limited.headers.keys()].filter(name => /limit|retry/.test(name))).toEqual([]);
    expect((await ask('3h2n-5cm9.json?$limit=1', { 'x-app-token': 'good-token' })).status).toBe(200);
    await clock.advance(60_000);
    expect((await ask('3h2n-5cm9.json?$limit=1')).status).toBe(200);
    expect(standIn.stats()).toMatchObject({ limited: 1, byRoute: { '/resource/:id.json': 8 } });
  });
});

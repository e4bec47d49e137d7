import { sql } from 'kysely';
import { Repository } from 'plinth/crud';
import { ConfigurationError, NotFoundError } from 'plinth/errors';
import { beforeAll, describe, expect, it } from 'vitest';
import { UserService } from '../../service/users/user-service.ts';
import { users } from '../../service/users/users-table.ts';
import { useService } from './start-service.fixture.ts';

const tested = useService();

interface Answer {
  readonly status: number;
  readonly etag: string | null;
  readonly body: never;
}

async function ask(
  method: string,
  path: string,
  body?: unknown,
  headers: Record<string, string> = {},
): Promise<Answer> {
  const response = await fetch(`${tested.service.url}/api/v1${path}`, {
    method,
    headers: { ...(body === undefined ? {} : { 'content-type': 'application/json' }), ...headers },
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
  });
  const text = await response.text();
  const etag = response.headers.get('etag');
  return { status: response.status, etag, body: (text === '' ? undefined : JSON.parse(text)) as never };
}

async function make(path: string, body: unknown): Promise<number> {
  const { status, body: row } = await ask('POST', path, body);
  expect(status).toBe(201);
  return (row as { readonly id: number }).id;
}

let ada: string;
let bob: string;
let campaignId: number;
let groupId: number;
let adIds: readonly number[];
const january = 'from=2026-01-01&to=2026-01-31';

beforeAll(async () => {
  ada = String(await make('/users', { email: 'ada@ads.example', name: 'Ada' }));
  bob = String(await make('/users', { email: 'bob@ads.example', name: 'Bob' }));
  campaignId = await make(`/users/${ada}/campaigns`, { name: 'Shoes', budgetMicros: 30_000_000 });
  groupId = await make(`/users/${ada}/groups`, { name: 'Boots', campaignId });
  const ad = (headline: string) => ({ headline, groupId, landingUrl: 'https://shop.example/boots' });
  adIds = [await make(`/users/${ada}/ads`, ad('Warm')), await make(`/users/${ada}/ads`, ad('Dry'))];
});

describe('ads over HTTP', () => {
  it('count what was recorded, once however often it is sent', async () => {
    const rows = [
      {
        adId: adIds[0],
        hour: '2026-01-15T09:00:00Z',
        impressions: 2_000,
        clicks: 40,
        conversions: 2,
        costMicros: 8_000_000,
      },
      { adId: adIds[0], hour: '2026-01-16T01:00:00+02:00', impressions: 500, clicks: 10, costMicros: 2_000_000 },
      { adId: adIds[1], hour: '2026-01-16T00:00:00Z', impressions: 4_000, clicks: 2, costMicros: 20_000_000 },
    ];
    for (let sent = 0; sent < 2; sent += 1)
      expect(await ask('POST', `/users/${ada}/performance`, { rows })).toMatchObject({
        status: 200,
        body: { recorded: 3 },
      });

    const series = await ask('GET', `/users/${ada}/performance/series?${january}&bucket=day&campaignId=${campaignId}`);
    expect(series.body).toMatchObject([
      { start: '2026-01-15', impressions: 2_500, clicks: 50, clickThroughRate: 0.02 },
      { start: '2026-01-16', impressions: 4_000, clicks: 2, conversionRate: 0 },
    ]);
    const list = await ask('GET', `/users/${ada}/performance?filter[adId][eq]=${adIds[0]}&total=true&size=1`);
    expect(list.body).toMatchObject({
      total: 2,
      hasMore: true,
      items: [{ hour: '2026-01-15T23:00:00.000Z', clicks: 10 }],
    });
    const { nextCursor } = list.body as { readonly nextCursor: string };
    const next = await ask('GET', `/users/${ada}/performance?filter[adId][eq]=${adIds[0]}&size=1&cursor=${nextCursor}`);
    expect(next.body).toMatchObject({ hasMore: false, items: [{ hour: '2026-01-15T09:00:00.000Z' }] });

    const stats = await ask('GET', `/users/${ada}/stats`);
    expect(stats.body).toMatchObject({
      campaigns: 1,
      groups: 1,
      ads: 2,
      activeAds: 2,
      clicks: 52,
      costMicros: 30_000_000,
    });
    expect((await ask('GET', `/users/${ada}/stats?from=2026-01-16&to=2026-01-16`)).body).toMatchObject({
      ads: 2,
      clicks: 2,
    });
  });

  it('take a report of 5,000 rows, however it is written', async () => {
    const owner = String(await make('/users', { email: 'report@ads.example', name: 'Report' }));
    const campaign = await make(`/users/${owner}/campaigns`, { name: 'Much' });
    const group = await make(`/users/${owner}/groups`, { name: 'Much', campaignId: campaign });
    const ad = { headline: 'Much', groupId: group, landingUrl: 'https://shop.example/much' };
    const adId = await make(`/users/${owner}/ads`, ad);
    const rows = Array.from({ length: 5_000 }, (_, index) => {
      const hour = new Date(Date.UTC(2025, 0, 1, index)).toISOString();
      return {
        adId,
        hour,
        impressions: 100_000_000,
        clicks: 10_000_000,
        conversions: 1_000_000,
        costMicros: 1_000_000,
      };
    });
    const body = JSON.stringify({ rows }, undefined, 4);
    expect(body.length).toBeGreaterThan(1_048_576);
    const init = { method: 'POST', headers: { 'content-type': 'application/json' }, body };
    expect(await tested.ask(`/users/${owner}/performance`, init)).toEqual({ status: 200, body: { recorded: 5_000 } });
  });

  it('say which are best, how it was before, and how far people came', async () => {
    const top = await ask('GET', `/users/${ada}/performance/top?${january}&by=impressions&limit=1`);
    expect(top.body).toMatchObject([{ adId: adIds[1], headline: 'Dry' }]);
    const day = 'from=2026-01-16&to=2026-01-16';
    const comparison = await ask('GET', `/users/${ada}/performance/comparison?${day}`);
    expect(comparison.body).toMatchObject({
      current: { impressions: 4_000 },
      previous: { impressions: 2_500 },
      change: { impressions: 0.6 },
    });
    const funnel = await ask('GET', `/users/${ada}/performance/funnel?${january}&adId=${adIds[0]}`);
    expect((funnel.body as readonly { count: number }[]).map(({ count }) => count)).toEqual([2_500, 50, 2]);
    expect((await ask('GET', `/users/${ada}/campaigns/${campaignId}/budget`)).body).toEqual({
      budgetMicros: 30_000_000,
      spentMicros: 30_000_000,
      remainingMicros: 0,
    });
    expect((await ask('GET', `/users/${ada}/campaigns/${campaignId}/groups?${january}`)).body).toMatchObject([
      { id: groupId, name: 'Boots', ads: 2, clicks: 52 },
    ]);
  });

  it.each([
    'to=9999-12-31',
    'to=0001-01-01',
    'from=0000-01-01&to=0000-01-02',
    'from=9999-12-31&to=9999-12-31',
    'to=0000-01-05',
  ])('are told of no days such as %s', async query => {
    const paths = ['series', 'top', 'comparison', 'funnel'].map(name => `/users/${ada}/performance/${name}`);
    for (const path of [...paths, `/users/${ada}/stats`, `/users/${ada}/campaigns/${campaignId}/groups`]) {
      const { status, body } = await ask('GET', `${path}?${query}`);
      expect([path, status, body]).toEqual([path, 422, expect.objectContaining({ error_code: 'VALIDATION_ERROR' })]);
    }
    const days = Object.fromEntries(new URLSearchParams(query));
    expect((await ask('POST', `/users/${ada}/optimizations`, days)).status).toBe(422);
  });

  it('are told of the first and the last days that there are', async () => {
    for (const query of ['to=1970-01-01', 'to=9998-12-31', 'from=1970-01-02&to=1970-01-02'])
      expect((await ask('GET', `/users/${ada}/performance/comparison?${query}&adId=${adIds[0]}`)).status).toBe(
        query === 'to=1970-01-01' ? 422 : 200,
      );
    expect((await ask('GET', `/users/${ada}/stats?to=1970-01-01`)).status).toBe(200);
  });

  it.each(['0000-01-01T00:00:00Z', '9999-12-31T23:00:00Z', '9999-12-31T23:00:00-12:00', '1969-12-31T23:00:00Z'])(
    'are not counted in the hour %s',
    async hour => {
      const rows = [{ adId: adIds[0], hour, impressions: 1 }];
      expect(await ask('POST', `/users/${ada}/performance`, { rows })).toMatchObject({
        status: 422,
        body: { details: { field_errors: { '[0].hour': expect.stringContaining('1970') } } },
      });
    },
  );

  it('are found by a key that is written as it is, and in no other way', async () => {
    expect((await ask('GET', `/users/${ada}/ads/${adIds[0]}`)).status).toBe(200);
    for (const key of [
      `0x${adIds[0]}`,
      `${adIds[0]}e0`,
      `%20${adIds[0]}`,
      `+${adIds[0]}`,
      `0${adIds[0]}`,
      `${adIds[0]}.0`,
    ]) {
      expect([key, (await ask('GET', `/users/${ada}/ads/${key}`)).status]).toEqual([key, 422]);
      const query = `adId=${encodeURIComponent(key)}`;
      expect((await ask('GET', `/users/${ada}/performance/series?${query}`)).status).toBe(422);
    }
  });

  it('are served while their campaign runs', async () => {
    const served = async () =>
      ((await ask('GET', `/users/${ada}/ads/served`)).body as readonly { id: number }[]).map(({ id }) => id);
    expect(await served()).toEqual(adIds);
    const paused = await ask('POST', `/users/${ada}/campaigns/${campaignId}/pause`);
    expect(paused).toMatchObject({ status: 200, etag: '"2"', body: { status: 'paused' } });
    expect(await served()).toEqual([]);
    const path = `/users/${ada}/campaigns/${campaignId}/activate`;
    expect((await ask('POST', path, undefined, { 'if-match': '"1"' })).status).toBe(412);
    expect((await ask('POST', path, undefined, { 'if-match': 'W/"2"' })).status).toBe(412);
    expect((await ask('POST', path, undefined, { 'if-match': '"1", "2"' })).etag).toBe('"3"');
    expect(await served()).toEqual(adIds);
  });

  it('have other headlines thought of, which say that no language model was asked, and change nothing', async () => {
    const path = `/users/${ada}/ads/${adIds[0]}`;
    const before = (await ask('GET', path)).body;
    expect((await ask('POST', `${path}/headline-ideas`, { count: 2 })).body).toEqual({
      headlines: ['[offline] An example of a headline: no language model was asked'],
      provider: 'offline',
      model: 'gpt-4',
      isOffline: true,
    });
    expect((await ask('GET', path)).body).toEqual(before);
    expect((await ask('POST', `${path}/headline-ideas`)).status).toBe(200);
    for (const wrong of [{ count: 11 }, { number: 2 }])
      expect((await ask('POST', `${path}/headline-ideas`, wrong)).status).toBe(422);
  });

  it('are suggested to be paused, and are when that is accepted', async () => {
    const body = { from: '2026-01-01', to: '2026-01-31' };
    const found = await ask('POST', `/users/${ada}/optimizations`, body);
    const suggestions = found.body as readonly { readonly id: number; readonly kind: string; readonly adId: number }[];
    expect(suggestions.map(({ kind }) => kind).sort()).toEqual([
      'budget-exhausted',
      'low-click-through',
      'spend-without-conversion',
    ]);
    expect((await ask('POST', `/users/${ada}/optimizations`, body)).body).toEqual([]);
    const low = suggestions.find(({ kind }) => kind === 'low-click-through');
    const path = `/users/${ada}/optimizations/${low?.id}`;
    expect((await ask('POST', `${path}/accept`)).body).toMatchObject({
      status: 'accepted',
      decidedAt: expect.any(String),
    });
    expect((await ask('GET', `/users/${ada}/ads/${low?.adId}`)).body).toMatchObject({ status: 'paused' });
    expect((await ask('POST', `${path}/dismiss`)).status).toBe(422);
    expect((await ask('GET', `/users/${ada}/optimizations?filter[status][eq]=open&total=true`)).body).toMatchObject({
      total: 2,
    });
  });

  it.each([
    ['a day that is none', 'GET', 'performance/series?from=2026-02-30&to=2026-03-01', undefined, 'from'],
    ['an end before the beginning', 'GET', 'performance/series?from=2026-02-02&to=2026-02-01', undefined, 'to'],
    ['a bucket that is none', 'GET', `performance/series?${january}&bucket=year`, undefined, 'bucket'],
    ['half an hour', 'POST', 'performance', { rows: [{ adId: 1, hour: '2026-01-15T09:30:00Z' }] }, '[0].hour'],
    [
      'an ad that is none',
      'POST',
      'performance',
      { rows: [{ adId: 4_711, hour: '2026-01-15T09:00:00Z' }] },
      '[0].adId',
    ],
    [
      'a script for an address',
      'POST',
      'ads',
      { headline: 'x', groupId: 1, landingUrl: 'javascript:alert(1)' },
      'landingUrl',
    ],
    ['money that is no whole number', 'POST', 'campaigns', { name: 'x', budgetMicros: 0.5 }, 'budgetMicros'],
    ['a campaign that is none', 'POST', 'groups', { name: 'x', campaignId: 4_711 }, 'campaignId'],
  ])('refuse %s and name the field', async (_, method, path, body, field) => {
    const { status, body: answer } = await ask(method, `/users/${ada}/${path}`, body);
    expect(status).toBe(422);
    expect(answer).toMatchObject({ error_code: 'VALIDATION_ERROR' });
    expect(JSON.stringify(answer)).toContain(field);
  });
});

describe('the owner in the path', () => {
  it('sees and changes nothing of another one', async () => {
    const [adId] = adIds;
    const suggestions = await ask('GET', `/users/${ada}/optimizations`);
    const [suggestion] = (suggestions.body as { readonly items: readonly { id: number }[] }).items;
    const before = await rowsOf(ada);
    const hour = '2026-01-15T09:00:00Z';
    const calls: readonly (readonly [string, string, number, unknown?])[] = [
      ['GET', `campaigns/${campaignId}`, 404],
      ['PATCH', `campaigns/${campaignId}`, 404, { name: 'Taken' }],
      ['DELETE', `campaigns/${campaignId}`, 404],
      ['POST', `campaigns/${campaignId}/pause`, 404],
      ['POST', `campaigns/${campaignId}/activate`, 404],
      ['GET', `campaigns/${campaignId}/budget`, 404],
      ['GET', `campaigns/${campaignId}/groups`, 404],
      ['POST', 'campaigns', 422, { name: 'x', userId: ada }],
      ['GET', `groups/${groupId}`, 404],
      ['PATCH', `groups/${groupId}`, 404, { name: 'Taken' }],
      ['DELETE', `groups/${groupId}`, 404],
      ['POST', 'groups', 422, { name: 'x', campaignId }],
      ['GET', `ads/${adId}`, 404],
      ['PATCH', `ads/${adId}`, 404, { headline: 'Taken' }],
      ['DELETE', `ads/${adId}`, 404],
      ['POST', `ads/${adId}/headline-ideas`, 404, {}],
      ['POST', 'ads', 422, { headline: 'x', groupId, landingUrl: 'https://bob.example/' }],
      ['POST', 'performance', 422, { rows: [{ adId, hour, clicks: 99 }] }],
      ['GET', `optimizations/${suggestion?.id}`, 404],
      ['POST', `optimizations/${suggestion?.id}/accept`, 404],
      ['POST', `optimizations/${suggestion?.id}/dismiss`, 404],
    ];
    for (const [method, path, status, body] of calls)
      expect((await ask(method, `/users/${bob}/${path}`, body)).status, `${method} ${path}`).toBe(status);

    for (const path of ['campaigns', 'groups', 'ads', 'performance', 'optimizations'])
      expect((await ask('GET', `/users/${bob}/${path}?total=true`)).body, path).toMatchObject({ items: [], total: 0 });
    for (const path of ['ads/served', `performance/top?${january}`, `performance/series?${january}&adId=${adId}`])
      expect((await ask('GET', `/users/${bob}/${path}`)).body, path).toEqual([]);
    expect((await ask('GET', `/users/${bob}/stats`)).body).toMatchObject({ campaigns: 0, ads: 0, impressions: 0 });
    expect((await ask('POST', `/users/${bob}/optimizations`, {})).body).toEqual([]);
    expect(await rowsOf(ada)).toBe(before);
  });

  it('must be there for a campaign of theirs', async () => {
    const nobody = crypto.randomUUID();
    for (const headers of [{}, { 'idempotency-key': 'campaign-of-nobody' }])
      expect(await ask('POST', `/users/${nobody}/campaigns`, { name: 'x' }, headers)).toMatchObject({
        status: 404,
        body: { error: 'User not found', details: { resource_type: 'User', resource_id: nobody } },
      });
  });

  it('has suggestions looked for without a body', async () => {
    expect(await ask('POST', `/users/${bob}/optimizations`)).toMatchObject({ status: 200, body: [] });
    expect((await ask('POST', `/users/${bob}/optimizations`, { nope: 1 })).status).toBe(422);
  });

  it('must be a key', async () => {
    expect((await ask('GET', '/users/me/stats')).status).toBe(422);
  });
});

describe('the service', () => {
  it('finds a user by the address in any case', async () => {
    const service = new UserService(new Repository(users, tested.service.infrastructure.database()));
    expect(await service.getByEmail(' ADA@Ads.example ')).toMatchObject({ id: ada });
    await expect(service.getByEmail('nobody@ads.example')).rejects.toBeInstanceOf(NotFoundError);
  });

  it('keeps users and ads over a restart, and does not start on tables that are not what it expects', async () => {
    await tested.service.close();
    await tested.start();
    expect((await ask('GET', `/users/${ada}/ads`)).body).toMatchObject({
      items: [{ headline: 'Warm' }, { headline: 'Dry' }],
    });

    const { db } = tested.service.infrastructure.database();
    await sql`alter table ads alter column headline drop not null`.execute(db);
    await sql`alter table users rename column name to title`.execute(db);
    await tested.service.close();
    const failure = await tested.start().catch((error: unknown) => error);
    expect(failure).toBeInstanceOf(ConfigurationError);
    expect((failure as ConfigurationError).problems.map(({ name }) => name)).toEqual([
      'users.name',
      'users.title',
      'ads.headline',
    ]);
  });
});

async function rowsOf(userId: string): Promise<string> {
  const { db } = tested.service.infrastructure.database();
  const tables = ['campaigns', 'ad_groups', 'ads', 'ad_performance', 'optimizations'];
  const found = tables.map(table =>
    sql`select * from ${sql.table(table)} where user_id = ${userId} order by id`.execute(db),
  );
  return JSON.stringify((await Promise.all(found)).map(({ rows }) => rows));
}

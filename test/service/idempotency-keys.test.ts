import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { sql } from 'kysely';
import { createServer, type ServerRoutes } from 'plinth/server';
import { VirtualClock } from 'plinth/testing';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { idempotencyKeys, withIdempotencyKeys } from '../../service/idempotency-keys.ts';
import { type Service, startService } from '../../service/service.ts';
import { settle } from '../../service/stand-in/settle.fixture.ts';
import { startRedis } from '../servers/redis.ts';
import { serverOrSkip } from '../servers/require.ts';

const redisServer = serverOrSkip('redis-server');

interface Answer {
  readonly status: number;
  readonly headers: Readonly<Record<string, string | null>>;
  readonly replayed: boolean;
  readonly text: string;
}

interface Fixture {
  readonly userId: string;
  readonly campaignId: number;
  readonly groupId: number;
  readonly adId: number;
  readonly suggestionIds: readonly number[];
}

let directory: string;
let service: Service;
let made: Fixture;

async function send(
  method: string,
  path: string,
  key: string | undefined,
  body?: unknown,
  more: Readonly<Record<string, string>> = {},
): Promise<Answer> {
  const headers: Record<string, string> = { ...more };
  if (key !== undefined) headers['idempotency-key'] = `"${key}"`;
  if (body !== undefined) headers['content-type'] = 'application/json';
  const init = { method, headers, ...(body === undefined ? {} : { body: JSON.stringify(body) }) };
  const answer = await fetch(`${service.url}/api/v1${path}`, init);
  const kept = ['content-type', 'etag', 'location'].map(name => [name, answer.headers.get(name)] as const);
  return {
    status: answer.status,
    headers: Object.fromEntries(kept),
    replayed: answer.headers.get('idempotency-replayed') === 'true',
    text: await answer.text(),
  };
}

async function make(path: string, body: unknown): Promise<never> {
  const { status, text } = await send('POST', path, undefined, body);
  expect([status, text]).toEqual([201, text]);
  return JSON.parse(text) as never;
}

const tables = ['users', 'campaigns', 'ad_groups', 'ads', 'ad_performance', 'optimizations'] as const;

/** All rows of all tables with their versions: what has changed, and what has not. */
async function everything(): Promise<string> {
  const { db } = service.infrastructure.database();
  const rows = tables.map(async table => (await sql`select * from ${sql.table(table)} order by id`.execute(db)).rows);
  return JSON.stringify(await Promise.all(rows));
}

async function usersWith(email: string): Promise<number> {
  const { db } = service.infrastructure.database();
  const { rows } = await sql<{ n: number }>`select count(*)::int as n from users where email = ${email}`.execute(db);
  return rows[0]?.n ?? -1;
}

async function open(environment: Readonly<Record<string, string>>): Promise<void> {
  directory = await mkdtemp(join(tmpdir(), 'plinth-service-keys-'));
  service = await startService({
    logging: { console: false },
    settings: {
      envFile: false,
      yamlFile: false,
      environment: {
        ENVIRONMENT: 'test',
        PORT: '0',
        DATA_DIR: directory,
        UPSTREAMS: 'recorded',
        RATE_LIMIT_REQUESTS: '10000',
        ...environment,
      },
    },
  });
  const { id: userId } = (await make('/users', { email: 'owner@keys.example', name: 'Owner' })) as { id: string };
  const { id: campaignId } = (await make(`/users/${userId}/campaigns`, { name: 'Shoes' })) as { id: number };
  const { id: groupId } = (await make(`/users/${userId}/groups`, { name: 'Boots', campaignId })) as { id: number };
  const ad = { headline: 'Warm', groupId, landingUrl: 'https://shop.example/boots' };
  const { id: adId } = (await make(`/users/${userId}/ads`, ad)) as { id: number };
  const row = { adId, hour: '2026-01-15T09:00:00Z', impressions: 2_000, clicks: 1, costMicros: 20_000_000 };
  expect((await send('POST', `/users/${userId}/performance`, undefined, { rows: [row] })).status).toBe(200);
  const period = { from: '2026-01-01', to: '2026-01-31' };
  const found = await send('POST', `/users/${userId}/optimizations`, undefined, period);
  const suggestionIds = (JSON.parse(found.text) as readonly { id: number }[]).map(({ id }) => id);
  expect(suggestionIds).toHaveLength(2);
  // So that there is something new to be found.
  const budget = { budgetMicros: 10_000_000 };
  expect((await send('PATCH', `/users/${userId}/campaigns/${campaignId}`, undefined, budget)).status).toBe(200);
  made = { userId, campaignId, groupId, adId, suggestionIds };
}

async function close(): Promise<void> {
  await service?.close();
  await rm(directory, { recursive: true, force: true });
}

interface Post {
  readonly name: string;
  readonly path: (made: Fixture) => string;
  readonly body?: (made: Fixture) => unknown;
}

const posts: readonly Post[] = [
  { name: 'a user', path: () => '/users', body: () => ({ email: 'each@keys.example', name: 'Each' }) },
  { name: 'a campaign', path: ({ userId }) => `/users/${userId}/campaigns`, body: () => ({ name: 'Hats' }) },
  {
    name: 'a group',
    path: ({ userId }) => `/users/${userId}/groups`,
    body: ({ campaignId }) => ({ name: 'Caps', campaignId }),
  },
  {
    name: 'an ad',
    path: ({ userId }) => `/users/${userId}/ads`,
    body: ({ groupId }) => ({ headline: 'Dry', groupId, landingUrl: 'https://shop.example/dry' }),
  },
  {
    name: 'what was counted',
    path: ({ userId }) => `/users/${userId}/performance`,
    body: ({ adId }) => ({ rows: [{ adId, hour: '2026-02-15T09:00:00Z', impressions: 9_000 }] }),
  },
  {
    name: 'a search for suggestions',
    path: ({ userId }) => `/users/${userId}/optimizations`,
    body: () => ({ from: '2026-02-01', to: '2026-02-28' }),
  },
  {
    name: 'an acceptance',
    path: ({ userId, suggestionIds }) => `/users/${userId}/optimizations/${suggestionIds[0]}/accept`,
  },
  {
    name: 'a dismissal',
    path: ({ userId, suggestionIds }) => `/users/${userId}/optimizations/${suggestionIds[1]}/dismiss`,
  },
  { name: 'a pause', path: ({ userId, campaignId }) => `/users/${userId}/campaigns/${campaignId}/pause` },
  { name: 'an activation', path: ({ userId, campaignId }) => `/users/${userId}/campaigns/${campaignId}/activate` },
];

describe('idempotency keys of the reference service, in its database', () => {
  beforeAll(() => open({}));
  afterAll(close);
  it.each(posts)(
    'takes $name that is posted twice under one key once, and answers the same',
    async ({ name, path, body }) => {
      const before = await everything();
      const first = await send('POST', path(made), `once ${name}`, body?.(made));
      expect(first).toMatchObject({ status: expect.toSatisfy((status: number) => status < 300), replayed: false });
      const after = await everything();
      expect(after).not.toBe(before);
      const again = await send('POST', path(made), `once ${name}`, body?.(made));
      expect(again).toEqual({ ...first, replayed: true });
      expect(await everything()).toBe(after);
    },
  );

  it('makes one user of 50 posts at once under one key', async () => {
    const user = { email: 'many@keys.example', name: 'Many' };
    const sendAll = (): Promise<readonly Answer[]> =>
      Promise.all(Array.from({ length: 50 }, () => send('POST', '/users', 'many', user)));
    const first = await sendAll();
    // Those that come while it is under way are told to come again, those that come later get the answer.
    expect(first.filter(({ status }) => status !== 201 && status !== 409)).toEqual([]);
    expect(first.filter(({ status, replayed }) => status === 201 && !replayed)).toHaveLength(1);
    const again = await sendAll();
    const { text } = first.find(({ status }) => status === 201) as Answer;
    for (const answer of again) expect(answer).toMatchObject({ status: 201, replayed: true, text });
    expect(await usersWith(user.email)).toBe(1);
  });

  it('refuses another request under a key that was used, and changes nothing', async () => {
    await send('POST', '/users', 'reused', { email: 'reused@keys.example', name: 'First' });
    const before = await everything();
    const refused: readonly [string, string, unknown][] = [
      ['POST', '/users', { email: 'reused@keys.example', name: 'Second' }],
      ['POST', `/users/${made.userId}/campaigns`, { name: 'Hats' }],
      ['PATCH', `/users/${made.userId}`, { name: 'Third' }],
    ];
    for (const [method, path, body] of refused) {
      const answer = await send(method, path, 'reused', body);
      expect([answer.status, answer.text]).toEqual([422, expect.stringContaining('IDEMPOTENCY_KEY_REUSED')]);
    }
    expect(await everything()).toBe(before);
  });

  it('lets a request that failed be sent again under its key, mended', async () => {
    const failed = await send('POST', '/users', 'mended', { email: 'no address', name: 'Mended' });
    expect([failed.status, failed.replayed]).toEqual([422, false]);
    const taken = await send('POST', '/users', 'mended', { email: 'owner@keys.example', name: 'Mended' });
    expect([taken.status, taken.replayed]).toEqual([409, false]);
    const user = { email: 'mended@keys.example', name: 'Mended' };
    expect(await send('POST', '/users', 'mended', user)).toMatchObject({ status: 201, replayed: false });
    expect(await usersWith(user.email)).toBe(1);
  });

  it('answers a change that is sent again under its key as before, where its version is no longer that of the row', async () => {
    const user = (await make('/users', { email: 'changed@keys.example', name: 'One' })) as { id: string };
    const change = (key: string | undefined): Promise<Answer> =>
      send('PATCH', `/users/${user.id}`, key, { name: 'Two' }, { 'if-match': '"1"' });
    const first = await change('change');
    expect(first).toMatchObject({ status: 200, headers: { etag: '"2"' } });
    expect(await change('change')).toEqual({ ...first, replayed: true });
    expect((await change(undefined)).status).toBe(412);
    const other = await send('PATCH', `/users/${user.id}`, 'change', { name: 'Two' }, { 'if-match': '"2"' });
    expect([other.status, other.text]).toEqual([422, expect.stringContaining('IDEMPOTENCY_KEY_REUSED')]);
  });

  it('takes no notice of a key for a deletion: what is gone is gone', async () => {
    const user = (await make('/users', { email: 'deleted@keys.example', name: 'One' })) as { id: string };
    expect(await send('DELETE', `/users/${user.id}`, 'deletion')).toMatchObject({ status: 204, replayed: false });
    expect(await send('DELETE', `/users/${user.id}`, 'deletion')).toMatchObject({ status: 404, replayed: false });
  });

  it('begins one import', async () => {
    const begin = (): Promise<Answer> => send('POST', '/imports', 'import', { names: ['imatinib'], title: 'keyed' });
    const first = await begin();
    expect(first.status).toBe(202);
    expect(await begin()).toEqual({ ...first, replayed: true });
    const { text } = await send('GET', '/imports', undefined);
    expect((JSON.parse(text) as readonly { title?: string }[]).filter(({ title }) => title === 'keyed')).toHaveLength(
      1,
    );
  });

  it('are documented for every POST and PATCH, and for nothing else', async () => {
    const document = (await (await fetch(`${service.url}/openapi.json`)).json()) as {
      paths: Record<string, Record<string, { parameters?: readonly { in: string; name: string }[] }>>;
    };
    const operations = Object.entries(document.paths).flatMap(([path, item]) =>
      Object.entries(item).map(([method, { parameters = [] }]) => ({ method, path, parameters })),
    );
    const keyed = operations.filter(({ parameters }) => parameters.some(({ name }) => name === 'idempotency-key'));
    expect(keyed).toEqual(operations.filter(({ method }) => method === 'post' || method === 'patch'));
    expect(keyed.length).toBeGreaterThan(15);
  });

  it('leave no row of a request whose answer could not be kept', async () => {
    const { db } = service.infrastructure.database();
    const user = { email: 'whole@keys.example', name: 'Whole' };
    const post = (): Promise<Answer> => send('POST', '/users', 'whole', user);
    await sql`alter table plinth_idempotency_keys add constraint no_answers check (status is null) not valid`.execute(
      db,
    );
    try {
      expect((await post()).status).toBe(502);
      expect(await usersWith(user.email)).toBe(0);
    } finally {
      await sql`alter table plinth_idempotency_keys drop constraint no_answers`.execute(db);
    }
    expect(await post()).toMatchObject({ status: 201, replayed: false });
    expect(await post()).toMatchObject({ status: 201, replayed: true });
    expect(await usersWith(user.email)).toBe(1);
  });

  it('are not looked for elsewhere while the tables are not there yet: who comes then waits', async () => {
    let tablesAreThere = (): void => {};
    const tables = new Promise<void>(resolve => {
      tablesAreThere = resolve;
    });
    const things: string[] = [];
    const thingRoutes =
      (path: string): ServerRoutes =>
      async api => {
        api.post(path, () => ({ made: things.push(path) }));
      };
    await using server = await createServer({ docsUrl: false });
    const { infrastructure } = service;
    await server.register(withIdempotencyKeys(idempotencyKeys(infrastructure, tables), [thingRoutes('/early')]));
    const ready = Promise.resolve();
    await server.register(withIdempotencyKeys(idempotencyKeys(infrastructure, ready), [thingRoutes('/late')]));
    const { url } = await server.listen({ port: 0 });
    const post = (path: string): Promise<Response> =>
      fetch(`${url}/api/v1${path}`, { method: 'POST', headers: { 'idempotency-key': path } });
    const early = post('/early');
    // By the time this one is answered, a request before it that had not waited would have been run.
    expect(await (await post('/late')).json()).toEqual({ made: 1 });
    expect((await post('/late')).headers.get('idempotency-replayed')).toBe('true');
    expect(things).toEqual(['/late']);
    tablesAreThere();
    expect(await (await early).json()).toEqual({ made: 2 });
    expect((await post('/early')).headers.get('idempotency-replayed')).toBe('true');
    expect(things).toEqual(['/late', '/early']);
  });

  it('are not waited for without end: who comes while the database opens is to come again', async () => {
    const clock = new VirtualClock();
    const { infrastructure } = service;
    const parts = { clock, logging: infrastructure.logging, database: <Schema>() => infrastructure.database<Schema>() };
    let runs = 0;
    const routes: ServerRoutes = async api => {
      api.post('/things', () => ({ runs: ++runs }));
    };
    await using server = await createServer({ docsUrl: false });
    const never = new Promise<void>(() => {});
    await server.register(withIdempotencyKeys(idempotencyKeys(parts, never), [routes]));
    const { url } = await server.listen({ port: 0 });
    const headers = { 'idempotency-key': 'early' };
    const answer = await settle(clock, fetch(`${url}/api/v1/things`, { method: 'POST', headers }));
    expect([answer.status, answer.headers.get('retry-after')]).toEqual([503, '1']);
    expect(await answer.json()).toMatchObject({ error_code: 'IDEMPOTENCY_UNAVAILABLE' });
    expect(runs).toBe(0);
  });

  it('are still there when the service starts again', async () => {
    const user = { email: 'restart@keys.example', name: 'Restart' };
    const first = await send('POST', '/users', 'restart', user);
    const data = directory;
    await service.close();
    service = await startService({
      logging: { console: false },
      settings: {
        envFile: false,
        yamlFile: false,
        environment: { ENVIRONMENT: 'test', PORT: '0', DATA_DIR: data, UPSTREAMS: 'recorded' },
      },
    });
    expect(await send('POST', '/users', 'restart', user)).toEqual({ ...first, replayed: true });
    expect(await usersWith(user.email)).toBe(1);
  });
});

describe.skipIf(redisServer === undefined)('idempotency keys of the reference service, where there is Redis', () => {
  it('hold all the same while Redis is away', async () => {
    await using server = await startRedis();
    await open({ REDIS_URL: server.url });
    try {
      const user = { email: 'away@keys.example', name: 'Away' };
      const first = await send('POST', '/users', 'away', user);
      expect(first.status).toBe(201);
      await server.kill();
      expect(await send('POST', '/users', 'away', user)).toEqual({ ...first, replayed: true });
      expect(await usersWith(user.email)).toBe(1);
    } finally {
      await close();
    }
  });
});

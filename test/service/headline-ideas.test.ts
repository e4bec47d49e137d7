import { LLMock } from '@copilotkit/aimock';
import { sql } from 'kysely';
import { createServer, type ServerRoutes } from 'plinth/server';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { idempotencyKeys, withIdempotencyKeys } from '../../service/idempotency-keys.ts';
import { type ServiceUnderTest, useService } from './start-service.fixture.ts';

const model = new LLMock({ port: 0 });
await model.start();

const tested: ServiceUnderTest = useService({
  OPENAI_API_KEY: 'sk-planted',
  OPENAI_BASE_URL: model.url,
  OPENAI_MODEL: 'gpt-4o',
});
let path: string;

const post = (route: string, body: unknown, headers: Record<string, string> = {}) =>
  tested.ask(route, {
    method: 'POST',
    headers: { 'content-type': 'application/json', ...headers },
    body: JSON.stringify(body),
  });

beforeAll(async () => {
  const made = async (route: string, body: unknown): Promise<unknown> =>
    ((await post(route, body)).body as { readonly id: unknown }).id;
  const user = await made('/users', { email: 'ada@ideas.example', name: 'Ada' });
  const campaignId = await made(`/users/${user}/campaigns`, { name: 'Shoes', budgetMicros: 1 });
  const groupId = await made(`/users/${user}/groups`, { name: 'Boots', campaignId });
  const ad = { headline: 'Warm feet', groupId, landingUrl: 'https://shop.example/boots' };
  path = `/users/${user}/ads/${await made(`/users/${user}/ads`, ad)}/headline-ideas`;
});

afterAll(() => model.stop());

describe('Headlines by a language model', () => {
  it('are what it answers, asked with the ad, through the guard that the console shows', async () => {
    model.on({}, { content: '{"headlines":["Never cold again"]}' });
    const { status, body } = await post(path, { count: 1 });
    expect(status).toBe(200);
    expect(body).toMatchObject({ headlines: ['Never cold again'], provider: 'openai', isOffline: false });
    const asked = JSON.stringify(model.getLastRequest()?.body);
    expect(asked).toContain('Give 1 other headlines');
    expect(asked).toContain('Warm feet');
    const { dependencies } = tested.service.infrastructure;
    expect(dependencies.calls.latest(1)).toMatchObject([
      { dependency: 'llm-openai', operation: 'ads.headlines', result: 'ok' },
    ]);
  });

  it('are asked for once under one idempotency key', async () => {
    model.clearRequests();
    const key = { 'idempotency-key': 'ideas-1' };
    const first = await post(path, { count: 1 }, key);
    expect(await post(path, { count: 1 }, key)).toEqual(first);
    expect(model.getRequests()).toHaveLength(1);
  });

  it('keep their key for longer than the longest call to the outside may take', async () => {
    const { infrastructure } = tested.service;
    let leftMs = 0;
    await using server = await createServer({ docsUrl: false });
    const held: ServerRoutes = async api => {
      api.post('/held', async () => {
        const { rows } = await sql<{ ms: number }>`
          select (extract(epoch from expires_at - clock_timestamp()) * 1000)::float8 as ms
          from plinth_idempotency_keys where status is null`.execute(infrastructure.database().db);
        leftMs = rows[0]?.ms ?? 0;
        return {};
      });
    };
    await server.register(withIdempotencyKeys(idempotencyKeys(infrastructure, Promise.resolve()), [held]));
    const { url } = await server.listen({ port: 0 });
    const headers = { 'idempotency-key': 'held' };
    expect((await fetch(`${url}/api/v1/held`, { method: 'POST', headers })).status).toBe(200);
    const deadlines = infrastructure.dependencies
      .list()
      .map(({ guard }) => guard.explain().find(({ stage }) => stage === 'deadline')?.settings['timeoutMs']);
    expect(deadlines).toContain(120_000);
    expect(leftMs).toBeGreaterThan(Math.max(...deadlines.map(Number)));
  });

  it('are an error of the service behind, without a word of it, when the answer has another shape', async () => {
    model.clearFixtures();
    model.on({}, { content: 'Sure! Here are planted headlines' });
    const { status, body } = await post(path, { count: 1 });
    expect(status).toBe(502);
    expect(body).toMatchObject({ error_code: 'MODEL_ANSWER_INVALID' });
    expect(JSON.stringify(body)).not.toContain('planted');
  });
});

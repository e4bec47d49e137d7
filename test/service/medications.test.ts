import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { VirtualClock } from 'plinth/testing';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type Service, startService } from '../../service/service.ts';
import { settle } from '../../service/stand-in/settle.fixture.ts';

const drugsFda = '/drug/drugsfda.json';
let directory: string;

beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), 'plinth-service-'));
});

afterAll(() => rm(directory, { recursive: true, force: true }));

function start(name: string, clock: VirtualClock): Promise<Service> {
  return startService({
    clock,
    logging: { console: false },
    settings: {
      envFile: false,
      yamlFile: false,
      environment: {
        ENVIRONMENT: 'test',
        PORT: '0',
        DATA_DIR: join(directory, name),
        UPSTREAMS: 'recorded',
        // All questions come from one address, and one test asks a thousand at once.
        RATE_LIMIT_REQUESTS: '10000',
      },
    },
  });
}

interface Answer {
  readonly freshness: string;
  readonly reason?: string;
  readonly fetchedAt: string;
  readonly results: readonly { readonly applicationNumber: string; readonly source: string }[];
  readonly sources: readonly {
    readonly source: string;
    readonly origin: string;
    readonly status: string;
    readonly freshness: string;
  }[];
}

async function search(service: Service, name: string): Promise<Answer> {
  const response = await fetch(`${service.url}/api/v1/medications?name=${encodeURIComponent(name)}`);
  expect(response.status).toBe(200);
  return (await response.json()) as Answer;
}

function upstreamCalls(service: Service): number {
  return service.standIn?.stats().byRoute[drugsFda] ?? 0;
}

describe('a medication asked for over HTTP', () => {
  const clock = new VirtualClock();
  let service: Service;

  beforeAll(async () => {
    service = await start('main', clock);
  });

  afterAll(() => service.close());

  it('is answered from the FDA sources, and each says who answered and that it is recorded', async () => {
    const { freshness, results, sources } = await search(service, 'osimertinib');
    expect(freshness).toBe('fresh');
    expect(new Set(results.map(result => result.applicationNumber))).toEqual(new Set(['NDA208065']));
    expect(sources).toMatchObject([
      { source: 'orange-book', status: 'answered', origin: 'recorded' },
      { source: 'drugsfda', status: 'answered', origin: 'recorded' },
    ]);
  });

  it('comes from openFDA alone when it is a biologic', async () => {
    const { results, sources } = await search(service, 'pembrolizumab');
    expect(results.map(({ applicationNumber, source }) => [applicationNumber, source])).toContainEqual([
      'BLA125514',
      'drugsfda',
    ]);
    expect(sources).toMatchObject([
      { source: 'orange-book', status: 'empty' },
      { source: 'drugsfda', status: 'answered' },
    ]);
  });

  it('is asked of openFDA once, however many ask at the same time', async () => {
    const before = upstreamCalls(service);
    const answers = await Promise.all(Array.from({ length: 1_000 }, () => search(service, 'imatinib')));
    expect(upstreamCalls(service) - before).toBe(1);
    expect(new Set(answers.map(answer => JSON.stringify(answer.results))).size).toBe(1);
    const { rows } = await keptAnswers(service, 'imatinib');
    expect(rows).toHaveLength(1);
  });

  it('is kept in SQL with the time it was fetched', async () => {
    const { fetchedAt } = await search(service, 'osimertinib');
    const { rows } = await keptAnswers(service, 'osimertinib');
    expect(rows).toMatchObject([{ question: 'search', complete: true, fetched_at: new Date(fetchedAt) }]);
  });

  it('says 422 with the field for a name that cannot be one, and 404 for approvals of an unknown one', async () => {
    const empty = await fetch(`${service.url}/api/v1/medications?name=`);
    expect(empty.status).toBe(422);
    expect(await empty.json()).toMatchObject({
      success: false,
      error_code: 'VALIDATION_ERROR',
      details: { field_errors: { name: expect.any(String) } },
    });
    const unknown = await fetch(`${service.url}/api/v1/medications/nosuchdrug/approvals`);
    expect(unknown.status).toBe(404);
    expect(await unknown.json()).toMatchObject({
      error_code: 'NOT_FOUND',
      details: { request_id: expect.any(String) },
    });
  });

  it('is served as stale, and says so, when the source is dead; and no call leaves once the breaker is open', async () => {
    const fresh = await search(service, 'metformin');
    service.standIn?.behave({ pathPrefix: drugsFda, dropConnection: true });
    const { breaker } =
      service.infrastructure.dependencies.get('openfda') ?? expect.fail('There is no such dependency');
    await clock.advance(2 * 3_600_000);

    const stale = await settle(clock, search(service, 'metformin'));
    expect(stale).toMatchObject({ freshness: 'stale', reason: 'NETWORK_ERROR', results: fresh.results });
    for (let asked = 0; breaker.state !== 'open' && asked < 10; asked += 1)
      await settle(clock, search(service, 'metformin'));
    expect(breaker.state).toBe('open');

    const before = upstreamCalls(service);
    const refused = await search(service, 'metformin');
    expect(refused).toMatchObject({ freshness: 'stale', reason: 'CIRCUIT_OPEN', results: fresh.results });
    expect(upstreamCalls(service)).toBe(before);
    service.standIn?.behave('normal');
  });
});

describe('after a restart with the source dead', () => {
  it('the answer that was kept stands in, and says so', async () => {
    const first = await start('restart', new VirtualClock());
    const fresh = await search(first, 'pembrolizumab');
    await first.close();

    const clock = new VirtualClock({ now: Date.UTC(2026, 0, 17) });
    const second = await start('restart', clock);
    second.standIn?.behave({ dropConnection: true });
    const kept = await settle(clock, search(second, 'pembrolizumab'));
    expect(kept).toMatchObject({ freshness: 'stale', fetchedAt: fresh.fetchedAt, results: fresh.results });
    const unknown = await settle(clock, fetch(`${second.url}/api/v1/medications?name=gefitinib`));
    expect(unknown.status).toBe(503);
    expect(unknown.headers.get('retry-after')).toMatch(/^\d+$/);
    await second.close();
  });
});

describe('with the database away', () => {
  it('answers are given without being kept, and readiness says so', async () => {
    const service = await start('no-database', new VirtualClock());
    await service.infrastructure.database().close();
    expect(await search(service, 'osimertinib')).toMatchObject({ freshness: 'fresh', total: 2 });
    expect((await fetch(`${service.url}/health/ready`)).status).toBe(503);
    await service.close();
  });
});

function keptAnswers(service: Service, name: string): Promise<{ rows: readonly unknown[] }> {
  const { db } = service.infrastructure.database<{
    medication_answers: { name: string; question: string; complete: boolean; fetched_at: Date };
  }>();
  return db
    .selectFrom('medication_answers')
    .select(['question', 'complete', 'fetched_at'])
    .where('name', '=', name)
    .execute()
    .then(rows => ({ rows }));
}

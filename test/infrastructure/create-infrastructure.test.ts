import { randomUUID } from 'node:crypto';
import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Infrastructure } from 'plinth';
import { createInfrastructure } from 'plinth';
import { runWithRequestContext } from 'plinth/context';
import { ArgumentError, ConfigurationError, NetworkError, RateLimitError } from 'plinth/errors';
import { VirtualClock } from 'plinth/testing';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';

let directory: string;

function create(environment: Readonly<Record<string, string>> = {}): Promise<Infrastructure> {
  return createInfrastructure({
    clock: new VirtualClock(),
    logging: { console: false },
    settings: {
      envFile: false,
      yamlFile: false,
      environment: { ENVIRONMENT: 'test', DATA_DIR: directory, ...environment },
    },
  });
}

describe('createInfrastructure()', () => {
  beforeEach(async () => {
    directory = await mkdtemp(join(tmpdir(), 'plinth-infrastructure-'));
  });

  afterEach(() => rm(directory, { recursive: true, force: true }));

  it('works with nothing configured, and closes the server first and the logs last', async () => {
    const infrastructure = await create();
    const server = await infrastructure.createServer();
    const { url } = await server.listen({ port: 0 });
    const ready = await fetch(`${url}/health/ready`);
    expect(await ready.json()).toMatchObject({ status: 'up', checks: { database: { status: 'up' } } });
    expect(infrastructure.closingOrder).toEqual([
      'server',
      'metrics',
      'dependencies',
      'connections',
      'storage',
      'cache',
      'limits',
      'database',
      'logging',
    ]);
    await infrastructure.close();
    await expect(fetch(`${url}/health/ready`)).rejects.toThrow();
  });

  it('opens nothing more once it is being closed: what was about to open is closed at once', async () => {
    const infrastructure = await create();
    const opening = infrastructure.createServer({ docsUrl: false });
    const refused = expect(opening).rejects.toMatchObject({ name: 'RejectedError', code: 'CLOSED' });
    await infrastructure.close();
    await refused;
    for (const open of [
      () => infrastructure.createServer({ docsUrl: false }),
      async () => infrastructure.onClose('mine', () => {}),
      async () => infrastructure.batch({ name: 'labels', work: () => 1 }),
      async () => infrastructure.queuedBatch({ name: 'more-labels', work: () => 1 }),
    ]) {
      await expect(open()).rejects.toMatchObject({ name: 'RejectedError', code: 'CLOSED' });
    }
  });

  it('says every problem of the settings at once', async () => {
    const error = await create({ PORT: '-1', DB_POOL_SIZE: 'many' }).catch((caught: unknown) => caught);
    expect(error).toBeInstanceOf(ConfigurationError);
    expect((error as ConfigurationError).problems.map(problem => problem.name).sort()).toEqual([
      'DB_POOL_SIZE',
      'PORT',
    ]);
  });

  it('closes what was open already when a later step fails', async () => {
    await writeFile(join(directory, 'pg'), 'not a folder');
    await expect(create()).rejects.toMatchObject({ name: 'DatabaseFolderError' });
    await rm(join(directory, 'pg'));
    await using second = await create();
    expect(second.database().state).toBe('open');
  });
});

describe('an infrastructure', () => {
  let infrastructure: Infrastructure;

  beforeAll(async () => {
    directory = await mkdtemp(join(tmpdir(), 'plinth-infrastructure-'));
    infrastructure = await create();
  });

  afterAll(async () => {
    await infrastructure.close();
    await rm(directory, { recursive: true, force: true });
  });

  it('keeps every file it writes below the data directory', async () => {
    infrastructure.logging.getLogger('here').info('Hello');
    infrastructure.logging.flush();
    expect(await readFile(join(directory, 'logs', 'app.log'), 'utf8')).toContain('Hello');
  });

  it('is ready, with restrictions, while every connection to the database is on loan', async () => {
    const session = await infrastructure.database().openSession();
    const asking = infrastructure.health.ready();
    await (infrastructure.clock as VirtualClock).advance(750);
    expect(await asking).toMatchObject({
      status: 'degraded',
      checks: { database: { status: 'degraded', message: 'Every connection is on loan' } },
    });
    await session.close();
  });

  it('has files, below the data directory unless a bucket is named, and tells of them without their names', async () => {
    const { storage, logging } = infrastructure;
    const saved = await storage.saveFile('hello', 'greeting.txt', { owner: 'ada' });
    expect(saved).toMatchObject({ bytes: 5, owner: 'ada' });
    expect((await storage.readBytes(saved.key, { owner: 'ada' })).toString()).toBe('hello');
    expect(await readdir(join(directory, 'storage'))).not.toEqual([]);
    await expect(storage.saveFile('MZ', 'run.exe')).rejects.toMatchObject({ code: 'VALIDATION_ERROR' });
    logging.flush();
    const log = await readFile(join(directory, 'logs', 'app.log'), 'utf8');
    expect(log).toMatch(/storage .*File saved bytes=5/);
    expect(log).toMatch(/WARNING .*File refused error_code=VALIDATION_ERROR/);
    expect(log).not.toContain('greeting');
  });

  it('shows a dependency in logs, metrics, readiness and the call log', async () => {
    const { guard } = infrastructure.dependency('billing', { failureThreshold: 1, maxAttempts: 1 });
    const call = { operation: 'invoice.read', key: 'invoice-7', repeatable: true };
    await runWithRequestContext({ requestId: 'req-123' }, () => guard.execute(call, async () => 12));
    await guard.execute({ ...call, key: 'invoice-8' }, () => Promise.reject(new NetworkError('gone'))).catch(() => {});

    expect(infrastructure.dependencies.calls.why('req-123')).toMatchObject([{ dependency: 'billing', result: 'ok' }]);
    const metrics = await infrastructure.metrics?.render();
    expect(metrics).toContain(
      'plinth_calls_total{dependency="billing",operation="invoice.read",result="failed",freshness="none"} 1',
    );
    expect(metrics).toContain('circuit_breaker_state{service_name="billing"} 2');
    expect(await infrastructure.health.ready()).toMatchObject({
      status: 'degraded',
      checks: { billing: { status: 'degraded' } },
    });
    infrastructure.logging.flush();
    const log = await readFile(join(directory, 'logs', 'api.log'), 'utf8');
    expect(log).toMatch(/api\.billing .*\[req-123\] \| Call answered operation=invoice\.read/);
  });

  it('asks a source more slowly that answers 429, nothing until it said, and says so in the log', async () => {
    const { guard, pace } = infrastructure.dependency('maps', { ratePerSecond: 4, maxAttempts: 1 });
    const { pace: other } = infrastructure.dependency('mail', { ratePerSecond: 4 });
    const tooMany = new RateLimitError('answered 429', { retryAfterMs: 90_000 });
    await guard.execute({ operation: 'tile' }, () => Promise.reject(tooMany)).catch(() => {});
    expect([pace?.ratePerSecond, other?.ratePerSecond]).toEqual([2, 4]);
    // The deadline of the call is nearer than the end of the pause.
    await expect(guard.execute({ operation: 'tile' }, async () => 1)).rejects.toMatchObject({ reason: 'out-of-time' });
    infrastructure.logging.flush();
    const log = await readFile(join(directory, 'logs', 'app.log'), 'utf8');
    expect(log).toMatch(/WARNING .*Pace of maps: paused, as the source asked pause=90/);
    expect(log).toMatch(/WARNING .*Pace of maps: slower from=4 to=2/);
  });

  it.each([
    [{}, 30_000, 60_000, 4],
    [{ attemptTimeoutMs: undefined, deadlineMs: undefined, maxAttempts: undefined }, 30_000, 60_000, 4],
    [{ attemptTimeoutMs: 90_000 }, 90_000, 180_000, 4],
    [{ attemptTimeoutMs: 2_000 }, 2_000, 60_000, 4],
    [{ attemptTimeoutMs: 2_000, deadlineMs: 3_000, maxAttempts: 1 }, 2_000, 3_000, 1],
  ])('takes what %j leaves open about attempts from the settings', (options, attemptMs, deadlineMs, maxAttempts) => {
    const { guard } = infrastructure.dependency(`numbers-${randomUUID()}`, options);
    const numbers = Object.fromEntries(guard.explain().map(({ stage, settings }) => [stage, settings]));
    expect(numbers).toMatchObject({
      deadline: { timeoutMs: deadlineMs },
      attemptTimeout: { timeoutMs: attemptMs },
      retry: { maxAttempts },
    });
  });

  it('refuses two dependencies of one name', () => {
    infrastructure.dependency('shipping');
    expect(() => infrastructure.dependency('shipping')).toThrow(ArgumentError);
  });
});

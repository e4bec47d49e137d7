import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { sql } from 'kysely';
import { createInfrastructure, type Infrastructure } from 'plinth';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type RedisServer, startRedis } from '../servers/redis.ts';
import { serverOrSkip } from '../servers/require.ts';

const program = serverOrSkip('redis-server');
let directory: string;
let redis: RedisServer;

beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), 'plinth-closing-'));
  if (program !== undefined) redis = await startRedis();
});

afterAll(async () => {
  if (program !== undefined) await redis.dispose();
  await rm(directory, { recursive: true, force: true });
});

/** A value, and who may set it. */
function gate(): { readonly opened: Promise<void>; readonly open: () => void } {
  let open = (): void => {};
  const opened = new Promise<void>(resolve => {
    open = resolve;
  });
  return { opened, open };
}

describe.skipIf(program === undefined)('The order in which an infrastructure is closed', () => {
  it('leaves a request that is under way everything it needs, and takes nothing new', async () => {
    const infrastructure: Infrastructure = await createInfrastructure({
      logging: { console: false },
      settings: {
        envFile: false,
        yamlFile: false,
        environment: {
          ENVIRONMENT: 'test',
          DATA_DIR: directory,
          STORAGE_BASE_PATH: join(directory, 'files'),
          REDIS_URL: redis.url,
        },
      },
    });
    const { cache, storage } = infrastructure;
    const [entered, mayGoOn] = [gate(), gate()];
    const batch = infrastructure.batch({ name: 'doubles', work: async (item: number) => item * 2 });
    const server = await infrastructure.createServer({ docsUrl: false });
    await server.register(async api => {
      api.get('/everything', async () => {
        entered.open();
        await mayGoOn.opened;
        const { rows } = await sql<{ two: number }>`select 2 as two`.execute(infrastructure.database().db);
        await cache.set('key', 'kept');
        const { key } = await storage.saveFile(Buffer.from('kept'), 'kept.txt');
        const bytes = await storage.readBytes(key);
        const { content } = await infrastructure.llm().generate({ prompt: 'Hello' });
        return { sql: rows[0]?.two, cache: await cache.get('key'), file: String(bytes), llm: content.slice(0, 9) };
      });
    });
    const { url } = await server.listen({ port: 0 });
    expect(await batch.processBatch([1])).toMatchObject([{ value: 2 }]);
    expect(infrastructure.closingOrder).toEqual([
      'server',
      'batch doubles',
      'metrics',
      'dependencies',
      'connections',
      'storage',
      'cache',
      'limits',
      'redis',
      'database',
      'logging',
    ]);
    const answering = fetch(`${url}/api/v1/everything`);
    await entered.opened;
    const closing = infrastructure.close();
    await expect(fetch(`${url}/api/v1/everything`)).rejects.toThrow();
    mayGoOn.open();
    const answer = await answering;
    expect(answer.status).toBe(200);
    expect(await answer.json()).toEqual({ sql: 2, cache: 'kept', file: 'kept', llm: '[offline]' });
    await closing;
    await expect(sql`select 1`.execute(infrastructure.database().db)).rejects.toThrow();
    await expect(storage.saveFile(Buffer.from('late'), 'late.txt')).rejects.toThrow();
  });
});

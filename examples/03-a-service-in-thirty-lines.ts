/**
 * A service: settings, logs, an embedded PostgreSQL, a guarded dependency, and the HTTP edge with health and metrics.
 *
 * Run: node --conditions=plinth-source --import tsx examples/03-a-service-in-thirty-lines.ts
 */
import { mkdtemp } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInfrastructure } from 'plinth';
import { z } from 'zod';

interface Tables {
  greetings: { name: string; times: number };
}

const directory = await mkdtemp(join(tmpdir(), 'plinth-example-'));
await using infrastructure = await createInfrastructure({
  settings: { environment: { DATA_DIR: directory }, envFile: false, yamlFile: false },
  logging: { console: false },
});
const database = infrastructure.database<Tables>();
await database.migrate([
  { name: '001-greetings', up: 'create table greetings (name text primary key, times int not null)' },
]);

const server = await infrastructure.createServer();
await server.register(async api => {
  api.get('/hello', { schema: { querystring: z.object({ name: z.string().min(1) }) } }, async request => {
    const { times } = await database.db
      .insertInto('greetings')
      .values({ name: request.query.name, times: 1 })
      .onConflict(conflict =>
        conflict.column('name').doUpdateSet(({ eb }) => ({ times: eb('greetings.times', '+', 1) })),
      )
      .returning('times')
      .executeTakeFirstOrThrow();
    return { message: `Hello ${request.query.name}`, times };
  });
});
const { url } = await server.listen({ port: 0 });

for (const path of ['/api/v1/hello?name=World', '/api/v1/hello?name=', '/health/ready']) {
  const response = await fetch(`${url}${path}`);
  process.stdout.write(`${response.status} ${path}\n    ${(await response.text()).slice(0, 160)}\n`);
}

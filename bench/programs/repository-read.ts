/**
 * Reads of rows by key, from one server, in short turns; prints the time that goes by, by candidate.
 *
 *     node --conditions=plinth-source --import tsx bench/programs/repository-read.ts 20 "pg, named" "plinth repository"
 *
 * The first argument is the number in flight. Candidates whose name says PGlite read from an embedded database, the others
 * from a PostgreSQL that is started for it.
 */
import { PGlite } from '@electric-sql/pglite';
import { CompiledQuery, Kysely, PostgresDialect } from 'kysely';
import pg from 'pg';
import { defineTable, Repository } from 'plinth/crud';
import { DatabaseManager } from 'plinth/database';
import { z } from 'zod';
import { startMeasuredPostgres } from './postgres-server.ts';
import { drizzleRead, type Read, typeOrmRead } from './sql-peers.ts';

const rows = 10_000;
const warmUpMs = 700;
const turns = 40;
const turnMs = 50;
const poolSize = 10;

const createTable = `create table if not exists people (id int primary key, name text not null, email text not null,
  age int not null, is_active boolean not null, created_at timestamptz not null)`;
const fillTable = `insert into people select n, 'name ' || n, n || '@example.com', n % 90, n % 2 = 0, now()
  from generate_series(0, ${rows - 1}) n on conflict do nothing`;
const byId =
  'select id, name, email, age, is_active as "isActive", created_at as "createdAt" from people where id = $1';

const people = defineTable({
  name: 'people',
  schema: z.object({
    id: z.int(),
    name: z.string(),
    email: z.string(),
    age: z.int(),
    isActive: z.boolean(),
    createdAt: z.date(),
  }),
  columns: { id: { key: true } },
});

interface Person {
  readonly id: number;
  readonly name: string;
  readonly email: string;
  readonly age: number;
  readonly is_active: boolean;
  readonly created_at: Date;
}

/** With a turn's reads in one statement when `gather` says so. */
async function repository(options: { url?: string; gather?: boolean }): Promise<Read> {
  const { url, gather } = options;
  const database = new DatabaseManager({ url, poolSize, maxOverflow: 0 });
  await database.open();
  if (url === undefined) {
    for (const statement of [createTable, fillTable]) await database.db.executeQuery(CompiledQuery.raw(statement));
  }
  const repository = new Repository(people, database, { gather });
  return async id => (await repository.findById(id))?.name;
}

const candidates: Readonly<Record<string, (url: string) => Promise<Read>>> = {
  async 'pg, named'(connectionString) {
    const pool = new pg.Pool({ connectionString, max: poolSize });
    return async id => (await pool.query<Person>({ name: 'by-id', text: byId, values: [id] })).rows[0]?.name;
  },
  async 'pg, unnamed'(connectionString) {
    const pool = new pg.Pool({ connectionString, max: poolSize });
    return async id => (await pool.query<Person>(byId, [id])).rows[0]?.name;
  },
  'plinth repository': url => repository({ url }),
  'plinth repository, gathered': url => repository({ url, gather: true }),
  async kysely(connectionString) {
    const pool = new pg.Pool({ connectionString, max: poolSize });
    const db = new Kysely<{ people: Person }>({ dialect: new PostgresDialect({ pool }) });
    return async id => {
      const query = db
        .selectFrom('people')
        .select(['id', 'name', 'email', 'age', 'is_active as isActive', 'created_at as createdAt']);
      return (await query.where('id', '=', id).executeTakeFirst())?.name;
    };
  },
  'drizzle, prepared': async url => drizzleRead(url, poolSize),
  typeorm: url => typeOrmRead(url, poolSize),
  async 'PGlite raw'() {
    const database = await PGlite.create();
    await database.exec(`${createTable}; ${fillTable}`);
    return async id => (await database.query<Person>(byId, [id])).rows[0]?.name;
  },
  'plinth repository over PGlite': () => repository({}),
  'plinth repository over PGlite, gathered': () => repository({ gather: true }),
};

/** Reads for so long, always so many at once; says how many. */
async function readFor(read: Read, durationMs: number): Promise<number> {
  const endMs = performance.now() + durationMs;
  let count = 0;
  const caller = async (): Promise<void> => {
    while (performance.now() < endMs) {
      count += 1;
      await read((count * 7_919) % rows);
    }
  };
  await Promise.all(Array.from({ length: Number(inFlight) }, caller));
  return count;
}

async function startServer(): Promise<string> {
  const url = await startMeasuredPostgres();
  const client = new pg.Client({ connectionString: url });
  await client.connect();
  await client.query(`${createTable}; ${fillTable}; analyze people`);
  await client.end();
  return url;
}

/** A candidate that reads what it should, and has done so for a while. */
async function warm(
  name: string,
  url: string,
): Promise<{ name: string; read: Read; operations: number; cpuMs: number }> {
  const make = candidates[name];
  if (make === undefined)
    throw new RangeError(`No candidate is called "${name}"; there are ${Object.keys(candidates).join(', ')}`);
  const read = await make(url);
  if ((await read(77)) !== 'name 77') throw new RangeError(`"${name}" reads something else`);
  await readFor(read, warmUpMs);
  return { name, read, operations: 0, cpuMs: 0 };
}

const [, , inFlight = '1', ...names] = process.argv;
const url = names.every(name => name.includes('PGlite')) ? '' : await startServer();
const measured: Awaited<ReturnType<typeof warm>>[] = [];
for (const name of names) measured.push(await warm(name, url));
for (let turn = 0; turn < turns; turn += 1) {
  const first = turn % measured.length;
  for (const candidate of [...measured.slice(first), ...measured.slice(0, first)]) {
    const startedMs = performance.now();
    candidate.operations += await readFor(candidate.read, turnMs);
    candidate.cpuMs += performance.now() - startedMs;
  }
}
const measurements = measured.map(({ name, operations, cpuMs }) => [name, { operations, cpuMs }]);
console.log(JSON.stringify(Object.fromEntries(measurements)));
process.exit();

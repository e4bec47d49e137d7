import pg from 'pg';
import { peer } from '../peers.ts';

/** Reads one row by its key; says its name. */
export type Read = (id: number) => Promise<string | undefined>;

interface Drizzle {
  drizzle(pool: pg.Pool): {
    select(): {
      from(table: unknown): {
        where(condition: unknown): {
          prepare(name: string): { execute(values: { id: number }): Promise<readonly { readonly name: string }[]> };
        };
      };
    };
  };
}

interface DrizzleColumns {
  pgTable(name: string, columns: Readonly<Record<string, unknown>>): { readonly id: unknown };
  integer(name: string): unknown;
  text(name: string): unknown;
  boolean(name: string): unknown;
  timestamp(name: string, options: { withTimezone: boolean }): unknown;
}

interface DrizzleConditions {
  eq(column: unknown, value: unknown): unknown;
  sql: { placeholder(name: string): unknown };
}

/** A query that is compiled once, with a name on the server. */
export function drizzleRead(connectionString: string, poolSize: number): Read {
  const { drizzle } = peer<Drizzle>('drizzle-orm/node-postgres');
  const { pgTable, integer, text, boolean, timestamp } = peer<DrizzleColumns>('drizzle-orm/pg-core');
  const { eq, sql } = peer<DrizzleConditions>('drizzle-orm');
  const people = pgTable('people', {
    id: integer('id'),
    name: text('name'),
    email: text('email'),
    age: integer('age'),
    isActive: boolean('is_active'),
    createdAt: timestamp('created_at', { withTimezone: true }),
  });
  const byId = drizzle(new pg.Pool({ connectionString, max: poolSize }))
    .select()
    .from(people)
    .where(eq(people.id, sql.placeholder('id')))
    .prepare('by-id');
  return async id => (await byId.execute({ id }))[0]?.name;
}

interface TypeOrm {
  EntitySchema: new (options: unknown) => object;
  DataSource: new (
    options: unknown,
  ) => {
    initialize(): Promise<unknown>;
    getRepository(entity: object): {
      findOneBy(where: { id: number }): Promise<{ readonly name: string } | null>;
    };
  };
}

/** A repository as its documentation has it. */
export async function typeOrmRead(url: string, poolSize: number): Promise<Read> {
  const { EntitySchema, DataSource } = peer<TypeOrm>('typeorm');
  const person = new EntitySchema({
    name: 'people',
    columns: {
      id: { type: Number, primary: true },
      name: { type: 'text' },
      email: { type: 'text' },
      age: { type: Number },
      isActive: { type: Boolean, name: 'is_active' },
      createdAt: { type: 'timestamp with time zone', name: 'created_at' },
    },
  });
  const source = new DataSource({ type: 'postgres', url, poolSize, entities: [person] });
  await source.initialize();
  const repository = source.getRepository(person);
  return async id => (await repository.findOneBy({ id }))?.name;
}

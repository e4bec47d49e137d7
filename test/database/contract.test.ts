import { sql } from 'kysely';
import {
  CheckViolationError,
  ForeignKeyViolationError,
  NotNullViolationError,
  preparedQuery,
  prepareStatement,
  QueryError,
  type QueryEvent,
  TransactionAbortedError,
  UniqueViolationError,
} from 'plinth/database';
import { ArgumentError, PlinthError } from 'plinth/errors';
import { expect, it } from 'vitest';
import { onEveryEngine } from './on-every-engine.ts';

onEveryEngine(engine => {
  const { insert } = engine;
  const count = async (): Promise<number> => (await engine.emails()).length;

  it('writes and reads rows', async () => {
    const { id } = await engine.database.db
      .insertInto('authors')
      .values({ email: 'ada', age: 36 })
      .returning('id')
      .executeTakeFirstOrThrow();
    const updated = await engine.database.db
      .updateTable('authors')
      .set({ age: 37 })
      .where('id', '=', id)
      .executeTakeFirst();
    expect(updated.numUpdatedRows).toBe(1n);
    expect(await engine.database.db.selectFrom('authors').selectAll().execute()).toEqual([
      { id, email: 'ada', age: 37 },
    ]);
  });

  it('gives the same JavaScript values for the types of SQL', async () => {
    const { rows } = await sql`select 1::int as whole, 1::bigint as large, 1.50::numeric as exact, 1.5::float8 as float,
      true as truth, 'x'::text as text, null as nothing, '2026-01-15'::date as day, array['2026-01-15'::date, null] as days, '2026-01-15T10:00:00Z'::timestamptz as moment,
      '{"a":[1]}'::jsonb as document, array[1,2] as list, '\\x01ff'::bytea as bytes`.execute(engine.database.db);
    expect(rows).toEqual([
      {
        whole: 1,
        large: '1',
        exact: '1.50',
        float: 1.5,
        truth: true,
        text: 'x',
        nothing: null,
        day: '2026-01-15',
        days: ['2026-01-15', null],
        moment: new Date('2026-01-15T10:00:00Z'),
        document: { a: [1] },
        list: [1, 2],
        bytes: Buffer.from([1, 255]),
      },
    ]);
  });

  it('carries answers and parameters of megabytes', async () => {
    const large = 'ü'.repeat(1_500_000);
    const { rows } = await sql<{ text: string }>`select ${large}::text as text from generate_series(1, 3)`.execute(
      engine.database.db,
    );
    expect(rows.map(({ text }) => text === large)).toEqual([true, true, true]);
  });

  it('names violations of constraints without the values', async () => {
    await insert('secret@example.com');
    const failureOf = (statement: Promise<unknown>): Promise<unknown> => statement.catch((error: unknown) => error);
    const unique = await failureOf(insert('secret@example.com'));
    expect(unique).toBeInstanceOf(UniqueViolationError);
    expect(unique).toMatchObject({
      code: 'UNIQUE_VIOLATION',
      sqlState: '23505',
      table: 'authors',
      constraint: 'authors_email_key',
      retryable: false,
    });
    const book = { author_id: 987_654, title: 'x' };
    const reference = await failureOf(engine.database.db.insertInto('books').values(book).execute());
    expect(reference).toBeInstanceOf(ForeignKeyViolationError);
    const check = await failureOf(insert('young@example.com', 17));
    expect(check).toBeInstanceOf(CheckViolationError);
    expect(check).toMatchObject({ constraint: 'adult' });
    const missing = await failureOf(insert(null as unknown as string));
    expect(missing).toBeInstanceOf(NotNullViolationError);
    expect(missing).toMatchObject({ column: 'email', table: 'authors' });
  });

  const withSecret = (text: string) => preparedQuery(prepareStatement(text, { reads: true }), ['secret@example.com']);

  it('keeps values out of everything that a logger prints', async () => {
    const { inspect } = await import('node:util');
    await insert('secret@example.com');
    const statements = [
      () => insert('secret@example.com'),
      () => sql`select ${'secret@example.com'}::integer`.execute(engine.database.db),
      () => sql`select 'secret@example.com'::date`.execute(engine.database.db),
      () => sql`insert into authors (email, age) values (${'x'}, ${'secret@example.com'})`.execute(engine.database.db),
      () => sql`do $$ begin raise exception 'no: %', 'secret@example.com'; end $$`.execute(engine.database.db),
      ...[
        'current_setting($1)',
        'set_config($1, $$x$$, false)',
        '$1::text::regproc',
        '$1::text::regclass',
        'nextval($1)',
      ]
        .concat(["has_table_privilege($1::text, 'authors', 'select')", "has_schema_privilege($1::text, 'usage')"])
        .map(call => () => engine.database.db.executeQuery(withSecret(`select ${call}`))),
    ];
    for (const statement of statements) {
      const error = await statement().catch((reason: unknown) => reason);
      expect(error).toBeInstanceOf(PlinthError);
      expect(inspect(error, { depth: 9 }) + JSON.stringify(error)).not.toContain('secret@');
    }
  });

  it('refuses before it is sent what the driver cannot carry, and stays as it is', async () => {
    const { database } = engine;
    const connection = sql<{ pid: number }>`select pg_backend_pid() as pid`;
    await database.session(async db => {
      const before = (await connection.execute(db)).rows;
      for (const text of [
        'copy authors from stdin',
        'COPY authors\n  to stdout with (format csv)',
        'select 1; copy (select 1) to stdout',
        '/* all */ copy authors from /* here */ stdin',
      ]) {
        const failure = sql.raw(text).execute(db);
        await expect(failure, text).rejects.toBeInstanceOf(ArgumentError);
        await expect(failure, text).rejects.toThrow('write rows with an insert');
      }
      expect(() => prepareStatement('copy authors to stdout', { reads: true })).toThrow(ArgumentError);
      const { rows } = await sql`select '; copy authors from stdin' as copy, 'stdin' as "; copy to stdout"`.execute(db);
      expect(rows).toHaveLength(1);
      const many = Array.from({ length: 65_536 }, () => 1);
      const places = many.map((_, index) => `$${index + 1}::int`).join();
      const statement = prepareStatement(`select 1 where 1 in (${places})`, { reads: true });
      for (const run of [
        () => db.executeQuery(preparedQuery(statement, many)),
        () => database.readPrepared(statement, many),
      ]) {
        const failure = run();
        await expect(failure).rejects.toBeInstanceOf(ArgumentError);
        await expect(failure).rejects.toThrow('Cannot send 65536 parameters: expected at most 65535. Write fewer rows');
      }
      expect((await connection.execute(db)).rows).toEqual(before);
    });
    expect(database.state).toBe('open');
  });

  it('keeps the connection that was given a statement with the wrong number of values', async () => {
    const connection = sql<{ pid: number }>`select pg_backend_pid() as pid`;
    await engine.database.session(async db => {
      const before = (await connection.execute(db)).rows;
      const byEmail = prepareStatement('select age from authors where email = $1', { reads: false });
      for (const query of [preparedQuery(byEmail, ['ada', 'grace']), sql.raw('select 1\0').compile(db)]) {
        const error = await db.executeQuery(query).catch((reason: unknown) => reason);
        expect(error).toBeInstanceOf(QueryError);
        expect(error).toMatchObject({ sqlState: '08P01', retryable: false });
        expect(error).toHaveProperty('message', expect.stringContaining('expected one value for each'));
      }
      expect((await connection.execute(db)).rows).toEqual(before);
    });
  });

  it('tells which statement is wrong', async () => {
    const failure = sql`select * from nowhere`.execute(engine.database.db);
    await expect(failure).rejects.toBeInstanceOf(QueryError);
    await expect(failure).rejects.toThrow('relation "nowhere" does not exist (42P01)');
  });

  it('commits a transaction that returns and rolls back one that throws', async () => {
    await engine.database.transaction(transaction => insert('kept', null, transaction));
    const mistake = new TypeError('changed my mind');
    const failure = engine.database.transaction(async transaction => {
      await insert('dropped', null, transaction);
      throw mistake;
    });
    await expect(failure).rejects.toBe(mistake);
    expect(await engine.database.db.selectFrom('authors').select('email').execute()).toEqual([{ email: 'kept' }]);
  });

  it('refuses to call a transaction committed in which a statement failed', async () => {
    const failure = engine.database.transaction(async transaction => {
      await insert('first', null, transaction);
      await insert('first', null, transaction).catch(() => 'swallowed');
    });
    await expect(failure).rejects.toBeInstanceOf(TransactionAbortedError);
    expect(await count()).toBe(0);
  });

  it('rolls back when the signal fires before the commit', async () => {
    const controller = new AbortController();
    const failure = engine.database.transaction(
      async transaction => {
        await insert('dropped', null, transaction);
        controller.abort();
      },
      { signal: controller.signal },
    );
    await expect(failure).rejects.toMatchObject({ name: 'AbortError' });
    expect(await count()).toBe(0);
  });

  it('honours the isolation level and the access mode', async () => {
    const failure = engine.database.transaction(transaction => insert('x', null, transaction), {
      accessMode: 'read only',
    });
    await expect(failure).rejects.toMatchObject({ sqlState: '25006' });
    const level = await engine.database.transaction(
      transaction =>
        sql<{ level: string }>`select current_setting('transaction_isolation') as level`.execute(transaction),
      { isolationLevel: 'serializable' },
    );
    expect(level.rows).toEqual([{ level: 'serializable' }]);
  });

  it('lends one connection to a session, also with await using', async () => {
    const pid = sql<{ pid: number }>`select pg_backend_pid() as pid`;
    await engine.database.session(async db => {
      await sql`create temporary table note (text text)`.execute(db);
      await sql`insert into note values ('hello')`.execute(db);
      expect((await sql`select text from note`.execute(db)).rows).toEqual([{ text: 'hello' }]);
      await sql`drop table note`.execute(db);
    });
    {
      await using session = await engine.database.openSession();
      const [first, second] = [await pid.execute(session.db), await pid.execute(session.db)];
      expect(first.rows).toEqual(second.rows);
      expect(engine.database.poolStats().active).toBe(1);
    }
    expect(engine.database.poolStats()).toMatchObject({ active: 0, waiting: 0 });
  });

  it('rolls back what a session left open', async () => {
    await engine.database.session(async db => {
      await sql`begin`.execute(db);
      await insert('half', null, db);
    });
    expect(await count()).toBe(0);
  });

  it('says whether it is alive', async () => {
    expect(await engine.database.validateConnection()).toBe(true);
    expect(await engine.database.healthCheck()).toMatchObject({ healthy: true, pool: { active: 0 }, replicas: [] });
  });

  it('tells statements to those who listen, without parameters', async () => {
    const events: QueryEvent[] = [];
    using _subscription = engine.database.events.on('query', event => events.push(event));
    await insert('secret');
    await sql`select * from nowhere`.execute(engine.database.db).catch(() => undefined);
    expect(events).toMatchObject([
      { sql: 'insert into "authors" ("email", "age") values ($1, $2)', rows: 1 },
      { sql: 'select * from nowhere', rows: 0, error: { sqlState: '42P01' } },
    ]);
    expect(JSON.stringify(events)).not.toContain('secret');
  });
});

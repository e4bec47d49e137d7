import fc from 'fast-check';
import { type CompiledQuery, Kysely, sql } from 'kysely';
import { describe, expect, it } from 'vitest';
import { createDialect } from './driver.ts';
import { mayChangeSession, mayCommit, mayWrite } from './statement-text.ts';

const leaving = [
  "set search_path = 'x'",
  'SET\n  ROLE tenant',
  'set session authorization tenant',
  'set session characteristics as transaction read only',
  'reset all',
  'listen news',
  "load 'auto_explain'",
  'prepare byKey as select 1',
  'declare rows cursor with hold for select 1',
  'create temp table note (text text)',
  'create or replace temporary view note as select 1',
  'create table pg_temp.note (text text)',
  'select 1 as one into temp note',
  "select set_config('app.tenant', $1, false)",
  "select pg_catalog.set_config('app.tenant', $1, $2)",
  'select pg_advisory_lock(1)',
  'select pg_try_advisory_lock_shared(1, 2)',
  "do $$ begin set search_path = 'x'; end $$",
];
const leavingNothing = [
  'select "id", "email" from "users" where "id" = $1',
  'update users set email = $1',
  'update /* the row */ users /* as told */ set email = $1',
  'with gone as (delete from users returning id) insert into archive select id from gone',
  'set local search_path = x',
  'set transaction isolation level serializable',
  'SET /* now */ CONSTRAINTS all deferred',
  "select set_config('app.tenant', $1, true)",
  'select pg_advisory_xact_lock(1)',
  'select temp, settings, reset from weather',
  'create table listen (load int)',
  'begin; select 1; commit',
  '',
];

describe('mayChangeSession()', () => {
  it.each(leaving)('finds %s', text => {
    expect(mayChangeSession(text)).toBe(true);
  });

  it.each(leavingNothing)('leaves %s alone', text => {
    expect(mayChangeSession(text)).toBe(false);
  });

  it('finds it behind other statements, white space and comments', () => {
    const blanks = fc.array(fc.constantFrom(' ', '\n', '\t', '-- set it\n', '/* a ; * / */', '/**/', '/* - */'));
    const before = fc.constantFrom('', 'select 1;', 'update users set email = $1;', ';;');
    fc.assert(
      fc.property(before, blanks, fc.constantFrom(...leaving), (text, blank, statement) => {
        expect(mayChangeSession(`${text}${blank.join('')}${statement}`)).toBe(true);
      }),
    );
  });

  it('takes a comment in a comment for one that may hide something', () => {
    expect(mayChangeSession("/* /* */ */ set search_path = 'x'")).toBe(true);
  });
});

const db = new Kysely<{ users: { id: number } }>({ dialect: createDialect(() => Promise.reject(new TypeError())) });
const raw = (text: string): CompiledQuery => sql.raw(text).compile(db);

describe('mayWrite()', () => {
  const all = db.selectFrom('users').selectAll();

  it('tells reads', () => {
    const reads = [
      all.compile(),
      db
        .with('some', () => all)
        .selectFrom('some')
        .selectAll()
        .compile(),
    ];
    for (const query of [...reads, raw(' SELECT 1'), raw('show search_path')]) expect(mayWrite(query)).toBe(false);
  });

  it('tells what may write', () => {
    const gone = db.deleteFrom('users').returning('id');
    const writes = [
      db.insertInto('users').values({ id: 1 }).compile(),
      db
        .with('gone', () => gone)
        .selectFrom('gone')
        .selectAll()
        .compile(),
      db
        .with('gone', () => sql<{ id: number }>`delete from users returning id`)
        .selectFrom('gone')
        .selectAll()
        .compile(),
    ];
    const texts = ['delete from users', 'select 1; delete from users', 'SELECT * INTO copies FROM users'];
    for (const query of [...writes, ...texts.map(raw)]) expect(mayWrite(query)).toBe(true);
  });
});

describe('mayCommit()', () => {
  it.each([
    'commit',
    'COMMIT and chain',
    'end',
    "prepare transaction 'x'",
    'insert into users values (1); -- done\n commit',
  ])('finds %s', text => {
    expect(mayCommit(raw(text))).toBe(true);
  });

  it.each(['rollback', 'prepare commit as select 1', 'select "end" from users', 'update users set "commit" = 1'])(
    'leaves %s alone',
    text => {
      expect(mayCommit(raw(text))).toBe(false);
    },
  );
});

import { Pool } from 'pg';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { systemClock } from '../kernel/index.ts';
import { type EmbeddedEngine, startEmbeddedEngine } from './embedded-engine.ts';
import { EmbeddedSocket } from './embedded-socket.ts';

describe('EmbeddedSocket', () => {
  let engine: EmbeddedEngine;
  let pool: Pool;

  beforeAll(async () => {
    engine = await startEmbeddedEngine({ clock: systemClock, onFailure: () => undefined });
    pool = new Pool({ stream: () => new EmbeddedSocket(bytes => engine.exchange(bytes)), user: 'postgres', max: 1 });
  });
  afterAll(async () => {
    await pool.end();
    await engine.close();
  });

  it('leaves nothing of a broken connection to the next one', async () => {
    const client = await pool.connect();
    await client.query('create table rows (number integer)');
    await client.query("set application_name = 'mine'");
    await client.query('create temporary table note (text text)');
    await client.query('select pg_advisory_lock(7)');
    await client.query({ name: 'named', text: 'select $1::int', values: [1] });
    await client.query('begin');
    await client.query('insert into rows values (1)');
    client.release(true);

    const { rows } = await pool.query(`select (select count(*)::int from rows) as rows, to_regclass('note') as note,
      current_setting('application_name') as name, (select count(*)::int from pg_locks where locktype = 'advisory') as locks,
      (select count(*)::int from pg_prepared_statements) as statements`);
    expect(rows).toEqual([{ rows: 0, note: null, name: '', locks: 0, statements: 0 }]);
  });

  it('carries the protocol of cursors, notices and notifications', async () => {
    const client = await pool.connect();
    const heard: string[] = [];
    client.on('notice', notice => heard.push(String(notice.message)));
    client.on('notification', ({ channel, payload }) => heard.push(`${channel}=${payload}`));
    await client.query('listen news');
    await client.query("notify news, 'hello'");
    await client.query("do $$ begin raise notice 'careful'; end $$");
    client.release();
    expect(heard).toEqual(['news=hello', 'careful']);
  });
});

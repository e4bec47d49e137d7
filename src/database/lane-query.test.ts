import { Client, type Submittable } from 'pg';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { systemClock } from '../kernel/index.ts';
import { type EmbeddedEngine, startEmbeddedEngine } from './embedded-engine.ts';
import { EmbeddedSocket } from './embedded-socket.ts';
import { KnownColumns, LaneQuery } from './lane-query.ts';

describe('LaneQuery', () => {
  let engine: EmbeddedEngine;
  let client: Client;
  let sent: string[];

  beforeAll(async () => {
    engine = await startEmbeddedEngine({ clock: systemClock, onFailure: () => undefined });
    const stream = (): EmbeddedSocket =>
      new EmbeddedSocket(bytes => {
        sent.push(...messagesIn(bytes));
        return engine.exchange(bytes);
      });
    sent = [];
    client = new Client({ stream, user: 'postgres' });
    await client.connect();
    await client.query('create table pets (id int primary key, name text); insert into pets values (1, $$Rex$$)');
  });
  afterAll(async () => {
    await client.end();
    await engine.close();
  });

  /** Runs a statement and gives its rows, and the messages that it took. */
  async function read(text: string, columns: KnownColumns, name?: string): Promise<readonly [unknown, string]> {
    sent = [];
    const rows = await new Promise((resolve, reject) => {
      const query = new LaneQuery({ text, ...(name !== undefined && { name }) }, columns, (error, result) =>
        error === null ? resolve(result.rows) : reject(error),
      );
      client.query(query as unknown as Submittable);
    });
    return [rows, sent.join('')];
  }

  it('asks once what the columns of a named statement are, and reads as before when it knows', async () => {
    const columns = new KnownColumns();
    const text = "select id, name, date '2026-01-15' as day from pets";
    const [first, asked] = await read(text, columns, 'pets');
    const [second, known] = await read(text, columns, 'pets');
    expect(asked).toBe('PBDES');
    expect(known).toBe('BES');
    expect(second).toEqual(first);
    expect(second).toMatchObject([{ id: 1, name: 'Rex' }]);
    const [other] = await read("select 'other' as kind", columns, 'other');
    expect(other).toEqual([{ kind: 'other' }]);
  });

  it('asks every time about a statement that has no name', async () => {
    const columns = new KnownColumns();
    await read('select 1 as one', columns);
    const [rows, asked] = await read("select 'two' as two", columns);
    expect(rows).toEqual([{ two: 'two' }]);
    expect(asked).toMatch(/^(PBDES|Q)$/);
  });

  it('fails when the columns have become others, instead of reading them wrongly', async () => {
    const columns = new KnownColumns();
    await read('select * from pets', columns, 'all');
    await client.query('alter table pets add column born date');
    await expect(read('select * from pets', columns, 'all')).rejects.toMatchObject({ code: '0A000' });
  });
});

/** The types of the messages in what a client sends, without the first one of a connection, which has none. */
function messagesIn(bytes: Uint8Array): string[] {
  const buffer = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const types: string[] = [];
  for (let at = 0; at < buffer.length && buffer[at] !== 0; at += 1 + buffer.readUInt32BE(at + 1))
    types.push(String.fromCharCode(buffer[at] ?? 0));
  return types;
}

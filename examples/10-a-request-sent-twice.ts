/**
 * Idempotency keys: a client that got no answer sends the same request again, and it is run once. Copies at the same
 * moment, a copy of what was answered, another request under the same key, and work that fails half way.
 *
 * Run: node --conditions=plinth-source --import tsx examples/10-a-request-sent-twice.ts
 */
import { DatabaseManager } from 'plinth/database';
import { createServer, idempotencyMigration, idempotencyOf, idempotent, SqlIdempotencyStore } from 'plinth/server';
import { z } from 'zod';

const print = (text: string): void => void process.stdout.write(`${text}\n`);

await using database = new DatabaseManager<{ orders: { item: string } }>();
await database.open();
await database.migrate([{ name: '001-orders', up: 'create table orders (item text not null)' }, idempotencyMigration]);

await using server = await createServer({ docsUrl: false, apiPrefix: '' });
const keys = idempotent({ store: new SqlIdempotencyStore({ database }), waitMs: 2_000 });
let failures = 1;
await server.register(async api => {
  api.post('/orders', { schema: { body: z.object({ item: z.string() }) }, ...keys }, async (request, reply) => {
    const order = request.body;
    // The order and its answer are one transaction: both are there, or none.
    await database.transaction(async transaction => {
      await transaction.insertInto('orders').values(order).execute();
      await idempotencyOf(request)?.complete(transaction, { status: 201, body: order });
      if (order.item === 'coffee' && failures-- > 0) throw new TypeError('The work fails half way');
    });
    return reply.code(201).send(order);
  });
});
const { url } = await server.listen({ port: 0 });

async function send(key: string, item: string): Promise<string> {
  const headers = { 'idempotency-key': key, 'content-type': 'application/json' };
  const answer = await fetch(`${url}/orders`, { method: 'POST', headers, body: JSON.stringify({ item }) });
  const replayed = answer.headers.has('idempotency-replayed') ? ', as before' : '';
  const { error_code: problem } = (await answer.json()) as { error_code?: string };
  return `${answer.status}${problem === undefined ? '' : ` ${problem}`}${replayed}`;
}

const copies = await Promise.all(['tea', 'tea', 'tea'].map(item => send('"order-1"', item)));
print(`three at once: ${copies.sort().join(' | ')}`);
print(`once more: ${await send('"order-1"', 'tea')}`);
print(`another order under the same key: ${await send('"order-1"', 'cake')}`);
print(`fails half way: ${await send('"order-2"', 'coffee')}`);
print(`sent again: ${await send('"order-2"', 'coffee')}`);

const rows = await database.db.selectFrom('orders').select('item').execute();
print(`in the database: ${rows.map(({ item }) => item).join(', ')}`);

import type { Generated } from 'kysely';
import type { DatabaseManager } from 'plinth/database';
import {
  createServer,
  type IdempotentOptions,
  idempotencyOf,
  idempotent,
  type Server,
  SqlIdempotencyStore,
} from 'plinth/server';
import { z } from 'zod';

/** The rows of the shop. */
export interface ShopTables {
  orders: { id: Generated<number>; item: string };
}

/** The table of the shop. */
export const shopMigration = {
  name: '001-orders',
  up: 'create table orders (id serial primary key, item text not null check (item <> $$forbidden$$))',
};

/** Where the process of a shop dies. */
export type Death = 'before-commit' | 'before-answer' | 'before-keeping';

/** How a shop is opened. */
export interface ShopOptions extends Partial<IdempotentOptions> {
  /** Called in the transaction after the answer was kept in it. */
  readonly onKept?: (() => Promise<void>) | undefined;
  /** Ends the process, where the header `x-dies` says so. */
  readonly die?: (() => void) | undefined;
}

/** A server with one route for orders that keeps its answers in the transaction of the order, and one that does not. */
export async function openShop(database: DatabaseManager<ShopTables>, options: ShopOptions = {}): Promise<Server> {
  const { onKept, die, ...rest } = options;
  const keys = idempotent({ store: new SqlIdempotencyStore({ database }), ...rest });
  const server = await createServer({ docsUrl: false, apiPrefix: '' });
  const schema = {
    body: z.object({ item: z.string() }),
    response: { 201: z.object({ id: z.number(), item: z.string() }) },
  };
  await server.register(async api => {
    api.post('/orders', { schema, ...keys }, async (request, reply) => {
      const dies = request.headers['x-dies'] as Death | undefined;
      const order = await database.transaction(async transaction => {
        const made = await transaction
          .insertInto('orders')
          .values(request.body)
          .returningAll()
          .executeTakeFirstOrThrow();
        const headers = { location: `/orders/${made.id}` };
        await idempotencyOf(request)?.complete(transaction, { status: 201, body: made, headers });
        await onKept?.();
        if (dies === 'before-commit') die?.();
        return made;
      });
      if (dies === 'before-answer') die?.();
      return reply.code(201).header('location', `/orders/${order.id}`).send(order);
    });
    api.post('/loose-orders', { schema, ...keys }, async (request, reply) => {
      const made = await database.db.insertInto('orders').values(request.body).returningAll().executeTakeFirstOrThrow();
      if (request.headers['x-dies'] === 'before-keeping') die?.();
      return reply.code(201).send(made);
    });
    api.post('/lenient-orders', { schema, ...keys }, async (request, reply) => {
      const order = await database
        .transaction(async transaction => {
          const body = { id: 0, item: request.body.item };
          await idempotencyOf(request)?.complete(transaction, { status: 201, body });
          await transaction.insertInto('orders').values(request.body).execute();
          return body;
        })
        .catch(() => ({ id: -1, item: 'nothing' }));
      return reply.code(201).send(order.item === 'careless' ? { ...order, id: 99 } : order);
    });
  });
  return server;
}

import type { Infrastructure } from 'plinth';
import {
  type IdempotencyHooks,
  type IdempotencyStore,
  idempotent,
  RedisIdempotencyStore,
  type ServerRoutes,
  SqlIdempotencyStore,
} from 'plinth/server';
import { z } from 'zod';

/**
 * The hooks of every route that takes an idempotency key: kept on Redis where there is one, otherwise in the database.
 *
 * @param tables Settles when the tables are there.
 */
export function idempotencyKeys(infrastructure: Infrastructure, tables: Promise<unknown>): IdempotencyHooks {
  const logger = infrastructure.logging.getLogger('service.idempotency');
  const { redis } = infrastructure;
  return idempotent({
    store: redis === undefined ? inSql(infrastructure, tables) : new RedisIdempotencyStore({ redis }),
    onStoreFailure: error => logger.warning('The answer was given without being kept under its key', { error }),
  });
}

/** A request that comes while the database still opens waits for it: what is kept elsewhere would not be found again. */
function inSql(infrastructure: Infrastructure, tables: Promise<unknown>): IdempotencyStore {
  const store = new SqlIdempotencyStore({ database: infrastructure.database() });
  return {
    transactional: store.transactional,
    claim: async (...given) => {
      await tables;
      return await store.claim(...given);
    },
    complete: (...given) => store.complete(...given),
    release: claim => store.release(claim),
  };
}

const header = {
  'idempotency-key': z.string().optional().meta({
    description:
      'A key of 1 to 255 characters, new for each request. The same request may be sent again under it: it is run once, and answered the same for 24 hours, with `idempotency-replayed: true`',
  }),
};

/** Routes of which each POST and PATCH may be sent again under an idempotency key, and says so in the documentation. */
export function withIdempotencyKeys(keys: IdempotencyHooks, routes: readonly ServerRoutes[]): ServerRoutes {
  return async api => {
    api.addHook('onRoute', route => {
      if (route.method !== 'POST' && route.method !== 'PATCH') return;
      const given = route.schema?.headers;
      route.schema = {
        ...route.schema,
        headers: given instanceof z.ZodObject ? given.extend(header) : z.object(header),
      };
    });
    api.addHook('preHandler', keys.preHandler);
    api.addHook('onSend', keys.onSend);
    for (const some of routes) await api.register(some);
  };
}

import type { Infrastructure } from 'plinth';
import { Timeout } from 'plinth/resilience';
import {
  type IdempotencyHooks,
  type IdempotencyStore,
  idempotent,
  type ServerRoutes,
  SqlIdempotencyStore,
} from 'plinth/server';
import { z } from 'zod';

/** Longer than the longest request takes, in milliseconds: a language model and the Orange Book have two minutes. */
const leaseMs = 180_000;

/** How long a request waits for tables that are not there yet, in milliseconds: then it is to come again. */
const tablesTimeoutMs = 5_000;

/**
 * The hooks of every route that takes an idempotency key. Keys are kept in the database, also where there is Redis: a row
 * and the answer that tells of it are then one transaction, and no server that forgets lets a request run again.
 *
 * @param tables Settles when the tables are there: a request that comes earlier waits for them for five seconds.
 */
export function idempotencyKeys(
  infrastructure: Pick<Infrastructure, 'clock' | 'database' | 'logging'>,
  tables: Promise<unknown>,
): IdempotencyHooks {
  const logger = infrastructure.logging.getLogger('service.idempotency');
  const opening = new Timeout({ timeoutMs: tablesTimeoutMs, clock: infrastructure.clock });
  const inSql = new SqlIdempotencyStore({ database: infrastructure.database() });
  const store: IdempotencyStore = {
    transactional: inSql.transactional,
    claim: async (...given) => {
      await opening.execute(() => tables);
      return await inSql.claim(...given);
    },
    complete: (...given) => inSql.complete(...given),
    release: claim => inSql.release(claim),
  };
  return idempotent({
    store,
    leaseMs,
    onStoreFailure: error => logger.warning('The answer was given without being kept under its key', { error }),
  });
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

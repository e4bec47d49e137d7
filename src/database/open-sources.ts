import { Events } from '../kernel/index.ts';
import { sendCancelRequest } from './cancel-request.ts';
import { ConnectionSource, type SourceParts } from './connection-source.ts';
import { createEmbeddedPool, createServerPool } from './create-pool.ts';
import type { EmbeddedEngine } from './embedded-engine.ts';
import type { DatabaseEvents } from './events.ts';
import type { LentConnection } from './lent-connection.ts';
import type { ResolvedOptions } from './options.ts';
import { Replica } from './replica.ts';
import { Replicas } from './replicas.ts';
import type { ServerAddress } from './server-address.ts';

/** What the sources of a manager share. */
export interface SourceContext {
  readonly options: ResolvedOptions;
  readonly events: Events<DatabaseEvents>;
  /** Fires when the manager closes. */
  readonly closing: AbortSignal;
}

/** The one connection of the embedded engine. */
export function openEmbeddedSource(engine: EmbeddedEngine, context: SourceContext): ConnectionSource {
  return new ConnectionSource(
    createEmbeddedPool(bytes => engine.exchange(bytes), context.options),
    {
      ...partsOf(context),
      // It has no network in which a connection could be lost unnoticed, and cannot be interrupted.
      prePingAfterMs: Number.POSITIVE_INFINITY,
      cancel: undefined,
      onWrite: undefined,
      acquireAdvice:
        'The embedded engine has one connection: inside session(fn) and transaction(fn) use what fn was given, not the manager',
    },
  );
}

/** The connections to a server. */
export function openServerSource(
  address: ServerAddress,
  context: SourceContext,
  { onWrite }: { readonly onWrite: (() => void) | undefined },
): ConnectionSource {
  return new ConnectionSource(createServerPool(address, context.options), { ...serverParts(context), onWrite });
}

/** The connections to the replicas of a server, and one to each server to look after them. */
export function openReplicas(
  server: ServerAddress,
  addresses: readonly ServerAddress[],
  context: SourceContext,
  primary: () => Promise<LentConnection>,
): Replicas {
  const { maxReplicaLagMs: maxLagMs, replicaCheckMs: checkMs, clock } = context.options;
  const replicas = addresses.map(address => {
    const source = openServerSource(address, context, { onWrite: undefined });
    return new Replica(address.name, source, openWatch(address, context), context.events);
  });
  return new Replicas({ replicas, primary, watch: openWatch(server, context), maxLagMs, checkMs, clock });
}

/**
 * A connection beside the pool, made when it is needed. What it runs, and that it fails, is told by whoever looks and not
 * as statements of the program.
 */
export function openWatch(address: ServerAddress, context: SourceContext): ConnectionSource {
  const { idleTimeoutMs, acquireTimeoutMs, recycleMs } = context.options;
  const pool = createServerPool(address, { poolSize: 0, maxOverflow: 1, idleTimeoutMs, acquireTimeoutMs, recycleMs });
  return new ConnectionSource(pool, { ...serverParts({ ...context, events: new Events() }), onWrite: undefined });
}

function serverParts(context: SourceContext): Omit<SourceParts, 'onWrite'> {
  const { clock, prePingAfterMs } = context.options;
  return {
    ...partsOf(context),
    prePingAfterMs,
    cancel: client => sendCancelRequest(client, clock),
    acquireAdvice: 'Give connections back sooner, or raise poolSize or maxOverflow',
  };
}

function partsOf({ options, events, closing }: SourceContext) {
  const { clock, slowQueryMs, acquireTimeoutMs, preparedStatements: usesNames } = options;
  return { clock, slowQueryMs, acquireTimeoutMs, usesNames, events, closing };
}

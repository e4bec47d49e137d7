import { Pool, types } from 'pg';
import { EmbeddedSocket, type ProtocolExchange } from './embedded-socket.ts';
import type { ResolvedOptions } from './options.ts';
import type { ServerAddress } from './server-address.ts';

/** What a pool of connections to a server is told. */
export type ServerPoolOptions = Pick<
  ResolvedOptions,
  'poolSize' | 'maxOverflow' | 'idleTimeoutMs' | 'acquireTimeoutMs' | 'recycleMs'
>;

/** A pool of connections to a server. */
export function createServerPool({ connectionString, ssl }: ServerAddress, options: ServerPoolOptions): Pool {
  return new Pool({
    connectionString,
    ...(ssl === undefined ? {} : { ssl: { ...ssl } }),
    max: options.poolSize + options.maxOverflow,
    min: options.poolSize,
    idleTimeoutMillis: options.idleTimeoutMs,
    connectionTimeoutMillis: options.acquireTimeoutMs,
    maxLifetimeSeconds: options.recycleMs / 1_000,
    keepAlive: true,
    types: { getTypeParser },
  });
}

/** A pool of the one connection that the embedded engine has. */
export function createEmbeddedPool(exchange: ProtocolExchange, options: ResolvedOptions): Pool {
  return new Pool({
    stream: () => new EmbeddedSocket(exchange),
    // Said here so that variables such as PGUSER and PGSSLMODE, which are meant for servers, do not reach it.
    user: 'postgres',
    database: 'postgres',
    password: '',
    ssl: false,
    max: 1,
    idleTimeoutMillis: 0,
    connectionTimeoutMillis: options.acquireTimeoutMs,
    types: { getTypeParser },
  });
}

/**
 * The driver turns a `date` into midnight of the process' own time zone, so that it becomes another day elsewhere. A day
 * is not a moment: it stays the text `2026-01-15`. Everything else is read as the driver reads it.
 */
const getTypeParser: typeof types.getTypeParser = ((id: number, format?: 'text' | 'binary') =>
  id === types.builtins.DATE
    ? (text: string) => text
    : types.getTypeParser(id, format as 'text')) as typeof types.getTypeParser;

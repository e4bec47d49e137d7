import { Client, Pool, type PoolConfig, types } from 'pg';
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
    ...reading,
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
    ...reading,
  });
}

/** The driver's client, with what it does not show in its types. */
const DriverClient = Client as unknown as new (
  config: object,
) => { getStartupConf(): Readonly<Record<string, string>> };

/**
 * Asks for dates in the one style that the driver can read, whatever a role or a database is set to. It is said as the
 * connection is made, so it costs no message, a `reset` returns to it, and a pooler between knows it.
 */
class IsoClient extends DriverClient {
  override getStartupConf(): Readonly<Record<string, string>> {
    return { ...super.getStartupConf(), DateStyle: 'ISO' };
  }
}

/** Arrays of them have numbers of their own; how `text[]` is read is how all of them are. */
const [dateArray, textArray] = [1182, 1009];

/**
 * The driver turns a `date` into midnight of the process' own time zone, so that it becomes another day elsewhere. A day
 * is not a moment: it stays the text `2026-01-15`, also in an array. Everything else is read as the driver reads it.
 */
const getTypeParser = ((id: number, format?: 'text' | 'binary') => {
  if (id === types.builtins.DATE) return (text: string) => text;
  return types.getTypeParser(id === dateArray ? textArray : id, format as 'text');
}) as typeof types.getTypeParser;

/** How what a server says is read. */
const reading = { Client: IsoClient, types: { getTypeParser } } as unknown as Pick<PoolConfig, 'Client' | 'types'>;

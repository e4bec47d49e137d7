import { ArgumentError } from '../errors/index.ts';
import { type Clock, type Random, type Secret, systemClock, systemRandom } from '../kernel/index.ts';
import { type DatabaseTlsOptions, readAddress, type ServerAddress } from './server-address.ts';

/** How a {@link DatabaseManager} behaves. */
export interface DatabaseManagerOptions {
  /**
   * The address of a PostgreSQL server: `postgresql://user:password@host:5432/name`. Without it PGlite, a PostgreSQL
   * inside the process, is used. @default the embedded engine
   */
  readonly url?: string | Secret | undefined;
  /**
   * The addresses of standby servers that replay what the server at `url` writes; `read` asks them. Each gets a pool of
   * its own, of the same size. @default none, `read` asks the server at `url`
   */
  readonly replicas?: readonly (string | Secret)[] | undefined;
  /** How far a replica may be behind before it is left out, in milliseconds. @default 5_000 */
  readonly maxReplicaLagMs?: number | undefined;
  /** How often the replicas are looked at, in milliseconds. @default 1_000 */
  readonly replicaCheckMs?: number | undefined;
  /** How the way to the servers is encrypted. @default as `sslmode` of the address says; without one, not at all */
  readonly tls?: DatabaseTlsOptions | undefined;
  /**
   * The folder of the embedded engine; it is created. Not used with `url`. @default in memory, gone with the manager
   */
  readonly directory?: string | undefined;
  /** How many connections to a server are kept open. The embedded engine has one. @default 10 */
  readonly poolSize?: number | undefined;
  /** How many more may be opened under load, and are closed again when idle. @default 20 */
  readonly maxOverflow?: number | undefined;
  /** How long to wait for a connection that is free and alive, in milliseconds. @default 30_000 */
  readonly acquireTimeoutMs?: number | undefined;
  /** How long a connection beyond `poolSize` may be idle before it is closed, in milliseconds. @default 10_000 */
  readonly idleTimeoutMs?: number | undefined;
  /** The age at which a connection to a server is replaced, in milliseconds. @default 3_600_000 */
  readonly recycleMs?: number | undefined;
  /**
   * A connection that was idle for so long must show a sign of life before it is lent, in milliseconds; 0 for each time.
   * @default 1_000
   */
  readonly prePingAfterMs?: number | undefined;
  /**
   * How many times a transaction is tried that lost against others (serialization failure, deadlock), counting the first.
   * @default 5
   */
  readonly maxTransactionAttempts?: number | undefined;
  /** How often `open` tries to connect to a server, counting the first try. @default 100 */
  readonly maxConnectAttempts?: number | undefined;
  /** How long `open` may take to reach a server, in milliseconds. @default 60_000 */
  readonly connectDeadlineMs?: number | undefined;
  /** How long `close` waits for loans to come back before it breaks them off, in milliseconds. @default 10_000 */
  readonly drainTimeoutMs?: number | undefined;
  /** Statements that take this long are told as `slow-query`, in milliseconds. @default 500 */
  readonly slowQueryMs?: number | undefined;
  /**
   * Whether a statement that never changes is parsed once per connection, under a name. Turn it off behind a pooler that
   * gives each transaction another connection and knows nothing of names. @default true
   */
  readonly preparedStatements?: boolean | undefined;
  /** Time. @default the machine's */
  readonly clock?: Clock | undefined;
  /** Spreads the tries to connect. @default the platform's */
  readonly random?: Random | undefined;
}

/** The options with every default filled in. */
export interface ResolvedOptions {
  readonly server: ServerAddress | undefined;
  readonly replicas: readonly ServerAddress[];
  readonly maxReplicaLagMs: number;
  readonly replicaCheckMs: number;
  readonly directory: string | undefined;
  readonly poolSize: number;
  readonly maxOverflow: number;
  readonly acquireTimeoutMs: number;
  readonly idleTimeoutMs: number;
  readonly recycleMs: number;
  readonly prePingAfterMs: number;
  readonly maxTransactionAttempts: number;
  readonly maxConnectAttempts: number;
  readonly connectDeadlineMs: number;
  readonly drainTimeoutMs: number;
  readonly slowQueryMs: number;
  readonly preparedStatements: boolean;
  readonly clock: Clock;
  readonly random: Random;
}

/** Fills in defaults and refuses what cannot work. */
export function resolveOptions(options: DatabaseManagerOptions): ResolvedOptions {
  const resolved: ResolvedOptions = {
    ...readAddresses(options),
    maxReplicaLagMs: options.maxReplicaLagMs ?? 5_000,
    replicaCheckMs: options.replicaCheckMs ?? 1_000,
    directory: options.directory,
    poolSize: options.poolSize ?? 10,
    maxOverflow: options.maxOverflow ?? 20,
    acquireTimeoutMs: options.acquireTimeoutMs ?? 30_000,
    idleTimeoutMs: options.idleTimeoutMs ?? 10_000,
    recycleMs: options.recycleMs ?? 3_600_000,
    prePingAfterMs: options.prePingAfterMs ?? 1_000,
    maxTransactionAttempts: options.maxTransactionAttempts ?? 5,
    maxConnectAttempts: options.maxConnectAttempts ?? 100,
    connectDeadlineMs: options.connectDeadlineMs ?? 60_000,
    drainTimeoutMs: options.drainTimeoutMs ?? 10_000,
    slowQueryMs: options.slowQueryMs ?? 500,
    preparedStatements: options.preparedStatements ?? true,
    clock: options.clock ?? systemClock,
    random: options.random ?? systemRandom,
  };
  for (const name of ['poolSize', 'maxConnectAttempts', 'maxTransactionAttempts'] as const) {
    assertWhole(resolved[name], name, 1);
  }
  assertWhole(resolved.maxOverflow, 'maxOverflow', 0);
  for (const name of positiveDurations) assertDuration(resolved[name], name, 1);
  for (const name of ['drainTimeoutMs', 'slowQueryMs', 'prePingAfterMs'] as const) {
    assertDuration(resolved[name], name, 0);
  }
  if (resolved.directory === '')
    throw new ArgumentError('The directory is empty: give a path, or leave it out', 'directory');
  return resolved;
}

function assertWhole(value: number, name: string, minimum: number): void {
  if (Number.isInteger(value) && value >= minimum) return;
  throw new ArgumentError(`Cannot use ${value} as ${name}: expected a whole number of at least ${minimum}`, name);
}

/** The longest delay that the timers of the driver take. */
const maxTimerDelayMs = 2_147_483_647;

/** @throws {ArgumentError} when it is no number of milliseconds that a timer takes. */
export function assertDuration(value: number, name: string, minimum: number): void {
  if (value >= minimum && value <= maxTimerDelayMs) return;
  const range = `${minimum} to ${maxTimerDelayMs}`;
  throw new ArgumentError(`Cannot use ${value} as ${name}: expected milliseconds from ${range}`, name);
}

const positiveDurations = [
  'acquireTimeoutMs',
  'idleTimeoutMs',
  'recycleMs',
  'connectDeadlineMs',
  'maxReplicaLagMs',
  'replicaCheckMs',
] as const;

function readAddresses({ url, replicas = [], tls }: DatabaseManagerOptions): {
  server: ServerAddress | undefined;
  replicas: readonly ServerAddress[];
} {
  if (url !== undefined) {
    return {
      server: readAddress(url, tls, 'url'),
      replicas: replicas.map((replica, index) => readAddress(replica, tls, `replicas[${index}]`)),
    };
  }
  if (replicas.length > 0)
    throw new ArgumentError('Cannot use replicas without a url: they replay a server', 'replicas');
  if (tls !== undefined) throw new ArgumentError('Cannot use tls without a url: there is no way to encrypt', 'tls');
  return { server: undefined, replicas: [] };
}

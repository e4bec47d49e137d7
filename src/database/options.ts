import { ArgumentError } from '../errors/index.ts';
import { type Clock, type Random, Secret, systemClock, systemRandom } from '../kernel/index.ts';

/** How a {@link DatabaseManager} behaves. */
export interface DatabaseManagerOptions {
  /**
   * The address of a PostgreSQL server: `postgresql://user:password@host:5432/name`. Without it PGlite, a PostgreSQL
   * inside the process, is used. @default the embedded engine
   */
  readonly url?: string | Secret | undefined;
  /**
   * The folder of the embedded engine; it is created. Not used with `url`. @default in memory, gone with the manager
   */
  readonly directory?: string | undefined;
  /** How many connections to a server are kept open. The embedded engine has one. @default 10 */
  readonly poolSize?: number | undefined;
  /** How many more may be opened under load, and are closed again when idle. @default 20 */
  readonly maxOverflow?: number | undefined;
  /** How long to wait for a free connection, in milliseconds. @default 30_000 */
  readonly acquireTimeoutMs?: number | undefined;
  /** How long a connection beyond `poolSize` may be idle before it is closed, in milliseconds. @default 10_000 */
  readonly idleTimeoutMs?: number | undefined;
  /** The age at which a connection to a server is replaced, in milliseconds. @default 3_600_000 */
  readonly recycleMs?: number | undefined;
  /** How often `open` tries to connect to a server, counting the first try. @default 100 */
  readonly maxConnectAttempts?: number | undefined;
  /** How long `open` may take to reach a server, in milliseconds. @default 60_000 */
  readonly connectDeadlineMs?: number | undefined;
  /** How long `close` waits for loans to come back before it breaks them off, in milliseconds. @default 10_000 */
  readonly drainTimeoutMs?: number | undefined;
  /** Statements that take this long are told as `slow-query`, in milliseconds. @default 500 */
  readonly slowQueryMs?: number | undefined;
  /** Time. @default the machine's */
  readonly clock?: Clock | undefined;
  /** Spreads the tries to connect. @default the platform's */
  readonly random?: Random | undefined;
}

/** The options with every default filled in. */
export interface ResolvedOptions {
  readonly url: string | undefined;
  readonly directory: string | undefined;
  readonly poolSize: number;
  readonly maxOverflow: number;
  readonly acquireTimeoutMs: number;
  readonly idleTimeoutMs: number;
  readonly recycleMs: number;
  readonly maxConnectAttempts: number;
  readonly connectDeadlineMs: number;
  readonly drainTimeoutMs: number;
  readonly slowQueryMs: number;
  readonly clock: Clock;
  readonly random: Random;
}

/** Fills in defaults and refuses what cannot work. */
export function resolveOptions(options: DatabaseManagerOptions): ResolvedOptions {
  const resolved: ResolvedOptions = {
    url: options.url instanceof Secret ? options.url.reveal() : options.url,
    directory: options.directory,
    poolSize: options.poolSize ?? 10,
    maxOverflow: options.maxOverflow ?? 20,
    acquireTimeoutMs: options.acquireTimeoutMs ?? 30_000,
    idleTimeoutMs: options.idleTimeoutMs ?? 10_000,
    recycleMs: options.recycleMs ?? 3_600_000,
    maxConnectAttempts: options.maxConnectAttempts ?? 100,
    connectDeadlineMs: options.connectDeadlineMs ?? 60_000,
    drainTimeoutMs: options.drainTimeoutMs ?? 10_000,
    slowQueryMs: options.slowQueryMs ?? 500,
    clock: options.clock ?? systemClock,
    random: options.random ?? systemRandom,
  };
  for (const name of ['poolSize', 'maxConnectAttempts'] as const) assertWhole(resolved[name], name, 1);
  assertWhole(resolved.maxOverflow, 'maxOverflow', 0);
  for (const name of ['acquireTimeoutMs', 'idleTimeoutMs', 'recycleMs', 'connectDeadlineMs'] as const) {
    assertDuration(resolved[name], name, 1);
  }
  for (const name of ['drainTimeoutMs', 'slowQueryMs'] as const) assertDuration(resolved[name], name, 0);
  if (resolved.url !== undefined) assertUrl(resolved.url);
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

function assertDuration(value: number, name: string, minimum: number): void {
  if (value >= minimum && value <= maxTimerDelayMs) return;
  const range = `${minimum} to ${maxTimerDelayMs}`;
  throw new ArgumentError(`Cannot use ${value} as ${name}: expected milliseconds from ${range}`, name);
}

/** The address holds a password, so no message shows it. */
function assertUrl(url: string): void {
  const expected =
    'expected postgresql://user:password@host:5432/name, with special characters in the password percent-encoded';
  const scheme = /^([a-z][a-z0-9+.-]*):\/\//i.exec(url)?.[1];
  if (scheme !== 'postgresql' && scheme !== 'postgres') {
    const found = scheme === undefined ? 'an address without a scheme' : `an address that begins with ${scheme}://`;
    throw new ArgumentError(`Cannot use ${found} as url: ${expected}`, 'url');
  }
  if (!URL.canParse(url))
    throw new ArgumentError(`Cannot read the url (not shown, it may hold a password): ${expected}`, 'url');
}

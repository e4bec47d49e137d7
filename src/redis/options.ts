import { type Clock, type Random, requireDuration, requireInteger, type Secret } from '../kernel/index.ts';

/** How a {@link RedisConnection} connects, and when it gives up on a command. */
export interface RedisConnectionOptions {
  /** `redis://user:password@host:6379/0`, or `rediss://` for TLS. Never shown. */
  readonly url: string | Secret;
  /** What the connection is called in events, errors and on the server. @default 'redis' */
  readonly name?: string | undefined;
  /** Set before every key that {@link RedisConnection.key} makes. @default '' */
  readonly keyPrefix?: string | undefined;
  /** How long a command may take, in milliseconds. @default 100 */
  readonly commandTimeoutMs?: number | undefined;
  /** How long an attempt to connect may take, in milliseconds. @default 2_000 */
  readonly connectTimeoutMs?: number | undefined;
  /** The longest wait between two attempts to connect, in milliseconds; the first are shorter. @default 1_000 */
  readonly maxReconnectDelayMs?: number | undefined;
  /** How many commands may be without an answer at once. More are refused with reason `full`. @default 10_000 */
  readonly maxInFlight?: number | undefined;
  /** After how many time-outs in a row commands fail at once, until the server answers again. @default 20 */
  readonly timeoutsUntilAway?: number | undefined;
  /** How often a server that does not answer is asked whether it is there again, in milliseconds. @default 250 */
  readonly probeIntervalMs?: number | undefined;
  /** How often the server confirms, while somebody listens to changes, that all were heard, in milliseconds. @default 100 */
  readonly beatMs?: number | undefined;
  /** Whether the address is a node of a Redis Cluster. @default false */
  readonly cluster?: boolean | undefined;
  /** @default the system clock */
  readonly clock?: Clock | undefined;
  /** Spreads the attempts to connect. @default the platform's generator */
  readonly random?: Random | undefined;
}

/** The numbers of {@link RedisConnectionOptions}, checked. */
export interface RedisTimings {
  readonly commandTimeoutMs: number;
  readonly connectTimeoutMs: number;
  readonly maxReconnectDelayMs: number;
  readonly maxInFlight: number;
  readonly timeoutsUntilAway: number;
  readonly probeIntervalMs: number;
  readonly beatMs: number;
}

/**
 * Fills in the defaults.
 *
 * @throws {ArgumentError} that names the option, its value and what was expected.
 */
export function timingsOf(options: RedisConnectionOptions): RedisTimings {
  return {
    commandTimeoutMs: requireDuration('commandTimeoutMs', options.commandTimeoutMs ?? 100, 1),
    connectTimeoutMs: requireDuration('connectTimeoutMs', options.connectTimeoutMs ?? 2_000, 1),
    maxReconnectDelayMs: requireDuration('maxReconnectDelayMs', options.maxReconnectDelayMs ?? 1_000, 1),
    maxInFlight: requireInteger('maxInFlight', options.maxInFlight ?? 10_000, 1),
    timeoutsUntilAway: requireInteger('timeoutsUntilAway', options.timeoutsUntilAway ?? 20, 1),
    probeIntervalMs: requireDuration('probeIntervalMs', options.probeIntervalMs ?? 250, 1),
    beatMs: requireDuration('beatMs', options.beatMs ?? 100, 1),
  };
}

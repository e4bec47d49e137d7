import { ArgumentError } from '../errors/index.ts';
import { type Clock, requireInteger } from '../kernel/index.ts';
import type { LoadRules } from './entry-options.ts';

/** Which entry has to go when there is no room. */
export type EvictionPolicyName = 's3-fifo' | 'lru';

/** The numbers of a {@link MemoryCache}. The {@link LoadRules} among them hold for all loads that say nothing else. */
export interface MemoryCacheOptions<Value = unknown> extends LoadRules {
  /** What is kept, for people and metrics. From a closed set. @default 'memory' */
  readonly name?: string | undefined;
  /** How many entries are kept, at most 16,000,000; beyond it one of them has to go. @default 1_000 */
  readonly maxEntries?: number | undefined;
  /** How many bytes the entries may take, as `sizeOf` says; beyond it some of them have to go. @default no limit */
  readonly maxBytes?: number | undefined;
  /** What an entry takes, in bytes. @default an estimate, which goes through all that is in the value */
  readonly sizeOf?: ((value: Value, key: string) => number) | undefined;
  /** How long an entry is fresh, in milliseconds. @default 3_600_000 */
  readonly ttlMs?: number | undefined;
  /** How long after that an entry may still stand in when its loader fails, in milliseconds. @default 0 */
  readonly staleMs?: number | undefined;
  /**
   * Which entry has to go. `s3-fifo` keeps what is asked for again and again, and a scan of many keys does not disturb it;
   * `lru` keeps what was asked for last. @default 's3-fifo'
   */
  readonly evictionPolicy?: EvictionPolicyName | undefined;
  /** @default systemClock */
  readonly clock?: Clock | undefined;
}

/** More keys do not fit into one `Map` of the platform. */
const mostEntries = 16_000_000;

/** @throws {ArgumentError} for what is not a number of entries. */
export function requireMaxEntries(maxEntries: number): number {
  return requireInteger('maxEntries', maxEntries, 1, mostEntries);
}

/** @throws {ArgumentError} for what is not a number of bytes. */
export function requireMaxBytes(maxBytes: number | undefined): number | undefined {
  return maxBytes === undefined ? undefined : requireInteger('maxBytes', maxBytes, 1);
}

/** @throws {ArgumentError} for a policy that there is not. */
export function requireEvictionPolicy(policy: EvictionPolicyName): EvictionPolicyName {
  if (policy === 's3-fifo' || policy === 'lru') return policy;
  const message = `Cannot use evictionPolicy: expected "s3-fifo" or "lru", got ${JSON.stringify(policy)}`;
  throw new ArgumentError(message, 'evictionPolicy');
}

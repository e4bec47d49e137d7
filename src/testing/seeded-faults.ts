import { NetworkError } from '../errors/index.ts';
import { type Clock, type Random, requireDuration, requireNumber, systemClock, systemRandom } from '../kernel/index.ts';
import type { FaultInjector } from '../pipeline/index.ts';

/** What {@link seededFaults} does to attempts. The shares are of all attempts; together at most 1. */
export interface SeededFaultsOptions {
  /** The share of attempts that fail. @default 0 */
  readonly failureRate?: number | undefined;
  /** What they fail with. @default a NetworkError */
  readonly error?: (() => Error) | undefined;
  /** The share of attempts that take `delayMs` longer. @default 0 */
  readonly delayRate?: number | undefined;
  /** How much longer, in milliseconds. @default 1_000 */
  readonly delayMs?: number | undefined;
  /** The share of attempts that are never answered. @default 0 */
  readonly hangRate?: number | undefined;
  /** What is disturbed, by the names of operations. @default every operation */
  readonly operations?: readonly string[] | undefined;
  /** Whether anything is disturbed now: for outages that begin and end. @default always */
  readonly isActive?: (() => boolean) | undefined;
  /** @default systemRandom */
  readonly random?: Random | undefined;
  /** @default systemClock */
  readonly clock?: Clock | undefined;
}

/**
 * Faults for the fault stage of a guard: of one seed the same attempts fail, take longer or hang in every run. One number
 * is drawn per attempt, whatever the shares are: under a larger `failureRate` the same attempts fail, and some more.
 *
 * @throws {ArgumentError} that names the option and its value.
 * @example
 * const faults = seededFaults({ random: seededRandom(42), clock, failureRate: 0.1, delayRate: 0.05, delayMs: 2_000 });
 * const guard = pipeline('rates', { clock }).retry().attemptTimeout(1_000).fault(faults).build();
 */
export function seededFaults(options: SeededFaultsOptions): FaultInjector {
  const { random = systemRandom, clock = systemClock, operations, isActive } = options;
  const error = options.error ?? (() => new NetworkError('Failed on purpose'));
  const failed = requireNumber('failureRate', options.failureRate ?? 0, 0, 1);
  const hung = failed + requireNumber('hangRate', options.hangRate ?? 0, 0, 1 - failed);
  const delayed = hung + requireNumber('delayRate', options.delayRate ?? 0, 0, 1 - hung);
  const delayMs = requireDuration('delayMs', options.delayMs ?? 1_000, 0);
  return async target => {
    if (operations !== undefined && !operations.includes(target.operation)) return false;
    const drawn = random.next();
    if (isActive !== undefined && !isActive()) return false;
    if (drawn < failed) throw error();
    if (drawn < hung) return new Promise(() => {});
    if (drawn >= delayed) return false;
    await clock.sleep(delayMs, target.signal);
    return true;
  };
}

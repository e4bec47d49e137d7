import { ArgumentError } from '../errors/index.ts';
import { type Clock, type Random, requireDuration, requireInteger, requireNumber } from '../kernel/index.ts';
import type { Backoff } from './backoff.ts';

/**
 * `normal` decides by the outcomes of calls. `forced-open` refuses every call and `forced-closed` lets every call through:
 * the breaker counts nothing meanwhile and goes on from where it was. `shadow` decides and tells, but refuses nothing.
 */
export type CircuitMode = 'normal' | 'forced-open' | 'forced-closed' | 'shadow';

/** When a share of the calls in a window is too much. */
interface RateOptions {
  /** The share of failures that opens the circuit, above 0 and up to 1. @default 0.5 */
  readonly failureRate?: number | undefined;
  /** What takes longer than this is slow, in milliseconds, whether it succeeds or not. @default nothing is slow */
  readonly slowCallMs?: number | undefined;
  /** The share of slow calls that opens the circuit, above 0 and up to 1. @default 1 */
  readonly slowCallRate?: number | undefined;
}

/** Opens by the share of the last so many calls. */
export interface CountWindowOptions extends RateOptions {
  readonly kind: 'count';
  /** How many calls are looked at. @default 100 */
  readonly size?: number | undefined;
  /** How many calls must have been made before the circuit may open. @default size */
  readonly minimumCalls?: number | undefined;
}

/** Opens by the share of the calls of the last so many milliseconds. */
export interface TimeWindowOptions extends RateOptions {
  readonly kind: 'time';
  /** How far back the window reaches, in milliseconds. @default 60_000 */
  readonly windowMs?: number | undefined;
  /** In how many steps the window moves. @default 10 */
  readonly buckets?: number | undefined;
  /** How many calls must be in the window before the circuit may open. @default 100 */
  readonly minimumCalls?: number | undefined;
}

interface CircuitNumbers {
  /**
   * How long the circuit stays open before a probe is let through, in milliseconds: one time, or a backoff whose retry is
   * how often the circuit has opened since it was last closed. @default 30_000
   */
  readonly recoveryTimeMs?: number | Backoff | undefined;
  /** How many probes decide whether the circuit closes, and may be under way at once. @default 1 */
  readonly halfOpenProbes?: number | undefined;
  /** Whether the breaker decides by itself. @default 'normal' */
  readonly mode?: CircuitMode | undefined;
}

/** Consecutive failures open the circuit. */
interface ConsecutiveOptions {
  /** How many failures in a row open the circuit. @default 5 */
  readonly failureThreshold?: number | undefined;
  readonly window?: undefined;
}

/** A share of the calls in a window opens the circuit. */
interface WindowOptions {
  readonly failureThreshold?: undefined;
  /** Which calls are looked at, and which share of them is too much. @default failures in a row are counted instead */
  readonly window: CountWindowOptions | TimeWindowOptions;
}

/** What of a {@link CircuitBreaker} can be changed while it is in use. */
export type CircuitChanges = CircuitNumbers & (ConsecutiveOptions | WindowOptions);

/** The numbers of a {@link CircuitBreaker}: `failureThreshold` for failures in a row, or `window` for shares of calls. */
export type CircuitBreakerOptions = CircuitChanges & {
  /** What is protected, for people and metrics. From a closed set. @default 'circuit' */
  readonly name?: string | undefined;
  /** Whether an error speaks against the dependency's health. @default failures of theirs; never refusals of ours */
  readonly isFailure?: ((error: unknown) => boolean) | undefined;
  /** @default systemClock */
  readonly clock?: Clock | undefined;
  /** For backoffs. @default systemRandom */
  readonly random?: Random | undefined;
};

interface RateSettings {
  readonly minimumCalls: number;
  readonly failureRate: number;
  /** Undefined: nothing is slow. */
  readonly slowCallMs: number | undefined;
  readonly slowCallRate: number;
}

/** {@link CountWindowOptions} with every number filled in. */
export interface CountWindowSettings extends RateSettings {
  readonly kind: 'count';
  readonly size: number;
}

/** {@link TimeWindowOptions} with every number filled in. */
export interface TimeWindowSettings extends RateSettings {
  readonly kind: 'time';
  readonly windowMs: number;
  readonly buckets: number;
}

/** The numbers of a {@link CircuitBreaker} that are in force. */
export interface CircuitSettings {
  /** How many failures in a row open the circuit; undefined when a window decides. */
  readonly failureThreshold: number | undefined;
  /** Undefined when failures in a row decide. */
  readonly window: CountWindowSettings | TimeWindowSettings | undefined;
  readonly recoveryTimeMs: number | Backoff;
  readonly halfOpenProbes: number;
  readonly mode: CircuitMode;
}

const modes: readonly CircuitMode[] = ['normal', 'forced-open', 'forced-closed', 'shadow'];

/**
 * Fills in the defaults and refuses what makes no sense.
 *
 * @throws {ArgumentError} with the option's name and value.
 */
export function circuitSettings(options: CircuitChanges): CircuitSettings {
  const { failureThreshold, window, recoveryTimeMs = 30_000, halfOpenProbes = 1, mode = 'normal' } = options;
  if (window !== undefined && failureThreshold !== undefined) {
    throw new ArgumentError(
      `Cannot use failureThreshold: expected it or window, got both (${failureThreshold}): failures in a row are not counted in a window`,
      'failureThreshold',
    );
  }
  if (!modes.includes(mode)) {
    throw new ArgumentError(`Cannot use mode: expected one of ${modes.join(', ')}, got ${String(mode)}`, 'mode');
  }
  return Object.freeze({
    failureThreshold: window === undefined ? requireInteger('failureThreshold', failureThreshold ?? 5, 1) : undefined,
    window: window && windowSettings(window),
    recoveryTimeMs:
      typeof recoveryTimeMs === 'object' ? recoveryTimeMs : requireDuration('recoveryTimeMs', recoveryTimeMs, 1),
    halfOpenProbes: requireInteger('halfOpenProbes', halfOpenProbes, 1),
    mode,
  });
}

/** The settings with some of them changed: to name one way of opening ends the other. */
export function changedCircuitSettings(
  settings: CircuitSettings,
  changes: CircuitChanges | CircuitSettings,
): CircuitSettings {
  const { failureThreshold, window, ...rest } = settings;
  const opensBy = 'window' in changes || 'failureThreshold' in changes ? {} : { failureThreshold, window };
  return circuitSettings({ ...rest, ...opensBy, ...changes } as CircuitChanges);
}

function windowSettings(window: CountWindowOptions | TimeWindowOptions): CountWindowSettings | TimeWindowSettings {
  const { kind, failureRate = 0.5, slowCallMs, slowCallRate = 1 } = window;
  if (kind !== 'count' && kind !== 'time') {
    throw new ArgumentError(`Cannot use window.kind: expected count or time, got ${String(kind)}`, 'window.kind');
  }
  const rates = {
    failureRate: requireNumber('window.failureRate', failureRate, Number.EPSILON, 1),
    slowCallMs: slowCallMs === undefined ? undefined : requireDuration('window.slowCallMs', slowCallMs, 0),
    slowCallRate: requireNumber('window.slowCallRate', slowCallRate, Number.EPSILON, 1),
  };
  if (kind === 'count') {
    const size = requireInteger('window.size', window.size ?? 100, 1, 1_000_000);
    const minimumCalls = requireInteger('window.minimumCalls', window.minimumCalls ?? size, 1, size);
    return Object.freeze({ kind, ...rates, size, minimumCalls });
  }
  return Object.freeze({
    kind,
    ...rates,
    windowMs: requireDuration('window.windowMs', window.windowMs ?? 60_000, 1),
    buckets: requireInteger('window.buckets', window.buckets ?? 10, 1, 10_000),
    minimumCalls: requireInteger('window.minimumCalls', window.minimumCalls ?? 100, 1),
  });
}

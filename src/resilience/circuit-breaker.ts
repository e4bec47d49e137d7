import { FailedError, PlinthError, RateLimitError, RejectedError, UpstreamError } from '../errors/index.ts';
import { type Clock, type EventSource, Events, isAbortError, systemClock } from '../kernel/index.ts';
import { requireDuration, requireInteger } from './options.ts';

/** `closed` lets calls through, `open` refuses them, `half-open` lets a probe through. */
export type CircuitState = 'closed' | 'open' | 'half-open';

/** What a {@link CircuitBreaker} tells. */
export interface CircuitBreakerEvents {
  /** The state changed. */
  'state-changed': {
    readonly name: string;
    readonly from: CircuitState;
    readonly to: CircuitState;
    readonly reason: string;
  };
  /** A call was refused. */
  rejected: { readonly name: string; readonly retryAfterMs: number };
}

/** The numbers of a {@link CircuitBreaker}. */
export interface CircuitBreakerOptions {
  /** What is protected, for people and metrics. From a closed set. @default 'circuit' */
  readonly name?: string | undefined;
  /** How many failures in a row open the circuit. @default 5 */
  readonly failureThreshold?: number | undefined;
  /** How long the circuit stays open before a probe is let through, in milliseconds. @default 30_000 */
  readonly recoveryTimeMs?: number | undefined;
  /** How many probes may be under way at once while half-open. @default 1 */
  readonly halfOpenProbes?: number | undefined;
  /** Whether an error speaks against the dependency's health. @default failures of theirs; never refusals of ours */
  readonly isFailure?: ((error: unknown) => boolean) | undefined;
  /** @default systemClock */
  readonly clock?: Clock | undefined;
}

/** A breaker as plain data. */
export interface CircuitSnapshot {
  readonly name: string;
  readonly state: CircuitState;
  /** Failures in a row. */
  readonly failures: number;
  readonly failureThreshold: number;
  /** While open: the time until the next probe, in milliseconds. */
  readonly retryInMs?: number;
}

type Circuit =
  | { readonly state: 'closed'; failures: number }
  | { readonly state: 'open'; readonly failures: number; readonly probeAtMs: number }
  | { readonly state: 'half-open'; readonly failures: number; probes: number };

/**
 * Stops calling a dependency that keeps failing, and asks it again after a while (Michael Nygard, "Release It!", 2007).
 * Consecutive failures open the circuit; a refusal of our own, a caller's abort and the dependency's "you asked wrongly"
 * do not count.
 *
 * @example
 * const breaker = new CircuitBreaker({ name: 'billing', failureThreshold: 5, recoveryTimeMs: 30_000 });
 * const invoice = await breaker.execute(() => billing.fetchInvoice(id));
 */
export class CircuitBreaker {
  readonly name: string;
  /** How many failures in a row open the circuit. */
  readonly failureThreshold: number;
  /** How long the circuit stays open before a probe, in milliseconds. */
  readonly recoveryTimeMs: number;
  readonly #halfOpenProbes: number;
  readonly #isFailure: (error: unknown) => boolean;
  readonly #clock: Clock;
  readonly #events = new Events<CircuitBreakerEvents>();
  #circuit: Circuit = { state: 'closed', failures: 0 };

  constructor(options: CircuitBreakerOptions = {}) {
    this.name = options.name ?? 'circuit';
    this.failureThreshold = requireInteger('failureThreshold', options.failureThreshold ?? 5, 1);
    this.recoveryTimeMs = requireDuration('recoveryTimeMs', options.recoveryTimeMs ?? 30_000, 1);
    this.#halfOpenProbes = requireInteger('halfOpenProbes', options.halfOpenProbes ?? 1, 1);
    this.#isFailure = options.isFailure ?? isDependencyFailure;
    this.#clock = options.clock ?? systemClock;
  }

  get events(): EventSource<CircuitBreakerEvents> {
    return this.#events;
  }

  get state(): CircuitState {
    return this.#circuit.state;
  }

  /** The breaker as plain data, for consoles and health checks. */
  snapshot(): CircuitSnapshot {
    const { state, failures } = this.#circuit;
    const base = { name: this.name, state, failures, failureThreshold: this.failureThreshold };
    return this.#circuit.state === 'open'
      ? { ...base, retryInMs: Math.max(0, this.#circuit.probeAtMs - this.#clock.monotonic()) }
      : base;
  }

  /**
   * Runs the work, or refuses to.
   *
   * @throws {RejectedError} with reason `open` while the circuit is open.
   */
  async execute<Value>(work: () => Promise<Value>): Promise<Value> {
    const circuit = this.#admit();
    try {
      const value = await work();
      // What was admitted under an earlier state says nothing about this one.
      if (circuit === this.#circuit) this.#onSuccess(circuit);
      return value;
    } catch (error) {
      if (circuit === this.#circuit) this.#onError(circuit, error);
      throw error;
    }
  }

  /** The same function behind this breaker. */
  protect<Args extends unknown[], Value>(work: (...args: Args) => Promise<Value>): (...args: Args) => Promise<Value> {
    return (...args) => this.execute(() => work(...args));
  }

  #admit(): Circuit {
    if (this.#circuit.state === 'open') {
      const waitMs = this.#circuit.probeAtMs - this.#clock.monotonic();
      if (waitMs > 0) throw this.#refusal(waitMs);
      this.#change({ state: 'half-open', failures: this.#circuit.failures, probes: 0 }, 'recovery time passed');
    }
    if (this.#circuit.state === 'half-open') {
      if (this.#circuit.probes >= this.#halfOpenProbes) throw this.#refusal(1_000);
      this.#circuit.probes += 1;
    }
    return this.#circuit;
  }

  #onSuccess(circuit: Circuit): void {
    if (circuit.state === 'closed') circuit.failures = 0;
    else if (circuit.state === 'half-open') this.#change({ state: 'closed', failures: 0 }, 'probe succeeded');
  }

  #onError(circuit: Circuit, error: unknown): void {
    const failed = this.#isFailure(error);
    if (circuit.state === 'half-open') {
      circuit.probes -= 1;
      if (failed) this.#open(circuit.failures + 1, 'probe failed');
    } else if (circuit.state === 'closed' && failed) {
      circuit.failures += 1;
      if (circuit.failures >= this.failureThreshold)
        this.#open(circuit.failures, `${circuit.failures} failures in a row`);
    }
  }

  #open(failures: number, reason: string): void {
    this.#change({ state: 'open', failures, probeAtMs: this.#clock.monotonic() + this.recoveryTimeMs }, reason);
  }

  #change(circuit: Circuit, reason: string): void {
    const from = this.#circuit.state;
    this.#circuit = circuit;
    this.#events.emit('state-changed', { name: this.name, from, to: circuit.state, reason });
  }

  #refusal(retryAfterMs: number): RejectedError {
    if (this.#events.has('rejected')) this.#events.emit('rejected', { name: this.name, retryAfterMs });
    return new RejectedError(`The circuit "${this.name}" is open: the dependency keeps failing`, 'open', {
      retryAfterMs,
    });
  }
}

/**
 * Whether an error speaks against the dependency: failures of theirs and errors of unknown kind do; refusals of ours,
 * aborts, bad arguments, "too many requests" and answers below 500 do not.
 */
export function isDependencyFailure(error: unknown): boolean {
  if (isAbortError(error) || error instanceof RateLimitError) return false;
  if (error instanceof UpstreamError) return error.status >= 500;
  return error instanceof FailedError || !(error instanceof PlinthError);
}

import {
  FailedError,
  PlinthError,
  RateLimitError,
  RejectedError,
  TimeoutError,
  UpstreamError,
} from '../errors/index.ts';
import {
  type Clock,
  type EventSource,
  Events,
  isAbortError,
  requireDuration,
  requireInteger,
  systemClock,
} from '../kernel/index.ts';

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

/** What one call may say to its breaker. */
export interface CircuitCallOptions {
  /** The caller's signal: an error that comes after its abort does not speak against the dependency. */
  readonly signal?: AbortSignal | undefined;
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

// `probeAtMs` is when the next probe is let through; while half-open, when those under way are given up for lost.
type Circuit =
  | { readonly state: 'closed'; failures: number }
  | { readonly state: 'open'; readonly failures: number; readonly probeAtMs: number }
  | { readonly state: 'half-open'; readonly failures: number; probeAtMs: number; probes: number };

/** What a caller is told to wait while probes are under way, in milliseconds: they end soon, one way or the other. */
const probeWaitMs = 1_000;

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
   * Runs the work, or refuses to. A probe that does not end within the recovery time is given up for lost.
   *
   * @throws {RejectedError} with reason `open` while the circuit is open.
   */
  async execute<Value>(work: () => Promise<Value>, options: CircuitCallOptions = {}): Promise<Value> {
    const circuit = this.#admit();
    try {
      const value = await work();
      // What was admitted under an earlier state says nothing about this one.
      if (circuit === this.#circuit) this.#onSuccess(circuit);
      return value;
    } catch (error) {
      if (circuit === this.#circuit) this.#onError(circuit, error, options.signal);
      throw error;
    }
  }

  /** The same function behind this breaker. */
  protect<Args extends unknown[], Value>(work: (...args: Args) => Promise<Value>): (...args: Args) => Promise<Value> {
    return (...args) => this.execute(() => work(...args));
  }

  #admit(): Circuit {
    const circuit = this.#circuit;
    if (circuit.state === 'closed') return circuit;
    const nowMs = this.#clock.monotonic();
    const probeAtMs = nowMs + this.recoveryTimeMs;
    if (circuit.state === 'half-open' && circuit.probes < this.#halfOpenProbes) {
      circuit.probes += 1;
      circuit.probeAtMs = probeAtMs;
      return circuit;
    }
    const waitMs = circuit.probeAtMs - nowMs;
    if (waitMs > 0) throw this.#refusal(circuit.state === 'open' ? waitMs : Math.min(waitMs, probeWaitMs));
    const halfOpen: Circuit = { state: 'half-open', failures: circuit.failures, probeAtMs, probes: 1 };
    this.#change(halfOpen, circuit.state === 'open' ? 'recovery time passed' : 'the probes did not end');
    return halfOpen;
  }

  #onSuccess(circuit: Circuit): void {
    if (circuit.state === 'closed') circuit.failures = 0;
    else if (circuit.state === 'half-open') this.#change({ state: 'closed', failures: 0 }, 'probe succeeded');
  }

  #onError(circuit: Circuit, error: unknown, signal: AbortSignal | undefined): void {
    // The slot is given back first: `isFailure` is the caller's code and may throw.
    if (circuit.state === 'half-open') circuit.probes -= 1;
    const failed = !leftByCaller(signal) && this.#isFailure(error);
    if (circuit.state === 'half-open') {
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

/** Whether the caller went away for reasons of its own. A deadline that ran out meanwhile is the dependency's doing. */
function leftByCaller(signal: AbortSignal | undefined): boolean {
  return signal?.aborted === true && !(signal.reason instanceof TimeoutError);
}

/**
 * Whether an error speaks against the dependency: failures of theirs and errors of unknown kind do; refusals of ours,
 * aborts, bad arguments, "too many requests", answers below 500 and answers that would be the same again do not.
 */
export function isDependencyFailure(error: unknown): boolean {
  if (isAbortError(error) || error instanceof RateLimitError) return false;
  if (error instanceof UpstreamError) return error.status >= 500 && error.retryable;
  return error instanceof FailedError || !(error instanceof PlinthError);
}

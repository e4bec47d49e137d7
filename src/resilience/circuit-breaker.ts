import { RejectedError, TimeoutError } from '../errors/index.ts';
import {
  begun,
  type Clock,
  type EventSource,
  Events,
  type Random,
  systemClock,
  systemRandom,
} from '../kernel/index.ts';
import {
  type CircuitBreakerOptions,
  type CircuitChanges,
  type CircuitMode,
  type CircuitSettings,
  changedCircuitSettings,
  circuitSettings,
} from './circuit-options.ts';
import { CircuitPeriod, type CircuitState, closedPeriod, halfOpenPeriod, openPeriod } from './circuit-period.ts';
import { type CircuitRecord, circuitRecordOf } from './circuit-record.ts';
import { isDependencyFailure } from './dependency-failure.ts';

/** What a {@link CircuitBreaker} tells. */
export interface CircuitBreakerEvents {
  /** The state changed. */
  'state-changed': {
    readonly name: string;
    readonly from: CircuitState;
    readonly to: CircuitState;
    readonly reason: string;
    /** The mode, unless it is normal. */
    readonly mode?: CircuitMode;
  };
  /** A call was refused. */
  rejected: { readonly name: string; readonly retryAfterMs: number };
  /** A call was let through because the mode is `shadow`; it would have been refused otherwise. */
  'would-reject': { readonly name: string };
  /** The numbers were changed. */
  reconfigured: CircuitSettings;
}

/** What one call may say to its breaker. */
export interface CircuitCallOptions {
  /** The caller's signal: an error that comes after its abort does not speak against the dependency. */
  readonly signal?: AbortSignal | undefined;
}

/** That a call may be made. It goes back to the breaker that gave it, once, with what became of the call. */
export interface Admission {
  /** The state in which the call was admitted. */
  readonly state: CircuitState;
}

/** A breaker as plain data. */
export interface CircuitSnapshot {
  readonly name: string;
  readonly state: CircuitState;
  /** Failures in a row, or in the window. */
  readonly failures: number;
  /** How many failures open the circuit; with a window, the fewest that can. */
  readonly failureThreshold: number;
  /** While open: the time until the next probe, in milliseconds. */
  readonly retryInMs?: number;
  /** The mode, unless it is normal. */
  readonly mode?: CircuitMode;
  /** With a window, while closed: how many calls it holds. */
  readonly calls?: number;
  /** With a window, while closed: how many of them were slow. */
  readonly slowCalls?: number;
}

/** What a caller is told to wait while probes are under way, in milliseconds: they end soon, one way or the other. */
const probeWaitMs = 1_000;

/** How long a refusal is given again instead of a new one, in milliseconds. */
const refusalAgeMs = 1;

/**
 * Stops calling a dependency that keeps failing, and asks it again after a while (Michael Nygard, "Release It!", 2007).
 * Failures in a row open the circuit, or the share of failed or slow calls in a window. A refusal of our own, a caller's
 * abort and the dependency's "you asked wrongly" do not count.
 *
 * After the recovery time so many probes are let through as `halfOpenProbes` says. With failures in a row the first that
 * fails opens the circuit again; with a window, the one that makes the share of bad probes certain. Otherwise the last
 * one closes it. Probes that do not end within the recovery time are given up for lost, and others take their place.
 *
 * @example
 * const breaker = new CircuitBreaker({ name: 'billing', failureThreshold: 5, recoveryTimeMs: 30_000 });
 * const invoice = await breaker.execute(() => billing.fetchInvoice(id));
 */
export class CircuitBreaker {
  readonly name: string;
  readonly #isFailure: (error: unknown) => boolean;
  readonly #clock: Clock;
  readonly #random: Random;
  readonly #events = new Events<CircuitBreakerEvents>();
  // Given to calls that only the shadow mode lets through; never the period in force.
  readonly #shadowed = new CircuitPeriod('closed', 0);
  #settings: CircuitSettings;
  #period: CircuitPeriod;
  // While a mode is forced: where the circuit goes on afterwards.
  #parked: CircuitPeriod | undefined;
  #breaks = 0;
  #breakMs: number;
  #refusal: RejectedError | undefined;
  #refusalPeriod: CircuitPeriod | undefined;
  #refusedAtMs = 0;

  constructor(options: CircuitBreakerOptions = {}) {
    this.name = options.name ?? 'circuit';
    this.#isFailure = options.isFailure ?? isDependencyFailure;
    this.#clock = options.clock ?? systemClock;
    this.#random = options.random ?? systemRandom;
    this.#settings = circuitSettings(options);
    this.#breakMs = this.#nextBreakMs(1);
    this.#period = closedPeriod(this.#settings, this.#clock);
    this.#applyMode();
  }

  get events(): EventSource<CircuitBreakerEvents> {
    return this.#events;
  }

  get state(): CircuitState {
    return this.#period.state;
  }

  /** The numbers in force. */
  get settings(): CircuitSettings {
    return this.#settings;
  }

  /** How many failures in a row open the circuit; with a window, the fewest failures that can. */
  get failureThreshold(): number {
    const { failureThreshold, window } = this.#settings;
    return failureThreshold ?? Math.ceil((window?.failureRate ?? 1) * (window?.minimumCalls ?? 1));
  }

  /** How long the present or last break is, or how long the first one will be, in milliseconds. */
  get recoveryTimeMs(): number {
    return this.#breakMs;
  }

  /** Whether the breaker wants to know how long calls take: only then need {@link succeeded} and {@link failed} be told. */
  get measuresDuration(): boolean {
    return this.#settings.window?.slowCallMs !== undefined;
  }

  /** Whether ordinary calls are refused now. In shadow nothing is. */
  get isBroken(): boolean {
    return !this.#period.admitsAll && this.#settings.mode !== 'shadow';
  }

  /** Whether the next call is let through although the circuit is broken, to see whether the dependency is well again. */
  get wantsProbe(): boolean {
    const { state, probes, verdicts, probeLimit, probeAtMs } = this.#period;
    if (!this.isBroken) return false;
    return (state === 'half-open' && probes + verdicts < probeLimit) || this.#clock.monotonicCoarse() >= probeAtMs;
  }

  /** The breaker as plain data, for consoles and health checks. */
  snapshot(): CircuitSnapshot {
    const { state, window, failures, probeAtMs } = this.#period;
    const { mode } = this.#settings;
    window?.refresh();
    return {
      name: this.name,
      state,
      failures: window?.failures ?? failures,
      failureThreshold: this.failureThreshold,
      ...(state === 'open' && mode !== 'forced-open'
        ? { retryInMs: Math.max(0, probeAtMs - this.#clock.monotonic()) }
        : {}),
      ...(mode === 'normal' ? {} : { mode }),
      ...(window && { calls: window.calls, slowCalls: window.slowCalls }),
    };
  }

  /**
   * Runs the work, or refuses to.
   *
   * @throws {RejectedError} with reason `open` while the circuit is open.
   */
  execute<Value>(work: () => Promise<Value>, options?: CircuitCallOptions): Promise<Value> {
    const admission = this.tryAdmit();
    // A refusal needs no frame that could wait.
    if (admission === undefined) return Promise.reject(this.refusal());
    return this.#run(admission, work, options?.signal);
  }

  /** The same function behind this breaker. */
  protect<Args extends unknown[], Value>(work: (...args: Args) => Promise<Value>): (...args: Args) => Promise<Value> {
    return (...args) => this.execute(() => work(...args));
  }

  /**
   * Asks for one call without running it: for those who run it themselves. What became of the call must be told to
   * {@link succeeded}, {@link failed} or {@link released}.
   *
   * @throws {RejectedError} with reason `open` while the circuit is open.
   * @example
   * const admission = breaker.admit();
   */
  admit(): Admission {
    const admission = this.tryAdmit();
    if (admission === undefined) throw this.refusal();
    return admission;
  }

  /** As {@link admit}, with undefined for a refusal; {@link refusal} then says why. */
  tryAdmit(): Admission | undefined {
    const period = this.#period;
    return period.admitsAll ? period : this.#admitProbe(period);
  }

  /** The error for a call that {@link tryAdmit} did not admit. Calls refused within a millisecond get the same one. */
  refusal(): RejectedError {
    const period = this.#period;
    const nowMs = this.#clock.monotonicCoarse();
    let refusal = this.#refusal;
    if (refusal === undefined || this.#refusalPeriod !== period || nowMs - this.#refusedAtMs >= refusalAgeMs) {
      refusal = new RejectedError(this.#refusalMessage(), 'open', { retryAfterMs: this.#waitMs(period, nowMs) });
      this.#refusal = refusal;
      this.#refusalPeriod = period;
      this.#refusedAtMs = nowMs;
    }
    if (this.#events.has('rejected')) {
      this.#events.emit('rejected', { name: this.name, retryAfterMs: refusal.retryAfterMs ?? 0 });
    }
    return refusal;
  }

  /**
   * The admitted call succeeded.
   *
   * @param durationMs How long it took; needed only if {@link measuresDuration}.
   */
  succeeded(admission: Admission, durationMs: number = 0): void {
    const period = this.#period;
    // What was admitted in an earlier period says nothing about this one.
    if (admission !== period) return;
    if (period.countsRow) period.failures = 0;
    else this.#count(period, false, durationMs);
  }

  /**
   * The admitted call ended with this error, which may or may not speak against the dependency.
   *
   * @param signal The caller's: what fails after it was aborted does not count.
   * @param durationMs How long the call took; needed only if {@link measuresDuration}.
   */
  failed(admission: Admission, error: unknown, signal?: AbortSignal, durationMs: number = 0): void {
    const period = this.#period;
    if (admission !== period || this.#parked !== undefined) return;
    // The place is given back first: `isFailure` is the caller's code and may throw.
    if (period.state === 'half-open') period.probes -= 1;
    if (leftByCaller(signal) || !this.#isFailure(error) || period !== this.#period) return;
    if (period.state === 'half-open') this.#judge(period, true, durationMs);
    else this.#count(period, true, durationMs);
  }

  /** The admitted call ended without saying anything about the dependency. */
  released(admission: Admission): void {
    const period = this.#period;
    if (admission === period && period.state === 'half-open') period.probes -= 1;
  }

  /**
   * Changes numbers while the breaker is in use: all of them, or none if one makes no sense. What is left out stays; what
   * is undefined goes back to its default. A new recovery time holds from the next break on; another window starts empty.
   *
   * @throws {ArgumentError} with the option's name and value.
   * @example
   * breaker.reconfigure({ failureThreshold: 10 });
   */
  reconfigure(changes: CircuitChanges | CircuitSettings): void {
    const from = this.#settings;
    const to = changedCircuitSettings(from, changes);
    this.#settings = to;
    const machine = this.#parked ?? this.#period;
    const countsAnew = JSON.stringify(from.window) !== JSON.stringify(to.window);
    if (countsAnew && machine.state === 'closed') this.#replace(closedPeriod(to, this.#clock));
    if (from.mode !== to.mode) this.#applyMode();
    if (this.#events.has('reconfigured')) this.#events.emit('reconfigured', to);
  }

  /** Refuses or admits every call from now on, whatever comes back: short for `reconfigure({ mode: 'forced-…' })`. */
  force(state: 'open' | 'closed'): void {
    this.reconfigure({ mode: `forced-${state}` });
  }

  /** What the breaker knows, for another process or a later start. The mode is not part of it. */
  exportState(): CircuitRecord {
    const { state, failures, probeAtMs, window } = this.#parked ?? this.#period;
    return {
      version: 1,
      state: state === 'closed' ? 'closed' : 'open',
      failures,
      breaks: this.#breaks,
      breakMs: this.#breakMs,
      retryInMs: state === 'open' ? Math.max(0, probeAtMs - this.#clock.monotonic()) : 0,
      outcomes: window?.export() ?? [],
    };
  }

  /**
   * Takes over what another breaker knew. Outcomes of a window of another kind or size are left out.
   *
   * @throws {ArgumentError} for anything that is not a record of {@link exportState}; nothing is changed then.
   */
  importState(record: CircuitRecord): void {
    const { state, failures, breaks, breakMs, retryInMs, outcomes } = circuitRecordOf(record);
    this.#breaks = breaks;
    this.#breakMs = Math.max(1, breakMs);
    if (state === 'open') {
      this.#replace(openPeriod(failures, this.#clock.monotonic() + retryInMs), 'imported');
      return;
    }
    const period = closedPeriod(this.#settings, this.#clock);
    period.failures = failures;
    period.window?.import(outcomes);
    this.#replace(period, 'imported');
  }

  // Reactions and not an async function: that would be another frame around every call.
  #run<Value>(admission: Admission, work: () => Promise<Value>, signal: AbortSignal | undefined): Promise<Value> {
    const startedMs = this.measuresDuration ? this.#clock.monotonic() : undefined;
    return begun(work).then(
      value => {
        this.succeeded(admission, startedMs === undefined ? 0 : this.#clock.monotonic() - startedMs);
        return value;
      },
      (error: unknown) => {
        this.failed(admission, error, signal, startedMs === undefined ? 0 : this.#clock.monotonic() - startedMs);
        throw error;
      },
    );
  }

  #admitProbe(period: CircuitPeriod): Admission | undefined {
    let probed = period;
    if (period.state === 'open' || period.probes + period.verdicts >= period.probeLimit) {
      // The coarse clock lags: a break may last a little longer, never shorter.
      if (this.#clock.monotonicCoarse() < period.probeAtMs) return this.#admitShadowed();
      probed = halfOpenPeriod(period.failures, this.#settings.halfOpenProbes);
      this.#enter(probed, period.state === 'open' ? 'recovery time passed' : 'the probes did not end');
    }
    probed.probes += 1;
    probed.probeAtMs = this.#clock.monotonic() + this.#breakMs;
    return probed;
  }

  #admitShadowed(): Admission | undefined {
    if (this.#settings.mode !== 'shadow') return undefined;
    if (this.#events.has('would-reject')) this.#events.emit('would-reject', { name: this.name });
    return this.#shadowed;
  }

  #count(period: CircuitPeriod, failed: boolean, durationMs: number): void {
    if (period.state === 'half-open') {
      period.probes -= 1;
      this.#judge(period, failed, durationMs);
    } else if (period.window !== undefined) this.#countInWindow(period, failed, durationMs);
    else {
      period.failures += 1;
      if (period.failures >= this.failureThreshold) this.#open(period.failures, `${period.failures} failures in a row`);
    }
  }

  #countInWindow(period: CircuitPeriod, failed: boolean, durationMs: number): void {
    const { window: calls } = period;
    const { window: limits } = this.#settings;
    if (calls === undefined || limits === undefined) return;
    calls.record(failed, durationMs > (limits.slowCallMs ?? Number.POSITIVE_INFINITY));
    if (calls.calls < limits.minimumCalls) return;
    const count = calls.calls;
    if (calls.failures / count >= limits.failureRate) {
      this.#open(calls.failures, `${calls.failures} failures in ${count} calls`);
    } else if (calls.slowCalls / count >= limits.slowCallRate) {
      this.#open(calls.failures, `${calls.slowCalls} slow calls in ${count}`);
    }
  }

  #judge(period: CircuitPeriod, failed: boolean, durationMs: number): void {
    const { window: limits } = this.#settings;
    const slow = durationMs > (limits?.slowCallMs ?? Number.POSITIVE_INFINITY);
    period.verdicts += 1;
    if (failed) period.failedProbes += 1;
    if (slow) period.slowProbes += 1;
    const limit = period.probeLimit;
    if (failed && period.failedProbes / limit >= (limits?.failureRate ?? 0)) {
      this.#open(period.failures + 1, 'probe failed');
    } else if (slow && period.slowProbes / limit >= (limits?.slowCallRate ?? 1)) {
      this.#open(period.failures, 'probe was slow');
    } else if (period.verdicts === limit) {
      this.#breaks = 0;
      this.#enter(closedPeriod(this.#settings, this.#clock), 'probe succeeded');
    }
  }

  #open(failures: number, reason: string): void {
    this.#breaks += 1;
    this.#breakMs = this.#nextBreakMs(this.#breaks);
    this.#enter(openPeriod(failures, this.#clock.monotonic() + this.#breakMs), reason);
  }

  #nextBreakMs(retry: number): number {
    const { recoveryTimeMs } = this.#settings;
    if (typeof recoveryTimeMs === 'number') return recoveryTimeMs;
    const previousMs = retry === 1 ? undefined : this.#breakMs;
    return Math.max(1, recoveryTimeMs.delayMs(retry, this.#random, previousMs));
  }

  /** Puts a forced state over the circuit, or takes it away again. */
  #applyMode(): void {
    const { mode } = this.#settings;
    const machine = this.#parked ?? this.#period;
    const forced =
      mode === 'forced-open'
        ? openPeriod(machine.failures, Number.POSITIVE_INFINITY)
        : mode === 'forced-closed'
          ? new CircuitPeriod('closed', 0)
          : undefined;
    this.#parked = forced && machine;
    this.#enter(forced ?? machine, `mode ${mode}`);
  }

  /** Puts another period in the place of the one that decides, which may lie under a forced state. */
  #replace(period: CircuitPeriod, reason = 'reconfigured'): void {
    if (this.#parked === undefined) this.#enter(period, reason);
    else this.#parked = period;
  }

  #enter(period: CircuitPeriod, reason: string): void {
    const from = this.#period.state;
    const to = period.state;
    this.#period = period;
    // Probes that are given up for lost are told, though the state stays the same.
    if ((from === to && to !== 'half-open') || !this.#events.has('state-changed')) return;
    const { mode } = this.#settings;
    this.#events.emit('state-changed', { name: this.name, from, to, reason, ...(mode === 'normal' ? {} : { mode }) });
  }

  #waitMs(period: CircuitPeriod, nowMs: number): number {
    if (period.probeAtMs === Number.POSITIVE_INFINITY) return this.#breakMs;
    const waitMs = Math.max(0, period.probeAtMs - nowMs);
    return period.state === 'open' ? waitMs : Math.min(waitMs, probeWaitMs);
  }

  #refusalMessage(): string {
    return this.#settings.mode === 'forced-open'
      ? `The circuit "${this.name}" is open: it was opened by hand`
      : `The circuit "${this.name}" is open: the dependency keeps failing`;
  }
}

/** Whether the caller went away for reasons of its own. A deadline that ran out meanwhile is the dependency's doing. */
function leftByCaller(signal: AbortSignal | undefined): boolean {
  return signal?.aborted === true && !(signal.reason instanceof TimeoutError);
}

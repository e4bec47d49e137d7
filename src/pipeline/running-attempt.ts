import { RateLimitError, RejectedError, TimeoutError } from '../errors/index.ts';
import { type Clock, type DeadlineQueue, formatDuration, isAbortError, type QueuedDeadline } from '../kernel/index.ts';
import { type Admission, type CircuitBreaker, type ConcurrencySlot, isDependencyFailure } from '../resilience/index.ts';
import type { Attempt, FaultInjector } from './attempt.ts';
import type { CallLimit } from './call-limit.ts';
import type { CallOptions } from './call-options.ts';
import type { Outcome } from './call-record.ts';
import type { CallTrace } from './call-trace.ts';
import type { CallPermit, CallRate, GuardPolicies } from './policies.ts';

/** What the attempts of one call have in common. */
export interface AttemptCall<Value> {
  readonly options: CallOptions;
  readonly policies: GuardPolicies;
  readonly work: (attempt: Attempt) => Promise<Value>;
  readonly clock: Clock;
  readonly limit: CallLimit | undefined;
  readonly trace: CallTrace | undefined;
}

/** What follows the failure of an attempt, when something may. */
export type Recovery<Value> = (call: AttemptCall<Value>, error: unknown) => Promise<Outcome<Value>>;

/** Whether the dependency has been asked, and whether anybody still wants the answer. */
type Phase = 'waiting' | 'under way' | 'over';

/**
 * One attempt on its way through the stages that stand inside the retry: concurrency slot, breaker, rate, attempt
 * timeout, fault, transport. Where nobody has to wait, the whole way is one synchronous run up to the work and one
 * continuation after it.
 *
 * It may be stopped wherever it waits. Every place that it holds is given back at once, however it ends; what the work
 * does afterwards is ignored.
 */
export class RunningAttempt<Value> implements Attempt, QueuedDeadline {
  readonly attempt: number;
  readonly #call: AttemptCall<Value>;
  readonly #recovery: Recovery<Value> | undefined;
  #resolve: ((value: Value) => void) | undefined = undefined;
  #reject: ((reason: unknown) => void) | undefined = undefined;
  #controller: AbortController | undefined = undefined;
  #phase: Phase = 'waiting';
  #hasSlot = false;
  #admission: Admission | undefined = undefined;
  #permit: CallPermit | undefined = undefined;
  #startedMs = 0;
  #queue: DeadlineQueue | undefined = undefined;
  // Of the queue of attempt timeouts.
  dueMs = 0;
  previous: QueuedDeadline | undefined = undefined;
  next: QueuedDeadline | undefined = undefined;

  constructor(attempt: number, call: AttemptCall<Value>, recovery?: Recovery<Value>) {
    this.attempt = attempt;
    this.#call = call;
    this.#recovery = recovery;
  }

  get deadlineMs(): number | undefined {
    return this.#call.limit?.deadlineMs;
  }

  /** What is asked of the dependency. */
  get operation(): string {
    return this.#call.options.operation;
  }

  /** Whether the dependency has been asked. */
  get isUnderWay(): boolean {
    return this.#phase === 'under way';
  }

  get #isOver(): boolean {
    return this.#phase === 'over';
  }

  get signal(): AbortSignal {
    this.#controller ??= new AbortController();
    return this.#controller.signal;
  }

  /** Makes the attempt. */
  start(): Promise<Outcome<Value>> {
    // A gate between the work and what follows it: it can be closed from outside, and what follows runs in the
    // asynchronous context of this call, whoever closes it.
    const gate = new Promise<Value>((resolve, reject) => {
      this.#resolve = resolve;
      this.#reject = reject;
    });
    const outcome = gate.then(
      value => this.#succeed(value),
      error => this.#fail(error),
    );
    const { concurrency, breaker, rate } = this.#call.policies;
    if (concurrency === undefined && rate === undefined) {
      // Nothing on the way can make the attempt wait.
      if (breaker === undefined || this.#admit(breaker)) this.#depart();
    } else void this.#approach();
    return outcome;
  }

  /**
   * Ends the attempt from outside.
   *
   * @param isVerdict Whether that speaks against the dependency.
   */
  stop(reason: unknown, isVerdict: boolean): void {
    if (this.#isOver) return;
    const { breaker, rate } = this.#call.policies;
    if (isVerdict && this.isUnderWay) rate?.limiter.recordError?.(reason, this.#permit);
    if (breaker !== undefined && this.#admission !== undefined) {
      if (isVerdict)
        breaker.failed(this.#admission, reason, undefined, breaker.measuresDuration ? this.#elapsedMs() : 0);
      else breaker.released(this.#admission);
    }
    this.#leave(isVerdict ? 'failed' : 'ignored');
    this.#reject?.(reason);
    // Also for work that reads its signal only now: it finds it aborted.
    this.#controller ??= new AbortController();
    this.#controller.abort(reason);
  }

  /** The time of the attempt is up. */
  expire(): void {
    const timeoutMs = this.#queue?.timeoutMs ?? 0;
    this.#queue = undefined;
    const { trace } = this.#call;
    if (this.isUnderWay) trace?.timedOut(this.#startedMs, timeoutMs);
    else trace?.note('attemptTimeout', 'timed-out', formatDuration(timeoutMs));
    this.stop(new TimeoutError(`The attempt did not finish within ${timeoutMs} ms`, timeoutMs), true);
  }

  /** The way to the work, with the stages in which an attempt may have to wait. */
  async #approach(): Promise<void> {
    const { concurrency, breaker, rate } = this.#call.policies;
    try {
      if (concurrency !== undefined) {
        if (concurrency.tryAcquire(this.#call.options)) this.#hasSlot = true;
        else await this.#waitForSlot(concurrency);
      }
      if (this.#isOver || (breaker !== undefined && !this.#admit(breaker))) return;
      if (rate !== undefined) await this.#waitForRate(rate);
    } catch (error) {
      this.#reject?.(error);
      return;
    }
    if (!this.#isOver) this.#depart();
  }

  async #waitForSlot(concurrency: ConcurrencySlot): Promise<void> {
    const { trace, options } = this.#call;
    const { priority, tenant } = options;
    try {
      await concurrency.acquire({ signal: this.signal, deadlineMs: this.deadlineMs, priority, tenant });
    } catch (error) {
      if (!this.#isOver) trace?.failedIn('concurrency', error);
      throw error;
    }
    // A slot that comes after the caller has left goes to the next one.
    if (this.#isOver) concurrency.release({ tenant, outcome: 'ignored' });
    else {
      this.#hasSlot = true;
      trace?.note('concurrency', 'waited');
    }
  }

  #admit(breaker: CircuitBreaker): boolean {
    const { trace } = this.#call;
    this.#admission = breaker.tryAdmit();
    if (this.#admission === undefined) {
      trace?.note('breaker', 'rejected', 'open');
      this.#reject?.(breaker.refusal());
      return false;
    }
    // In shadow, what would have been refused is admitted as if the circuit were closed.
    const isShadowed = this.#admission.state !== breaker.state;
    trace?.note('breaker', isShadowed ? 'would-reject' : 'ok', breaker.state);
    return true;
  }

  async #waitForRate({ limiter, key, cost }: CallRate): Promise<void> {
    const { trace, clock } = this.#call;
    const beganMs = clock.monotonic();
    try {
      this.#permit = await limiter.wait(key, { cost, signal: this.signal, deadlineMs: this.deadlineMs });
    } catch (error) {
      if (!this.#isOver) trace?.failedIn('rate', error);
      throw error;
    }
    if (this.#isOver || trace === undefined) return;
    const waitedMs = Math.round(clock.monotonic() - beganMs);
    if (waitedMs > 0) trace.note('rate', 'waited', formatDuration(waitedMs));
    if (this.#permit.outcome === 'denied') trace.note('rate', 'would-reject');
    if (this.#permit.outcome === 'unavailable') trace.note('rate', 'ok', 'the limiter is unavailable');
  }

  #depart(): void {
    const { attemptTimeout, fault } = this.#call.policies;
    if (attemptTimeout !== undefined) {
      this.#queue = attemptTimeout.queue;
      this.#queue.add(this);
    }
    const asking = fault === undefined ? this.#ask() : this.#disturbed(fault);
    asking.then(this.#resolve, this.#reject);
  }

  async #disturbed(fault: FaultInjector): Promise<Value> {
    const { trace } = this.#call;
    try {
      if (await fault(this)) trace?.note('fault', 'injected');
    } catch (error) {
      if (!this.#isOver) trace?.note('fault', 'injected');
      throw error;
    }
    // Whoever has left meanwhile is not interested in an answer.
    return this.#isOver ? new Promise(() => {}) : this.#ask();
  }

  #ask(): Promise<Value> {
    const { policies, work, clock, trace } = this.#call;
    const { breaker, concurrency, rate } = policies;
    this.#phase = 'under way';
    trace?.countAttempt();
    if (trace !== undefined || rate !== undefined || breaker?.measuresDuration || concurrency?.measuresLatency)
      this.#startedMs = clock.monotonic();
    // As `begun` does, without a closure for every call.
    try {
      const working = work(this);
      return working instanceof Promise ? working : Promise.resolve(working);
    } catch (error) {
      return Promise.reject(error);
    }
  }

  #succeed(value: Value): Outcome<Value> {
    if (!this.#isOver) {
      const { breaker, rate } = this.#call.policies;
      this.#call.trace?.ended(this.#startedMs);
      if (breaker !== undefined && this.#admission !== undefined) {
        breaker.succeeded(this.#admission, breaker.measuresDuration ? this.#elapsedMs() : 0);
      }
      if (rate !== undefined) rate.limiter.recordLatency?.(this.#elapsedMs(), this.#permit);
      this.#leave('succeeded');
    }
    return { value, freshness: 'fresh', ageMs: 0 };
  }

  #fail(error: unknown): Promise<Outcome<Value>> {
    if (!this.#isOver) {
      const { breaker, rate } = this.#call.policies;
      const wasAsked = this.isUnderWay;
      if (wasAsked) this.#call.trace?.ended(this.#startedMs, { error });
      // The slot is given back first: what judges the error is the caller's code and may throw.
      this.#leave(error instanceof RejectedError || isAbortError(error) ? 'ignored' : 'failed');
      if (wasAsked && speaksAgainst(error)) rate?.limiter.recordError?.(error, this.#permit);
      if (breaker !== undefined && this.#admission !== undefined)
        breaker.failed(this.#admission, error, undefined, breaker.measuresDuration ? this.#elapsedMs() : 0);
    }
    if (this.#recovery === undefined) throw error;
    return this.#recovery(this.#call, error);
  }

  #leave(outcome: 'succeeded' | 'failed' | 'ignored'): void {
    const wasAsked = this.isUnderWay;
    this.#phase = 'over';
    this.#queue?.remove(this);
    if (!this.#hasSlot) return;
    const { policies, options } = this.#call;
    const latencyMs = wasAsked && policies.concurrency?.measuresLatency ? this.#elapsedMs() : undefined;
    policies.concurrency?.release({ tenant: options.tenant, latencyMs, outcome });
  }

  #elapsedMs(): number {
    return this.#call.clock.monotonic() - this.#startedMs;
  }
}

/** Whether a failure is news for a limiter that adapts: the dependency's own trouble, or that we ask too often. */
function speaksAgainst(error: unknown): boolean {
  return error instanceof RateLimitError || isDependencyFailure(error);
}

import { type RequestContext, runWithRequestContext } from '../context/index.ts';
import { RejectedError, TimeoutError } from '../errors/index.ts';
import { abortReason, type DeadlineQueue, formatDuration, type QueuedDeadline, type Timer } from '../kernel/index.ts';
import type { Outcome } from './call-record.ts';
import { reasonOf } from './call-trace.ts';
import type { GuardPolicies } from './policies.ts';
import { type AttemptCall, RunningAttempt } from './running-attempt.ts';

/** One call, as its passage is told. */
export interface PassageCall<Value> extends AttemptCall<Value> {
  /** Ends the passage. */
  readonly signal: AbortSignal | undefined;
}

/** Sends a call through the inner stages: attempts, with retries between them, until one is final or time is up. */
export function passThrough<Value>(call: PassageCall<Value>): Promise<Outcome<Value>> {
  const { policies, signal, limit } = call;
  if (signal?.aborted) return Promise.reject(abortReason(signal));
  policies.retry?.budget?.recordCall();
  if (isRefused(policies)) {
    call.trace?.note('breaker', 'rejected', 'open');
    return Promise.reject(policies.breaker?.refusal());
  }
  if (signal !== undefined || limit !== undefined) return new Passage(call).run();
  return new RunningAttempt(1, call, isRetried(call) ? again : undefined).start();
}

/** Whether it is plain from here that the breaker refuses: then nothing else needs to begin. */
function isRefused({ concurrency, breaker }: GuardPolicies): boolean {
  return concurrency === undefined && breaker?.isBroken === true && !breaker.wantsProbe;
}

function isRetried<Value>({ options, policies }: PassageCall<Value>): boolean {
  return options.repeatable === true && policies.retry !== undefined;
}

/** What follows the first attempt of a call that nothing can stop: only now does it need a passage. */
function again<Value>(call: AttemptCall<Value>, error: unknown): Promise<Outcome<Value>> {
  return new Passage({ ...call, signal: undefined }).again(error);
}

/** A call in the inner stages that can be stopped: by its caller, or because its time is up. */
class Passage<Value> implements QueuedDeadline {
  readonly #call: PassageCall<Value>;
  #attempt: RunningAttempt<Value> | undefined = undefined;
  #stopReason: unknown = undefined;
  #onAbort: (() => void) | undefined = undefined;
  #queue: DeadlineQueue | undefined = undefined;
  #timer: Timer | undefined = undefined;
  // Of a wait between two attempts.
  #waiting: AbortController | undefined = undefined;
  // Of the queue of deadlines.
  dueMs = 0;
  previous: QueuedDeadline | undefined = undefined;
  next: QueuedDeadline | undefined = undefined;

  constructor(call: PassageCall<Value>) {
    this.#call = call;
  }

  async run(): Promise<Outcome<Value>> {
    this.#begin();
    try {
      return await this.#attempted(1);
    } catch (error) {
      if (!isRetried(this.#call)) throw error;
      return await this.again(error);
    } finally {
      this.#end();
    }
  }

  /** The time of the whole call is up. */
  expire(): void {
    this.#queue = undefined;
    const { trace, limit } = this.#call;
    const timeoutMs = limit?.timeoutMs ?? 0;
    trace?.note('deadline', 'timed-out', formatDuration(timeoutMs));
    const isAsked = this.#attempt?.attempt !== 1 || this.#attempt.isUnderWay;
    const reason = isAsked
      ? new TimeoutError(`The call did not finish within ${timeoutMs} ms`, timeoutMs)
      : new RejectedError('The deadline passed while the call waited for its turn', 'out-of-time');
    this.#stop(reason, limit?.isVerdict ?? false);
  }

  #begin(): void {
    const { signal, limit, clock } = this.#call;
    if (signal !== undefined) {
      this.#onAbort = () => this.#stop(abortReason(signal), false);
      signal.addEventListener('abort', this.#onAbort, { once: true });
    }
    if (limit?.queue !== undefined) {
      this.#queue = limit.queue;
      this.#queue.add(this);
    } else if (limit !== undefined) {
      this.#timer = clock.setTimer(limit.timeoutMs, () => this.expire(), { keepsProcessAlive: true });
    }
  }

  #end(): void {
    this.#queue?.remove(this);
    this.#timer?.cancel();
    if (this.#onAbort !== undefined) this.#call.signal?.removeEventListener('abort', this.#onAbort);
  }

  /** Goes on after the failure of the first attempt. */
  async again(firstError: unknown): Promise<Outcome<Value>> {
    let error = firstError;
    let previousDelayMs: number | undefined;
    for (let attempt = 1; ; attempt += 1) {
      if (this.#stopReason !== undefined) throw this.#stopReason;
      const delayMs = this.#delayAfter(attempt, error, previousDelayMs);
      if (delayMs === undefined) throw error;
      await this.#wait(delayMs);
      previousDelayMs = delayMs;
      const context: RequestContext = { attempt: attempt + 1 };
      try {
        return await runWithRequestContext(context, () => this.#attempted(attempt + 1));
      } catch (failure) {
        error = failure;
      }
    }
  }

  #attempted(number: number): Promise<Outcome<Value>> {
    this.#attempt = new RunningAttempt(number, this.#call);
    return this.#attempt.start();
  }

  #delayAfter(attempt: number, error: unknown, previousDelayMs: number | undefined): number | undefined {
    const { policies, limit, trace } = this.#call;
    const deadlineMs = limit?.deadlineMs;
    const decision = policies.retry?.decide({ attempt, error, previousDelayMs, deadlineMs }) ?? { gaveUp: '' };
    if ('delayMs' in decision) {
      const { delayMs } = decision;
      trace?.note('retry', 'retried', `${reasonOf(error)}, waits ${formatDuration(Math.round(delayMs))}`);
      return delayMs;
    }
    const { gaveUp } = decision;
    if (gaveUp === 'not retryable' || gaveUp === 'attempts used up') {
      if (attempt > 1) trace?.note('retry', 'gave-up', `${attempt} attempts`);
    } else {
      trace?.note('retry', 'gave-up', `${attempt} ${attempt === 1 ? 'attempt' : 'attempts'}, ${gaveUp}`);
    }
    return undefined;
  }

  async #wait(delayMs: number): Promise<void> {
    this.#waiting = new AbortController();
    await this.#call.clock.sleep(delayMs, this.#waiting.signal);
    this.#waiting = undefined;
  }

  #stop(reason: unknown, isVerdict: boolean): void {
    this.#stopReason = reason;
    this.#attempt?.stop(reason, isVerdict);
    this.#waiting?.abort(reason);
  }
}

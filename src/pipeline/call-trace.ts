import { PlinthError, RejectedError } from '../errors/index.ts';
import { type Clock, formatDuration, isAbortError } from '../kernel/index.ts';
import type { CallRecord, CallResult, Outcome, StageDecision, StageName, StageRecord } from './call-record.ts';

/** Who is called, for what, and for whom. */
export interface CallIdentity {
  readonly sequence: number;
  readonly dependency: string;
  readonly operation: string;
  readonly key: string | undefined;
  readonly requestId: string | undefined;
  readonly background: boolean;
  readonly repeatable: boolean;
}

type Draft = { -readonly [Field in keyof CallRecord]: CallRecord[Field] };

/** Collects the decisions of one call while it runs, and makes its record in the end. */
export class CallTrace {
  readonly #identity: CallIdentity;
  readonly #clock: Clock;
  readonly #startedAt: number;
  readonly #startedMs: number;
  readonly #stages: StageRecord[] = [];
  #attempts = 0;
  #covered: unknown;

  constructor(identity: CallIdentity, clock: Clock) {
    this.#identity = identity;
    this.#clock = clock;
    this.#startedAt = clock.now();
    this.#startedMs = clock.monotonic();
  }

  /** Notes what a stage decided. */
  note(stage: StageName, decision: StageDecision, reason?: string): void {
    this.#push(stage, decision, undefined, reason);
  }

  /** Notes that a stage refused or failed, and why. */
  failedIn(stage: StageName, error: unknown): void {
    this.note(stage, decisionOf(error), reasonOf(error));
  }

  /** Notes that the time of an attempt was up, and how long the dependency had had. */
  timedOut(departedMs: number, timeoutMs: number): void {
    const durationMs = rounded(this.#clock.monotonic() - departedMs);
    this.#push('attemptTimeout', 'timed-out', durationMs, formatDuration(timeoutMs));
  }

  /** Notes that the dependency has answered, or has failed to. */
  ended(departedMs: number, failure?: { readonly error: unknown }): void {
    const durationMs = rounded(this.#clock.monotonic() - departedMs);
    if (failure === undefined) this.#push('transport', 'ok', durationMs, undefined);
    else this.#push('transport', decisionOf(failure.error), durationMs, reasonOf(failure.error));
  }

  /** Counts one real attempt and says which it is: 1 is the first. */
  countAttempt(): number {
    this.#attempts += 1;
    return this.#attempts;
  }

  /** Remembers the error for which an older or a substitute value stands in. */
  cover(error: unknown): void {
    this.#covered = error;
  }

  /** The record of a call that gave a value. */
  succeeded(outcome: Outcome<unknown>): CallRecord {
    const record = this.#draft('ok');
    record.freshness = outcome.freshness;
    record.ageMs = outcome.ageMs;
    if (this.#covered !== undefined) record.error = describeError(this.#covered);
    return record;
  }

  /** The record of a call that gave none. */
  failed(error: unknown): CallRecord {
    const record = this.#draft(error instanceof RejectedError ? 'rejected' : 'failed');
    record.error = describeError(error);
    return record;
  }

  #draft(result: CallResult): Draft {
    const { sequence, dependency, operation, key, requestId, background, repeatable } = this.#identity;
    const record: Draft = {
      sequence,
      dependency,
      operation,
      startedAt: this.#startedAt,
      durationMs: this.#elapsedMs(),
      result,
      attempts: this.#attempts,
      // A copy: what was begun for others who joined goes on after this call has ended.
      stages: this.#stages.slice(),
    };
    if (repeatable) record.repeatable = true;
    if (background) record.background = true;
    if (key !== undefined) record.key = key;
    if (requestId !== undefined) record.requestId = requestId;
    return record;
  }

  #push(stage: StageName, decision: StageDecision, durationMs: number | undefined, reason: string | undefined): void {
    const record: { -readonly [Field in keyof StageRecord]: StageRecord[Field] } = {
      stage,
      decision,
      atMs: this.#elapsedMs(),
    };
    if (durationMs !== undefined) record.durationMs = durationMs;
    if (reason !== undefined) record.reason = reason;
    this.#stages.push(record);
  }

  #elapsedMs(): number {
    return rounded(this.#clock.monotonic() - this.#startedMs);
  }
}

/** Whole microseconds: what a clock of the platform can tell apart. */
function rounded(durationMs: number): number {
  return Math.round(durationMs * 1_000) / 1_000;
}

function decisionOf(error: unknown): StageDecision {
  return error instanceof RejectedError ? 'rejected' : 'failed';
}

/** An error in few words, for records. */
export function describeError(error: unknown): { name: string; code: string; message: string } {
  if (error instanceof PlinthError) return { name: error.name, code: error.code, message: error.message };
  if (error instanceof Error)
    return { name: error.name, code: isAbortError(error) ? 'ABORTED' : 'UNKNOWN', message: error.message };
  return { name: 'unknown', code: 'UNKNOWN', message: 'Something that is not an error was thrown' };
}

/** An error as a reason within a record: its code, and its status where it has one. */
export function reasonOf(error: unknown): string {
  const { code } = describeError(error);
  const status = error instanceof PlinthError && 'status' in error ? ` ${String(error.status)}` : '';
  return `${code}${status}`;
}

import { PlinthError, RejectedError } from '../errors/index.ts';
import { type Clock, isAbortError } from '../kernel/index.ts';
import type { CallRecord, CallResult, Outcome, StageDecision, StageName, StageRecord } from './call-record.ts';

/** Who is called, for what, and for whom. */
export interface CallIdentity {
  readonly sequence: number;
  readonly dependency: string;
  readonly operation: string;
  readonly key: string | undefined;
  readonly requestId: string | undefined;
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
    const atMs = this.#elapsedMs();
    this.#stages.push(reason === undefined ? { stage, decision, atMs } : { stage, decision, atMs, reason });
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
    const { sequence, dependency, operation, key, requestId } = this.#identity;
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
    if (key !== undefined) record.key = key;
    if (requestId !== undefined) record.requestId = requestId;
    return record;
  }

  #elapsedMs(): number {
    return Math.round((this.#clock.monotonic() - this.#startedMs) * 1_000) / 1_000;
  }
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

import { createHash } from 'node:crypto';
import { ArgumentError, type ErrorRecord, PlinthError } from '../errors/index.ts';

/** An outcome as it is kept. */
export type RecordedOutcome<Value> =
  | { readonly ok: true; readonly value: Value }
  | { readonly ok: false; readonly error: ErrorRecord };

/** A place where the outcomes of one job are kept, so that it can go on after a crash. */
export interface BatchCheckpoint<Value> {
  /** Which job this is. A checkpoint that was begun for another job is refused. */
  readonly job: string;
  /**
   * Opens it for one batch.
   *
   * @throws {CheckpointError} when it belongs to another job or cannot be read.
   */
  open(): Promise<OpenCheckpoint<Value>>;
}

/** A checkpoint while a batch uses it. */
export interface OpenCheckpoint<Value> {
  /** How many items have an outcome. */
  readonly size: number;
  /** The latest outcome of an item, if it has one. */
  find(id: string): RecordedOutcome<Value> | undefined | Promise<RecordedOutcome<Value> | undefined>;
  /** Keeps the outcome of an item. When it resolves, the outcome survives the end of this process. */
  record(id: string, index: number, outcome: RecordedOutcome<Value>): Promise<void>;
  /** Ends the use. What was recorded stays. */
  close(): Promise<void>;
}

/**
 * Names the places of the input: the key for the first item that has it, `key#2` for the second, and so on, so that each
 * has a record of its own.
 */
export class ItemIds {
  readonly #seen = new Map<string, number>();

  next(key: string): string {
    const count = (this.#seen.get(key) ?? 0) + 1;
    this.#seen.set(key, count);
    // A key that looks like a name of ours gets its number, too: no two places have the same name.
    return count === 1 && !/#\d+$/.test(key) ? key : `${key}#${count}`;
  }
}

/** What an item of a job is known by to those who must not act twice. */
export function idempotencyKeyOf(job: string, id: string): string {
  return createHash('sha256')
    .update(JSON.stringify([job, id]))
    .digest('hex')
    .slice(0, 32);
}

/** An error as it is recorded. */
export function toErrorRecord(error: unknown): ErrorRecord {
  if (error instanceof PlinthError) {
    const { details, ...record } = error.toJSON();
    return isJson(details) ? { ...record, details } : record;
  }
  const { name, message } = error instanceof Error ? error : { name: typeof error, message: textOf(error) };
  // Errors of the system have a code, too.
  const code =
    error instanceof Error && 'code' in error && typeof error.code === 'string' ? error.code : 'UNKNOWN_ERROR';
  return { name, code, message, retryable: false };
}

function textOf(thrown: unknown): string {
  try {
    return String(thrown);
  } catch {
    return 'Something without a text';
  }
}

function isJson(details: object | undefined): details is Readonly<Record<string, unknown>> {
  try {
    return details !== undefined && JSON.stringify(details) !== undefined;
  } catch {
    return false;
  }
}

/** Refuses a job without a name. */
export function requireJob(job: string): string {
  if (typeof job === 'string' && job !== '') return job;
  throw new ArgumentError(
    `Cannot use job: expected a text that tells this job from others, such as "labels:2026-01", got ${JSON.stringify(job)}`,
    'job',
  );
}

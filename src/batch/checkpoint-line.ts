import type { ErrorRecord } from '../errors/index.ts';
import type { RecordedOutcome } from './checkpoint.ts';
import { CheckpointError } from './errors.ts';

/** One line of a checkpoint's file: the outcome of one item. */
export interface CheckpointLine {
  readonly id: string;
  /** Where the item stood among the items, for people who read the file. */
  readonly index: number;
  readonly value?: unknown;
  readonly error?: ErrorRecord;
}

const format = 'plinth-batch-checkpoint';
const version = 1;

/** The first line of a job's file. It holds nothing that changes, so that a piece of it can be told from other files. */
export function headerOf(job: string): string {
  return `${JSON.stringify({ format, version, job })}\n`;
}

/**
 * Refuses a file that was not begun for this job.
 *
 * @throws {CheckpointError}
 */
export function checkHeader(line: string, job: string, path: string): void {
  const header = parse(line) as Partial<Record<string, unknown>> | undefined;
  if (header?.['format'] !== format) {
    throw new CheckpointError(
      `Cannot use ${path} as a checkpoint: it is another kind of file. Choose another path`,
      'unreadable',
    );
  }
  if (header['version'] !== version) {
    throw new CheckpointError(
      `Cannot read the checkpoint ${path}: it has version ${JSON.stringify(header['version'])}, and this program reads version ` +
        `${version}. Finish the job with the program that began it, or begin anew with another path`,
      'unreadable',
    );
  }
  if (header['job'] !== job) {
    throw new CheckpointError(
      `The checkpoint ${path} belongs to the job ${JSON.stringify(header['job'])}, and this is the job ${JSON.stringify(job)}. ` +
        'Give each job a path of its own, or delete the file to begin anew',
      'another-job',
    );
  }
}

/** A line as it was written, or `undefined` if this is not a whole one. */
export function parseLine(text: string): CheckpointLine | undefined {
  const line = parse(text) as Partial<CheckpointLine> | undefined;
  return typeof line?.id === 'string' ? (line as CheckpointLine) : undefined;
}

/**
 * The line of an outcome.
 *
 * @throws {CheckpointError} when the value would not come back from the file as it is; not if `isRevived`.
 */
export function lineOf(id: string, index: number, outcome: RecordedOutcome<unknown>, isRevived: boolean): string {
  const line = outcome.ok ? { id, index, value: outcome.value } : { id, index, error: outcome.error };
  let text: string | undefined;
  let cause: unknown;
  try {
    text = JSON.stringify(line);
  } catch (error) {
    cause = error;
  }
  const misfit =
    text === undefined ? 'cannot be written' : isRevived || !outcome.ok ? undefined : misfitOf(outcome.value);
  if (text !== undefined && misfit === undefined) return `${text}\n`;
  throw new CheckpointError(
    `Cannot record the value of item ${index}: as JSON it ${misfit ?? ''}. Let the work return plain data, or give the ` +
      'checkpoint a `parse` that makes the value from its JSON',
    'unfit-value',
    { cause },
  );
}

/** What JSON would change in a value. Properties that are undefined may go: nobody can tell. */
export function misfitOf(value: unknown, path = 'value'): string | undefined {
  if (value === null || typeof value === 'string' || typeof value === 'boolean') return undefined;
  if (value === undefined) return path.endsWith(']') ? `makes null of ${path}, which is undefined` : undefined;
  if (typeof value === 'number') return Number.isFinite(value) ? undefined : `makes null of ${path}, which is ${value}`;
  if (typeof value !== 'object') return `loses ${path}, a ${typeof value}`;
  if (Array.isArray(value)) {
    for (const [index, part] of value.entries()) {
      const misfit = misfitOf(part, `${path}[${index}]`);
      if (misfit !== undefined) return misfit;
    }
    return undefined;
  }
  const prototype: unknown = Object.getPrototypeOf(value);
  if (prototype !== Object.prototype && prototype !== null) return `loses what ${path} is: a ${value.constructor.name}`;
  for (const [name, part] of Object.entries(value)) {
    const misfit = misfitOf(part, `${path}.${name}`);
    if (misfit !== undefined) return misfit;
  }
  return undefined;
}

function parse(text: string): unknown {
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === 'object' && value !== null ? value : undefined;
  } catch {
    return undefined;
  }
}

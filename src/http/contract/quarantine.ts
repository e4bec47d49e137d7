import { createHash } from 'node:crypto';
import { ArgumentError } from '../../errors/index.ts';

/** Why a record could not be read. */
export interface UnreadableReason {
  /** The name of the reader's error, such as `ValidationError`. */
  readonly name: string;
  /** Its message, at most 500 characters. */
  readonly message: string;
  /** Where in the record, when the reader says so: `products[0].name`. */
  readonly path?: string;
}

/** A record that could not be read, as it came, with everything that is needed to read it later. */
export interface QuarantinedRecord {
  /** Made of the contract and the record: the same record has the same id whenever it comes. */
  readonly id: string;
  /** The name of the contract. */
  readonly contract: string;
  /** The record as the source sent it. */
  readonly record: unknown;
  readonly error: UnreadableReason;
  /** The address that it came from. */
  readonly url: string;
  /** When it was fetched, in milliseconds since 1970. */
  readonly fetchedAt: number;
}

/** How full a quarantine is. */
export interface QuarantineStats {
  /** How many records it holds. */
  readonly records: number;
  /** How many it has given up since it was made, the oldest ones, because there was no room. */
  readonly dropped: number;
}

/** A place for records that cannot be read. One place may serve many contracts. */
export interface Quarantine {
  /** Takes records in. One that is there already is replaced and keeps its place. */
  add(records: readonly QuarantinedRecord[]): Promise<void>;
  /** Those that were there when it was called, the oldest first; of one contract, or all. */
  entries(contract?: string): AsyncIterable<QuarantinedRecord>;
  /** Takes records away. @returns how many of them were there. */
  remove(ids: readonly string[]): Promise<number>;
  /** How full it is. */
  stats(): Promise<QuarantineStats>;
}

/**
 * The id of a record.
 *
 * @throws {ArgumentError} when the record is not JSON.
 */
export function recordId(contract: string, record: unknown): string {
  return createHash('sha256')
    .update(`${contract}\0${jsonOf(contract, record)}`)
    .digest('hex')
    .slice(0, 32);
}

function jsonOf(contract: string, record: unknown): string {
  let cause: unknown;
  try {
    const text: string | undefined = JSON.stringify(record);
    if (text !== undefined) return text;
  } catch (error) {
    cause = error;
  }
  throw new ArgumentError(`Cannot keep a record of ${contract}: expected JSON, got ${typeof record}`, 'records', {
    cause,
  });
}

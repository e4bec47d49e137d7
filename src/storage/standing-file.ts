import { DuplicateError } from '../errors/index.ts';
import type { Descriptor } from './descriptor.ts';
import { CorruptFileError } from './errors.ts';
import type { ObjectInfo } from './storage-strategy.ts';
import { requireDescriptor } from './stored-file.ts';

/** What stands under a key that is about to be written. */
export interface StandingFile {
  readonly info: ObjectInfo;
  readonly descriptor: Descriptor;
}

/** Who wants to write under a key. */
export interface FileTarget {
  readonly key: string;
  readonly owner: string | undefined;
  readonly ifAbsent: boolean;
}

/** @throws {CorruptFileError} when nobody can say whose it is. */
export function standingOf(current: ObjectInfo | undefined): StandingFile | undefined {
  if (current === undefined) return undefined;
  try {
    return { info: current, descriptor: requireDescriptor(current) };
  } catch (error) {
    throw new CorruptFileError(current.key, 'so nobody can say who may replace it; delete it first', { cause: error });
  }
}

/** @throws {DuplicateError} when it is another owner's, or nothing may be replaced. */
export function requireReplaceable(standing: Descriptor, { key, owner, ifAbsent }: FileTarget): void {
  if (ifAbsent || standing.owner !== owner) throw new DuplicateError('File', 'filename', key);
}

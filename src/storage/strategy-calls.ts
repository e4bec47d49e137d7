import { abortReason } from '../kernel/index.ts';
import { StorageError } from './errors.ts';

/** The longest metadata, in characters. */
const maxMetadataLength = 2_000;

/** How often a write gives way to somebody else who changes the same key. */
export const maxAttempts = 50;

/** An error of whoever gave the content or the metadata: it passes through as it is. */
export class Passing {
  readonly reason: unknown;

  constructor(reason: unknown) {
    this.reason = reason;
  }
}

/** Runs work of the caller, whose errors are not those of the store. */
export async function passing<Result>(work: () => Result | Promise<Result>): Promise<Result> {
  try {
    return await work();
  } catch (error) {
    throw new Passing(error);
  }
}

/** The chunks of the caller, whose errors are not those of the store, until the signal aborts. */
export async function* passingContent(
  content: AsyncIterable<Uint8Array>,
  signal: AbortSignal | undefined,
): AsyncGenerator<Uint8Array, void> {
  try {
    for await (const chunk of content) {
      if (signal?.aborted) throw abortReason(signal);
      yield chunk;
    }
  } catch (error) {
    throw new Passing(error);
  }
}

/** @throws {StorageError} when a strategy is given what it does not promise to keep. */
export function requireMetadata(metadata: string): string {
  if (metadata.length <= maxMetadataLength && /^[ -~]*$/.test(metadata)) return metadata;
  throw new StorageError(
    `Cannot keep metadata of ${metadata.length} characters: expected printable ASCII of at most ${maxMetadataLength}`,
  );
}

export function tooBusy(key: string): StorageError {
  return new StorageError(`Somebody else changes the file "${key}" again and again; try later`, { retryable: true });
}

import { writeSync } from 'node:fs';
import { UnfinishedWriteError } from './errors.ts';

const maxWaits = 100;
const waitMs = 10;

/**
 * Writes everything to a file descriptor, synchronously, and returns how many bytes that were. A pipe whose reader is
 * slow is waited for, up to a second. Throws what the system says when nothing was written, and
 * {@link UnfinishedWriteError} when a part was.
 */
export function writeFully(descriptor: number, data: string | Uint8Array): number {
  let written = writePatiently(descriptor, data);
  // As many bytes as characters: all of it, since log text is nearly always ASCII. Measuring would cost more than writing.
  if (written === data.length) return written;
  const bytes = typeof data === 'string' ? Buffer.from(data) : data;
  while (written < bytes.length) {
    try {
      written += writePatiently(descriptor, bytes.subarray(written));
    } catch (error) {
      throw new UnfinishedWriteError(bytes.subarray(written), error);
    }
  }
  return written;
}

function writePatiently(descriptor: number, data: string | Uint8Array): number {
  for (let waits = 0; ; waits += 1) {
    try {
      return typeof data === 'string' ? writeSync(descriptor, data) : writeSync(descriptor, data);
    } catch (error) {
      if (codeOf(error) !== 'EAGAIN' || waits === maxWaits) throw error;
      Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, waitMs);
    }
  }
}

/** The system's code of an error, such as `ENOSPC`. */
export function codeOf(error: unknown): string | undefined {
  return error instanceof Error && 'code' in error && typeof error.code === 'string' ? error.code : undefined;
}

import { pipeline, Readable } from 'node:stream';
import { createGunzip, createGzip, deflateRawSync } from 'node:zlib';
import { CorruptFileError } from './errors.ts';

/** The fastest level: the next ones save a tenth more and take twice as long. */
const level = 1;

/** How much comes out of zlib at once, in bytes. */
const chunkSize = 131_072;

/** Below this compression saves less than it costs, in bytes. */
const minBytes = 1_024;

/** Whether the beginning of a content becomes smaller by a tenth at least. */
export function pays(head: Uint8Array): boolean {
  return head.byteLength >= minBytes && deflateRawSync(head, { level }).length < head.byteLength * 0.9;
}

/** Content as gzip; tells how long it became. */
export async function* gzip(
  content: AsyncIterable<Uint8Array>,
  ended: (packedBytes: number) => void,
): AsyncGenerator<Uint8Array, void> {
  let packedBytes = 0;
  for await (const chunk of through(content, createGzip({ level, chunkSize }))) {
    packedBytes += chunk.byteLength;
    yield chunk;
  }
  ended(packedBytes);
}

/**
 * The content of gzip.
 *
 * @throws {CorruptFileError} when it is no gzip, or becomes longer or shorter than it was: nothing behind that is given.
 */
export async function* gunzip(
  packed: AsyncIterable<Uint8Array>,
  bytes: number,
  fileKey: string,
): AsyncGenerator<Uint8Array, void> {
  let left = bytes;
  try {
    for await (const chunk of through(packed, createGunzip({ chunkSize }))) {
      left -= chunk.byteLength;
      if (left < 0) break;
      yield chunk;
    }
  } catch (error) {
    if (!isZlibError(error)) throw error;
    throw new CorruptFileError(fileKey, 'it cannot be decompressed', { cause: error });
  }
  if (left !== 0) {
    throw new CorruptFileError(fileKey, `decompressed it is ${left < 0 ? 'longer' : 'shorter'} than it was`);
  }
}

/** Leaving early closes both ends. */
function through(
  content: AsyncIterable<Uint8Array>,
  transform: NodeJS.ReadWriteStream & AsyncIterable<Buffer>,
): AsyncIterable<Buffer> {
  // What fails comes out of the transform too; here it would only be told a second time.
  pipeline(Readable.from(content, { objectMode: false, highWaterMark: 2 * chunkSize }), transform, () => undefined);
  return transform;
}

function isZlibError(error: unknown): boolean {
  return error instanceof Error && 'code' in error && /^(?:Z_|ERR_ZLIB)/.test(String(error.code));
}

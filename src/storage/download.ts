import { createHash } from 'node:crypto';
import { Readable } from 'node:stream';
import { ValidationError } from '../errors/index.ts';
import { gunzip } from './compression.ts';
import { ContentTag } from './content-tag.ts';
import type { Descriptor } from './descriptor.ts';
import { decryptFrames, framesOf } from './encryption/frames.ts';
import { CorruptFileError } from './errors.ts';
import type { ReadFileOptions } from './options.ts';
import type { ByteRange, OpenObject } from './storage-strategy.ts';

/** What of a file is read, and how. */
export interface ContentOptions {
  readonly range: ByteRange;
  /** Whether a whole content is compared with its SHA-256 too. */
  readonly isThorough: boolean;
  /** Whether a chunk need only stay as it is until the next one is asked for. */
  readonly reusesMemory: boolean;
}

/**
 * The content of an open file, or the part of it that is asked for. A whole content is checked by what its form has: the
 * tags of its frames, the CRC-32 of gzip, or the tag that was taken when it was saved.
 */
export function contentOf(
  object: OpenObject,
  descriptor: Descriptor,
  dataKey: Buffer | undefined,
  { range, isThorough, reusesMemory }: ContentOptions,
): AsyncIterable<Uint8Array> {
  const { key } = object.info;
  const { bytes, tag, checksum } = descriptor;
  const isWhole = range.start === 0 && range.end === bytes;
  if (range.start === range.end && !isWhole) return exactly(empty(), 0, key);
  if (!isWhole && descriptor.isCompressed) return partOf(unpacked(object, descriptor, dataKey), range);
  const content = descriptor.isCompressed
    ? unpacked(object, descriptor, dataKey)
    : packedOf(object, descriptor, dataKey, range, reusesMemory);
  if (!isWhole) return content;
  const checked = tag === undefined ? content : withCheck(content, new ContentTag(), tag, bytes, key);
  if (!isThorough || checksum === undefined) return checked;
  return withCheck(checked, new Sha256(), checksum, bytes, key);
}

function unpacked(
  object: OpenObject,
  descriptor: Descriptor,
  dataKey: Buffer | undefined,
): AsyncGenerator<Uint8Array, void> {
  // Not in memory that is used again: what unpacks it reads ahead.
  const packed = packedOf(object, descriptor, dataKey, { start: 0, end: descriptor.packedBytes }, false);
  return gunzip(packed, descriptor.bytes, object.info.key);
}

/** What was kept, decrypted. */
function packedOf(
  object: OpenObject,
  { packedBytes, encryption }: Descriptor,
  dataKey: Buffer | undefined,
  range: ByteRange,
  reusesMemory: boolean,
): AsyncIterable<Uint8Array> {
  const { key } = object.info;
  if (dataKey === undefined || encryption === undefined) {
    return exactly(object.read(range, { reusesMemory }), range.end - range.start, key);
  }
  const layout = { plainBytes: packedBytes, frameBytes: encryption.frameBytes };
  const { first, stored, skipBytes } = framesOf(range, layout);
  const plain = decryptFrames(object.read(stored), dataKey, first, layout, key);
  const length = range.end - range.start;
  return exactly(partOf(plain, { start: skipBytes, end: skipBytes + length }), length, key);
}

/** Something that is worked out of all chunks. */
interface Check {
  update(chunk: Uint8Array): void;
  digest(): string;
}

/** For who wants to know more surely, and has the time. */
class Sha256 implements Check {
  readonly #hash = createHash('sha256');

  update(chunk: Uint8Array): void {
    this.#hash.update(chunk);
  }

  digest(): string {
    return this.#hash.digest('hex');
  }
}

/** Gives the last chunk of so many bytes only when what was worked out of all of them is right. */
async function* withCheck(
  content: AsyncIterable<Uint8Array>,
  check: Check,
  expected: string,
  bytes: number,
  key: string,
): AsyncGenerator<Uint8Array, void> {
  let left = bytes;
  for await (const chunk of content) {
    check.update(chunk);
    left -= chunk.byteLength;
    if (left === 0 && chunk.byteLength > 0 && check.digest() !== expected) {
      throw new CorruptFileError(key, 'its checksum is not that of what was written');
    }
    yield chunk;
  }
}

async function* partOf(
  content: AsyncIterable<Uint8Array>,
  { start, end }: ByteRange,
): AsyncGenerator<Uint8Array, void> {
  let position = 0;
  for await (const chunk of content) {
    const from = Math.max(0, start - position);
    const to = Math.min(chunk.byteLength, end - position);
    if (from < to) yield chunk.subarray(from, to);
    position += chunk.byteLength;
    // At the very end the source still has something to say about what it gave.
    if (position > end) return;
  }
}

async function* exactly(
  content: AsyncIterable<Uint8Array>,
  bytes: number,
  key: string,
): AsyncGenerator<Uint8Array, void> {
  let left = bytes;
  for await (const chunk of content) {
    left -= chunk.byteLength;
    if (left < 0) break;
    yield chunk;
  }
  if (left !== 0) throw new CorruptFileError(key, `it is ${left < 0 ? 'longer' : 'shorter'} than what was written`);
}

async function* empty(): AsyncGenerator<Uint8Array, void> {}

/** A stream over an open object, which is closed however the stream ends. */
export class DownloadStream extends Readable {
  readonly #iterator: AsyncIterator<Uint8Array>;
  readonly #object: OpenObject;
  readonly #failed: (error: unknown) => void;

  constructor(object: OpenObject, content: AsyncIterable<Uint8Array>, failed: (error: unknown) => void) {
    // One chunk is enough: they are large.
    super({ highWaterMark: 1 });
    this.#object = object;
    this.#iterator = content[Symbol.asyncIterator]();
    this.#failed = failed;
  }

  override _read(): void {
    this.#iterator.next().then(
      ({ done, value }) => this.push(done ? null : value),
      (error: unknown) => {
        this.#failed(error);
        this.destroy(error as Error);
      },
    );
  }

  override _destroy(error: Error | null, callback: (error?: Error | null) => void): void {
    // Not waited for: what it is in the middle of ends when the object is closed.
    void Promise.resolve(this.#iterator.return?.()).catch(() => undefined);
    this.#object.close().then(
      () => callback(error),
      (closing: unknown) => callback(error ?? (closing as Error)),
    );
  }
}

/** @throws {ValidationError} when the part does not lie in the file. */
export function rangeOf(range: ReadFileOptions['range'], bytes: number): ByteRange {
  const { start = 0, end = bytes } = range ?? {};
  const isRange = Number.isSafeInteger(start) && Number.isSafeInteger(end) && start >= 0 && end >= start;
  if (isRange && start <= bytes) return { start, end: Math.min(end, bytes) };
  throw new ValidationError(`Cannot read the bytes ${start} to ${end} of a file of ${bytes} bytes`, {
    range: `Expected whole numbers with 0 <= start <= end and start <= ${bytes}`,
  });
}

/** Ends the stream when the signal aborts. */
export function watchSignal(stream: DownloadStream, signal: AbortSignal | undefined): void {
  if (signal === undefined) return;
  const onAbort = (): void => void stream.destroy(signal.reason as Error);
  signal.addEventListener('abort', onAbort, { once: true });
  stream.once('close', () => signal.removeEventListener('abort', onAbort));
}

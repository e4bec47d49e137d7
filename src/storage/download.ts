import { createHash } from 'node:crypto';
import { Readable } from 'node:stream';
import { crc32 } from 'node:zlib';
import { gunzip } from './compression.ts';
import type { Descriptor } from './descriptor.ts';
import { CorruptFileError } from './errors.ts';
import { decryptFrames, framesOf } from './frames.ts';
import type { ByteRange, OpenObject } from './storage-strategy.ts';

/**
 * The content of an open file, or the part of it that is asked for. A whole content is checked by what its form has: the
 * tags of its frames, the CRC-32 of gzip, or the CRC-32 that was taken when it was saved; with `isThorough` by SHA-256 too.
 */
export function contentOf(
  object: OpenObject,
  descriptor: Descriptor,
  dataKey: Buffer | undefined,
  range: ByteRange,
  isThorough: boolean,
): AsyncIterable<Uint8Array> {
  const { key } = object.info;
  const isWhole = range.start === 0 && range.end === descriptor.bytes;
  if (range.start === range.end && !isWhole) return exactly(empty(), 0, key);
  if (descriptor.isCompressed) {
    const packed = packedOf(object, descriptor, dataKey, { start: 0, end: descriptor.packedBytes });
    const content = gunzip(packed, descriptor.bytes, key);
    if (!isWhole) return partOf(content, range);
    return isThorough ? withChecksum(content, descriptor.checksum, key) : content;
  }
  const packed = packedOf(object, descriptor, dataKey, range);
  if (!isWhole) return packed;
  if (isThorough) return withChecksum(packed, descriptor.checksum, key);
  return descriptor.crc32 === undefined ? packed : withCrc32(packed, descriptor.crc32, key);
}

/** What was kept, decrypted. */
function packedOf(
  object: OpenObject,
  { packedBytes, encryption }: Descriptor,
  dataKey: Buffer | undefined,
  range: ByteRange,
): AsyncIterable<Uint8Array> {
  const { key } = object.info;
  if (dataKey === undefined || encryption === undefined) {
    return exactly(object.read(range), range.end - range.start, key);
  }
  const layout = { plainBytes: packedBytes, frameBytes: encryption.frameBytes };
  const { first, stored, skipBytes } = framesOf(range, layout);
  const plain = decryptFrames(object.read(stored), dataKey, first, layout, key);
  const length = range.end - range.start;
  return exactly(partOf(plain, { start: skipBytes, end: skipBytes + length }), length, key);
}

/** Gives the last chunk only when the checksum of all of them is right. */
async function* withCrc32(
  content: AsyncIterable<Uint8Array>,
  expected: number,
  key: string,
): AsyncGenerator<Uint8Array, void> {
  let checksum = 0;
  let held: Uint8Array | undefined;
  for await (const chunk of content) {
    if (held !== undefined) yield held;
    checksum = crc32(chunk, checksum);
    held = chunk;
  }
  if (checksum !== expected) throw changed(key);
  if (held !== undefined) yield held;
}

/** As {@link withCrc32}, for who wants to know more surely and has the time. */
async function* withChecksum(
  content: AsyncIterable<Uint8Array>,
  expected: string,
  key: string,
): AsyncGenerator<Uint8Array, void> {
  const hash = createHash('sha256');
  let held: Uint8Array | undefined;
  for await (const chunk of content) {
    if (held !== undefined) yield held;
    hash.update(chunk);
    held = chunk;
  }
  if (hash.digest('hex') !== expected) throw changed(key);
  if (held !== undefined) yield held;
}

function changed(key: string): CorruptFileError {
  return new CorruptFileError(key, 'its checksum is not that of what was written');
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

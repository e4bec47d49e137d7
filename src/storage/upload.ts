import { createHash, type Hash } from 'node:crypto';
import { gzip, pays } from './compression.ts';
import { type ContentInspection, headBytes } from './content/content-inspection.ts';
import { chunksOf, type FileContent } from './content-source.ts';
import { ContentTag } from './content-tag.ts';
import { encryptFrames } from './encryption/frames.ts';
import { FileTooLargeError } from './errors.ts';
import type { Reservation } from './usage/reservations.ts';

/** What an upload goes through. */
export interface UploadOptions {
  readonly maxFileBytes: number;
  readonly inspection: ContentInspection;
  /** Whether compression is tried. */
  readonly compresses: boolean;
  /** Whether the SHA-256 is taken. */
  readonly isHashed: boolean;
  readonly dataKey: Buffer | undefined;
  readonly reservation: Reservation | undefined;
  readonly signal: AbortSignal | undefined;
}

/** What is known once the content has ended. */
export interface UploadResult {
  readonly bytes: number;
  readonly checksum: string | undefined;
  readonly tag: string | undefined;
  readonly isCompressed: boolean;
  readonly packedBytes: number;
}

/** Content on its way into the store: counted, hashed, looked at, compressed and encrypted as it passes. */
export class Upload {
  readonly #options: UploadOptions;
  readonly #hash: Hash | undefined;
  #bytes = 0;
  #packedBytes: number | undefined;
  #isCompressed = false;
  #contentTag: ContentTag | undefined;
  #tag: string | undefined;
  #checksum: string | undefined;

  constructor(options: UploadOptions) {
    this.#options = options;
    this.#hash = options.isHashed ? createHash('sha256') : undefined;
  }

  /** What is to be kept. To be read once. */
  async *stored(content: FileContent): AsyncGenerator<Uint8Array, void> {
    const source = chunksOf(content, this.#options.signal)[Symbol.asyncIterator]();
    try {
      const { chunks, head } = await headOf(source);
      this.#requireSize(chunks.reduce((sum, chunk) => sum + chunk.byteLength, 0));
      this.#options.inspection.begin(head);
      this.#isCompressed = this.#options.compresses && pays(head);
      if (!this.#isCompressed && this.#options.dataKey === undefined) this.#contentTag = new ContentTag();
      yield* this.#sealed(this.#packed(this.#checked(chunks, source)));
    } finally {
      await source.return?.(undefined);
    }
  }

  /** Reads a content only to know it. */
  async measure(content: FileContent): Promise<UploadResult> {
    const source = chunksOf(content, this.#options.signal)[Symbol.asyncIterator]();
    try {
      for await (const _chunk of this.#checked([], source));
    } finally {
      await source.return?.(undefined);
    }
    return this.result();
  }

  /** To be asked once the content has ended. */
  result(): UploadResult {
    this.#checksum ??= this.#hash?.digest('hex');
    this.#tag ??= this.#contentTag?.digest();
    return {
      bytes: this.#bytes,
      checksum: this.#checksum,
      tag: this.#tag,
      isCompressed: this.#isCompressed,
      packedBytes: this.#packedBytes ?? this.#bytes,
    };
  }

  async *#checked(head: readonly Uint8Array[], source: AsyncIterator<Uint8Array>): AsyncGenerator<Uint8Array, void> {
    for (const chunk of head) yield this.#check(chunk);
    for (let next = await source.next(); !next.done; next = await source.next()) yield this.#check(next.value);
    this.#options.inspection.end();
  }

  #check(chunk: Uint8Array): Uint8Array {
    this.#requireSize(this.#bytes + chunk.byteLength);
    this.#options.reservation?.grow(chunk.byteLength);
    this.#bytes += chunk.byteLength;
    this.#hash?.update(chunk);
    this.#contentTag?.update(chunk);
    this.#options.inspection.feed(chunk);
    return chunk;
  }

  #requireSize(bytes: number): void {
    if (bytes > this.#options.maxFileBytes) throw new FileTooLargeError(this.#options.maxFileBytes);
  }

  #packed(content: AsyncIterable<Uint8Array>): AsyncIterable<Uint8Array> {
    if (!this.#isCompressed) return content;
    return gzip(content, packedBytes => {
      this.#packedBytes = packedBytes;
    });
  }

  #sealed(content: AsyncIterable<Uint8Array>): AsyncIterable<Uint8Array> {
    const { dataKey } = this.#options;
    return dataKey === undefined ? content : encryptFrames(content, dataKey);
  }
}

/** The first chunks of a source, until there is enough to look at. */
async function headOf(
  source: AsyncIterator<Uint8Array>,
): Promise<{ readonly chunks: readonly Uint8Array[]; readonly head: Uint8Array }> {
  const chunks: Uint8Array[] = [];
  let bytes = 0;
  while (bytes < headBytes) {
    const { done, value } = await source.next();
    if (done) break;
    chunks.push(value);
    bytes += value.byteLength;
  }
  const [first = new Uint8Array(0)] = chunks;
  return { chunks, head: (chunks.length === 1 ? first : Buffer.concat(chunks)).subarray(0, headBytes) };
}

import type { Readable } from 'node:stream';
import { NotFoundError } from '../../errors/index.ts';
import { CorruptFileError, StorageError } from '../errors.ts';
import type { ByteRange, ObjectInfo, OpenObject } from '../storage-strategy.ts';
import { type Entry, infoOf } from './s3-entry.ts';
import { storageFailure } from './s3-failure.ts';
import type { S3Requests } from './s3-requests.ts';

/** The version that was opened is not there any more. */
export class ReplacedError extends StorageError {
  constructor(key: string, cause: unknown) {
    const reason = 'the version that was opened has been replaced or deleted; open it again';
    super(`Cannot read "${key}": ${reason}`, { cause, retryable: true });
  }
}

/** An object that is being read: its entry was, its content is asked for when it is wanted. */
export class OpenS3Object implements OpenObject {
  readonly info: ObjectInfo;
  readonly #requests: S3Requests;
  readonly #contentId: string;
  readonly #name: string;
  readonly #bucket: string;
  #body: Readable | undefined;
  #isClosed = false;

  constructor(requests: S3Requests, entry: Entry, name: string, bucket: string) {
    this.info = infoOf(entry);
    this.#requests = requests;
    this.#contentId = entry.contentId;
    this.#name = name;
    this.#bucket = bucket;
  }

  async *read({ start, end }: ByteRange = { start: 0, end: this.info.bytes }): AsyncGenerator<Uint8Array, void> {
    const stop = Math.min(end, this.info.bytes);
    if (start >= stop || this.#isClosed) return;
    try {
      yield* this.#chunks(start, stop);
    } catch (error) {
      const reason = error instanceof NotFoundError ? await this.#missing(error) : error;
      throw storageFailure('read', this.info.key, this.#bucket, reason);
    } finally {
      await this.close();
    }
  }

  /** Why the content is not there: somebody has replaced or deleted it, or it is gone although its entry stands. */
  async #missing(cause: unknown): Promise<unknown> {
    const { key } = this.info;
    try {
      const found = await this.#requests.readEntry(key);
      if (found?.entry?.contentId !== this.#contentId) return new ReplacedError(key, cause);
      return new CorruptFileError(key, 'its content is not in the bucket any more', { cause });
    } catch (error) {
      return error;
    }
  }

  async *#chunks(start: number, stop: number): AsyncGenerator<Uint8Array, void> {
    const { bytes, key } = this.info;
    const range = start === 0 && stop === bytes ? undefined : `bytes=${start}-${stop - 1}`;
    const { Body, ContentLength } = await this.#requests.readContent(this.#name, range);
    const body = Body as Readable | undefined;
    this.#body = body;
    if (body === undefined || ContentLength !== stop - start) {
      throw new CorruptFileError(key, `${ContentLength ?? 0} bytes were found, where ${stop - start} were written`);
    }
    const chunks = body[Symbol.asyncIterator]() as AsyncIterator<Uint8Array>;
    let left = stop - start;
    for (;;) {
      const { done, value } = await this.#requests.next(() => chunks.next());
      if (done) break;
      left -= value.byteLength;
      yield value;
    }
    if (left !== 0) throw new CorruptFileError(key, `its last ${left} bytes are missing`);
  }

  /** Ends the connection if the content was not read to its end. */
  async close(): Promise<void> {
    this.#isClosed = true;
    const body = this.#body;
    this.#body = undefined;
    if (body === undefined) return;
    // Whoever lets go of it does not want to hear how it ended.
    body.on('error', () => undefined);
    body.destroy();
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }
}

import { abortReason } from '../../kernel/index.ts';
import { StorageError } from '../errors.ts';
import type { S3Requests } from './s3-requests.ts';

/** How many parts S3 takes. */
const maxParts = 10_000;

/** How a content is uploaded. */
export interface UploadOptions {
  readonly partBytes: number;
  readonly partConcurrency: number;
  readonly signal?: AbortSignal | undefined;
}

/**
 * Uploads a content of unknown length: in one request if it fits into a part, in parts if not. Whatever ends it early, it
 * leaves neither object nor parts, as far as the server still listens. Gives the length.
 *
 * The SDK has such a thing in lib-storage. It was not used: when it is aborted it does not wait until the parts are gone.
 */
export async function uploadContent(
  requests: S3Requests,
  name: string,
  content: AsyncIterable<Uint8Array>,
  options: UploadOptions,
): Promise<number> {
  const upload = new PartUpload(requests, name, options);
  try {
    for await (const chunk of content) await upload.add(chunk);
    return await upload.finish();
  } catch (error) {
    await upload.abort(error);
    throw error;
  } finally {
    upload.end();
  }
}

class PartUpload {
  readonly #requests: S3Requests;
  readonly #name: string;
  readonly #options: UploadOptions;
  readonly #ending = new AbortController();
  readonly #onAbort = (): void => this.#ending.abort(abortReason(this.#options.signal));
  readonly #underWay = new Set<Promise<void>>();
  readonly #etags: string[] = [];
  /** Memory of parts that have arrived, for those to come. */
  readonly #spare: Buffer[] = [];
  #gathered: Uint8Array[] = [];
  #gatheredBytes = 0;
  #bytes = 0;
  #parts = 0;
  #uploadId: string | undefined;
  /** Whether the object may be there already, whatever was answered. */
  #mayStand = false;
  #failure: { readonly error: unknown } | undefined;

  constructor(requests: S3Requests, name: string, options: UploadOptions) {
    this.#requests = requests;
    this.#name = name;
    this.#options = options;
    options.signal?.addEventListener('abort', this.#onAbort, { once: true });
  }

  async add(chunk: Uint8Array): Promise<void> {
    this.#gathered.push(chunk);
    this.#gatheredBytes += chunk.byteLength;
    this.#bytes += chunk.byteLength;
    const { partBytes } = this.#options;
    // The last part is not sent before it is known to be the last: a content of one part needs no upload by parts.
    while (this.#gatheredBytes > partBytes) await this.#sendPart(partBytes);
  }

  async finish(): Promise<number> {
    if (this.#uploadId === undefined) {
      this.#mayStand = true;
      await this.#requests.writeContent(this.#name, Buffer.concat(this.#gathered), this.#options.signal);
      return this.#bytes;
    }
    await this.#sendPart(this.#gatheredBytes);
    await Promise.all(this.#underWay);
    this.#throwFailure();
    this.#options.signal?.throwIfAborted();
    this.#mayStand = true;
    await this.#requests.completeUpload(this.#name, this.#uploadId, this.#etags);
    return this.#bytes;
  }

  /** Takes back what has arrived. What the server does not take back now is left for the sweep. */
  async abort(reason: unknown): Promise<void> {
    this.#ending.abort(reason);
    // A part that arrives after the end would stay.
    await Promise.all(this.#underWay);
    const uploadId = this.#uploadId;
    if (uploadId !== undefined) await this.#requests.abortUpload(this.#name, uploadId).catch(() => undefined);
    if (this.#mayStand) await this.#requests.discardContent(this.#name);
  }

  end(): void {
    this.#options.signal?.removeEventListener('abort', this.#onAbort);
  }

  async #sendPart(bytes: number): Promise<void> {
    if (this.#parts === maxParts) throw this.#tooLarge();
    this.#uploadId ??= await this.#requests.beginUpload(this.#name);
    while (this.#underWay.size >= this.#options.partConcurrency) await Promise.race(this.#underWay);
    this.#throwFailure();
    this.#parts += 1;
    const memory = this.#spare.pop() ?? Buffer.allocUnsafeSlow(this.#options.partBytes);
    this.#take(memory, bytes);
    const sending = this.#send(this.#uploadId, this.#parts, memory, bytes).finally(() => {
      this.#underWay.delete(sending);
    });
    this.#underWay.add(sending);
  }

  async #send(uploadId: string, number: number, memory: Buffer, bytes: number): Promise<void> {
    const part = { uploadId, number, bytes: memory.subarray(0, bytes) };
    try {
      this.#etags[number - 1] = await this.#requests.writePart(this.#name, part, this.#ending.signal);
      this.#spare.push(memory);
    } catch (error) {
      this.#failure ??= { error };
      this.#ending.abort(error);
    }
  }

  /** Moves the first bytes of what was gathered into the memory of a part. */
  #take(memory: Buffer, bytes: number): void {
    let taken = 0;
    let used = 0;
    for (const chunk of this.#gathered) {
      const rest = bytes - taken;
      if (rest === 0) break;
      memory.set(rest < chunk.byteLength ? chunk.subarray(0, rest) : chunk, taken);
      taken += Math.min(rest, chunk.byteLength);
      if (rest < chunk.byteLength) this.#gathered[used] = chunk.subarray(rest);
      else used += 1;
    }
    this.#gathered = this.#gathered.slice(used);
    this.#gatheredBytes -= taken;
  }

  #throwFailure(): void {
    if (this.#failure !== undefined) throw this.#failure.error;
  }

  #tooLarge(): StorageError {
    const { partBytes } = this.#options;
    return new StorageError(
      `Cannot write more than ${maxParts * partBytes} bytes in parts of ${partBytes}: raise partBytes`,
    );
  }
}

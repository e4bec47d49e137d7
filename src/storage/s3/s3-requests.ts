import type {
  GetObjectCommandOutput,
  HeadObjectCommandOutput,
  ListObjectsV2CommandInput,
  ListObjectsV2CommandOutput,
  PutObjectCommandOutput,
  S3Client,
} from '@aws-sdk/client-s3';
import { NotFoundError } from '../../errors/index.ts';
import { Timeout } from '../../resilience/index.ts';
import { createS3Client, loadS3, type S3Library } from './load-s3.ts';
import { decodeEntry, type Entry, type EntryNames, encodeEntry, type FoundEntry } from './s3-entry.ts';
import { requestFailure } from './s3-failure.ts';
import type { S3Settings } from './s3-options.ts';

/** How one request is made. */
export interface RequestOptions {
  readonly signal?: AbortSignal | undefined;
  /** Whether it may be made twice. @default true */
  readonly repeatable?: boolean | undefined;
  /** Whether the server works long before it answers. @default false */
  readonly isAssembly?: boolean | undefined;
}

/** How a content is copied by the server. */
export interface CopyRequest {
  readonly signal?: AbortSignal | undefined;
  /** Only in this version. @default any */
  readonly etag?: string | undefined;
}

/** What the server knows of a content without reading it. */
export interface ContentDescription {
  readonly bytes: number;
  readonly etag: string | undefined;
  readonly writtenAtMs: number | undefined;
}

/** The single requests of a strategy: each with its time limit, through the guard, its errors as ours. */
export class S3Requests {
  readonly library: S3Library;
  readonly client: S3Client;
  readonly #settings: S3Settings;
  readonly #names: EntryNames;
  readonly #timeout: Timeout;
  readonly #assemblyTimeout: Timeout;

  constructor(library: S3Library, settings: S3Settings, names: EntryNames) {
    this.library = library;
    this.client = settings.client ?? createS3Client(library, settings);
    this.#settings = settings;
    this.#names = names;
    this.#timeout = new Timeout({ timeoutMs: settings.requestTimeoutMs, clock: settings.clock });
    this.#assemblyTimeout = new Timeout({ timeoutMs: settings.assemblyTimeoutMs, clock: settings.clock });
  }

  static async open(settings: S3Settings, names: EntryNames): Promise<S3Requests> {
    return new S3Requests(await loadS3(), settings, names);
  }

  /** Makes one request. */
  async send<Answer>(
    operation: string,
    request: (signal: AbortSignal) => Promise<Answer>,
    { signal, repeatable = true, isAssembly = false }: RequestOptions = {},
  ): Promise<Answer> {
    const timeout = isAssembly ? this.#assemblyTimeout : this.#timeout;
    const attempt = async (ending: AbortSignal | undefined): Promise<Answer> => {
      try {
        return await timeout.execute(call => request(call.signal), { signal: ending });
      } catch (error) {
        throw ending?.aborted ? error : requestFailure(error);
      }
    };
    const { guard } = this.#settings;
    if (guard === undefined) return await attempt(signal);
    const call = { operation: `s3.${operation}`, repeatable, signal };
    return (await guard.execute(call, given => attempt(given.signal))).value;
  }

  /** Waits for the next bytes of a content no longer than for an answer. */
  async next<Value>(reading: () => Promise<Value>): Promise<Value> {
    try {
      return await this.#timeout.execute(reading);
    } catch (error) {
      throw requestFailure(error);
    }
  }

  async readEntry(key: string, signal?: AbortSignal): Promise<FoundEntry | undefined> {
    const { GetObjectCommand } = this.library.s3;
    const command = { Bucket: this.#settings.bucket, Key: this.#names.entry(key) };
    try {
      return await this.send(
        'read-entry',
        async abortSignal => {
          const { Body, ETag } = await this.client.send(new GetObjectCommand(command), { abortSignal });
          const text = (await Body?.transformToString('utf-8')) ?? '';
          return { entry: decodeEntry(key, text), etag: ETag };
        },
        { signal },
      );
    } catch (error) {
      if (error instanceof NotFoundError) return undefined;
      throw error;
    }
  }

  /**
   * Writes an entry in the place of the one that was found. No signal: what is under way cannot be taken back.
   *
   * @throws {ConditionFailedError} when another one stands there by now.
   */
  async writeEntry(entry: Entry, replaced: FoundEntry | undefined): Promise<void> {
    const { PutObjectCommand } = this.library.s3;
    const command = {
      Bucket: this.#settings.bucket,
      Key: this.#names.entry(entry.key),
      Body: Buffer.from(encodeEntry(entry)),
      ContentType: 'application/json',
      ...this.#condition(replaced),
    };
    await this.send('write-entry', abortSignal => this.client.send(new PutObjectCommand(command), { abortSignal }));
  }

  /** @throws {ConditionFailedError} when another one stands there by now. */
  async deleteEntry(key: string, found: FoundEntry): Promise<void> {
    const { DeleteObjectCommand } = this.library.s3;
    const command = { Bucket: this.#settings.bucket, Key: this.#names.entry(key), ...this.#condition(found) };
    await this.send('delete-entry', abortSignal => this.client.send(new DeleteObjectCommand(command), { abortSignal }));
  }

  /**
   * Writes an empty object on the condition under which an entry is written, and gives its version.
   *
   * @throws {ConditionFailedError} when another one stands there.
   */
  async writeProbe(name: string, replaced: FoundEntry | undefined, signal?: AbortSignal): Promise<FoundEntry> {
    const { PutObjectCommand } = this.library.s3;
    const command = { Bucket: this.#settings.bucket, Key: name, Body: Buffer.alloc(0), ...this.#condition(replaced) };
    const request = (abortSignal: AbortSignal): Promise<PutObjectCommandOutput> =>
      this.client.send(new PutObjectCommand(command), { abortSignal });
    const { ETag } = await this.send('write-probe', request, { signal, repeatable: false });
    return { entry: undefined, etag: ETag };
  }

  /** Deletes such an object on the condition under which an entry is deleted. Throws as {@link writeProbe}. */
  async deleteProbe(name: string, found: FoundEntry, signal?: AbortSignal): Promise<void> {
    const { DeleteObjectCommand } = this.library.s3;
    const command = { Bucket: this.#settings.bucket, Key: name, ...this.#condition(found) };
    const request = (abortSignal: AbortSignal): Promise<unknown> =>
      this.client.send(new DeleteObjectCommand(command), { abortSignal });
    await this.send('delete-probe', request, { signal, repeatable: false });
  }

  async listPage(
    page: Omit<ListObjectsV2CommandInput, 'Bucket'>,
    signal: AbortSignal | undefined,
  ): Promise<ListObjectsV2CommandOutput> {
    const command = new this.library.s3.ListObjectsV2Command({ Bucket: this.#settings.bucket, ...page });
    return await this.send('list', abortSignal => this.client.send(command, { abortSignal }), { signal });
  }

  async readContent(name: string, range: string | undefined): Promise<GetObjectCommandOutput> {
    const { GetObjectCommand } = this.library.s3;
    const part = range === undefined ? {} : { Range: range };
    const command = { Bucket: this.#settings.bucket, Key: name, ...part };
    return await this.send('read-content', abortSignal =>
      this.client.send(new GetObjectCommand(command), { abortSignal }),
    );
  }

  async writeContent(name: string, content: Uint8Array, signal?: AbortSignal): Promise<void> {
    const { PutObjectCommand } = this.library.s3;
    const command = { Bucket: this.#settings.bucket, Key: name, Body: content };
    const request = (abortSignal: AbortSignal): Promise<unknown> =>
      this.client.send(new PutObjectCommand(command), { abortSignal });
    await this.send('write-content', request, { signal });
  }

  /** @throws {NotFoundError} when there is no such content, or not in this version. */
  async copyContent(from: string, to: string, options: CopyRequest): Promise<void> {
    const { CopyObjectCommand } = this.library.s3;
    const { bucket } = this.#settings;
    const command = {
      Bucket: bucket,
      Key: to,
      CopySource: `${bucket}/${from.split('/').map(encodeURIComponent).join('/')}`,
      ...(options.etag === undefined ? {} : { CopySourceIfMatch: options.etag }),
    };
    const request = (abortSignal: AbortSignal): Promise<unknown> =>
      this.client.send(new CopyObjectCommand(command), { abortSignal });
    await this.send('copy-content', request, { signal: options.signal, isAssembly: true });
  }

  /** What the server knows of a content, if there is one. */
  async describeContent(name: string, signal?: AbortSignal): Promise<ContentDescription | undefined> {
    const { HeadObjectCommand } = this.library.s3;
    const command = { Bucket: this.#settings.bucket, Key: name };
    const request = (abortSignal: AbortSignal): Promise<HeadObjectCommandOutput> =>
      this.client.send(new HeadObjectCommand(command), { abortSignal });
    try {
      const { ContentLength, ETag, LastModified } = await this.send('describe-content', request, { signal });
      return { bytes: ContentLength ?? 0, etag: ETag, writtenAtMs: LastModified?.getTime() };
    } catch (error) {
      if (error instanceof NotFoundError) return undefined;
      throw error;
    }
  }

  /** Deletes a content that nothing names any more. What the server does not delete now is left for the sweep. */
  async discardContent(name: string): Promise<void> {
    const { DeleteObjectCommand } = this.library.s3;
    const command = { Bucket: this.#settings.bucket, Key: name };
    await this.send('delete-content', abortSignal =>
      this.client.send(new DeleteObjectCommand(command), { abortSignal }),
    ).catch(() => undefined);
  }

  async beginUpload(name: string): Promise<string> {
    const { CreateMultipartUploadCommand } = this.library.s3;
    const command = { Bucket: this.#settings.bucket, Key: name };
    // No signal: an upload whose id never arrives cannot be ended.
    const { UploadId } = await this.send(
      'begin-upload',
      abortSignal => this.client.send(new CreateMultipartUploadCommand(command), { abortSignal }),
      { repeatable: false },
    );
    return UploadId ?? '';
  }

  async writePart(
    name: string,
    part: { readonly uploadId: string; readonly number: number; readonly bytes: Uint8Array },
    signal: AbortSignal,
  ): Promise<string> {
    const { UploadPartCommand } = this.library.s3;
    const { uploadId: UploadId, number: PartNumber, bytes: Body } = part;
    const command = { Bucket: this.#settings.bucket, Key: name, UploadId, PartNumber, Body };
    const { ETag } = await this.send(
      'write-part',
      abortSignal => this.client.send(new UploadPartCommand(command), { abortSignal }),
      { signal },
    );
    return ETag ?? '';
  }

  async completeUpload(name: string, uploadId: string, etags: readonly string[]): Promise<void> {
    const { CompleteMultipartUploadCommand } = this.library.s3;
    const Parts = etags.map((ETag, index) => ({ ETag, PartNumber: index + 1 }));
    const command = { Bucket: this.#settings.bucket, Key: name, UploadId: uploadId, MultipartUpload: { Parts } };
    await this.send(
      'complete-upload',
      abortSignal => this.client.send(new CompleteMultipartUploadCommand(command), { abortSignal }),
      { repeatable: false, isAssembly: true },
    );
  }

  async abortUpload(name: string, uploadId: string): Promise<void> {
    const { AbortMultipartUploadCommand } = this.library.s3;
    const command = { Bucket: this.#settings.bucket, Key: name, UploadId: uploadId };
    await this.send('abort-upload', abortSignal =>
      this.client.send(new AbortMultipartUploadCommand(command), { abortSignal }),
    );
  }

  #condition(found: FoundEntry | undefined): { readonly IfNoneMatch: '*' } | { readonly IfMatch?: string } {
    if (!this.#settings.conditionalWrites) return {};
    if (found === undefined) return { IfNoneMatch: '*' };
    return found.etag === undefined ? {} : { IfMatch: found.etag };
  }
}

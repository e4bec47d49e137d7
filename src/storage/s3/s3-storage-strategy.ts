import type { ListObjectsV2CommandOutput } from '@aws-sdk/client-s3';
import { NotFoundError, RejectedError } from '../../errors/index.ts';
import { requireDuration, requireInteger, type Timer } from '../../kernel/index.ts';
import { KeyLocks } from '../key-locks.ts';
import { isStorageKey, requireStorageKey } from '../storage-key.ts';
import type {
  CopyOptions,
  DirectUrlOptions,
  KeyPage,
  ListOptions,
  ObjectInfo,
  OpenObject,
  PutOptions,
  StorageStrategy,
  StrategyCallOptions,
} from '../storage-strategy.ts';
import { maxAttempts, Passing, passingContent, tooBusy } from '../strategy-calls.ts';
import { EntryWriter, holds, requireEntry } from './entry-writer.ts';
import { ReplacedContents } from './replaced-contents.ts';
import { obeysConditions } from './s3-conditions.ts';
import { type Entry, EntryNames, infoOf } from './s3-entry.ts';
import { storageFailure } from './s3-failure.ts';
import { OpenS3Object, ReplacedError } from './s3-object.ts';
import { requireS3Settings, type S3Settings, type S3StorageStrategyOptions } from './s3-options.ts';
import { S3Requests } from './s3-requests.ts';
import { type SweepTarget, type SweptUploads, sweepBucket, sweepWhenDue } from './s3-sweep.ts';
import { uploadContent } from './s3-upload.ts';
import { signRead, signWrite, type UploadUrl, type UploadUrlOptions } from './s3-urls.ts';
import type { StagedContent } from './staged-content.ts';

/**
 * Files in a bucket of S3 or a server that speaks its language. A content is uploaded under a name of its own; then one
 * small object, the entry, names it and holds the metadata. Others see the old file or the new one, content and metadata
 * together; changing metadata costs one small request.
 *
 * Several processes may write the same key where the server knows If-Match and If-None-Match for writes; ask
 * {@link supportsConditionalWrites}. Where it does not, one process alone may write.
 *
 * @throws {ArgumentError} when an option is unusable.
 * @example
 * const strategy = new S3StorageStrategy({
 *   bucket: 'my-files',
 *   region: 'eu-central-1',
 *   credentials: { accessKeyId: 'AKIA…', secretAccessKey: new Secret('…') },
 * });
 */
export class S3StorageStrategy implements StorageStrategy {
  readonly #settings: S3Settings;
  readonly #names: EntryNames;
  readonly #locks = new KeyLocks();
  readonly #inUse = new Set<string>();
  readonly #replaced: ReplacedContents;
  readonly #closing = new AbortController();
  #opening: Promise<S3Requests> | undefined;
  #sweeper: Timer | undefined;
  #isClosed = false;

  constructor(options: S3StorageStrategyOptions) {
    this.#settings = requireS3Settings(options);
    this.#names = new EntryNames(this.#settings.prefix);
    this.#replaced = new ReplacedContents(this.#settings.keepReplacedMs, this.#settings.clock);
  }

  /** Writes a file; holds `partConcurrency` + 1 parts in memory at most. */
  async put(key: string, content: AsyncIterable<Uint8Array>, options: PutOptions): Promise<ObjectInfo> {
    requireStorageKey(key);
    const { signal } = options;
    return await this.#run('write', key, options, async requests => {
      const writer = this.#writer(requests);
      await using staged = writer.stage(key);
      const chunks = passingContent(content, signal);
      const bytes = await uploadContent(requests, staged.name, chunks, { ...this.#settings, signal });
      staged.bytes = bytes;
      return await writer.commit(staged, current => options.finish(current, bytes), signal);
    });
  }

  async open(key: string, options: StrategyCallOptions = {}): Promise<OpenObject | undefined> {
    requireStorageKey(key);
    return await this.#run('open', key, options, async requests => {
      const found = await requests.readEntry(key, options.signal);
      if (found === undefined) return undefined;
      const entry = requireEntry(key, found);
      return new OpenS3Object(requests, entry, this.#names.content(key, entry.contentId), this.#settings.bucket);
    });
  }

  /** Copies in the server, or through this process above `maxServerCopyBytes`. */
  async copy(from: string, to: string, options: CopyOptions): Promise<ObjectInfo | undefined> {
    requireStorageKey(from);
    requireStorageKey(to);
    const { signal } = options;
    return await this.#run('copy', to, options, async requests => {
      const writer = this.#writer(requests);
      for (let attempt = 0; attempt < maxAttempts; attempt += 1) {
        const found = await requests.readEntry(from, signal);
        if (found === undefined) return undefined;
        const source = requireEntry(from, found);
        await using staged = writer.stage(to);
        if (!(await this.#copyContent(requests, source, staged, signal))) continue;
        staged.bytes = source.bytes;
        return await writer.commit(staged, current => options.finish(infoOf(source), current), signal);
      }
      throw tooBusy(from);
    });
  }

  async updateMetadata(
    key: string,
    change: (current: ObjectInfo) => string | undefined | Promise<string | undefined>,
    options: StrategyCallOptions = {},
  ): Promise<ObjectInfo | undefined> {
    requireStorageKey(key);
    return await this.#run('change', key, options, requests =>
      this.#writer(requests).changeMetadata(key, change, options.signal),
    );
  }

  async delete(
    key: string,
    options: StrategyCallOptions & { readonly version?: string | undefined } = {},
  ): Promise<boolean> {
    requireStorageKey(key);
    return await this.#run('delete', key, options, requests => this.#writer(requests).remove(key, options));
  }

  async list({ prefix = '', after, limit, signal }: ListOptions): Promise<KeyPage> {
    return await this.#run('list', '', { signal }, async requests => {
      const page = {
        Prefix: this.#names.entry(prefix),
        MaxKeys: requireInteger('limit', limit, 1, 1_000),
        ...(after === undefined ? {} : { StartAfter: this.#names.entry(after) }),
      };
      let next: { readonly ContinuationToken?: string } | undefined = {};
      while (next !== undefined) {
        const answer: ListObjectsV2CommandOutput = await requests.listPage({ ...page, ...next }, signal);
        const keys = (answer.Contents ?? [])
          .map(({ Key }) => this.#names.keyOfEntry(Key ?? ''))
          // What others have put there, such as a folder, is no file of the store.
          .filter(isStorageKey);
        const token = answer.IsTruncated === true ? answer.NextContinuationToken : undefined;
        if (keys.length > 0 || token === undefined) return { keys, more: answer.IsTruncated === true };
        // A page may have no file though it is not the last one.
        next = { ContinuationToken: token };
      }
      return { keys: [], more: false };
    });
  }

  /**
   * A URL of S3 itself, good for 1 second to 7 days. It stands for the content of now: after the next write it leads
   * nowhere.
   *
   * @throws {NotFoundError} when there is no such file.
   */
  async signUrl(key: string, options: DirectUrlOptions): Promise<string> {
    requireStorageKey(key);
    return await this.#run('sign', key, {}, async requests => {
      const found = await requests.readEntry(key);
      if (found === undefined) throw new NotFoundError('File', key);
      const name = this.#names.content(key, requireEntry(key, found).contentId);
      return await signRead(requests, this.#place(name), options);
    });
  }

  /**
   * A URL under which somebody else uploads a content with one PUT, without an account. Nothing is visible until
   * {@link takeUpload} has taken it; what is not taken within `staleAfterMs`, the sweep deletes.
   *
   * @example
   * const { url, uploadId } = await strategy.signUploadUrl('inbox/scan.pdf', { expiresInMs: 600_000, bytes: 48_213 });
   */
  async signUploadUrl(key: string, options: UploadUrlOptions): Promise<UploadUrl> {
    requireStorageKey(key);
    if (options.bytes !== undefined) requireInteger('bytes', options.bytes, 0);
    return await this.#run('sign', key, {}, async requests => {
      const uploadId = this.#settings.ids.next();
      const url = await signWrite(requests, this.#place(this.#names.upload(key, uploadId)), options);
      return { url, uploadId };
    });
  }

  /**
   * Makes what was uploaded to a URL of {@link signUploadUrl} the file. It is copied first: the URL may still be good, and
   * whoever has it must not change the file. `undefined` when nothing has arrived.
   */
  async takeUpload(key: string, uploadId: string, options: PutOptions): Promise<ObjectInfo | undefined> {
    requireStorageKey(key);
    if (!/^[\w-]{1,64}$/.test(uploadId)) return undefined;
    const { signal } = options;
    return await this.#run('take', key, options, async requests => {
      const writer = this.#writer(requests);
      const uploaded = this.#names.upload(key, uploadId);
      for (let attempt = 0; attempt < maxAttempts; attempt += 1) {
        const found = await requests.describeContent(uploaded, signal);
        if (found === undefined) return undefined;
        await using staged = writer.stage(key);
        if (!(await holds(requests.copyContent(uploaded, staged.name, { etag: found.etag, signal })))) continue;
        staged.bytes = found.bytes;
        const info = await writer.commit(staged, current => options.finish(current, found.bytes), signal);
        await requests.discardContent(uploaded);
        return info;
      }
      throw tooBusy(key);
    });
  }

  /**
   * Removes what processes have left that were killed: uploads by parts, and contents that no file names, as it happens by
   * itself with `sweepIntervalMs`. It costs one request per file that is older.
   *
   * @param olderThanMs What is younger is left alone: more than the longest upload takes, in milliseconds.
   * @example
   * await strategy.abortStaleUploads(86_400_000);
   */
  async abortStaleUploads(olderThanMs: number, options: StrategyCallOptions = {}): Promise<SweptUploads> {
    const target = this.#sweepTarget(requireDuration('olderThanMs', olderThanMs, 0), options.signal);
    return await this.#run('sweep', '', options, requests => sweepBucket(requests, target));
  }

  /**
   * Tries out, with an object of its own, whether the server refuses writes and deletions whose condition does not hold,
   * and does those whose condition does.
   */
  async supportsConditionalWrites(options: StrategyCallOptions = {}): Promise<boolean> {
    const name = this.#names.probe(this.#settings.ids.next());
    return await this.#run('try', '', options, requests => obeysConditions(requests, name, options.signal));
  }

  async close(): Promise<void> {
    if (this.#isClosed) return;
    this.#isClosed = true;
    this.#closing.abort();
    const requests = await this.#opening?.catch(() => undefined);
    this.#sweeper?.cancel();
    if (requests === undefined) return;
    await this.#replaced.clear(requests);
    if (this.#settings.client === undefined) requests.client.destroy();
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  #place(name: string): { readonly bucket: string; readonly name: string; readonly nowMs: number } {
    return { bucket: this.#settings.bucket, name, nowMs: this.#settings.clock.now() };
  }

  #writer(requests: S3Requests): EntryWriter {
    const { ids } = this.#settings;
    const [names, locks, inUse, replaced] = [this.#names, this.#locks, this.#inUse, this.#replaced];
    return new EntryWriter(requests, { ids, names, locks, inUse, replaced });
  }

  async #copyContent(
    requests: S3Requests,
    source: Entry,
    staged: StagedContent,
    signal: AbortSignal | undefined,
  ): Promise<boolean> {
    const from = this.#names.content(source.key, source.contentId);
    try {
      const isSmall = source.bytes <= this.#settings.maxServerCopyBytes;
      if (isSmall && (await holds(requests.copyContent(from, staged.name, { signal })))) return true;
      // Also where the server does not find it: not all understand the same by a name with special characters.
      await using content = new OpenS3Object(requests, source, from, this.#settings.bucket);
      await uploadContent(requests, staged.name, content.read(), { ...this.#settings, signal });
      return true;
    } catch (error) {
      // It was replaced since its entry was read.
      if (error instanceof ReplacedError) return false;
      throw error;
    }
  }

  /** Opens the client first, and says of failures of the server what was to be done. */
  async #run<Result>(
    doing: string,
    key: string,
    { signal }: StrategyCallOptions,
    work: (requests: S3Requests) => Promise<Result>,
  ): Promise<Result> {
    signal?.throwIfAborted();
    if (this.#isClosed) throw new RejectedError('Cannot use the storage: it was closed', 'closed');
    try {
      return await work(await this.#requests());
    } catch (error) {
      if (error instanceof Passing) throw error.reason;
      if (signal?.aborted && error === signal.reason) throw error;
      throw storageFailure(doing, key, this.#settings.bucket, error);
    }
  }

  #requests(): Promise<S3Requests> {
    this.#opening ??= this.#open().catch((error: unknown) => {
      this.#opening = undefined;
      throw error;
    });
    return this.#opening;
  }

  async #open(): Promise<S3Requests> {
    const requests = await S3Requests.open(this.#settings, this.#names);
    const { sweepIntervalMs: intervalMs, staleAfterMs, clock } = this.#settings;
    if (intervalMs === 0) return requests;
    const sweep = (): void => {
      const target = this.#sweepTarget(staleAfterMs, this.#closing.signal);
      void sweepWhenDue(requests, target, { intervalMs, nowMs: clock.now() }).catch(() => undefined);
    };
    sweep();
    this.#sweeper = clock.setRepeatingTimer(intervalMs, sweep);
    return requests;
  }

  #sweepTarget(olderThanMs: number, signal: AbortSignal | undefined): SweepTarget {
    const { bucket, clock } = this.#settings;
    return { bucket, names: this.#names, inUse: this.#inUse, untilMs: clock.now() - olderThanMs, signal };
  }
}

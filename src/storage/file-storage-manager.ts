import { ArgumentError, ConfigurationError, NotFoundError, ValidationError } from '../errors/index.ts';
import { type EventSource, Events, requireDuration, requireInteger, systemClock } from '../kernel/index.ts';
import { FileTypes } from './content-inspection.ts';
import type { FileContent } from './content-source.ts';
import { requireOwner } from './descriptor.ts';
import { contentOf, DownloadStream, rangeOf, watchSignal } from './download.ts';
import { CorruptFileError } from './errors.ts';
import type { StorageEvents } from './events.ts';
import { FileCipher } from './file-cipher.ts';
import { errorCode, FileFinder } from './file-finder.ts';
import { defaultAllowedExtensions, knownFileTypes } from './file-types.ts';
import { FileWriter } from './file-writer.ts';
import { InfoMemory } from './info-memory.ts';
import type {
  CopyFileOptions,
  FileCallOptions,
  FilePage,
  FileStorageManagerOptions,
  ListFilesOptions,
  ReadFileOptions,
  RotationResult,
  SaveFileOptions,
  StorageStats,
} from './options.ts';
import { requireStorageKey } from './storage-key.ts';
import type { ByteRange, StorageStrategy } from './storage-strategy.ts';
import { countedFileOf, requireDescriptor, type StoredFile, storedFileOf } from './stored-file.ts';
import { type SignedRequest, type UrlMethod, UrlSigner } from './url-signer.ts';
import { type CountedFile, type Totals, UsageLedger } from './usage-ledger.ts';

/** A file that is being read. */
export interface FileDownload {
  readonly file: StoredFile;
  /** The part that the stream gives. */
  readonly range: ByteRange;
  /**
   * The content. It fails with {@link CorruptFileError} where the file is damaged, before it has ended. Read it or destroy
   * it: it holds the file open.
   */
  readonly stream: DownloadStream;
}

/** How many keys are asked for at once. */
const pageSize = 1_000;

/** How often a deletion gives way to somebody else who replaces the file. */
const maxAttempts = 20;

/**
 * Files: accepted by extension, content and size, kept in one step with what is known of them, compressed and encrypted if
 * wanted, read whole or in parts. Where they are kept is the strategy's affair.
 *
 * A file is named by its key, which is the name that it was saved under, with its folders. Names of uploads by strangers go
 * through `safeFilename` first.
 *
 * @throws {ArgumentError} when an option is unusable.
 * @example
 * const files = new FileStorageManager({ strategy: new LocalStorageStrategy({ directory: './data/storage' }) });
 * const { key } = await files.saveFile(request.body, 'invoices/7.pdf', { owner: 'user-7' });
 * const { file, stream } = await files.readFile(key, { owner: 'user-7' });
 */
export class FileStorageManager implements AsyncDisposable {
  readonly #strategy: StorageStrategy;
  readonly #writer: FileWriter;
  readonly #finder: FileFinder;
  readonly #cipher: FileCipher;
  readonly #signer: UrlSigner | undefined;
  readonly #infos: InfoMemory;
  readonly #ledger = new UsageLedger();
  readonly #events = new Events<StorageEvents>();

  constructor(options: FileStorageManagerOptions) {
    const { strategy, clock = systemClock } = options;
    this.#strategy = strategy;
    this.#cipher = new FileCipher(options.encryption, options.acceptPlain ?? false);
    this.#finder = new FileFinder(strategy, this.#cipher);
    this.#signer = options.signing === undefined ? undefined : new UrlSigner({ ...options.signing, clock });
    this.#infos = new InfoMemory(requireDuration('infoTtlMs', options.infoTtlMs ?? 0, 0), clock);
    const { quota } = options;
    this.#writer = new FileWriter({
      strategy,
      finder: this.#finder,
      cipher: this.#cipher,
      ledger: this.#ledger,
      types: new FileTypes(options.allowedExtensions ?? defaultAllowedExtensions, [
        ...knownFileTypes,
        ...(options.fileTypes ?? []),
      ]),
      maxFileBytes: requireInteger('maxFileBytes', options.maxFileBytes ?? 104_857_600, 1),
      isStrict: options.strictContent ?? false,
      compresses: options.compression ?? true,
      hashes: requireChecksum(options.checksum ?? 'poly1305') === 'sha256',
      quotaOf: quota === undefined || typeof quota === 'function' ? quota : () => quota,
      count: () => this.#count(),
      clock,
    });
  }

  /** What happens to files. */
  get events(): EventSource<StorageEvents> {
    return this.#events;
  }

  /**
   * Saves a file, in one step: it is there as a whole, or nothing has changed.
   *
   * @param filename Its name, with its folders: the key under which it is found again.
   * @throws {ValidationError} when name, type, content or metadata are not accepted; {@link FileTooLargeError} is one.
   * @throws {DuplicateError} when there is such a file of another owner, or any with `ifAbsent`, or the idempotency key was
   *   used for another content.
   * @throws {QuotaExceededError} when the owner has no room.
   * @throws {StorageError} when the store fails.
   */
  async saveFile(content: FileContent, filename: string, options: SaveFileOptions = {}): Promise<StoredFile> {
    try {
      const { file, ...saved } = await this.#writer.save(content, filename, options);
      if (this.#events.has('saved')) {
        const { key, owner, bytes, storedBytes } = file;
        this.#events.emit('saved', { key, owner, bytes, storedBytes, ...saved });
      }
      return file;
    } catch (error) {
      if (this.#events.has('refused')) {
        this.#events.emit('refused', { filename, owner: options.owner, code: errorCode(error), error });
      }
      throw error;
    } finally {
      this.#infos.forget(filename);
    }
  }

  /**
   * Opens a file to be read, or a part of it.
   *
   * @throws {NotFoundError} when there is none, or it is another owner's.
   * @throws {CorruptFileError} when it is damaged.
   */
  async readFile(key: string, options: ReadFileOptions = {}): Promise<FileDownload> {
    requireStorageKey(key);
    const { object, descriptor, dataKey } = await this.#watched(key, () =>
      this.#finder.require(key, options.owner, options),
    );
    try {
      const range = rangeOf(options.range, descriptor.bytes);
      const isThorough = options.verifyChecksum ?? false;
      const content = contentOf(object, descriptor, dataKey, { range, isThorough, reusesMemory: false });
      const stream = new DownloadStream(object, content, error => this.#tellDamage(key, error));
      watchSignal(stream, options.signal);
      return { file: storedFileOf(object.info, descriptor), range, stream };
    } catch (error) {
      await object.close();
      throw error;
    }
  }

  /**
   * Gives a file, or a part of it, to a function, one block after the other: a block is good until the function is done with
   * it, because its memory may be used for the next. The quickest way to read a large file, with the least memory; nothing
   * is left open.
   *
   * @param use What it throws ends the reading.
   * @throws {NotFoundError} when there is none, or it is another owner's.
   * @throws {CorruptFileError} when it is damaged: before the last block.
   * @example
   * await files.readBlocks('video.mp4', block => destination.write(block));
   */
  async readBlocks(
    key: string,
    use: (block: Uint8Array) => unknown,
    options: ReadFileOptions = {},
  ): Promise<StoredFile> {
    requireStorageKey(key);
    return await this.#watched(key, async () => {
      const { object, descriptor, dataKey } = await this.#finder.require(key, options.owner, options);
      await using _ = object;
      const range = rangeOf(options.range, descriptor.bytes);
      const isThorough = options.verifyChecksum ?? false;
      for await (const block of contentOf(object, descriptor, dataKey, { range, isThorough, reusesMemory: true })) {
        options.signal?.throwIfAborted();
        await use(block);
      }
      return storedFileOf(object.info, descriptor);
    });
  }

  /** As {@link readFile}, but gives the bytes, which are all in memory then. */
  async readBytes(key: string, options: ReadFileOptions = {}): Promise<Buffer> {
    const { stream } = await this.readFile(key, options);
    const chunks: Uint8Array[] = [];
    for await (const chunk of stream) chunks.push(chunk as Uint8Array);
    return Buffer.concat(chunks);
  }

  /**
   * What is known of a file, or `undefined` when there is none. With `infoTtlMs` it may be what was known that long ago, if
   * somebody else has changed the file since.
   */
  async getFileInfo(key: string, options: FileCallOptions = {}): Promise<StoredFile | undefined> {
    requireStorageKey(key);
    options.signal?.throwIfAborted();
    const file = await this.#infos.through(key, () => this.#currentInfo(key, { signal: options.signal }));
    return options.owner === undefined || file?.owner === options.owner ? file : undefined;
  }

  /** Deletes a file; says whether there was one. Without an owner, also one that is damaged. */
  async deleteFile(key: string, options: FileCallOptions = {}): Promise<boolean> {
    requireStorageKey(key);
    for (let attempt = 0; attempt < maxAttempts; attempt += 1) {
      await using object = await this.#strategy.open(key, options).catch((error: unknown) => {
        if (error instanceof CorruptFileError && options.owner === undefined) return undefined;
        throw error;
      });
      if (object === undefined) return options.owner === undefined && (await this.#deleteDamaged(key, options));
      const { info } = object;
      if (options.owner !== undefined && requireDescriptor(info).owner !== options.owner) return false;
      const counted = countedFileOf(info);
      if (!(await this.#deleteVersion(key, info.version, counted, options))) continue;
      this.#events.emit('deleted', { key, owner: counted.owner, bytes: counted.bytes });
      return true;
    }
    return false;
  }

  /**
   * Copies a file. The copy has the same owner and metadata.
   *
   * @throws {NotFoundError} when there is none, or it is another owner's.
   * @throws {ValidationError} when the new name has an extension of another kind.
   * @throws {DuplicateError} as {@link saveFile}.
   */
  async copyFile(from: string, to: string, options: CopyFileOptions = {}): Promise<StoredFile> {
    const { file } = await this.#copy(from, to, options);
    this.#events.emit('copied', { from, to, moved: false });
    return file;
  }

  /**
   * Gives a file another key: copies it, and then deletes what was copied. When that is interrupted both are there. Throws
   * as {@link copyFile}.
   */
  async moveFile(from: string, to: string, options: CopyFileOptions = {}): Promise<StoredFile> {
    if (from === to) throw new ValidationError('Cannot move a file to where it is', { to: 'Expected another name' });
    const { file, source } = await this.#copy(from, to, options);
    await this.#deleteVersion(from, source.version, countedFileOf(source), options);
    this.#events.emit('copied', { from, to, moved: true });
    return file;
  }

  /**
   * Lists files by page, in the order of their keys. With an owner a page may hold fewer than `limit` although there are
   * more: go on until there is no `next`. Damaged files are told by the event `corrupt` and left out.
   */
  async listFiles(options: ListFilesOptions = {}): Promise<FilePage> {
    const { prefix, after, owner, signal } = options;
    const limit = requireInteger('limit', options.limit ?? 100, 1, pageSize);
    const files: StoredFile[] = [];
    const page = await this.#strategy.list({ prefix, after, limit, signal });
    for await (const file of this.#finder.findAll(page.keys, owner, { signal }, error => {
      this.#tellDamage(error.key, error);
    })) {
      files.push(file);
    }
    return { files, next: page.more ? page.keys.at(-1) : undefined };
  }

  /**
   * How much is stored. The first time all files are counted, later calls only read sums that follow every change of this
   * manager. `recount` counts again: for changes that other processes have made.
   */
  async getStorageStats(options: { readonly recount?: boolean | undefined } = {}): Promise<StorageStats> {
    if (options.recount) await this.#ledger.forget();
    await this.#count();
    const { files, bytes, storedBytes } = this.#ledger.total;
    return {
      totalFiles: files,
      totalBytes: bytes,
      storedBytes,
      byExtension: this.#ledger.byExtension,
    };
  }

  /** How much an owner has stored; counted as {@link getStorageStats} counts. */
  async getOwnerUsage(owner: string): Promise<Totals> {
    requireOwner(owner);
    await this.#count();
    return this.#ledger.ofOwner(owner);
  }

  /**
   * A URL with which anybody may do one thing with one file until it expires. The service that answers it calls
   * {@link verifyUrl}. With `PUT` the file need not exist. `direct` asks for a URL of the store itself instead, which gives
   * what is kept byte for byte: only to read, and only files that are neither compressed nor encrypted.
   *
   * @throws {ConfigurationError} when `signing` was not set, or the store signs none.
   * @throws {NotFoundError} when there is no file that could be read or deleted.
   */
  async signUrl(
    key: string,
    options: FileCallOptions & {
      readonly method?: UrlMethod | undefined;
      readonly expiresInMs: number;
      readonly direct?: boolean | undefined;
    },
  ): Promise<string> {
    const { method = 'GET', expiresInMs, owner, direct = false } = options;
    requireStorageKey(key);
    const file = method === 'PUT' ? undefined : await this.#currentInfo(key, options);
    if (method !== 'PUT' && file === undefined) throw new NotFoundError('File', key);
    if (!direct) return this.#requireSigner().sign(method, key, { expiresInMs, owner });
    if (method !== 'GET' || file === undefined || file.isCompressed || file.encryptionKeyId !== undefined) {
      throw new ValidationError(
        'Cannot give out a URL of the store itself: expected to read a file that is kept as it is',
        {
          direct: 'Expected the method GET and a file that is neither compressed nor encrypted',
        },
      );
    }
    const { contentType, filename } = file;
    const url = await this.#strategy.signUrl?.(key, { expiresInMs, contentType, filename });
    if (url !== undefined) return url;
    throw new ConfigurationError('URLs of the store itself cannot be signed', [
      { name: 'strategy', message: 'expected one that signs URLs, such as S3' },
    ]);
  }

  /**
   * What the URL of a request was signed for.
   *
   * @throws {UrlRefusedError} when it was not signed for this method, was changed or has expired.
   */
  verifyUrl(method: string, url: string): SignedRequest {
    return this.#requireSigner().verify(method, url);
  }

  /**
   * Wraps the data keys of all files under the current key of the ring. Contents are not touched. Run it again until
   * nothing has failed; then the old key can leave the ring.
   */
  async rotateKeys(options: { readonly signal?: AbortSignal | undefined } = {}): Promise<RotationResult> {
    const failed: { key: string; error: unknown }[] = [];
    let checked = 0;
    let rewrapped = 0;
    for await (const key of this.#keys(options.signal)) {
      checked += 1;
      try {
        if (await this.#rewrap(key, options)) rewrapped += 1;
      } catch (error) {
        if (options.signal?.aborted) throw error;
        this.#tellDamage(key, error);
        failed.push({ key, error });
      }
    }
    return { checked, rewrapped, failed };
  }

  /** Closes the strategy. */
  async close(): Promise<void> {
    await this.#strategy.close();
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  async #rewrap(key: string, options: { readonly signal?: AbortSignal | undefined }): Promise<boolean> {
    let previousKeyId: string | undefined;
    await this.#strategy.updateMetadata(
      key,
      current => {
        previousKeyId = undefined;
        const descriptor = requireDescriptor(current);
        const keyId = descriptor.encryption?.keyId;
        if (keyId === undefined || keyId === this.#cipher.currentKeyId) return undefined;
        previousKeyId = keyId;
        return this.#writer.rewrapped(key, descriptor);
      },
      options,
    );
    this.#infos.forget(key);
    if (previousKeyId === undefined) return false;
    const keyId = this.#cipher.currentKeyId ?? '';
    this.#events.emit('rewrapped', { key, keyId, previousKeyId });
    return true;
  }

  async #deleteVersion(key: string, version: string, counted: CountedFile, options: FileCallOptions): Promise<boolean> {
    const change = await this.#ledger.change();
    let isGone = false;
    try {
      isGone = await this.#strategy.delete(key, { version, signal: options.signal });
      return isGone;
    } finally {
      change.settle(isGone ? counted : undefined, undefined);
      this.#infos.forget(key);
    }
  }

  async #currentInfo(key: string, options: FileCallOptions): Promise<StoredFile | undefined> {
    const found = await this.#watched(key, () => this.#finder.find(key, options.owner, options));
    return found?.file;
  }

  async #copy(from: string, to: string, options: CopyFileOptions): ReturnType<FileWriter['copy']> {
    try {
      return await this.#watched(from, () => this.#writer.copy(from, to, options));
    } finally {
      this.#infos.forget(to);
    }
  }

  async #deleteDamaged(key: string, options: FileCallOptions): Promise<boolean> {
    try {
      return await this.#strategy.delete(key, options);
    } finally {
      this.#infos.forget(key);
    }
  }

  #count(): Promise<void> {
    return this.#ledger.count(() => this.#countedFiles());
  }

  async *#countedFiles(): AsyncGenerator<CountedFile, void> {
    for await (const key of this.#keys(undefined)) {
      try {
        await using object = await this.#strategy.open(key);
        if (object !== undefined) yield countedFileOf(object.info);
      } catch (error) {
        if (!(error instanceof CorruptFileError)) throw error;
        this.#tellDamage(key, error);
      }
    }
  }

  async *#keys(signal: AbortSignal | undefined): AsyncGenerator<string, void> {
    for (let after: string | undefined; ; ) {
      const page = await this.#strategy.list({ after, limit: pageSize, signal });
      yield* page.keys;
      if (!page.more) return;
      after = page.keys.at(-1);
    }
  }

  async #watched<Result>(key: string, work: () => Promise<Result>): Promise<Result> {
    try {
      return await work();
    } catch (error) {
      this.#tellDamage(key, error);
      throw error;
    }
  }

  #tellDamage(key: string, error: unknown): void {
    if (error instanceof CorruptFileError) this.#events.emit('corrupt', { key, error });
  }

  #requireSigner(): UrlSigner {
    if (this.#signer !== undefined) return this.#signer;
    throw new ConfigurationError('URLs of files cannot be signed', [
      { name: 'signing', message: 'expected secrets and a baseUrl, found nothing' },
    ]);
  }
}

function requireChecksum(checksum: string): string {
  if (checksum === 'poly1305' || checksum === 'sha256') return checksum;
  throw new ArgumentError(`Cannot use checksum "${checksum}": expected poly1305 or sha256`, 'checksum');
}

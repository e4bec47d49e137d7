import { ArgumentError, ConfigurationError, NotFoundError, ValidationError } from '../errors/index.ts';
import { type EventSource, Events, requireDuration, requireInteger, systemClock } from '../kernel/index.ts';
import { FileTypes } from './content/content-inspection.ts';
import { defaultAllowedExtensions, knownFileTypes } from './content/file-types.ts';
import { abortable, type FileContent } from './content-source.ts';
import { type FileMetadata, requireOwner } from './descriptor.ts';
import { contentOf, DownloadStream, rangeOf, watchSignal } from './download.ts';
import { FileCipher } from './encryption/file-cipher.ts';
import { CorruptFileError } from './errors.ts';
import type { StorageEvents } from './events.ts';
import { FileChanges } from './file-changes.ts';
import { FileEditor } from './file-editor.ts';
import { errorCode, FileFinder } from './file-finder.ts';
import { FileRemover } from './file-remover.ts';
import { FileWriter } from './file-writer.ts';
import { InfoMemory } from './info-memory.ts';
import { keyPages, pageSize } from './key-pages.ts';
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
import { type StoredFile, storedFileOf } from './stored-file.ts';
import { type SignedRequest, type UrlMethod, UrlSigner } from './url-signer.ts';
import { type OwnerQuota, requireQuota } from './usage/reservations.ts';
import { UsageLedger } from './usage/usage-ledger.ts';
import { usagePages } from './usage/usage-scan.ts';
import type { Totals } from './usage/usage-tally.ts';

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
  readonly #editor: FileEditor;
  readonly #remover: FileRemover;
  readonly #finder: FileFinder;
  readonly #cipher: FileCipher;
  readonly #signer: UrlSigner | undefined;
  readonly #infos: InfoMemory;
  readonly #ledger: UsageLedger;
  readonly #events = new Events<StorageEvents>();

  constructor(options: FileStorageManagerOptions) {
    const { strategy, clock = systemClock } = options;
    this.#strategy = strategy;
    this.#cipher = new FileCipher(options.encryption, options.acceptPlain ?? false);
    this.#finder = new FileFinder(strategy, this.#cipher);
    this.#signer = options.signing === undefined ? undefined : new UrlSigner({ ...options.signing, clock });
    this.#infos = new InfoMemory(requireDuration('infoTtlMs', options.infoTtlMs ?? 0, 0), clock);
    const { quota } = options;
    this.#ledger = new UsageLedger(
      signal => usagePages(strategy, error => this.#tellDamage(error.key, error), signal),
      quota === undefined || typeof quota === 'function' ? quota : quotaForAll(quota),
    );
    const changes = new FileChanges(strategy, this.#ledger);
    const parts = {
      strategy,
      finder: this.#finder,
      cipher: this.#cipher,
      ledger: this.#ledger,
      changes,
      types: new FileTypes(requireExtensions(options.allowedExtensions ?? defaultAllowedExtensions), [
        ...knownFileTypes,
        ...(options.fileTypes ?? []),
      ]),
      maxFileBytes: requireInteger('maxFileBytes', options.maxFileBytes ?? 104_857_600, 1),
      isStrict: options.strictContent ?? false,
      compresses: options.compression ?? true,
      hashes: requireChecksum(options.checksum ?? 'poly1305') === 'sha256',
      clock,
    };
    this.#remover = new FileRemover(strategy, changes);
    this.#writer = new FileWriter(parts);
    this.#editor = new FileEditor(parts, this.#remover);
  }

  /** What happens to files. */
  get events(): EventSource<StorageEvents> {
    return this.#events;
  }

  /**
   * Saves a file, in one step: it is there as a whole, or nothing has changed.
   *
   * @param content Is read to its end, or let go of when the file is refused: a stream is destroyed then, the body of a
   *   request is left to its server. What a stream fails with, also before it is read, is thrown.
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
      options.signal?.throwIfAborted();
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
      const content = contentOf(object, descriptor, dataKey, { range, isThorough, reusesMemory: true });
      for await (const block of abortable(content, options.signal)) {
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

  /**
   * Replaces what the application keeps with a file; the content stays as it is.
   *
   * @returns The file as it is now, with another version.
   * @throws {ValidationError} when the metadata are not accepted.
   * @throws {NotFoundError} when there is no such file, or it is another owner's.
   * @example
   * await files.setFileMetadata('invoices/7.pdf', { ...file.metadata, isPaid: true });
   */
  async setFileMetadata(key: string, metadata: FileMetadata, options: FileCallOptions = {}): Promise<StoredFile> {
    requireStorageKey(key);
    const file = await this.#changing([key], key, () => this.#editor.setMetadata(key, metadata, options));
    this.#events.emit('described', { key, owner: file.owner });
    return file;
  }

  /**
   * Deletes a file; says whether there was one. Without an owner, also one that is damaged.
   *
   * @throws {StorageError} when the store fails, or the file is replaced again and again.
   */
  async deleteFile(key: string, options: FileCallOptions = {}): Promise<boolean> {
    requireStorageKey(key);
    const removed = await this.#changing([key], undefined, () => this.#remover.remove(key, options));
    if (removed === undefined) return false;
    this.#events.emit('deleted', { key, ...removed });
    return true;
  }

  /**
   * Copies a file. The copy has the same owner and metadata, and replaces the owner's own file, unless `ifAbsent`.
   *
   * @throws {NotFoundError} when there is none, or it is another owner's.
   * @throws {ValidationError} when the new name has an extension of another kind.
   * @throws {DuplicateError} as {@link saveFile}.
   * @throws {QuotaExceededError} when the owner has no room for the copy.
   */
  async copyFile(from: string, to: string, options: CopyFileOptions = {}): Promise<StoredFile> {
    const file = await this.#changing([to], from, () => this.#editor.copy(from, to, options));
    this.#events.emit('copied', { from, to, moved: false });
    return file;
  }

  /**
   * Gives a file another key: copies it, and then deletes what was copied. It replaces the owner's own file there, unless
   * `ifAbsent`. Of several who move the same file one alone succeeds, and for the others it is not found; on S3, where an
   * answer may be lost, another process may be told that it succeeded, too. When the file is replaced meanwhile, the new
   * one is moved. When it is deleted meanwhile, or another process moves it, its copy is taken back, unless that has
   * replaced another file: then it stays, because it may be the last. It needs no room of its own in a quota, although both
   * are there for a moment; when it is interrupted, both stay. Throws as {@link copyFile}.
   */
  async moveFile(from: string, to: string, options: CopyFileOptions = {}): Promise<StoredFile> {
    if (from === to) throw new ValidationError('Cannot move a file to where it is', { to: 'Expected another name' });
    const file = await this.#changing([from, to], from, () => this.#editor.move(from, to, options));
    this.#events.emit('copied', { from, to, moved: true });
    return file;
  }

  /**
   * Lists files by page, in the order of their keys: go on until there is no `next`. Files of other owners and damaged
   * ones are left out; the latter are told by the event `corrupt`. To find the few files of one owner among many of others
   * takes as long as to look at all of them.
   */
  async listFiles(options: ListFilesOptions = {}): Promise<FilePage> {
    const { prefix, owner, signal } = options;
    const limit = requireInteger('limit', options.limit ?? 100, 1, pageSize);
    const damaged = (error: CorruptFileError): void => this.#tellDamage(error.key, error);
    const files: StoredFile[] = [];
    for (let { after } = options; ; ) {
      const wanted = owner === undefined ? limit - files.length : pageSize;
      const page = await this.#strategy.list({ prefix, after, limit: wanted, signal });
      after = page.keys.at(-1);
      for await (const file of this.#finder.findAll(page.keys, owner, { signal }, damaged)) {
        files.push(file);
        if (files.length < limit) continue;
        return { files, next: page.more || file.key !== after ? file.key : undefined };
      }
      if (!page.more || after === undefined) return { files, next: undefined };
    }
  }

  /**
   * How much is stored. The first time all files are counted, later calls only read sums that follow every change of this
   * manager. `recount` counts again: for changes that other processes have made. Nothing waits for a count but who asks
   * for its sums.
   *
   * @throws {StorageError} when the store fails.
   */
  async getStorageStats(
    options: { readonly recount?: boolean | undefined; readonly signal?: AbortSignal | undefined } = {},
  ): Promise<StorageStats> {
    await (options.recount ? this.#ledger.recounted(options.signal) : this.#ledger.counted(options.signal));
    const { files, bytes, storedBytes } = this.#ledger.total;
    return {
      totalFiles: files,
      totalBytes: bytes,
      storedBytes,
      byExtension: this.#ledger.byExtension,
    };
  }

  /** How much an owner has stored; counted as {@link getStorageStats} counts. */
  async getOwnerUsage(owner: string, options: { readonly signal?: AbortSignal | undefined } = {}): Promise<Totals> {
    requireOwner(owner);
    await this.#ledger.counted(options.signal);
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
    for await (const { keys } of keyPages(this.#strategy, options.signal)) {
      for (const key of keys) {
        checked += 1;
        try {
          if (await this.#rewrap(key, options)) rewrapped += 1;
        } catch (error) {
          if (options.signal?.aborted) throw error;
          failed.push({ key, error });
        }
      }
    }
    return { checked, rewrapped, failed };
  }

  /** Closes the strategy. */
  async close(): Promise<void> {
    this.#ledger.close();
    await this.#strategy.close();
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  async #rewrap(key: string, options: { readonly signal?: AbortSignal | undefined }): Promise<boolean> {
    const previousKeyId = await this.#changing([key], key, () => this.#editor.rewrap(key, options));
    if (previousKeyId === undefined) return false;
    const keyId = this.#cipher.currentKeyId ?? '';
    this.#events.emit('rewrapped', { key, keyId, previousKeyId });
    return true;
  }

  async #currentInfo(key: string, options: FileCallOptions): Promise<StoredFile | undefined> {
    const found = await this.#watched(key, () => this.#finder.find(key, options.owner, options));
    return found?.file;
  }

  /** Runs what changes files, and reads one of them. */
  async #changing<Result>(
    changed: readonly string[],
    read: string | undefined,
    work: () => Promise<Result>,
  ): Promise<Result> {
    try {
      return await (read === undefined ? work() : this.#watched(read, work));
    } finally {
      for (const key of changed) this.#infos.forget(key);
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

function requireExtensions(extensions: readonly string[]): readonly string[] {
  const unusable = extensions.find(extension => !/^(?:\.[a-z\d]{1,16})?$/i.test(extension));
  if (unusable === undefined) return extensions;
  throw new ArgumentError(
    `Cannot allow the extension ${JSON.stringify(unusable)}: expected up to 16 letters and digits behind one dot, such ` +
      'as ".pdf"',
    'allowedExtensions',
  );
}

function quotaForAll(quota: OwnerQuota): () => OwnerQuota {
  requireQuota(quota);
  return () => quota;
}

function requireChecksum(checksum: string): string {
  if (checksum === 'poly1305' || checksum === 'sha256') return checksum;
  throw new ArgumentError(`Cannot use checksum "${checksum}": expected poly1305 or sha256`, 'checksum');
}

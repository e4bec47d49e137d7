import { createHash } from 'node:crypto';
import { DuplicateError, NotFoundError, ValidationError } from '../errors/index.ts';
import type { Clock } from '../kernel/index.ts';
import { ContentInspection, type FileTypes } from './content-inspection.ts';
import type { FileContent } from './content-source.ts';
import { type Descriptor, encodeDescriptor, requireOwner, requireUserMetadata } from './descriptor.ts';
import { CorruptFileError, FileTooLargeError } from './errors.ts';
import type { FileCipher } from './file-cipher.ts';
import type { FileFinder } from './file-finder.ts';
import type { FileType } from './file-types.ts';
import type { CopyFileOptions, SaveFileOptions } from './options.ts';
import { extensionOf, requireStorageKey } from './storage-key.ts';
import type { ObjectInfo, StorageStrategy } from './storage-strategy.ts';
import { countedFileOf, requireDescriptor, type StoredFile, storedFileOf } from './stored-file.ts';
import { Upload, type UploadResult } from './upload.ts';
import type { OwnerQuota, Reservation, UsageChange, UsageLedger } from './usage-ledger.ts';

/** What a {@link FileWriter} works with. */
export interface FileWriterParts {
  readonly strategy: StorageStrategy;
  readonly finder: FileFinder;
  readonly cipher: FileCipher;
  readonly ledger: UsageLedger;
  readonly types: FileTypes;
  readonly maxFileBytes: number;
  readonly isStrict: boolean;
  readonly compresses: boolean;
  readonly hashes: boolean;
  readonly quotaOf: ((owner: string) => OwnerQuota) | undefined;
  readonly count: () => Promise<void>;
  readonly clock: Clock;
}

/** A file that was saved, and how. */
export interface SavedFile {
  readonly file: StoredFile;
  readonly replaced: boolean;
  /** Whether it was there already, from the same upload before. */
  readonly repeated: boolean;
  readonly durationMs: number;
}

/** An upload whose name, type and metadata are accepted. */
interface AcceptedUpload {
  readonly key: string;
  readonly type: FileType;
  readonly owner: string | undefined;
  readonly metadata: Descriptor['metadata'];
  readonly idempotency: string | undefined;
  readonly ifAbsent: boolean;
  readonly signal: AbortSignal | undefined;
}

/** What stands under a key that is about to be written. */
interface Standing {
  readonly info: ObjectInfo;
  readonly descriptor: Descriptor;
}

/** Saves and copies files: who may replace what, room for it, and the description that goes with the content. */
export class FileWriter {
  readonly #parts: FileWriterParts;

  constructor(parts: FileWriterParts) {
    this.#parts = parts;
  }

  async save(content: FileContent, filename: string, options: SaveFileOptions): Promise<SavedFile> {
    const { clock, finder } = this.#parts;
    const startedMs = clock.monotonic();
    const upload = this.#accept(filename, options);
    const standing = await finder.find(upload.key, undefined, upload);
    if (standing !== undefined) {
      const isRepeated = isSameUpload(standing.descriptor, upload);
      if (isRepeated) {
        const result = await this.#newUpload(upload, undefined, undefined).measure(content);
        requireSameContent(standing.descriptor, result);
        return { file: standing.file, replaced: false, repeated: true, durationMs: clock.monotonic() - startedMs };
      }
      requireReplaceable(standing.descriptor, upload);
    }
    const saved = await this.#store(content, upload, standing === undefined);
    return { ...saved, durationMs: clock.monotonic() - startedMs };
  }

  /** Copies a file, and tells what was copied. */
  async copy(
    from: string,
    to: string,
    options: CopyFileOptions,
  ): Promise<{ readonly file: StoredFile; readonly source: ObjectInfo }> {
    requireStorageKey(from);
    const type = this.#parts.types.require(requireStorageKey(to), undefined);
    const { finder, strategy } = this.#parts;
    const found = await finder.find(from, options.owner, options);
    if (found === undefined) throw new NotFoundError('File', from);
    const { owner } = found.descriptor;
    const target = { key: to, owner, ifAbsent: options.ifAbsent ?? false };
    const reservation = await this.#reserve(owner, true, found.file.bytes);
    const change = new PendingChange(this.#parts.ledger);
    let copied: { readonly source: ObjectInfo; readonly descriptor: Descriptor } | undefined;
    try {
      const info = await strategy.copy(from, to, {
        signal: options.signal,
        finish: async (source, current) => {
          await change.begin(current);
          const descriptor = this.#describeCopy(source, type, options.owner, target);
          const standing = standingOf(current);
          if (standing !== undefined) requireReplaceable(standing.descriptor, target);
          copied = { source, descriptor };
          return encode(descriptor);
        },
      });
      if (info === undefined || copied === undefined) throw new NotFoundError('File', from);
      change.succeeded(info);
      return { file: storedFileOf(info, copied.descriptor), source: copied.source };
    } finally {
      change.end();
      reservation?.release();
    }
  }

  /** The description of a file with its data key under the current key. */
  rewrapped(key: string, descriptor: Descriptor): string {
    const { cipher } = this.#parts;
    return encode(cipher.seal(key, descriptor, cipher.open(key, descriptor)));
  }

  #accept(filename: string, options: SaveFileOptions): AcceptedUpload {
    const key = requireStorageKey(filename);
    const { owner, idempotencyKey } = options;
    if (idempotencyKey !== undefined && (idempotencyKey === '' || idempotencyKey.length > 255)) {
      throw new ValidationError('Cannot use an idempotency key of this length: expected 1 to 255 characters', {
        idempotencyKey: 'Expected 1 to 255 characters',
      });
    }
    return {
      key,
      type: this.#parts.types.require(key, options.contentType),
      owner: owner === undefined ? undefined : requireOwner(owner),
      metadata: requireUserMetadata(options.metadata ?? {}),
      idempotency: idempotencyKey === undefined ? undefined : createHash('sha256').update(idempotencyKey).digest('hex'),
      ifAbsent: options.ifAbsent ?? false,
      signal: options.signal,
    };
  }

  async #store(
    content: FileContent,
    upload: AcceptedUpload,
    isNew: boolean,
  ): Promise<{ readonly file: StoredFile; readonly replaced: boolean; readonly repeated: boolean }> {
    const { strategy, cipher, ledger } = this.#parts;
    const { key, signal } = upload;
    const reservation = await this.#reserve(upload.owner, isNew, 0);
    const change = new PendingChange(ledger);
    const dataKey = cipher.newKey();
    const running = this.#newUpload(upload, dataKey, reservation);
    let descriptor: Descriptor | undefined;
    try {
      const info = await strategy.put(key, running.stored(content), {
        signal,
        finish: async current => {
          await change.begin(current);
          if (current === undefined) reservation?.addFile();
          this.#requireFree(current, upload, running.result());
          descriptor = cipher.seal(key, this.#describe(upload, running.result()), dataKey);
          return encode(descriptor);
        },
      });
      change.succeeded(info);
      return {
        file: storedFileOf(info, descriptor as Descriptor),
        replaced: change.before !== undefined,
        repeated: false,
      };
    } catch (error) {
      if (error instanceof AlreadyThere) return { file: error.file, replaced: false, repeated: true };
      throw error;
    } finally {
      change.end();
      reservation?.release();
    }
  }

  /** What was there when the upload began may not be what is there when it ends. */
  #requireFree(current: ObjectInfo | undefined, upload: AcceptedUpload, result: UploadResult): void {
    const standing = standingOf(current);
    if (standing === undefined) return;
    if (isSameUpload(standing.descriptor, upload)) {
      requireSameContent(standing.descriptor, result);
      throw new AlreadyThere(storedFileOf(standing.info, standing.descriptor));
    }
    requireReplaceable(standing.descriptor, upload);
  }

  #describe({ type, owner, metadata, idempotency }: AcceptedUpload, result: UploadResult): Descriptor {
    const createdAtMs = Math.floor(this.#parts.clock.now());
    return {
      contentType: type.contentType,
      owner,
      metadata,
      idempotency,
      createdAtMs,
      encryption: undefined,
      ...result,
    };
  }

  #describeCopy(
    source: ObjectInfo,
    type: FileType,
    owner: string | undefined,
    target: { readonly key: string; readonly owner: string | undefined },
  ): Descriptor {
    const { cipher, clock, maxFileBytes } = this.#parts;
    const descriptor = requireDescriptor(source);
    const isChanged = descriptor.owner !== target.owner || (owner !== undefined && descriptor.owner !== owner);
    if (isChanged) throw new NotFoundError('File', source.key);
    if (descriptor.bytes > maxFileBytes) throw new FileTooLargeError(maxFileBytes);
    if (descriptor.contentType !== type.contentType) {
      throw new ValidationError(
        `Cannot give a file of the type ${descriptor.contentType} the extension ${extensionOf(target.key)}`,
        { to: `Expected an extension of ${descriptor.contentType}` },
      );
    }
    const createdAtMs = Math.floor(clock.now());
    const plain = { ...descriptor, createdAtMs, idempotency: undefined };
    const dataKey = cipher.open(source.key, descriptor);
    return dataKey === undefined ? plain : cipher.seal(target.key, plain, dataKey);
  }

  #newUpload(
    { key, type, idempotency, signal }: AcceptedUpload,
    dataKey: Buffer | undefined,
    reservation: Reservation | undefined,
  ): Upload {
    const { maxFileBytes, isStrict, compresses, hashes } = this.#parts;
    return new Upload({
      maxFileBytes,
      inspection: new ContentInspection(type, extensionOf(key), isStrict),
      compresses: compresses && (type.isCompressible ?? false),
      // Whether a repeated upload is the same must not be a question of luck.
      isHashed: hashes || idempotency !== undefined,
      dataKey,
      reservation,
      signal,
    });
  }

  async #reserve(owner: string | undefined, isNew: boolean, bytes: number): Promise<Reservation | undefined> {
    const { quotaOf, ledger, count } = this.#parts;
    if (quotaOf === undefined) return undefined;
    if (owner === undefined) {
      throw new ValidationError('Files need an owner here, because how much each may store is limited', {
        owner: 'Expected the owner of the file',
      });
    }
    await count();
    const reservation = ledger.reserve(owner, quotaOf(owner));
    try {
      if (isNew) reservation.addFile();
      reservation.addBytes(bytes);
      return reservation;
    } catch (error) {
      reservation.release();
      throw error;
    }
  }
}

/** A change of the sums that begins when the content has come, and may be asked for more than once. */
class PendingChange {
  readonly #ledger: UsageLedger;
  #change: UsageChange | undefined;
  before: ObjectInfo | undefined;
  #after: ObjectInfo | undefined;

  constructor(ledger: UsageLedger) {
    this.#ledger = ledger;
  }

  async begin(current: ObjectInfo | undefined): Promise<void> {
    this.#change ??= await this.#ledger.change();
    this.before = current;
  }

  succeeded(after: ObjectInfo): void {
    this.#after = after;
  }

  end(): void {
    const { before } = this;
    const after = this.#after;
    if (after === undefined) this.#change?.settle(undefined, undefined);
    else this.#change?.settle(before === undefined ? undefined : countedFileOf(before), countedFileOf(after));
  }
}

/** Ends an upload that was made before. It does not leave this file. */
class AlreadyThere {
  readonly file: StoredFile;

  constructor(file: StoredFile) {
    this.file = file;
  }
}

/** @throws {CorruptFileError} when nobody can say whose it is. */
function standingOf(current: ObjectInfo | undefined): Standing | undefined {
  if (current === undefined) return undefined;
  try {
    return { info: current, descriptor: requireDescriptor(current) };
  } catch (error) {
    throw new CorruptFileError(current.key, 'so nobody can say who may replace it; delete it first', { cause: error });
  }
}

function isSameUpload(standing: Descriptor, { owner, idempotency }: AcceptedUpload): boolean {
  return idempotency !== undefined && standing.idempotency === idempotency && standing.owner === owner;
}

function requireSameContent(standing: Descriptor, { checksum }: UploadResult): void {
  if (standing.checksum !== checksum) throw new DuplicateError('File', 'idempotencyKey');
}

function requireReplaceable(
  standing: Descriptor,
  { key, owner, ifAbsent }: { readonly key: string; readonly owner: string | undefined; readonly ifAbsent: boolean },
): void {
  if (ifAbsent || standing.owner !== owner) throw new DuplicateError('File', 'filename', key);
}

/** @throws {ValidationError} when it is too long for a store. */
function encode(descriptor: Descriptor): string {
  const text = encodeDescriptor(descriptor);
  if (text.length <= 2_000) return text;
  throw new ValidationError(
    `Cannot keep a description of ${text.length} characters: expected at most 2000. Shorten the metadata or the owner`,
    { metadata: 'Expected shorter metadata' },
  );
}

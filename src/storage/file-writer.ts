import { createHash } from 'node:crypto';
import { DuplicateError, ValidationError } from '../errors/index.ts';
import type { Clock } from '../kernel/index.ts';
import { ContentInspection, type FileTypes } from './content/content-inspection.ts';
import { requireFileType } from './content/declared-type.ts';
import type { FileType } from './content/file-types.ts';
import { type FileContent, leave, listenTo } from './content-source.ts';
import { type Descriptor, encodeDescriptor, requireOwner, requireUserMetadata } from './descriptor.ts';
import type { FileCipher } from './encryption/file-cipher.ts';
import { StorageError } from './errors.ts';
import type { FileChange, FileChanges } from './file-changes.ts';
import type { FileFinder } from './file-finder.ts';
import type { SaveFileOptions } from './options.ts';
import { requireReplaceable, standingOf } from './standing-file.ts';
import { extensionOf, requireStorageKey } from './storage-key.ts';
import type { ObjectInfo, StorageStrategy } from './storage-strategy.ts';
import { countedFileOf, type StoredFile, storedFileOf } from './stored-file.ts';
import { Upload, type UploadResult } from './upload.ts';
import type { Reservation } from './usage/reservations.ts';
import type { UsageLedger } from './usage/usage-ledger.ts';

/** What a {@link FileWriter} works with. */
export interface FileWriterParts {
  readonly strategy: StorageStrategy;
  readonly finder: FileFinder;
  readonly cipher: FileCipher;
  readonly ledger: UsageLedger;
  readonly changes: FileChanges;
  readonly types: FileTypes;
  readonly maxFileBytes: number;
  readonly isStrict: boolean;
  readonly compresses: boolean;
  readonly hashes: boolean;
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

/** Saves files: who may replace what, room for it, and the description that goes with the content. */
export class FileWriter {
  readonly #parts: FileWriterParts;

  constructor(parts: FileWriterParts) {
    this.#parts = parts;
  }

  async save(content: FileContent, filename: string, options: SaveFileOptions): Promise<SavedFile> {
    listenTo(content);
    try {
      return await this.#save(content, filename, options);
    } catch (error) {
      // Not waited for: it may hang.
      void leave(content);
      throw error;
    }
  }

  async #save(content: FileContent, filename: string, options: SaveFileOptions): Promise<SavedFile> {
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
    const saved = await this.#store(content, upload, standing?.file);
    return { ...saved, durationMs: clock.monotonic() - startedMs };
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
      type: requireFileType(this.#parts.types, key, options.contentType),
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
    standing: StoredFile | undefined,
  ): Promise<Omit<SavedFile, 'durationMs'>> {
    const { ledger, changes } = this.#parts;
    const { key, signal } = upload;
    const reservation = await ledger.reserve({ ...upload, standing, bytes: 0, isMove: false });
    try {
      return await changes.run(key, { signal, reservation }, change => this.#put(content, upload, reservation, change));
    } catch (error) {
      if (error instanceof AlreadyThere) return { file: error.file, replaced: false, repeated: true };
      throw error;
    }
  }

  async #put(
    content: FileContent,
    upload: AcceptedUpload,
    reservation: Reservation | undefined,
    change: FileChange,
  ): Promise<Omit<SavedFile, 'durationMs'>> {
    const { strategy, cipher } = this.#parts;
    const { key, signal } = upload;
    const dataKey = cipher.newKey();
    const running = this.#newUpload(upload, dataKey, reservation);
    const decide = (current: ObjectInfo | undefined): { readonly descriptor: Descriptor; readonly text: string } => {
      const result = running.result();
      this.#requireFree(current, upload, result);
      reservation?.fit(result.bytes, current && countedFileOf(current));
      const descriptor = cipher.seal(key, this.#describe(upload, result), dataKey);
      return { descriptor, text: encodeDescriptor(descriptor) };
    };
    let saved: { readonly descriptor: Descriptor; readonly replaced: boolean } | undefined;
    const info = await strategy.put(key, running.stored(content), {
      signal,
      finish: current => {
        const { descriptor, text } = change.from(current, () => decide(current));
        saved = { descriptor, replaced: current !== undefined };
        return text;
      },
    });
    change.done(info);
    if (saved === undefined) throw new StorageError(`The store did not ask how to describe "${key}"`);
    return { file: storedFileOf(info, saved.descriptor), replaced: saved.replaced, repeated: false };
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
}

/** Ends an upload that was made before. It does not leave this file. */
class AlreadyThere {
  readonly file: StoredFile;

  constructor(file: StoredFile) {
    this.file = file;
  }
}

function isSameUpload(standing: Descriptor, { owner, idempotency }: AcceptedUpload): boolean {
  return idempotency !== undefined && standing.idempotency === idempotency && standing.owner === owner;
}

function requireSameContent(standing: Descriptor, { checksum }: UploadResult): void {
  if (standing.checksum !== checksum) throw new DuplicateError('File', 'idempotencyKey');
}

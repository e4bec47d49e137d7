import type { Clock } from '../kernel/index.ts';
import type { FileType } from './content/file-types.ts';
import type { FileMetadata } from './descriptor.ts';
import type { KeyRing } from './encryption/key-ring.ts';
import type { StorageStrategy } from './storage-strategy.ts';
import type { StoredFile } from './stored-file.ts';
import type { UrlSignerOptions } from './url-signer.ts';
import type { OwnerQuota } from './usage/reservations.ts';

/** How a `FileStorageManager` works. */
export interface FileStorageManagerOptions {
  /** Where files are kept. It is closed with the manager. */
  readonly strategy: StorageStrategy;
  /** The largest file that is accepted, in bytes. Reading stops there. @default 104_857_600 */
  readonly maxFileBytes?: number | undefined;
  /** Extensions that are accepted, with their dot; '' accepts names without one. @default defaultAllowedExtensions */
  readonly allowedExtensions?: readonly string[] | undefined;
  /** Kinds of files besides those that are known. @default [] */
  readonly fileTypes?: readonly FileType[] | undefined;
  /**
   * Whether a file that is two things at once is looked for and refused: a picture with an archive behind it, a PDF with a
   * program in it. Some cameras write pictures that are refused then. @default false
   */
  readonly strictContent?: boolean | undefined;
  /** Whether text is kept as gzip where that makes it smaller. @default true */
  readonly compression?: boolean | undefined;
  /**
   * What is taken of every content: enough to find damage, or also its SHA-256, which names it for others (`checksum` of
   * the file) and costs about 0.6 ms of CPU time per megabyte. Damage is found either way, by Poly1305 or by what
   * compression and encryption have of their own. @default 'poly1305'
   */
  readonly checksum?: 'poly1305' | 'sha256' | undefined;
  /** Encrypts every file; without it none is. @default none */
  readonly encryption?: KeyRing | undefined;
  /**
   * Whether files that are not encrypted can be read although `encryption` is on: only while old ones remain, because then
   * who can write to the store can also replace an encrypted file by a plain one. @default false
   */
  readonly acceptPlain?: boolean | undefined;
  /**
   * How much each owner may store. Every file needs an owner then, and the first upload waits until all files were counted.
   * @default none
   */
  readonly quota?: OwnerQuota | ((owner: string) => OwnerQuota) | undefined;
  /**
   * How long `getFileInfo` may remember what it has found, in milliseconds. What this manager changes it sees at once; what
   * others change in the same store, after that time. Only the last 1,000 files are remembered. @default 0
   */
  readonly infoTtlMs?: number | undefined;
  /** How URLs are signed. @default they are not */
  readonly signing?: Omit<UrlSignerOptions, 'clock'> | undefined;
  /** @default systemClock */
  readonly clock?: Clock | undefined;
}

/** What every method may be given. */
export interface FileCallOptions {
  /** Only files of this owner exist for the call. @default all files */
  readonly owner?: string | undefined;
  /** Gives up. @default none */
  readonly signal?: AbortSignal | undefined;
}

/** How a file is saved. */
export interface SaveFileOptions {
  /** Whose it is. A file can only be replaced by its owner. @default nobody's */
  readonly owner?: string | undefined;
  /** What the application wants to keep with it, up to 1,000 characters of JSON. @default {} */
  readonly metadata?: FileMetadata | undefined;
  /**
   * What the sender says it is; refused when it does not fit the extension. The other names that browsers have for it fit,
   * and an empty text says nothing. @default by the extension
   */
  readonly contentType?: string | undefined;
  /** Refuses to replace a file. @default false */
  readonly ifAbsent?: boolean | undefined;
  /**
   * Names this upload, so that it can be repeated when the answer was lost: the same content gives the same answer, other
   * content is refused. Known as long as the file stands. @default none
   */
  readonly idempotencyKey?: string | undefined;
  /** Gives up, and leaves nothing behind. @default none */
  readonly signal?: AbortSignal | undefined;
}

/** Which part of a file is read. */
export interface ReadFileOptions extends FileCallOptions {
  /** From `start` (0) to the byte before `end` (all). @default the whole file */
  readonly range?: { readonly start?: number | undefined; readonly end?: number | undefined } | undefined;
  /**
   * Whether a whole file is also compared with its SHA-256, if one was taken. Without it the tag of
   * the content, of gzip or of the encryption is checked, which is several times as fast. @default false
   */
  readonly verifyChecksum?: boolean | undefined;
}

/** How a file is copied or moved. */
export interface CopyFileOptions extends FileCallOptions {
  /** Refuses to replace a file. @default false */
  readonly ifAbsent?: boolean | undefined;
}

/** Which files are listed. */
export interface ListFilesOptions extends FileCallOptions {
  /** What their keys begin with. @default '' */
  readonly prefix?: string | undefined;
  /** The `next` of the page before. @default from the beginning */
  readonly after?: string | undefined;
  /** How many at most, up to 1,000. @default 100 */
  readonly limit?: number | undefined;
}

/** Some files, in the order of their keys. */
export interface FilePage {
  readonly files: readonly StoredFile[];
  /** Where the next page begins; `undefined` when there is none. */
  readonly next: string | undefined;
}

/** What is stored. */
export interface StorageStats {
  readonly totalFiles: number;
  /** As they were given, in bytes. */
  readonly totalBytes: number;
  /** As they are kept, in bytes. */
  readonly storedBytes: number;
  readonly byExtension: Readonly<Record<string, { files: number; bytes: number; storedBytes: number }>>;
}

/** What a rotation has done. */
export interface RotationResult {
  readonly checked: number;
  readonly rewrapped: number;
  /** Files that could not be rewrapped, with the reason. Their old key must stay in the ring. */
  readonly failed: readonly { readonly key: string; readonly error: unknown }[];
}

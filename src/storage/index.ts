export type { FileContent } from './content-source.ts';
export type { FileMetadata, JsonValue } from './descriptor.ts';
export type { DownloadStream } from './download.ts';
export { CorruptFileError, FileTooLargeError, QuotaExceededError, StorageError } from './errors.ts';
export type { StorageEvents } from './events.ts';
export { type FileDownload, FileStorageManager } from './file-storage-manager.ts';
export { defaultAllowedExtensions, type FileType, type Signature } from './file-types.ts';
export { KeyRing, type KeyRingOptions } from './key-ring.ts';
export { LocalStorageStrategy, type LocalStorageStrategyOptions } from './local-storage-strategy.ts';
export type {
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
export type { OwnerQuota } from './reservations.ts';
export { requireStorageKey, safeFilename } from './storage-key.ts';
export type {
  ByteRange,
  CopyOptions,
  DirectUrlOptions,
  KeyPage,
  ListOptions,
  ObjectInfo,
  OpenObject,
  PutOptions,
  ReadOptions,
  StorageStrategy,
  StrategyCallOptions,
} from './storage-strategy.ts';
export type { StoredFile } from './stored-file.ts';
export { type SignedRequest, type UrlMethod, UrlRefusedError, UrlSigner, type UrlSignerOptions } from './url-signer.ts';
export type { Totals } from './usage-tally.ts';

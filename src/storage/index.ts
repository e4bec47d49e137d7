export { defaultAllowedExtensions, type FileType, type Signature } from './content/file-types.ts';
export type { FileContent } from './content-source.ts';
export type { FileMetadata, JsonValue } from './descriptor.ts';
export type { DownloadStream } from './download.ts';
export { KeyRing, type KeyRingOptions } from './encryption/key-ring.ts';
export { CorruptFileError, FileTooLargeError, QuotaExceededError, StorageError } from './errors.ts';
export type { StorageEvents } from './events.ts';
export { type FileDownload, FileStorageManager } from './file-storage-manager.ts';
export { LocalStorageStrategy, type LocalStorageStrategyOptions } from './local/local-storage-strategy.ts';
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
export type { OwnerQuota } from './usage/reservations.ts';
export type { Totals } from './usage/usage-tally.ts';

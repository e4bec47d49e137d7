import { type ErrorOptions, FailedError, ServiceError, ValidationError } from '../errors/index.ts';

/** The store itself failed: the disk is full, the folder cannot be written, the bucket does not answer. */
export class StorageError extends FailedError {
  constructor(message: string, options: ErrorOptions = {}) {
    super(message, 'STORAGE_ERROR', options);
  }
}

/**
 * What was stored is not what is there now: a byte has changed, a part is missing or was moved, or the key that it was
 * encrypted with does not fit. No content behind the damage was given out.
 */
export class CorruptFileError extends FailedError {
  /** The file. */
  readonly key: string;

  constructor(key: string, what: string, options: ErrorOptions = {}) {
    super(`The stored file "${key}" is damaged: ${what}`, 'FILE_CORRUPT', options);
    this.key = key;
  }
}

/** A file is larger than it may be. Reading it was stopped at the limit. */
export class FileTooLargeError extends ValidationError {
  /** The limit, in bytes. */
  readonly maxFileBytes: number;

  constructor(maxFileBytes: number) {
    super(`The file is larger than the ${maxFileBytes} bytes that are allowed`, {
      content: `Expected at most ${maxFileBytes} bytes`,
    });
    this.maxFileBytes = maxFileBytes;
  }
}

/** The owner of a file has no room left. */
export class QuotaExceededError extends ServiceError {
  /** What has run out. */
  readonly quota: 'bytes' | 'files';
  /** How much there may be. */
  readonly limit: number;

  constructor(quota: 'bytes' | 'files', limit: number, options: ErrorOptions = {}) {
    const unit = quota === 'bytes' ? 'bytes' : limit === 1 ? 'file' : 'files';
    super(
      `The file does not fit into what its owner may store: ${limit} ${unit}. Delete files first, or raise the quota`,
      'QUOTA_EXCEEDED',
      options,
    );
    this.quota = quota;
    this.limit = limit;
  }
}

import { FailedError } from '../errors/index.ts';

/** The system took only a part of what was written, such as when the disk became full in between. */
export class UnfinishedWriteError extends FailedError {
  /** What is still to be written. */
  declare readonly rest: Uint8Array;

  constructor(rest: Uint8Array, cause: unknown) {
    super(`Only a part was written; ${rest.byteLength} bytes are left`, 'UNFINISHED_WRITE', { cause, retryable: true });
    Object.defineProperty(this, 'rest', { value: rest, enumerable: false });
  }
}

/** A log file is gone from its directory: what was written to it since the last look is lost. */
export class LogFileVanishedError extends FailedError {
  /** Lines written since the last look. */
  readonly lostLines: number;

  constructor(path: string, lostLines: number) {
    super(`Log file ${path} is gone from its directory`, 'LOG_FILE_VANISHED', { retryable: true });
    this.lostLines = lostLines;
  }
}

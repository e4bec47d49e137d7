import type { FileHandle } from 'node:fs/promises';
import type { Clock, Timer } from '../kernel/index.ts';
import { CheckpointError } from './errors.ts';

/** How a {@link LineWriter} is made. */
export interface LineWriterOptions {
  readonly file: FileHandle;
  readonly path: string;
  /** How many bytes the file has. */
  readonly size: number;
  /** See `FileCheckpointOptions`. */
  readonly syncIntervalMs: number;
  readonly clock: Clock;
}

/** Lines that are written together. */
interface Group {
  text: string;
  readonly written: Promise<void>;
  readonly resolve: () => void;
  readonly reject: (error: unknown) => void;
}

/** Appends lines to a file: those that come while others are being written go out together. */
export class LineWriter {
  readonly #options: LineWriterOptions;
  #size: number;
  #waiting: Group | undefined;
  #writing: Promise<void> | undefined;
  #syncing: Timer | undefined;
  #failure: CheckpointError | undefined;

  constructor(options: LineWriterOptions) {
    this.#options = options;
    this.#size = options.size;
  }

  /** Resolves when the lines are in the file; with a `syncIntervalMs` of 0, when they are on the disk. */
  append(text: string): Promise<void> {
    if (this.#failure !== undefined) return Promise.reject(this.#failure);
    this.#waiting ??= newGroup();
    this.#waiting.text += text;
    const { written } = this.#waiting;
    this.#writing ??= this.#write();
    return written;
  }

  /** Writes what waits. The file stays open. */
  async close(): Promise<void> {
    await this.#writing;
    const isUnsynced = this.#syncing !== undefined;
    this.#syncing?.cancel();
    if (isUnsynced) await this.#sync();
    if (this.#failure !== undefined) throw this.#failure;
  }

  async #write(): Promise<void> {
    for (;;) {
      const group = this.#waiting;
      if (group === undefined) break;
      this.#waiting = undefined;
      try {
        if (this.#failure !== undefined) throw this.#failure;
        await this.#writeOut(group.text);
        group.resolve();
      } catch (error) {
        // What was written of a line must stay the last thing in the file: nothing is written after a failure.
        group.reject(this.#failWith(error));
      }
    }
    this.#writing = undefined;
  }

  async #writeOut(text: string): Promise<void> {
    const { file, path, syncIntervalMs, clock } = this.#options;
    await file.appendFile(text);
    this.#size += Buffer.byteLength(text);
    const { size, nlink } = await file.stat();
    if (size !== this.#size || nlink === 0) throw disturbed(path, nlink === 0);
    if (syncIntervalMs === 0) await file.datasync();
    else if (syncIntervalMs !== Number.POSITIVE_INFINITY) {
      this.#syncing ??= clock.setTimer(syncIntervalMs, () => void this.#sync());
    }
  }

  async #sync(): Promise<void> {
    this.#syncing = undefined;
    try {
      await this.#options.file.datasync();
    } catch (error) {
      this.#failWith(error);
    }
  }

  #failWith(error: unknown): CheckpointError {
    this.#failure ??= error instanceof CheckpointError ? error : notWritten(this.#options.path, error);
    return this.#failure;
  }
}

function newGroup(): Group {
  let resolve: () => void = () => {};
  let reject: (error: unknown) => void = () => {};
  const written = new Promise<void>((resolveWritten, rejectWritten) => {
    resolve = resolveWritten;
    reject = rejectWritten;
  });
  return { text: '', written, resolve, reject };
}

function disturbed(path: string, isGone: boolean): CheckpointError {
  return new CheckpointError(
    isGone
      ? `The checkpoint ${path} was deleted while it was in use. Run the job again: it begins anew`
      : `The checkpoint ${path} is written to by somebody else, too: one job runs in one process at a time. ` +
          'Stop the other one, and run the job again',
    'in-use',
  );
}

function notWritten(path: string, error: unknown): CheckpointError {
  const reason = error instanceof Error ? error.message : String(error);
  return new CheckpointError(`The checkpoint ${path} could not be written: ${reason}`, 'not-written', {
    cause: error,
    retryable: true,
  });
}

import { requireInteger } from '../../kernel/index.ts';
import { QuarantineError } from './errors.ts';
import type { Quarantine, QuarantinedRecord, QuarantineStats } from './quarantine.ts';
import { QuarantineFile, type QuarantineRoom } from './quarantine-file.ts';

/** Where a {@link FileQuarantine} is, and how much it holds. */
export interface FileQuarantineOptions {
  /** The file. It is made, with its folder, when it is first needed. Each process has a file of its own. */
  readonly path: string;
  /** How many records; with more, the oldest ones are dropped and counted. @default 10_000 */
  readonly maxRecords?: number | undefined;
  /** How much room the records take, in bytes. The file is up to twice as large, and 1 MiB. @default 64 MiB */
  readonly maxBytes?: number | undefined;
}

/**
 * Unreadable records in a file, one JSON line each. It survives the process: a line that was cut off is dropped at the next
 * opening. One process at a time may use it; who finds that somebody else has written to it fails with that.
 *
 * Memory holds the ids of the records and where their lines are. Nothing is forced onto the disk: a power cut may take the
 * latest records.
 *
 * @throws {ArgumentError} when an option is unusable.
 * @throws {QuarantineError} by every method, when the file cannot be used.
 * @example
 * await using quarantine = new FileQuarantine({ path: 'data/quarantine.jsonl' });
 */
export class FileQuarantine implements Quarantine {
  readonly #path: string;
  readonly #room: QuarantineRoom;
  #file: QuarantineFile | undefined;
  #last: Promise<unknown> = Promise.resolve();
  #dropped = 0;
  #isClosed = false;

  constructor({ path, maxRecords = 10_000, maxBytes = 64 * 1_024 * 1_024 }: FileQuarantineOptions) {
    this.#path = path;
    this.#room = {
      maxRecords: requireInteger('maxRecords', maxRecords, 1),
      maxBytes: requireInteger('maxBytes', maxBytes, 1),
    };
  }

  async add(records: readonly QuarantinedRecord[]): Promise<void> {
    if (records.length === 0) return;
    await this.#inTurn(async file => {
      const dropped = file.put(records, this.#room);
      await file.flush();
      this.#dropped += dropped;
    });
  }

  async *entries(contract?: string): AsyncGenerator<QuarantinedRecord, void, undefined> {
    const ids = await this.#inTurn(async file => file.idsOf(contract));
    for (const id of ids) {
      // One at a time and in turn, because the file may be written anew in between.
      const record = await this.#inTurn(file => file.read(id));
      if (record !== undefined) yield record;
    }
  }

  async remove(ids: readonly string[]): Promise<number> {
    if (ids.length === 0) return 0;
    return await this.#inTurn(async file => {
      const removed = file.remove(ids);
      await file.flush();
      return removed;
    });
  }

  async stats(): Promise<QuarantineStats> {
    return await this.#inTurn(async file => ({ records: file.size, dropped: this.#dropped }));
  }

  /** Waits for what is under way and closes the file. Does nothing the second time. */
  async close(): Promise<void> {
    this.#isClosed = true;
    await this.#last.catch(() => {});
    const file = this.#file;
    this.#file = undefined;
    await file?.close();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }

  /** One thing after the other. After a failure the file is read anew: nobody knows what it holds. */
  #inTurn<Value>(act: (file: QuarantineFile) => Promise<Value>): Promise<Value> {
    if (this.#isClosed) {
      return Promise.reject(new QuarantineError(`The quarantine ${this.#path} is closed`, 'closed'));
    }
    const done = this.#last.then(async () => {
      try {
        this.#file ??= await QuarantineFile.open(this.#path);
        return await act(this.#file);
      } catch (error) {
        const file = this.#file;
        this.#file = undefined;
        await file?.close();
        throw error;
      }
    });
    this.#last = done.catch(() => {});
    return done;
  }
}

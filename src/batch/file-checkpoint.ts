import { type FileHandle, open } from 'node:fs/promises';
import { dirname } from 'node:path';
import type { ErrorRecord } from '../errors/index.ts';
import { type Clock, makeDirectory, requireDuration, systemClock } from '../kernel/index.ts';
import { type BatchCheckpoint, type OpenCheckpoint, type RecordedOutcome, requireJob } from './checkpoint.ts';
import { type LinePlace, LineReader, readIndex } from './checkpoint-index.ts';
import { headerOf, lineOf, parseLine } from './checkpoint-line.ts';
import { CheckpointError } from './errors.ts';
import { LineWriter } from './line-writer.ts';

/** How a {@link FileCheckpoint} is kept. */
export interface FileCheckpointOptions<Value> {
  /** The file. It is made, with its folder, if it does not exist. */
  readonly path: string;
  /**
   * Which job this is: the list and whatever else changes the outcomes, such as `labels:2026-01:v3`. It stands in the file,
   * and a file with another job is refused.
   */
  readonly job: string;
  /**
   * Makes the value from its JSON, and refuses what it does not know; the `parse` of a schema does. Without it only plain
   * data is recorded, because anything else would not come back as it was.
   */
  readonly parse?: ((json: unknown) => Value) | undefined;
  /**
   * How long outcomes may be in the system's memory before they are forced onto the disk, in milliseconds. This is about
   * power cuts: when only the process dies nothing is lost. 0 forces each before its result is given out, Infinity leaves
   * it to the system. @default 1_000
   */
  readonly syncIntervalMs?: number | undefined;
  /** @default systemClock */
  readonly clock?: Clock | undefined;
}

/**
 * Outcomes in a file, one JSON line each, appended as they come. A line that was cut off by a crash is dropped at the next
 * opening. One process at a time may use it: who finds that somebody else has written to it stops with an error.
 *
 * Memory holds the ids of all items and where their lines are, not the values.
 *
 * @throws {ArgumentError} when an option is unusable.
 * @example
 * const checkpoint = new FileCheckpoint({ path: 'data/labels.jsonl', job: 'labels:2026-01', parse: Label.parse });
 */
export class FileCheckpoint<Value> implements BatchCheckpoint<Value> {
  readonly job: string;
  readonly #path: string;
  readonly #parse: ((json: unknown) => Value) | undefined;
  readonly #syncIntervalMs: number;
  readonly #clock: Clock;

  constructor({ path, job, parse, syncIntervalMs = 1_000, clock = systemClock }: FileCheckpointOptions<Value>) {
    this.job = requireJob(job);
    this.#path = path;
    this.#parse = parse;
    this.#clock = clock;
    this.#syncIntervalMs =
      syncIntervalMs === Number.POSITIVE_INFINITY
        ? syncIntervalMs
        : requireDuration('syncIntervalMs', syncIntervalMs, 0);
  }

  async open(): Promise<OpenCheckpoint<Value>> {
    const path = this.#path;
    makeDirectory(dirname(path));
    const file = await open(path, 'a+');
    try {
      const index = await readIndex(file, this.job, path);
      const { size } = await file.stat();
      if (size > index.end) await file.truncate(index.end);
      const writer = new LineWriter({
        file,
        path,
        size: index.end,
        syncIntervalMs: this.#syncIntervalMs,
        clock: this.#clock,
      });
      if (index.end === 0) {
        await writer.append(headerOf(this.job));
        if (this.#syncIntervalMs !== Number.POSITIVE_INFINITY) await syncFolder(dirname(path));
      }
      return new OpenFile({ path, file, places: index.places, writer, parse: this.#parse });
    } catch (error) {
      await file.close();
      throw error;
    }
  }
}

interface OpenFileParts<Value> {
  readonly path: string;
  readonly file: FileHandle;
  readonly places: ReadonlyMap<string, LinePlace>;
  readonly writer: LineWriter;
  readonly parse: ((json: unknown) => Value) | undefined;
}

/** A checkpoint's file while a batch uses it. */
class OpenFile<Value> implements OpenCheckpoint<Value> {
  readonly size: number;
  readonly #parts: OpenFileParts<Value>;
  readonly #reader: LineReader;

  constructor(parts: OpenFileParts<Value>) {
    this.size = parts.places.size;
    this.#parts = parts;
    this.#reader = new LineReader(parts.file);
  }

  find(id: string): RecordedOutcome<Value> | undefined | Promise<RecordedOutcome<Value>> {
    const place = this.#parts.places.get(id);
    return place === undefined ? undefined : this.#read(id, place);
  }

  async record(id: string, index: number, outcome: RecordedOutcome<Value>): Promise<void> {
    const { writer, parse } = this.#parts;
    await writer.append(lineOf(id, index, outcome, parse !== undefined));
  }

  async close(): Promise<void> {
    try {
      await this.#parts.writer.close();
    } finally {
      await this.#parts.file.close();
    }
  }

  async #read(id: string, place: LinePlace): Promise<RecordedOutcome<Value>> {
    const { path, parse } = this.#parts;
    try {
      const line = parseLine(await this.#reader.read(place));
      if (line?.error !== undefined) return { ok: false, error: line.error satisfies ErrorRecord };
      if (line !== undefined)
        return { ok: true, value: parse === undefined ? (line.value as Value) : parse(line.value) };
    } catch (cause) {
      throw new CheckpointError(
        `Cannot read the outcome of ${id} from the checkpoint ${path}: ${cause instanceof Error ? cause.message : cause}. ` +
          'If values have changed since the job began, begin it anew with another path',
        'unreadable',
        { cause },
      );
    }
    throw new CheckpointError(`The checkpoint ${path} has changed while it was in use`, 'in-use');
  }
}

/** A file that is new is on the disk only when its folder is. Not every system can be asked for that. */
async function syncFolder(path: string): Promise<void> {
  try {
    const folder = await open(path, 'r');
    await folder.sync().finally(() => folder.close());
  } catch {
    // Windows opens no folders; the file itself is safe all the same.
  }
}

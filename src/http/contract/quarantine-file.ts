import { type FileHandle, open, rename } from 'node:fs/promises';
import { dirname } from 'node:path';
import { linesOf, makeDirectory } from '../../kernel/index.ts';
import { QuarantineError } from './errors.ts';
import type { QuarantinedRecord } from './quarantine.ts';
import { header, type LinePlace, parseLine } from './quarantine-line.ts';

interface RecordPlace extends LinePlace {
  readonly contract: string;
}

/** How much may be kept. */
export interface QuarantineRoom {
  readonly maxRecords: number;
  readonly maxBytes: number;
}

/** How many bytes of lines that no longer count are left in a file besides as many as count. */
const slackBytes = 1_024 * 1_024;
const blockBytes = 256 * 1_024;

/** The file of a quarantine while it is open. What is changed is written by `flush`. */
export class QuarantineFile {
  readonly #path: string;
  readonly #places = new Map<string, RecordPlace>();
  #file: FileHandle;
  /** How many bytes the file has, with what waits to be written. */
  #end = 0;
  /** How many of them are lines of records that are kept. */
  #kept = 0;
  #waiting: string[] = [];

  private constructor(path: string, file: FileHandle) {
    this.#path = path;
    this.#file = file;
  }

  /**
   * Opens a file, or begins it. What was cut off at its end is dropped.
   *
   * @throws {QuarantineError} when it is another kind of file, or broken elsewhere than at its end.
   */
  static async open(path: string): Promise<QuarantineFile> {
    let file: FileHandle | undefined;
    try {
      makeDirectory(dirname(path));
      file = await open(path, 'a+');
      const opened = new QuarantineFile(path, file);
      await opened.#load();
      return opened;
    } catch (error) {
      await file?.close();
      throw error instanceof QuarantineError ? error : notWritten(path, error);
    }
  }

  get size(): number {
    return this.#places.size;
  }

  /** The records that are kept, the oldest first. */
  idsOf(contract: string | undefined): readonly string[] {
    const places = [...this.#places];
    return places.filter(([, place]) => contract === undefined || place.contract === contract).map(([id]) => id);
  }

  async read(id: string): Promise<QuarantinedRecord | undefined> {
    const place = this.#places.get(id);
    if (place === undefined) return undefined;
    const line = parseLine((await this.#bytesAt(place)).toString('utf8'));
    if (typeof line === 'object' && 'id' in line && line.id === id) return line;
    throw disturbed(this.#path);
  }

  /** Takes records in. @returns how many were dropped, because they or older ones found no room. */
  put(records: readonly QuarantinedRecord[], { maxRecords, maxBytes }: QuarantineRoom): number {
    let dropped = 0;
    for (const record of records) {
      const line = `${JSON.stringify(record)}\n`;
      const length = Buffer.byteLength(line);
      if (length > maxBytes) {
        // Otherwise one huge record would drive all others out before it is dropped itself.
        dropped += 1;
        continue;
      }
      this.#place(record.id, { offset: this.#end, length, contract: record.contract });
      this.#write(line, length);
    }
    const crowded: string[] = [];
    for (const [id, { length }] of this.#places) {
      if (this.#places.size <= maxRecords && this.#kept <= maxBytes) break;
      this.#places.delete(id);
      this.#kept -= length;
      crowded.push(id);
    }
    if (crowded.length > 0) this.#writeRemoval(crowded);
    return dropped + crowded.length;
  }

  /** Takes records away. @returns how many of them were there. */
  remove(ids: readonly string[]): number {
    const removed = ids.filter(id => this.#forget(id));
    if (removed.length > 0) this.#writeRemoval(removed);
    return removed.length;
  }

  /** @throws {QuarantineError} when the file cannot be written, or somebody else writes to it, too. */
  async flush(): Promise<void> {
    const text = this.#waiting.join('');
    this.#waiting = [];
    if (text === '') return;
    try {
      await this.#file.appendFile(text);
      await this.#requireUndisturbed();
      if (this.#end > 2 * this.#kept + slackBytes) await this.#writeAnew();
    } catch (error) {
      throw error instanceof QuarantineError ? error : notWritten(this.#path, error);
    }
  }

  async close(): Promise<void> {
    await this.#file.close();
  }

  async #load(): Promise<void> {
    let lines = 0;
    let broken = 0;
    for await (const { text, offset, length, isWhole } of linesOf(this.#file)) {
      lines += 1;
      const line = isWhole ? parseLine(text) : undefined;
      if (offset === 0 && line !== 'header' && (isWhole || !header.startsWith(text))) throw foreign(this.#path);
      if (line === undefined) {
        broken ||= lines;
        continue;
      }
      // A piece of a line can only be the last thing that was written.
      if (broken > 0) throw brokenAt(broken, this.#path);
      if (line !== 'header' && 'id' in line) this.#place(line.id, { offset, length, contract: line.contract });
      else if (line !== 'header') for (const id of line.removed) this.#forget(id);
      this.#end = offset + length;
    }
    if (broken > 0) await this.#file.truncate(this.#end);
    if (this.#end > 0) return;
    this.#write(header, Buffer.byteLength(header));
    await this.flush();
  }

  /** Notes where the line of a record stands. A record that is known keeps its turn. */
  #place(id: string, place: RecordPlace): void {
    this.#kept += place.length - (this.#places.get(id)?.length ?? 0);
    this.#places.set(id, place);
  }

  #forget(id: string): boolean {
    this.#kept -= this.#places.get(id)?.length ?? 0;
    return this.#places.delete(id);
  }

  #write(line: string, length: number): void {
    this.#waiting.push(line);
    this.#end += length;
  }

  #writeRemoval(removed: readonly string[]): void {
    const line = `${JSON.stringify({ removed })}\n`;
    this.#write(line, Buffer.byteLength(line));
  }

  async #requireUndisturbed(): Promise<void> {
    const { size, nlink } = await this.#file.stat();
    if (size !== this.#end || nlink === 0) throw disturbed(this.#path);
  }

  /** Leaves out what no longer counts. Whoever is killed in the middle of it leaves the file as it was. */
  async #writeAnew(): Promise<void> {
    const draft = `${this.#path}.new`;
    const places = [...this.#places];
    const copy = await open(draft, 'w');
    let end = Buffer.byteLength(header);
    try {
      let block: Buffer[] = [Buffer.from(header)];
      let blockSize = end;
      for (const [id, place] of places) {
        block.push(await this.#bytesAt(place));
        this.#places.set(id, { ...place, offset: end });
        end += place.length;
        blockSize += place.length;
        if (blockSize < blockBytes) continue;
        await copy.appendFile(Buffer.concat(block));
        block = [];
        blockSize = 0;
      }
      await copy.appendFile(Buffer.concat(block));
      await copy.sync();
    } finally {
      await copy.close();
    }
    await this.#requireUndisturbed();
    await rename(draft, this.#path);
    const old = this.#file;
    this.#file = await open(this.#path, 'a+');
    this.#end = end;
    await old.close();
  }

  async #bytesAt({ offset, length }: LinePlace): Promise<Buffer> {
    const bytes = Buffer.alloc(length);
    const { bytesRead } = await this.#file.read(bytes, 0, length, offset);
    if (bytesRead < length) throw disturbed(this.#path);
    return bytes;
  }
}

function disturbed(path: string): QuarantineError {
  return new QuarantineError(
    `The quarantine ${path} was changed by somebody else while it was in use: what was just done may be lost. ` +
      'Give each process a file of its own',
    'in-use',
  );
}

function foreign(path: string): QuarantineError {
  return new QuarantineError(
    `Cannot use ${path} as a quarantine: it is another kind of file, or of another version. Choose another path`,
    'unreadable',
  );
}

function brokenAt(line: number, path: string): QuarantineError {
  return new QuarantineError(
    `The quarantine ${path} is broken at line ${line}, and goes on after it: something else has written to the file. ` +
      `Take line ${line} out, and the rest can be used`,
    'unreadable',
  );
}

function notWritten(path: string, error: unknown): QuarantineError {
  const reason = error instanceof Error ? error.message : String(error);
  return new QuarantineError(`The quarantine ${path} cannot be used: ${reason}`, 'not-written', {
    cause: error,
    retryable: true,
  });
}

import type { FileHandle } from 'node:fs/promises';
import { checkHeader, headerOf, parseLine } from './checkpoint-line.ts';
import { CheckpointError } from './errors.ts';

/** Where a line stands in the file, in bytes. */
export interface LinePlace {
  readonly offset: number;
  readonly length: number;
}

/** What a checkpoint's file holds. */
export interface CheckpointIndex {
  /** The latest line of each item. */
  readonly places: Map<string, LinePlace>;
  /** Where the whole lines end. What follows was cut off while it was written. 0 when the file has to be begun. */
  readonly end: number;
}

const blockBytes = 256 * 1024;
const newline = 10;

/**
 * Reads a checkpoint's file from its beginning.
 *
 * @throws {CheckpointError} when it belongs to another job, or is broken elsewhere than at its end.
 */
export async function readIndex(file: FileHandle, job: string, path: string): Promise<CheckpointIndex> {
  const places = new Map<string, LinePlace>();
  let end = 0;
  let lines = 0;
  let broken = 0;
  let rest = '';
  for await (const { text, offset, length } of linesOf(file)) {
    lines += 1;
    if (length === 0) rest = text;
    else if (offset === 0) checkHeader(text, job, path);
    const line = offset === 0 ? undefined : parseLine(text);
    if (length === 0 || (offset > 0 && line === undefined)) {
      broken ||= lines;
      continue;
    }
    // A piece of a line can only be the last thing that was written.
    if (broken > 0) throw brokenAt(broken, path);
    if (line !== undefined) places.set(line.id, { offset, length });
    end = offset + length;
  }
  if (end === 0 && !headerOf(job).startsWith(rest)) checkHeader(rest, job, path);
  return { places, end };
}

function brokenAt(line: number, path: string): CheckpointError {
  return new CheckpointError(
    `The checkpoint ${path} is broken at line ${line}, and goes on after it: something else has written to the file. ` +
      `Take line ${line} out, and its item is processed again; or delete the file to begin anew`,
    'unreadable',
  );
}

interface TextLine extends LinePlace {
  readonly text: string;
}

/** The lines of a file; what stands after the last end of a line comes with the length 0. */
async function* linesOf(file: FileHandle): AsyncGenerator<TextLine, void, undefined> {
  const block = Buffer.alloc(blockBytes);
  let pieces: Buffer[] = [];
  let offset = 0;
  for (let position = 0; ; ) {
    const { bytesRead } = await file.read(block, 0, blockBytes, position);
    if (bytesRead === 0) break;
    let from = 0;
    for (;;) {
      const to = block.subarray(0, bytesRead).indexOf(newline, from);
      if (to === -1) break;
      const line = Buffer.concat([...pieces, block.subarray(from, to)]);
      pieces = [];
      yield { text: line.toString('utf8'), offset, length: line.length + 1 };
      offset += line.length + 1;
      from = to + 1;
    }
    pieces.push(Buffer.from(block.subarray(from, bytesRead)));
    position += bytesRead;
  }
  const rest = Buffer.concat(pieces);
  if (rest.length > 0) yield { text: rest.toString('utf8'), offset, length: 0 };
}

/** Reads single lines again. A block at a time is kept, because items are looked up in about the order of their lines. */
export class LineReader {
  readonly #file: FileHandle;
  #block: Buffer = Buffer.alloc(0);
  #blockOffset = 0;

  constructor(file: FileHandle) {
    this.#file = file;
  }

  async read({ offset, length }: LinePlace): Promise<string> {
    let from = offset - this.#blockOffset;
    let block = this.#block;
    if (from < 0 || from + length > block.length) {
      block = Buffer.alloc(Math.max(length, blockBytes));
      const { bytesRead } = await this.#file.read(block, 0, block.length, offset);
      block = block.subarray(0, bytesRead);
      from = 0;
      this.#block = block;
      this.#blockOffset = offset;
    }
    return block.toString('utf8', from, from + length);
  }
}

import type { FileHandle } from 'node:fs/promises';
import { linesOf } from '../kernel/index.ts';
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
  for await (const { text, offset, length, isWhole } of linesOf(file)) {
    lines += 1;
    if (!isWhole) rest = text;
    else if (offset === 0) checkHeader(text, job, path);
    const line = offset === 0 ? undefined : parseLine(text);
    if (!isWhole || (offset > 0 && line === undefined)) {
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

import type { FileHandle } from 'node:fs/promises';

/** A line of a file, and where it stands in it. */
export interface FileLine {
  /** Without its end. */
  readonly text: string;
  /** In bytes from the beginning of the file. */
  readonly offset: number;
  /** In bytes, with its end if that was written. */
  readonly length: number;
  /** Whether its end was written: of the last line of a process that was killed it may not have been. */
  readonly isWhole: boolean;
}

const blockBytes = 256 * 1_024;
const newline = 10;

/** The lines of a file from its beginning, read a block at a time. */
export async function* linesOf(file: FileHandle): AsyncGenerator<FileLine, void, undefined> {
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
      yield { text: line.toString('utf8'), offset, length: line.length + 1, isWhole: true };
      offset += line.length + 1;
      from = to + 1;
    }
    pieces.push(Buffer.from(block.subarray(from, bytesRead)));
    position += bytesRead;
  }
  const rest = Buffer.concat(pieces);
  if (rest.length > 0) yield { text: rest.toString('utf8'), offset, length: rest.length, isWhole: false };
}

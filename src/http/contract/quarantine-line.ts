import type { FileHandle } from 'node:fs/promises';
import type { QuarantinedRecord } from './quarantine.ts';

/** Where a line stands in the file, in bytes. */
export interface LinePlace {
  readonly offset: number;
  readonly length: number;
}

/** Records that were taken away, as a line. */
export interface RemovalLine {
  readonly removed: readonly string[];
}

/** The first line of a file. */
export const header: string = `${JSON.stringify({ format: 'plinth-quarantine', version: 1 })}\n`;

/** A line as it was written, or `undefined` if this is not a whole one. */
export function parseLine(text: string): QuarantinedRecord | RemovalLine | 'header' | undefined {
  if (text === header.trimEnd()) return 'header';
  try {
    const line: unknown = JSON.parse(text);
    if (typeof line !== 'object' || line === null) return undefined;
    if ('removed' in line && Array.isArray(line.removed)) return line as RemovalLine;
    if ('id' in line && typeof line.id === 'string' && 'record' in line) return line as QuarantinedRecord;
  } catch {
    // A line that was cut off.
  }
  return undefined;
}

interface TextLine extends LinePlace {
  readonly text: string;
  /** Whether its end was written. */
  readonly isWhole: boolean;
}

const blockBytes = 256 * 1_024;
const newline = 10;

/** The lines of a file, without their ends. */
export async function* linesOf(file: FileHandle): AsyncGenerator<TextLine, void, undefined> {
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

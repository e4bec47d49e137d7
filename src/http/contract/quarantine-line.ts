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

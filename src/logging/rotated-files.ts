import { closeSync, openSync, readdirSync, unlinkSync } from 'node:fs';
import { join } from 'node:path';
import { codeOf } from './descriptor.ts';

const dayMs = 86_400_000;

/** What is kept of finished log files. */
export interface Retention {
  /** Finished files of each log and day that are kept, the newest first. */
  readonly keepFiles: number;
  /** Days that finished files are kept, today included. */
  readonly keepDays: number;
}

interface RotatedFile {
  readonly name: string;
  readonly day: string;
  readonly index: number;
}

/** The UTC day of a time, as `2026-01-15`. */
export function dayOf(wallMs: number): string {
  return new Date(wallMs).toISOString().slice(0, 10);
}

/** The first moment of the next UTC day, in milliseconds. */
export function endOfDay(wallMs: number): number {
  return (Math.floor(wallMs / dayMs) + 1) * dayMs;
}

/**
 * Takes the next free name of a day, `app.log.2026-01-15.1`, by creating it: of several processes in one directory only
 * one gets it, and a rename onto it replaces nothing but this empty file.
 */
export function claimRotatedName(directory: string, file: string, day: string): string {
  let index = 1 + Math.max(0, ...rotatedFiles(directory, file).map(entry => (entry.day === day ? entry.index : 0)));
  for (; ; index += 1) {
    const name = `${file}.${day}.${index}`;
    try {
      closeSync(openSync(join(directory, name), 'wx'));
      return name;
    } catch (error) {
      if (codeOf(error) !== 'EEXIST') throw error;
    }
  }
}

/** Deletes finished files beyond the retention, those of earlier processes too. Returns their names. */
export function purgeRotatedFiles(
  directory: string,
  file: string,
  wallMs: number,
  retention: Retention,
): readonly string[] {
  const oldestDay = dayOf(wallMs - (retention.keepDays - 1) * dayMs);
  const perDay = new Map<string, number>();
  const purged: string[] = [];
  const newestFirst = rotatedFiles(directory, file).sort((one, other) => other.index - one.index);
  for (const { name, day } of newestFirst) {
    const count = (perDay.get(day) ?? 0) + 1;
    perDay.set(day, count);
    if (day >= oldestDay && count <= retention.keepFiles) continue;
    try {
      unlinkSync(join(directory, name));
      purged.push(name);
    } catch {
      // Another process was faster, or it may not be deleted; the next rotation tries again.
    }
  }
  return purged;
}

/** Only names that this file gives away: nothing else in the directory is ever touched. */
function rotatedFiles(directory: string, file: string): RotatedFile[] {
  const prefix = `${file}.`;
  return readdirSync(directory).flatMap(name => {
    const [, day, index] = name.startsWith(prefix)
      ? (/^(\d{4}-\d\d-\d\d)\.(\d{1,9})$/.exec(name.slice(prefix.length)) ?? [])
      : [];
    return day === undefined || index === undefined ? [] : [{ name, day, index: Number(index) }];
  });
}

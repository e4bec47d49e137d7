import { createHash } from 'node:crypto';
import { readFileSync, readlinkSync } from 'node:fs';
import { lstat, readdir, unlink } from 'node:fs/promises';
import { hostname } from 'node:os';
import { join } from 'node:path';

/**
 * What the names of this process's temporary files begin with: the machine, the process, and when it began, so that others
 * can see whether it is still there.
 */
export function temporaryPrefix(): string {
  return `${machineIdentity()}_${process.pid}_${startOf(process.pid) ?? ''}_`;
}

/** The name of a file that was taken out of its place, to be deleted if it is of this version. */
export function leavingName(prefix: string, id: string, version: string): string {
  return `${prefix}${id}=${version}`;
}

/** How a sweep treats what it finds. */
export interface TemporaryFilesSweep {
  /** Until when a file must have been written to for the last time, unless its process is certainly gone. */
  readonly oldestMs: number;
  /** Whether this process is still working on a file of that name. */
  readonly isInUse: (name: string) => boolean;
  /** What is done with a file that was to be deleted if it is of a version. */
  readonly endDeletion: (path: string, version: string) => Promise<unknown>;
}

/**
 * Deletes the temporary files of processes that are gone, and those that nobody has written to for so long. Gives how many.
 */
export async function sweepTemporaryFiles(
  folder: string,
  { oldestMs, isInUse, endDeletion }: TemporaryFilesSweep,
): Promise<number> {
  let deleted = 0;
  for (const name of await readdir(folder)) {
    if (isInUse(name)) continue;
    const path = join(folder, name);
    try {
      if (!isAbandoned(name) && (await lstat(path)).mtimeMs >= oldestMs) continue;
      const version = /=([\da-f]{32}\.\d+)$/.exec(name)?.[1];
      await (version === undefined ? unlink(path) : endDeletion(path, version));
      deleted += 1;
    } catch (error) {
      // Whoever else sweeps was faster, or it is a folder that somebody put there.
      const code = (error as NodeJS.ErrnoException).code;
      if (code !== 'ENOENT' && code !== 'EISDIR' && code !== 'EPERM') throw error;
    }
  }
  return deleted;
}

/** Whether the writer of the file is certainly dead. */
function isAbandoned(name: string): boolean {
  const [machine, pid, startedAt] = name.split('_');
  if (machine !== machineIdentity() || pid === undefined) return false;
  if (startedAt !== undefined && startedAt !== '') return startOf(Number(pid)) !== startedAt;
  try {
    process.kill(Number(pid), 0);
    return false;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'ESRCH';
  }
}

/** Differs for every machine, boot and container, as far as process numbers of one mean nothing in another. */
function machineIdentity(): string {
  const parts = [hostname(), readText('/proc/sys/kernel/random/boot_id'), readLink('/proc/self/ns/pid')];
  return createHash('sha256').update(parts.join(' ')).digest('hex').slice(0, 16);
}

/** The start of a process in ticks since boot: the 20th field after the name, which is in brackets and may hold blanks. */
function startOf(pid: number): string | undefined {
  const stat = readText(`/proc/${pid}/stat`);
  return stat?.slice(stat.lastIndexOf(')') + 2).split(' ')[19];
}

function readText(path: string): string | undefined {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return undefined;
  }
}

function readLink(path: string): string | undefined {
  try {
    return readlinkSync(path);
  } catch {
    return undefined;
  }
}

import {
  closeSync,
  linkSync,
  openSync,
  readFileSync,
  readlinkSync,
  renameSync,
  rmSync,
  statSync,
  writeFileSync,
  writeSync,
} from 'node:fs';
import { hostname } from 'node:os';
import { type Clock, type Ids, systemIds, type Timer } from '../kernel/index.ts';
import { DatabaseLockedError } from './errors.ts';

/** Who holds a folder, as written in its lock file. */
interface LockOwner {
  readonly pid: number;
  /** Where the pid means something: host name, boot and pid namespace (two containers may share all but the last). */
  readonly machine: string;
  /** When the process started, in the kernel's ticks, because pids are used again. Empty where there is no /proc. */
  readonly startedAt: string;
}

/** How often the owner touches its lock, for those on other machines who cannot see its process. */
const heartbeatMs = 5_000;
/** A lock from another machine that is not touched for this long while we watch is stale: three heartbeats. */
const patienceMs = 3 * heartbeatMs;

/** How {@link acquireFolderLock} goes about it. */
export interface FolderLockOptions {
  /** Time. */
  readonly clock: Clock;
  /** Names the files that exist for a moment beside the lock. @default random */
  readonly ids?: Ids | undefined;
  /** Gives up watching an owner whose process cannot be seen. @default never */
  readonly signal?: AbortSignal | undefined;
}

/** The right to use one folder. Held until `release`. */
export class FolderLock {
  readonly #path: string;
  readonly #text: string;
  readonly #heartbeat: Timer;

  constructor(path: string, text: string, clock: Clock) {
    this.#path = path;
    this.#text = text;
    this.#heartbeat = clock.setRepeatingTimer(heartbeatMs, () => this.#touch());
  }

  /** Gives the folder back. Does nothing the second time. */
  release(): void {
    this.#heartbeat.cancel();
    if (readIfPresent(this.#path) === this.#text) rmSync(this.#path, { force: true });
  }

  #touch(): void {
    try {
      // Writing the same bytes in place moves the time of change and never shows a reader an empty file.
      const file = openSync(this.#path, 'r+');
      writeSync(file, this.#text, 0);
      closeSync(file);
    } catch {
      // A folder that was removed under us has nothing left to protect.
    }
  }
}

/**
 * Takes the lock, or takes it over from a process that is dead.
 *
 * @param path The lock file. Its folder must exist.
 * @param directory The folder that is locked, for the message.
 * @throws {DatabaseLockedError} when the owner is alive.
 */
export async function acquireFolderLock(
  path: string,
  directory: string,
  { clock, ids = systemIds, signal }: FolderLockOptions,
): Promise<FolderLock> {
  const text = JSON.stringify(ownIdentity());
  for (;;) {
    if (createExclusively(path, `${path}.${ids.next()}`, text)) return new FolderLock(path, text, clock);
    const found = readIfPresent(path);
    if (found === undefined) continue;
    const owner = parseOwner(found);
    if (owner === undefined) throw unreadable(path, directory);
    if (await isAlive(owner, path, clock, signal)) throw locked(owner, path, directory);
    takeAway(path, `${path}.${ids.next()}`, found);
  }
}

/** Creates the file with its text in one step: a reader never sees it half written. */
function createExclusively(path: string, draft: string, text: string): boolean {
  writeFileSync(draft, text, { flag: 'wx' });
  try {
    linkSync(draft, path);
    return true;
  } catch (error) {
    const code = (error as NodeJS.ErrnoException).code;
    if (code === 'EEXIST') return false;
    if (code !== 'EPERM' && code !== 'ENOTSUP' && code !== 'ENOSYS') throw error;
    return createWithoutLink(path, text);
  } finally {
    rmSync(draft, { force: true });
  }
}

/** For file systems without hard links. */
function createWithoutLink(path: string, text: string): boolean {
  try {
    writeFileSync(path, text, { flag: 'wx' });
    return true;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EEXIST') return false;
    throw error;
  }
}

/** Removes a stale lock, and only that: somebody may have replaced it since it was read. */
function takeAway(path: string, aside: string, staleText: string): void {
  if (readIfPresent(path) !== staleText) return;
  try {
    renameSync(path, aside);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return;
    throw error;
  }
  try {
    if (readFileSync(aside, 'utf8') !== staleText) linkSync(aside, path);
  } finally {
    rmSync(aside, { force: true });
  }
}

async function isAlive(owner: LockOwner, path: string, clock: Clock, signal?: AbortSignal): Promise<boolean> {
  if (owner.machine !== machineIdentity()) return await isTouched(path, clock, signal);
  if (owner.startedAt !== '') return startOf(owner.pid) === owner.startedAt;
  try {
    process.kill(owner.pid, 0);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM';
  }
}

/** Whether the owner, whose process we cannot see, shows that it lives while we watch. */
async function isTouched(path: string, clock: Clock, signal?: AbortSignal): Promise<boolean> {
  const before = changeTime(path);
  for (let waitedMs = 0; waitedMs < patienceMs; waitedMs += 1_000) {
    await clock.sleep(1_000, signal);
    if (changeTime(path) !== before) return true;
  }
  return false;
}

function changeTime(path: string): number | undefined {
  return statSync(path, { throwIfNoEntry: false })?.mtimeMs;
}

function ownIdentity(): LockOwner {
  return { pid: process.pid, machine: machineIdentity(), startedAt: startOf(process.pid) ?? '' };
}

function machineIdentity(): string {
  const boot = readIfPresent('/proc/sys/kernel/random/boot_id')?.trim() ?? '';
  return [hostname(), boot, pidNamespace()].join(' ');
}

function pidNamespace(): string {
  try {
    return readlinkSync('/proc/self/ns/pid');
  } catch {
    return '';
  }
}

/** The start of a process in ticks since boot: the 20th field after the name, which is in brackets and may hold blanks. */
function startOf(pid: number): string | undefined {
  const stat = readIfPresent(`/proc/${pid}/stat`);
  return stat?.slice(stat.lastIndexOf(')') + 2).split(' ')[19];
}

function readIfPresent(path: string): string | undefined {
  try {
    return readFileSync(path, 'utf8');
  } catch (error) {
    const code = (error as NodeJS.ErrnoException).code;
    if (code === 'ENOENT' || code === 'ESRCH' || code === 'ENOTDIR') return undefined;
    throw error;
  }
}

function parseOwner(text: string): LockOwner | undefined {
  try {
    const { pid, machine, startedAt } = JSON.parse(text) as Partial<LockOwner>;
    if (typeof pid !== 'number' || typeof machine !== 'string' || typeof startedAt !== 'string') return undefined;
    return { pid, machine, startedAt };
  } catch {
    return undefined;
  }
}

function locked(owner: LockOwner, path: string, directory: string): DatabaseLockedError {
  const [host = ''] = owner.machine.split(' ');
  const where = owner.machine === machineIdentity() ? '' : ` on ${host}`;
  const who = owner.pid === process.pid && where === '' ? 'this process already' : `process ${owner.pid}${where}`;
  return new DatabaseLockedError(
    `The database folder ${directory} is in use by ${who}. Only one manager at a time may use it: stop the other one, ` +
      `give this one another directory, or set a url so that both use a PostgreSQL server. The lock is ${path}`,
    directory,
    owner.pid,
  );
}

function unreadable(path: string, directory: string): DatabaseLockedError {
  return new DatabaseLockedError(
    `The database folder ${directory} has a lock that cannot be read, so its owner is unknown. ` +
      `Make sure that no process uses the folder, then delete ${path}`,
    directory,
    undefined,
  );
}

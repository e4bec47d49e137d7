import { closeSync, fstatSync, openSync, renameSync, statSync, unlinkSync } from 'node:fs';
import { join } from 'node:path';
import type { Clock, Events } from '../kernel/index.ts';
import { makeDirectory } from '../kernel/index.ts';
import type { LineTarget } from './block-writer.ts';
import { codeOf, writeFully } from './descriptor.ts';
import { LogFileVanishedError } from './errors.ts';
import type { LoggingEvents } from './events.ts';
import { claimRotatedName, dayOf, endOfDay, purgeRotatedFiles, type Retention } from './rotated-files.ts';

/** How a {@link RollingFile} is kept. */
export interface RollingFileOptions extends Retention {
  readonly directory: string;
  /** Size at which the next file is begun, in bytes. */
  readonly maxFileBytes: number;
  readonly clock: Clock;
  readonly events: Events<LoggingEvents>;
}

/** How often the path is compared with the open file, in milliseconds. */
const lookEveryMs = 250;

/**
 * A log file that is finished at the end of the UTC day or at its size, whichever comes first.
 *
 * Several processes may share it: each appends (which the system does atomically), and the one that comes first renames.
 * The others go on writing to the renamed file until they look, at most 250 ms later, and then follow. No line is lost
 * and none is cut; the renamed file may get a few more lines for that time.
 */
export class RollingFile implements LineTarget {
  readonly name: string;
  readonly #path: string;
  readonly #options: RollingFileOptions;
  #descriptor = -1;
  #inode = 0;
  #size = 0;
  #day = '';
  #endOfDayMs = 0;
  #lookedMs = 0;
  #unseenLines = 0;

  /** Opens the file; one that was last written on an earlier day is finished first. Throws what the system says. */
  constructor(name: string, options: RollingFileOptions) {
    this.name = name;
    this.#options = options;
    this.#path = join(options.directory, name);
    this.#open();
    const nowMs = options.clock.now();
    const writtenOn = dayOf(fstatSync(this.#descriptor).mtimeMs);
    if (this.#size > 0 && writtenOn < this.#day) {
      this.#day = writtenOn;
      this.startNext(nowMs);
    } else this.#purge(nowMs);
  }

  isFull(wallMs: number, characters: number): boolean {
    return wallMs >= this.#endOfDayMs || (this.#size > 0 && this.#size + characters > this.#options.maxFileBytes);
  }

  startNext(wallMs: number): void {
    const size = this.#sizeUnlessGone();
    // Another process may have renamed it already: then it is enough to follow.
    const isMine = this.#inodeAtPath() === this.#inode;
    if (isMine && size > 0) this.#rename();
    this.#close();
    this.#open();
    if (isMine) this.#purge(wallMs);
  }

  write(data: string | Uint8Array, lines: number, monotonicMs: number): void {
    if (monotonicMs - this.#lookedMs >= lookEveryMs) this.#look(monotonicMs);
    this.#size += writeFully(this.#descriptor, data);
    this.#unseenLines += lines;
  }

  reopen(): void {
    this.#close();
    makeDirectory(this.#options.directory);
    this.#open();
  }

  close(): void {
    this.#close();
  }

  #look(monotonicMs: number): void {
    const size = this.#sizeUnlessGone();
    this.#lookedMs = monotonicMs;
    this.#unseenLines = 0;
    if (this.#inodeAtPath() === this.#inode) {
      this.#size = size;
      return;
    }
    // Renamed by another process, which may not have made the next file yet.
    this.#close();
    this.#open();
  }

  /** A file without a name is deleted, and what was written to it with it; one under another name is only renamed. */
  #sizeUnlessGone(): number {
    const { nlink, size } = fstatSync(this.#descriptor);
    if (nlink === 0) throw new LogFileVanishedError(this.#path, this.#unseenLines);
    return size;
  }

  #rename(): void {
    const { directory, events } = this.#options;
    const rotatedTo = claimRotatedName(directory, this.name, this.#day);
    try {
      renameSync(this.#path, join(directory, rotatedTo));
    } catch (error) {
      unlinkSync(join(directory, rotatedTo));
      // Renamed by another process between the look and now.
      if (codeOf(error) === 'ENOENT') return;
      throw error;
    }
    if (events.has('rotated')) events.emit('rotated', { file: this.name, rotatedTo });
  }

  #purge(wallMs: number): void {
    const { directory, events } = this.#options;
    const files = purgeRotatedFiles(directory, this.name, wallMs, this.#options);
    if (files.length > 0 && events.has('purged')) events.emit('purged', { files });
  }

  #open(): void {
    const { clock } = this.#options;
    this.#descriptor = openSync(this.#path, 'a');
    const { ino, size } = fstatSync(this.#descriptor);
    this.#inode = ino;
    this.#size = size;
    this.#day = dayOf(clock.now());
    this.#endOfDayMs = endOfDay(clock.now());
    this.#lookedMs = clock.monotonic();
    this.#unseenLines = 0;
  }

  #close(): void {
    if (this.#descriptor === -1) return;
    const descriptor = this.#descriptor;
    this.#descriptor = -1;
    closeSync(descriptor);
  }

  #inodeAtPath(): number | undefined {
    try {
      return statSync(this.#path).ino;
    } catch (error) {
      if (codeOf(error) === 'ENOENT') return undefined;
      throw error;
    }
  }
}

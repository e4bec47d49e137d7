import type { Clock, Events, Timer } from '../kernel/index.ts';
import { LogFileVanishedError, UnfinishedWriteError } from './errors.ts';
import type { LoggingEvents } from './events.ts';

/** Where lines end up: a file or the console. Every method may throw what the system says. */
export interface LineTarget {
  /** `console` or the name of the file. */
  readonly name: string;
  /** Whether a line of this size at this time belongs to the next file, so that what is pending must be written first. */
  isFull(wallMs: number, characters: number): boolean;
  /** Begins the next file. */
  startNext(wallMs: number): void;
  /** Writes all, or throws {@link UnfinishedWriteError} when some of it was written. */
  write(data: string | Uint8Array, lines: number, monotonicMs: number): void;
  /** Makes it usable again after a failure. */
  reopen(): void;
  close(): void;
}

/** How a {@link BlockWriter} writes. */
export interface BlockWriterOptions {
  /** `line`: one write per line; `buffered`: blocks. */
  readonly mode: 'line' | 'buffered';
  /** Size of a block in characters. */
  readonly blockCharacters: number;
  /** How long a line waits for its block at most, in milliseconds. */
  readonly flushIntervalMs: number;
  /** How long a failed target is left alone, in milliseconds. */
  readonly retryIntervalMs: number;
  readonly clock: Clock;
  readonly events: Events<LoggingEvents>;
  /** Called after the target took lines again. */
  readonly onRecovered: (sink: string, droppedLines: number) => void;
}

/**
 * Writes lines to one target, one by one or in blocks. The length of a block is the length of one growing string, which
 * the runtime knows; nothing is measured again.
 *
 * When the target fails, one block of lines is kept and tried again every `retryIntervalMs`; lines beyond it are counted
 * as dropped. Nothing is ever thrown at who logs.
 */
export class BlockWriter {
  readonly #target: LineTarget;
  readonly #options: BlockWriterOptions;
  #writeThrough: boolean;
  #pending = '';
  #pendingLines = 0;
  #rest: Uint8Array | undefined;
  #timer: Timer | undefined;
  #retryAtMs = 0;
  #droppedNow = 0;
  #closed = false;

  /** Lines lost since the start. */
  droppedLines = 0;
  /** Why the target is not usable at the moment; undefined while it works. */
  error: Error | undefined;

  constructor(target: LineTarget, options: BlockWriterOptions) {
    this.#target = target;
    this.#options = options;
    this.#writeThrough = options.mode === 'line';
  }

  get name(): string {
    return this.#target.name;
  }

  /** Takes one line, with its newline. `urgent` lines do not wait for their block. */
  write(line: string, wallMs: number, monotonicMs: number, urgent: boolean): void {
    if (this.#closed) return;
    if (this.error !== undefined) {
      this.#writeDegraded(line, monotonicMs);
      return;
    }
    if (this.#target.isFull(wallMs, this.#pending.length + line.length)) this.#startNext(wallMs);
    if (this.error !== undefined) {
      this.#keep(line, 1);
      return;
    }
    if (this.#writeThrough && this.#pending === '') {
      this.#send(line, 1, monotonicMs);
      return;
    }
    this.#pending += line;
    this.#pendingLines += 1;
    if (urgent || this.#writeThrough || this.#pending.length >= this.#options.blockCharacters) this.flush();
    else this.#timer ??= this.#options.clock.setTimer(this.#options.flushIntervalMs, () => this.flush());
  }

  /** Writes what is pending. */
  flush(): void {
    if (this.error !== undefined) {
      this.#retry();
      return;
    }
    this.#timer?.cancel();
    this.#timer = undefined;
    if (this.#pending === '') return;
    const [text, lines] = [this.#pending, this.#pendingLines];
    this.#pending = '';
    this.#pendingLines = 0;
    this.#send(text, lines, this.#options.clock.monotonic());
  }

  /** From now on every line is written at once: the process is ending. */
  writeThrough(): void {
    this.flush();
    this.#writeThrough = true;
  }

  close(): void {
    if (this.#closed) return;
    this.flush();
    this.#closed = true;
    this.#timer?.cancel();
    this.#drop(this.#pendingLines);
    try {
      this.#target.close();
    } catch {
      // It is gone already, which is what was wanted.
    }
  }

  #startNext(wallMs: number): void {
    this.flush();
    if (this.error !== undefined) return;
    try {
      this.#target.startNext(wallMs);
    } catch (error) {
      this.#degrade(error, '', 0);
    }
  }

  #send(text: string, lines: number, monotonicMs: number): void {
    if (this.error !== undefined) {
      this.#keep(text, lines);
      return;
    }
    try {
      this.#target.write(text, lines, monotonicMs);
    } catch (error) {
      this.#degrade(error, text, lines);
    }
  }

  #degrade(error: unknown, text: string, lines: number): void {
    if (error instanceof UnfinishedWriteError) this.#rest = error.rest;
    this.#keep(error instanceof UnfinishedWriteError ? '' : text, lines);
    const vanished = error instanceof LogFileVanishedError;
    if (vanished) this.#drop(error.lostLines);
    const cause = error instanceof UnfinishedWriteError ? error.cause : error;
    this.error = cause instanceof Error ? cause : new UnfinishedWriteError(new Uint8Array(), cause);
    const { clock, events } = this.#options;
    if (events.has('degraded')) events.emit('degraded', { sink: this.name, error: this.error });
    this.#retryAtMs = clock.monotonic();
    // A file that was removed is made again at once; other failures need time.
    if (vanished) this.#retry();
    else this.#retryLater();
  }

  #writeDegraded(line: string, monotonicMs: number): void {
    this.#keep(line, 1);
    // While the event loop is busy no timer fires, but lines come.
    if (monotonicMs >= this.#retryAtMs) this.#retry();
  }

  #keep(text: string, lines: number): void {
    if (this.#pending.length + text.length > this.#options.blockCharacters && this.#pending !== '') {
      this.#drop(lines);
      return;
    }
    this.#pending += text;
    this.#pendingLines += lines;
  }

  #drop(lines: number): void {
    this.droppedLines += lines;
    this.#droppedNow += lines;
  }

  #retryLater(): void {
    const { clock, retryIntervalMs } = this.#options;
    this.#retryAtMs = clock.monotonic() + retryIntervalMs;
    this.#timer?.cancel();
    this.#timer = clock.setTimer(retryIntervalMs, () => this.#retry());
  }

  #retry(): void {
    if (this.#closed) return;
    try {
      this.#target.reopen();
      this.#writeKept();
    } catch (error) {
      if (error instanceof UnfinishedWriteError) this.#rest = error.rest;
      this.#retryLater();
      return;
    }
    const droppedLines = this.#droppedNow;
    this.#droppedNow = 0;
    this.error = undefined;
    this.#timer?.cancel();
    this.#timer = undefined;
    const { events, onRecovered } = this.#options;
    if (events.has('recovered')) events.emit('recovered', { sink: this.name, droppedLines });
    onRecovered(this.name, droppedLines);
  }

  #writeKept(): void {
    const monotonicMs = this.#options.clock.monotonic();
    if (this.#rest !== undefined) {
      this.#target.write(this.#rest, 0, monotonicMs);
      this.#rest = undefined;
    }
    try {
      if (this.#pending !== '') this.#target.write(this.#pending, this.#pendingLines, monotonicMs);
    } catch (error) {
      if (error instanceof UnfinishedWriteError) this.#pending = '';
      throw error;
    }
    this.#pending = '';
    this.#pendingLines = 0;
  }
}

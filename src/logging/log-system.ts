import { getRequestContext } from '../context/index.ts';
import { type EventSource, Events } from '../kernel/index.ts';
import { BlockWriter, type LineTarget } from './block-writer.ts';
import { type CallSite, CallSites, type Entry } from './call-site.ts';
import { ConsoleTarget } from './console-target.ts';
import type { LoggingEvents } from './events.ts';
import { type LevelRank, type LogLevel, rankOf } from './levels.ts';
import { openLogFiles, ownFileOf } from './log-files.ts';
import { BoundLogger, type LineWriter, type Logger } from './logger.ts';
import { MicroClock } from './micro-clock.ts';
import { assertLevel, type LoggingOptions, type ResolvedOptions, resolveOptions } from './options.ts';
import { type Binding, type Line, type LogFields, Records } from './records.ts';
import { Redactor } from './redactor.ts';
import { Sanitizer } from './sanitizer.ts';
import { textLine } from './text-lines.ts';

/** One console or file as it is now. */
export interface SinkState {
  /** `console` or the name of the file. */
  readonly name: string;
  readonly status: 'ok' | 'degraded';
  /** Lines lost since the start. */
  readonly droppedLines: number;
  /** What the system said last, while degraded. */
  readonly error: string | undefined;
}

/** Logging as it is now. */
export interface LoggingState {
  /** `degraded` while at least one console or file does not take lines. */
  readonly status: 'ok' | 'degraded' | 'closed';
  readonly level: LogLevel;
  /** Levels of subtrees, by dotted name. */
  readonly levels: Readonly<Record<string, LogLevel>>;
  readonly format: 'json' | 'text';
  readonly mode: 'line' | 'buffered';
  /** The folder of the log files; undefined without files. */
  readonly directory: string | undefined;
  /** Lines lost since the start, over all sinks. */
  readonly droppedLines: number;
  readonly sinks: readonly SinkState[];
}

/** Logging that has been set up. */
export interface Logging extends AsyncDisposable {
  /** What happens to files and levels. */
  readonly events: EventSource<LoggingEvents>;
  /** How it stands now. */
  readonly state: LoggingState;
  /** A logger that writes here, whatever `setupLogging` has installed. */
  getLogger(name: string): Logger;
  /** Changes the level of all loggers, or of one subtree; it holds from the next line on. Throws `ArgumentError` for an unknown name. */
  setLevel(level: LogLevel, loggerName?: string): void;
  /** Writes what is buffered. It is with the system afterwards, or counted as dropped. */
  flush(): void;
  /** Writes what is buffered and closes the files. Lines that come later are forgotten. */
  close(): Promise<void>;
}

const blockCharacters = 65_536;
const consoleSink = 0;
const fileSinks = 1;
const errorFile = 1;

export class LogSystem implements Logging, LineWriter {
  readonly events: Events<LoggingEvents> = new Events<LoggingEvents>();
  readonly #options: ResolvedOptions;
  readonly #records: Records;
  readonly #time: MicroClock;
  readonly #callSites: CallSites;
  readonly #writers: readonly (BlockWriter | undefined)[];
  readonly #levels: Map<string, LogLevel>;
  readonly #stopListening: () => void;
  #level: LogLevel;
  #closed = false;

  version = 0;

  constructor(options: LoggingOptions) {
    const resolved = resolveOptions(options);
    this.#options = resolved;
    const redactor = new Redactor({ keys: resolved.redactKeys, patterns: resolved.redactPatterns });
    this.#records = new Records(new Sanitizer(resolved.redact ? redactor : undefined), resolved.redactPaths);
    this.#time = new MicroClock(resolved.clock);
    this.#callSites = new CallSites(resolved.callSitesPerSecond, this.#time.monotonicMs);
    this.#level = resolved.level;
    this.#levels = new Map(Object.entries(resolved.levels));
    this.#writers = this.#openWriters();
    // With one write per line there is nothing left to write at the end.
    this.#stopListening = resolved.mode === 'line' ? () => {} : onProcessExit(() => this.#writeThrough());
  }

  get state(): LoggingState {
    const sinks = this.#open().map(({ name, error, droppedLines }) => {
      return {
        name,
        status: error === undefined ? ('ok' as const) : ('degraded' as const),
        droppedLines,
        error: error?.message,
      };
    });
    const degraded = sinks.some(sink => sink.status === 'degraded');
    return {
      status: this.#closed ? 'closed' : degraded ? 'degraded' : 'ok',
      level: this.#level,
      levels: Object.fromEntries(this.#levels),
      format: this.#options.format,
      mode: this.#options.mode,
      directory: this.#options.files ? this.#options.directory : undefined,
      droppedLines: sinks.reduce((sum, sink) => sum + sink.droppedLines, 0),
      sinks,
    };
  }

  getLogger(name: string): Logger {
    return new BoundLogger({ system: this }, name, {});
  }

  setLevel(level: LogLevel, loggerName?: string): void {
    const valid = assertLevel(level, 'level');
    if (loggerName === undefined) this.#level = valid;
    else this.#levels.set(loggerName, valid);
    this.version += 1;
    if (this.events.has('levelChanged')) this.events.emit('levelChanged', { level: valid, loggerName });
  }

  flush(): void {
    for (const writer of this.#open()) writer.flush();
  }

  async close(): Promise<void> {
    if (this.#closed) return;
    for (const writer of this.#open()) writer.close();
    this.#closed = true;
    this.#stopListening();
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  bind(loggerName: string, fields: LogFields): Binding {
    return this.#records.bind(loggerName, fields);
  }

  thresholdOf(loggerName: string): LevelRank {
    for (let name = loggerName; name !== ''; name = name.slice(0, Math.max(0, name.lastIndexOf('.')))) {
      const level = this.#levels.get(name);
      if (level !== undefined) return rankOf[level];
    }
    return rankOf[this.#level];
  }

  routesOf(loggerName: string): readonly number[] {
    const own = ownFileOf(loggerName);
    const indexes = [consoleSink, fileSinks, ...(own === undefined ? [] : [fileSinks + own])];
    return indexes.filter(index => this.#writers[index] !== undefined);
  }

  write(
    binding: Binding,
    routes: readonly number[],
    rank: LevelRank,
    message: string,
    fields: LogFields | undefined,
    place: Entry | CallSite,
  ): void {
    if (this.#closed) return;
    const time = this.#time;
    time.read();
    const site = typeof place === 'function' ? this.#siteOf(place, rank) : place;
    const line: Line = { rank, iso: time.iso(), site, context: getRequestContext(), message, fields };
    const text =
      this.#options.format === 'json' ? this.#records.json(binding, line) : textLine(this.#records, binding, line);
    const urgent = rank >= rankOf.ERROR;
    for (let index = 0; index < routes.length; index += 1) {
      this.#writers[routes[index] as number]?.write(text, time.wallMs, time.monotonicMs, urgent);
    }
    if (urgent) this.#writers[fileSinks + errorFile]?.write(text, time.wallMs, time.monotonicMs, urgent);
  }

  #siteOf(entry: Entry, rank: LevelRank): CallSite | undefined {
    const wanted = rank >= rankOf.WARNING || this.#callSites.grant(this.#time.monotonicMs);
    return wanted ? this.#callSites.capture(entry) : undefined;
  }

  #writeThrough(): void {
    for (const writer of this.#open()) writer.writeThrough();
  }

  #openWriters(): readonly (BlockWriter | undefined)[] {
    const { console, files } = this.#options;
    const opened: readonly LineTarget[] = files ? openLogFiles({ ...this.#options, events: this.events }) : [];
    const target = console === false ? undefined : new ConsoleTarget(console === true ? undefined : console);
    return [target, ...opened].map(candidate => (candidate === undefined ? undefined : this.#writerFor(candidate)));
  }

  #writerFor(target: LineTarget): BlockWriter {
    return new BlockWriter(target, {
      ...this.#options,
      blockCharacters,
      events: this.events,
      onRecovered: (sink, droppedLines) => {
        const fields = { sink, dropped_lines: droppedLines };
        if (droppedLines > 0) this.getLogger('logging').warning('Log lines were dropped', fields);
      },
    });
  }

  #open(): readonly BlockWriter[] {
    return this.#writers.filter(writer => writer !== undefined);
  }
}

/** `exit` comes after `process.exit`, at the natural end, and after an uncaught exception or rejection. */
function onProcessExit(listener: () => void): () => void {
  process.on('exit', listener);
  return () => process.off('exit', listener);
}

import type { CallSite, Entry } from './call-site.ts';
import { type LevelRank, type LogLevel, rankOf } from './levels.ts';
import type { Binding, LogFields } from './records.ts';

/**
 * Writes lines under a dotted name. Names form a hierarchy: a level set for `api` holds for `api.nyc` as well.
 *
 * No method ever throws or waits, whatever it is given.
 */
export interface Logger {
  /** The dotted name. */
  readonly name: string;
  /** Detailed diagnostic information. */
  debug(message: string, fields?: LogFields): void;
  /** General informational messages. */
  info(message: string, fields?: LogFields): void;
  /** Something potentially harmful. */
  warning(message: string, fields?: LogFields): void;
  /** A serious problem. Give the error as `{ error }`: its stack and causes are written. */
  error(message: string, fields?: LogFields): void;
  /** A very serious problem. */
  critical(message: string, fields?: LogFields): void;
  /** A line whose level is known at run time only. */
  log(level: LogLevel, message: string, fields?: LogFields): void;
  /**
   * A logger of the same name whose lines all carry these fields. They are written down once, not once per line.
   *
   * @example
   * const logger = getLogger('api.orders').child({ order: 'order-1' });
   */
  child(fields: LogFields): Logger;
  /** Whether a line of this level would be written, for lines that are expensive to make. */
  isEnabled(level: LogLevel): boolean;
}

/** The side of logging that loggers write to. */
export interface LineWriter {
  /** Counts changes of levels, so that loggers know when to ask again. */
  readonly version: number;
  /** The least rank that is written for a name: that of the nearest ancestor with a level, or the general one. */
  thresholdOf(loggerName: string): LevelRank;
  /** The sinks of a name besides error.log, as indexes. */
  routesOf(loggerName: string): readonly number[];
  /** Writes a name and bound fields down, once for all lines. */
  bind(loggerName: string, fields: LogFields): Binding;
  /** Writes one line to all its sinks. `place` is the function that was called, or the place itself. */
  write(
    binding: Binding,
    routes: readonly number[],
    rank: LevelRank,
    message: string,
    fields: LogFields | undefined,
    place: Entry | CallSite,
  ): void;
}

/** Where a logger finds the logging that is in force when a line comes. */
export interface LogSource {
  readonly system: LineWriter | undefined;
}

/** The logger's lines as the logging in force sees them. */
interface Attachment {
  readonly system: LineWriter;
  readonly version: number;
  readonly threshold: number;
  readonly binding: Binding;
  readonly routes: readonly number[];
}

export class BoundLogger implements Logger {
  readonly name: string;
  readonly #source: LogSource;
  readonly #fields: LogFields;
  #attachment: Attachment | undefined;

  constructor(source: LogSource, name: string, fields: LogFields) {
    this.#source = source;
    this.name = name;
    this.#fields = fields;
  }

  debug(message: string, fields?: LogFields): void {
    this.emit(0, message, fields, this.debug);
  }

  info(message: string, fields?: LogFields): void {
    this.emit(1, message, fields, this.info);
  }

  warning(message: string, fields?: LogFields): void {
    this.emit(2, message, fields, this.warning);
  }

  error(message: string, fields?: LogFields): void {
    this.emit(3, message, fields, this.error);
  }

  critical(message: string, fields?: LogFields): void {
    this.emit(4, message, fields, this.critical);
  }

  log(level: LogLevel, message: string, fields?: LogFields): void {
    this.emit(rankOf[level] ?? 1, message, fields, this.log);
  }

  child(fields: LogFields): Logger {
    return new BoundLogger(this.#source, this.name, joined(this.#fields, fields));
  }

  isEnabled(level: LogLevel): boolean {
    const attachment = this.#attach();
    return attachment !== undefined && rankOf[level] >= attachment.threshold;
  }

  /** Writes a line whose place is the caller of `place`, or `place` itself. */
  emit(rank: LevelRank, message: string, fields: LogFields | undefined, place: Entry | CallSite): void {
    const attachment = this.#attach();
    if (attachment === undefined || rank < attachment.threshold) return;
    attachment.system.write(attachment.binding, attachment.routes, rank, message, fields, place);
  }

  #attach(): Attachment | undefined {
    const { system } = this.#source;
    if (system === undefined) return undefined;
    const attachment = this.#attachment;
    if (attachment !== undefined && attachment.system === system && attachment.version === system.version)
      return attachment;
    const kept = attachment?.system === system ? attachment.binding : undefined;
    this.#attachment = {
      system,
      version: system.version,
      threshold: system.thresholdOf(this.name),
      binding: kept ?? system.bind(this.name, this.#fields),
      routes: system.routesOf(this.name),
    };
    return this.#attachment;
  }
}

function joined(fields: LogFields, more: LogFields): LogFields {
  try {
    return { ...fields, ...more };
  } catch {
    // A getter of the caller's threw; whoever logs must not.
    return { ...fields, fields: '[unreadable]' };
  }
}

import { ArgumentError } from '../errors/index.ts';
import { type Clock, systemClock } from '../kernel/index.ts';
import type { ConsoleStream } from './console-target.ts';
import { readLoggingEnvironment } from './environment.ts';
import { type LogLevel, rankOf, toLogLevel } from './levels.ts';

/** How logging is set up. Everything has a default; three come from the environment. */
export interface LoggingOptions {
  /** The least serious level that is written. @default LOG_LEVEL, else DEBUG with DEBUG=true, else INFO */
  readonly level?: LogLevel | undefined;
  /** Levels of subtrees, by dotted name: `{ api: 'DEBUG' }` holds for `api` and `api.nyc`. @default {} */
  readonly levels?: Readonly<Record<string, LogLevel>> | undefined;
  /** The folder of the log files; made when it is missing. @default LOG_DIR, else ./logs */
  readonly directory?: string | undefined;
  /** The environment's name: `development` and `test` are for people, every other one is for machines. @default ENVIRONMENT, else development */
  readonly environment?: string | undefined;
  /** Whether lines go to standard output, or the stream that takes them instead. @default true */
  readonly console?: boolean | ConsoleStream | undefined;
  /** Whether lines go to app.log, error.log, api.log, model.log and database.log. @default true */
  readonly files?: boolean | undefined;
  /** `json` records or `text` lines, on the console and in files. @default text in development and test, else json */
  readonly format?: 'json' | 'text' | undefined;
  /** `line`: one write per line; `buffered`: blocks of 64 KiB, written after 50 ms at the latest. @default line with text, buffered with json */
  readonly mode?: 'line' | 'buffered' | undefined;
  /** Size at which a file is finished, in bytes. @default 10485760 */
  readonly maxFileBytes?: number | undefined;
  /** Finished files that are kept of each log and day. @default 5 */
  readonly keepFiles?: number | undefined;
  /** Days that finished files are kept, today included. @default 30 */
  readonly keepDays?: number | undefined;
  /** How long a line waits in its block at most, in milliseconds. @default 50 */
  readonly flushIntervalMs?: number | undefined;
  /** How long a failed file or console is left alone before it is tried again, in milliseconds. @default 1000 */
  readonly retryIntervalMs?: number | undefined;
  /** Lines below WARNING per second and process whose function, line and module are found. @default unlimited in development, else 1000 */
  readonly callSitesPerSecond?: number | undefined;
  /** Whether secrets are hidden. @default true */
  readonly redact?: boolean | undefined;
  /** Further key names whose values are hidden at any depth. @default [] */
  readonly redactKeys?: readonly string[] | undefined;
  /** Paths whose values are hidden, in pino's syntax: `user.address.street`, `items[*].note`. @default [] */
  readonly redactPaths?: readonly string[] | undefined;
  /** Further patterns hidden in every string. @default [] */
  readonly redactPatterns?: readonly RegExp[] | undefined;
  /** Time and timers. @default systemClock */
  readonly clock?: Clock | undefined;
}

export interface ResolvedOptions {
  readonly level: LogLevel;
  readonly levels: Readonly<Record<string, LogLevel>>;
  readonly directory: string;
  readonly console: boolean | ConsoleStream;
  readonly files: boolean;
  readonly format: 'json' | 'text';
  readonly mode: 'line' | 'buffered';
  readonly maxFileBytes: number;
  readonly keepFiles: number;
  readonly keepDays: number;
  readonly flushIntervalMs: number;
  readonly retryIntervalMs: number;
  readonly callSitesPerSecond: number;
  readonly redact: boolean;
  readonly redactKeys: readonly string[];
  readonly redactPaths: readonly string[];
  readonly redactPatterns: readonly RegExp[];
  readonly clock: Clock;
}

/** Fills in the defaults and refuses what cannot work. */
export function resolveOptions(options: LoggingOptions): ResolvedOptions {
  const surroundings = readLoggingEnvironment();
  const environment = options.environment ?? surroundings.environment;
  const isForPeople = environment === 'development' || environment === 'test';
  const format = oneOf(options.format ?? (isForPeople ? 'text' : 'json'), ['text', 'json'], 'format');
  const levels = { ...options.levels };
  for (const [name, level] of Object.entries(levels)) assertLevel(level, `levels.${name}`);
  return {
    level: assertLevel(options.level ?? surroundings.level(), 'level'),
    levels,
    directory: options.directory ?? surroundings.directory,
    console: options.console ?? true,
    files: options.files ?? true,
    format,
    mode: oneOf(options.mode ?? (format === 'text' ? 'line' : 'buffered'), ['line', 'buffered'], 'mode'),
    maxFileBytes: atLeast(1_024, options.maxFileBytes ?? 10 * 1_024 * 1_024, 'maxFileBytes'),
    keepFiles: atLeast(1, options.keepFiles ?? 5, 'keepFiles'),
    keepDays: atLeast(1, options.keepDays ?? 30, 'keepDays'),
    flushIntervalMs: atLeast(1, options.flushIntervalMs ?? 50, 'flushIntervalMs'),
    retryIntervalMs: atLeast(1, options.retryIntervalMs ?? 1_000, 'retryIntervalMs'),
    callSitesPerSecond: positive(
      options.callSitesPerSecond ?? (environment === 'development' ? Number.POSITIVE_INFINITY : 1_000),
      'callSitesPerSecond',
    ),
    redact: options.redact ?? true,
    redactKeys: [...(options.redactKeys ?? [])],
    redactPaths: [...(options.redactPaths ?? [])],
    redactPatterns: [...(options.redactPatterns ?? [])],
    clock: options.clock ?? systemClock,
  };
}

/** Refuses what is not one of the five levels: types do not reach into JavaScript and settings files. */
export function assertLevel(level: LogLevel, argument: string): LogLevel {
  return Object.hasOwn(rankOf, level) ? level : toLogLevel(String(level), argument);
}

function oneOf<Value extends string>(value: Value, allowed: readonly Value[], argument: string): Value {
  if (allowed.includes(value)) return value;
  throw new ArgumentError(`Unknown ${argument} "${value}"; use one of ${allowed.join(', ')}`, argument);
}

function atLeast(least: number, value: number, argument: string): number {
  if (Number.isSafeInteger(value) && value >= least) return value;
  throw new ArgumentError(`${argument} must be a whole number of at least ${least}, not ${value}`, argument);
}

function positive(value: number, argument: string): number {
  if (value >= 0) return value;
  throw new ArgumentError(`${argument} must be zero or more, not ${value}`, argument);
}

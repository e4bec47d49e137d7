import type { LogLevel } from './levels.ts';

/** A console or file stopped taking lines. Lines that do not fit into one block of memory are dropped and counted. */
export interface SinkDegradedEvent {
  /** `console` or the name of the file, such as `app.log`. */
  readonly sink: string;
  /** What the system said. */
  readonly error: Error;
}

/** A console or file takes lines again. */
export interface SinkRecoveredEvent {
  /** `console` or the name of the file, such as `app.log`. */
  readonly sink: string;
  /** How many lines were lost meanwhile. */
  readonly droppedLines: number;
}

/** A log file was renamed and a new one begun. */
export interface FileRotatedEvent {
  /** The log file's name, such as `app.log`. */
  readonly file: string;
  /** The name that the finished file has now, such as `app.log.2026-01-15.1`. */
  readonly rotatedTo: string;
}

/** Rotated files were deleted because of `keepDays` or `keepFiles`. */
export interface FilesPurgedEvent {
  /** Names of the deleted files. */
  readonly files: readonly string[];
}

/** A level was changed while running. */
export interface LevelChangedEvent {
  /** The new level. */
  readonly level: LogLevel;
  /** The subtree that it holds for; undefined for all loggers without a level of their own. */
  readonly loggerName: string | undefined;
}

/** What logging tells about itself. */
export interface LoggingEvents {
  readonly degraded: SinkDegradedEvent;
  readonly recovered: SinkRecoveredEvent;
  readonly rotated: FileRotatedEvent;
  readonly purged: FilesPurgedEvent;
  readonly levelChanged: LevelChangedEvent;
}

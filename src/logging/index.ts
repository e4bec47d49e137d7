export type { ConsoleStream } from './console-target.ts';
export {
  type AnyFunction,
  type KeepingDecorator,
  type LogExceptionsOptions,
  type LogExecutionTimeOptions,
  logExceptions,
  logExecutionTime,
  type Swallowed,
  type SwallowingDecorator,
} from './decorators.ts';
export type {
  FileRotatedEvent,
  FilesPurgedEvent,
  LevelChangedEvent,
  LoggingEvents,
  SinkDegradedEvent,
  SinkRecoveredEvent,
} from './events.ts';
export { type LogLevel, logLevels, toLogLevel } from './levels.ts';
export type { Logging, LoggingState, SinkState } from './log-system.ts';
export type { Logger } from './logger.ts';
export type { LoggingOptions } from './options.ts';
export type { LogFields } from './records.ts';
export { Redactor, type RedactorOptions } from './redactor.ts';
export {
  type AuditEntry,
  type LogErrorOptions,
  type LogRequestOptions,
  logAudit,
  logError,
  logRequest,
  logSecurityEvent,
  type RequestRecord,
  type SecurityEvent,
} from './request-log.ts';
export { createLogging, getLogger, type SetupLoggingOptions, setupLogging } from './setup.ts';
export { type EventLine, type EventLines, logEvents, logStreams } from './streams.ts';

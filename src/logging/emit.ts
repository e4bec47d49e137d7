import type { CallSite, Entry } from './call-site.ts';
import { type LogLevel, rankOf } from './levels.ts';
import { BoundLogger, type Logger } from './logger.ts';
import type { LogFields } from './records.ts';

/** Writes a line for a function of this room, under the place of who called that function. */
export function emitAt(
  place: Entry | CallSite | undefined,
  logger: Logger,
  level: LogLevel,
  message: string,
  fields: LogFields,
): void {
  if (place !== undefined && logger instanceof BoundLogger) logger.emit(rankOf[level], message, fields, place);
  else logger.log(level, message, fields);
}

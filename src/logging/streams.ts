import type { EventSource, Subscription } from '../kernel/index.ts';
import type { LogLevel } from './levels.ts';
import type { Logger } from './logger.ts';
import type { LogFields } from './records.ts';

/** The loggers of the eight streams that a service writes by itself. Levels can be set for each. */
export const logStreams: {
  readonly requests: string;
  readonly database: string;
  readonly errors: string;
  readonly security: string;
  readonly authentication: string;
  readonly breakers: string;
  readonly limiters: string;
  readonly flags: string;
} = Object.freeze({
  requests: 'api.request',
  database: 'database',
  errors: 'errors',
  security: 'security',
  authentication: 'security.authentication',
  breakers: 'resilience.breaker',
  limiters: 'rate_limit',
  flags: 'flags',
});

/** How one event is written. */
export interface EventLine {
  /** @default INFO */
  readonly level?: LogLevel | undefined;
  readonly message: string;
  readonly fields?: LogFields | undefined;
}

/** A line for each type of event; types that are not named are not logged, and `undefined` leaves one event out. */
export type EventLines<EventMap extends object> = {
  readonly [Type in keyof EventMap]?: (event: EventMap[Type]) => EventLine | undefined;
};

/**
 * Logs the events of a room: rooms do not log themselves, they tell. Ends with the subscription.
 *
 * @example
 * const subscription = logEvents(breaker.events, getLogger(logStreams.breakers), {
 *   opened: ({ name }) => ({ level: 'WARNING', message: 'Breaker opened', fields: { breaker: name } }),
 * });
 */
export function logEvents<EventMap extends object>(
  source: EventSource<EventMap>,
  logger: Logger,
  lines: EventLines<EventMap>,
): Subscription {
  const subscriptions: Subscription[] = [];
  for (const type in lines) {
    const toLine = lines[type];
    if (toLine === undefined) continue;
    const log = (event: EventMap[typeof type]): void => {
      const line = toLine(event);
      if (line !== undefined) logger.log(line.level ?? 'INFO', line.message, line.fields);
    };
    subscriptions.push(source.on(type, log));
  }
  const unsubscribe = (): void => {
    for (const subscription of subscriptions) subscription.unsubscribe();
  };
  return { unsubscribe, [Symbol.dispose]: unsubscribe };
}

import type { IncomingHttpHeaders, IncomingMessage, ServerResponse } from 'node:http';
import { ArgumentError } from '../errors/index.ts';
import { type Clock, systemClock } from '../kernel/index.ts';
import { scopeOf } from './request-scope.ts';
import { surroundingsOf } from './surroundings.ts';

/** One event of a stream. */
export interface StreamEvent {
  /** Text as it is; anything else as JSON. */
  readonly data: unknown;
  /** The type that listeners choose by. @default 'message' at the client */
  readonly event?: string | undefined;
  /** What the client sends back as `Last-Event-ID` when it comes again. @default none */
  readonly id?: string | undefined;
  /** How long the client waits before it comes again, in milliseconds. @default the client's own */
  readonly retryMs?: number | undefined;
}

/** How an {@link EventStream} behaves. */
export interface EventStreamOptions {
  /** How often a comment is sent so that nobody takes the stream for dead, in milliseconds. @default 15_000 */
  readonly heartbeatMs?: number | undefined;
  /** How much may wait for a slow client before it is dropped, in bytes. @default 1_048_576 */
  readonly maxBufferedBytes?: number | undefined;
  /** @default the server's */
  readonly clock?: Clock | undefined;
}

/** Why a stream ended: our side closed it, the client left, the client was too slow, the server ends. */
export type StreamEnd = 'closed' | 'left' | 'too-slow' | 'server-closing';

/** The part of a request that a stream needs. */
export interface StreamRequest {
  readonly raw: IncomingMessage;
  readonly headers: IncomingHttpHeaders;
  readonly server: object;
}

/** The part of a reply that a stream needs. */
export interface StreamReply {
  readonly raw: ServerResponse;
  hijack(): unknown;
  getHeaders(): Record<string, number | string | string[] | undefined>;
}

/** A stream of server-sent events to one client. */
export interface EventStream extends Disposable {
  /** The last event that the client saw before it lost its connection. */
  readonly lastEventId: string | undefined;
  /** Aborted when the stream ends, whoever ended it. */
  readonly signal: AbortSignal;
  /** Why the stream ended; undefined while it lasts. */
  readonly end: StreamEnd | undefined;
  /**
   * Sends one event.
   *
   * @returns false when the stream has ended: there is nobody to send to.
   * @throws {ArgumentError} when the type or the id contains a line break or a null byte.
   */
  send(event: StreamEvent): boolean;
  /** Ends the stream. Does nothing the second time. */
  close(): void;
}

/**
 * Answers a request with server-sent events (WHATWG HTML, 9.2). The stream ends when the client leaves, when it reads
 * too slowly, and when the server ends.
 *
 * @example
 * api.get('/events', (request, reply) => {
 *   const stream = eventStream(request, reply);
 *   const subscription = source.on('change', data => stream.send({ event: 'change', data }));
 *   stream.signal.addEventListener('abort', () => subscription.unsubscribe());
 * });
 */
export function eventStream(request: StreamRequest, reply: StreamReply, options: EventStreamOptions = {}): EventStream {
  const surroundings = surroundingsOf(request.server);
  const { heartbeatMs = 15_000, maxBufferedBytes = 1_048_576, clock = surroundings?.clock ?? systemClock } = options;
  const response = reply.raw;
  const ended = new AbortController();
  let end: StreamEnd | undefined;

  const scope = scopeOf(request);
  if (scope !== undefined) scope.streaming = true;
  reply.hijack();
  response.writeHead(200, {
    ...reply.getHeaders(),
    'content-type': 'text/event-stream; charset=utf-8',
    'cache-control': 'no-store, no-transform',
    'x-accel-buffering': 'no',
  });
  response.flushHeaders();

  const finish = (reason: StreamEnd): void => {
    if (end !== undefined) return;
    end = reason;
    heartbeat.cancel();
    surroundings?.closing.removeEventListener('abort', onServerClosing);
    if (reason === 'too-slow') response.destroy();
    else response.end();
    ended.abort(new DOMException(`The event stream has ended: ${reason}`, 'AbortError'));
  };
  const write = (text: string): boolean => {
    if (end !== undefined) return false;
    response.write(text);
    if (response.writableLength > maxBufferedBytes) finish('too-slow');
    return end === undefined;
  };
  const onServerClosing = (): void => finish('server-closing');
  const heartbeat = clock.setRepeatingTimer(heartbeatMs, () => write(':\n\n'));
  response.once('close', () => finish('left'));
  response.on('error', () => finish('left'));
  surroundings?.closing.addEventListener('abort', onServerClosing);
  if (surroundings?.closing.aborted) onServerClosing();

  return {
    lastEventId: lastEventIdOf(request),
    signal: ended.signal,
    get end() {
      return end;
    },
    send: event => write(format(event)),
    close: () => finish('closed'),
    [Symbol.dispose]: () => finish('closed'),
  };
}

function lastEventIdOf(request: StreamRequest): string | undefined {
  const id = request.headers['last-event-id'];
  return typeof id === 'string' && id !== '' ? id : undefined;
}

function format({ data, event, id, retryMs }: StreamEvent): string {
  const text = typeof data === 'string' ? data : (JSON.stringify(data) ?? '');
  let lines = '';
  if (event !== undefined) lines += `event: ${oneLine(event, 'event')}\n`;
  if (id !== undefined) lines += `id: ${oneLine(id, 'id')}\n`;
  if (retryMs !== undefined) lines += `retry: ${Math.max(0, Math.round(retryMs))}\n`;
  for (const line of text.split(/\r\n|\r|\n/)) lines += `data: ${line}\n`;
  return `${lines}\n`;
}

function oneLine(text: string, argument: string): string {
  if (!/[\r\n\0]/.test(text)) return text;
  throw new ArgumentError(`Cannot send a stream event whose ${argument} has a line break or a null byte`, argument);
}

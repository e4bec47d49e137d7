import type { Dispatcher } from 'undici';
import { ArgumentError } from '../errors/index.ts';
import { type Clock, systemClock } from '../kernel/index.ts';
import type { Guard } from '../pipeline/index.ts';
import { GuardedExchange } from './guarded-exchange.ts';

/** What a {@link guardedDispatcher} is made of. */
export interface GuardedDispatcherOptions {
  /** The policies around every request, or those for each origin. Without a fallback: nothing can stand in for a response. */
  readonly guard: Guard | ((origin: URL) => Guard);
  /** What sends the requests: that of a {@link ConnectionPool}, or any other. It outlives this one. */
  readonly dispatcher: Dispatcher;
  /** The name of a request in records and metrics, from a closed set. @default the method */
  readonly operation?: ((request: Dispatcher.DispatchOptions) => string) | undefined;
  /** Reads dates in `Retry-After`. @default systemClock */
  readonly clock?: Clock | undefined;
}

/**
 * The policies of a guard as a dispatcher of undici: for clients of others that take one, for `fetch`, and for everything
 * in the process by undici's `setGlobalDispatcher`. Each request is a call through the guard and in its records.
 *
 * The guard stands around a request until the headers of its response have come, and repeats it only before that: once a
 * byte was given on, what happens is the client's. GET and HEAD are repeated, and requests with an `idempotency-key`, if
 * their body is text or bytes. 429 and statuses from 500 are failures to the guard; when it gives up, the client is given
 * the response as it came. Bodies are passed through, never collected.
 *
 * @example
 * const dispatcher = guardedDispatcher({ guard: standardGuard('openai'), dispatcher: pool.dispatcher });
 * const client = new OpenAI({ fetchOptions: { dispatcher } });
 */
export function guardedDispatcher(options: GuardedDispatcherOptions): Dispatcher {
  const { guard, dispatcher, operation, clock = systemClock } = options;
  return dispatcher.compose(dispatch => (request, handler) => {
    // A tunnel is no request with a response.
    if (request.upgrade || request.method === 'CONNECT') return dispatch(request, handler);
    const url = addressOf(request);
    const exchange = new GuardedExchange({
      guard: typeof guard === 'function' ? guard(new URL(url.origin)) : guard,
      call: { operation: operation?.(request) ?? request.method, repeatable: isRepeatable(request) },
      where: `${request.method} ${url.origin}${url.pathname}`,
      handler,
      send: held => void dispatch(request, held),
      clock,
    });
    exchange.start();
    return true;
  });
}

function addressOf({ path, origin }: Dispatcher.DispatchOptions): URL {
  if (origin === undefined) {
    throw new ArgumentError(
      'Cannot send a request without an origin: expected a dispatcher of many, such as an Agent',
      'dispatcher',
    );
  }
  return new URL(path, origin);
}

function isRepeatable({ method, body, headers }: Dispatcher.DispatchOptions): boolean {
  const canBeSentAgain = body === undefined || body === null || typeof body === 'string' || body instanceof Uint8Array;
  return canBeSentAgain && (method === 'GET' || method === 'HEAD' || hasIdempotencyKey(headers));
}

/** Headers come as an object, as pairs, or as names and values in turn. */
function hasIdempotencyKey(headers: Dispatcher.DispatchOptions['headers']): boolean {
  if (headers === undefined || headers === null) return false;
  const isKey = (name: unknown, value: unknown): boolean =>
    String(name).toLowerCase() === 'idempotency-key' && value !== undefined && value !== '';
  if (Array.isArray(headers) && !Array.isArray(headers[0])) {
    return headers.some((name, index) => index % 2 === 0 && isKey(name, headers[index + 1]));
  }
  const pairs = Symbol.iterator in headers ? [...headers] : Object.entries(headers);
  return pairs.some(([name, value]) => isKey(name, value));
}

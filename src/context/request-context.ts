import { AsyncLocalStorage } from 'node:async_hooks';

/** What is known about the request that the current code works for. Opaque strings are accepted as ids. */
export interface RequestContext {
  /** The correlation id. */
  readonly requestId?: string | undefined;
  /** Who is asking, once that is known. */
  readonly userId?: string | undefined;
  /** The W3C `traceparent` that the request came with or was given. */
  readonly traceparent?: string | undefined;
  /** When the caller stops waiting, on the monotonic clock, in milliseconds. */
  readonly deadlineMs?: number | undefined;
  /** Which attempt of our caller this is: from 2 on the caller retries already, so nothing below it retries again. */
  readonly attempt?: number | undefined;
}

// The one store of the whole toolkit: on Node 20 every further AsyncLocalStorage slows down every promise of the process.
const storage = new AsyncLocalStorage<RequestContext>();

const empty: RequestContext = Object.freeze({});

/** The context of the current request; an empty one outside any. */
export function getRequestContext(): RequestContext {
  return storage.getStore() ?? empty;
}

/**
 * Runs a function, and everything it starts, inside a context. The context that was there before is back afterwards.
 * What the new context does not name is taken from the surrounding one.
 *
 * @example
 * await runWithRequestContext({ requestId: 'req-123' }, () => handle(request));
 */
export function runWithRequestContext<Result>(context: RequestContext, work: () => Result): Result {
  return storage.run(Object.freeze({ ...storage.getStore(), ...context }), work);
}

/**
 * Adds to the context for the rest of the current asynchronous execution: a server's hook, a worker's job. Prefer
 * {@link runWithRequestContext}, which ends by itself.
 *
 * @example
 * setRequestContext({ requestId: 'req-123', userId: 'user-123' });
 */
export function setRequestContext(context: RequestContext): void {
  storage.enterWith(Object.freeze({ ...storage.getStore(), ...context }));
}

/** Forgets the context for the rest of the current asynchronous execution. */
export function clearRequestContext(): void {
  storage.enterWith(empty);
}

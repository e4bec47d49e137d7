import { getRequestContext, type RequestContext, runWithRequestContext, setRequestContext } from '../context/index.ts';
import type { LimitRecord } from './events.ts';

/** What the server keeps about a request while it lasts. */
export interface RequestScope {
  context: RequestContext;
  readonly startedAtMs: number;
  /** Without the query. */
  readonly path: string;
  /** Whether its log lines are only for debugging: health and metrics are asked all the time. */
  readonly quiet: boolean;
  /** Whether the answer is a stream, which lasts as long as its client wants. */
  streaming: boolean;
  /** What the limits on its way have decided so far. */
  limits?: readonly LimitRecord[];
  /** What the client is told, when that is an error. */
  error?: { readonly code: string; readonly message: string };
}

const key = Symbol('plinth.request-scope');

type Scoped = { [key]?: RequestScope | undefined };

/** Attaches the scope to the framework's request. */
export function openScope(request: object, scope: RequestScope): void {
  (request as Scoped)[key] = scope;
}

/** The scope of a request; undefined when it was not opened by a Plinth server. */
export function scopeOf(request: object): RequestScope | undefined {
  return (request as Scoped)[key];
}

/**
 * Runs work in the context of its request. What an asynchronous hook adds to the context ends with the hook, so it has to
 * be entered again behind it.
 */
export function inScope<Result>(request: object, work: () => Result): Result {
  const context = scopeOf(request)?.context;
  const current = getRequestContext();
  if (context === undefined || (current.requestId === context.requestId && current.userId === context.userId)) {
    return work();
  }
  return runWithRequestContext(context, work);
}

/**
 * Adds to the context of a request, for the rest of it: hooks that find out who is asking call this.
 *
 * @example
 * api.addHook('onRequest', async request => {
 *   const user = await authenticate(request.headers.authorization);
 *   extendRequestContext(request, { userId: user.id });
 * });
 */
export function extendRequestContext(request: object, addition: RequestContext): void {
  const scope = scopeOf(request);
  if (scope !== undefined) scope.context = Object.freeze({ ...scope.context, ...addition });
  setRequestContext(addition);
}

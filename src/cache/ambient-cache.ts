import { getRequestContext, type RequestContext, runWithRequestContext } from '../context/index.ts';
import type { AnyCache } from './any-cache.ts';

const ambient: unique symbol = Symbol('plinth.cache');

/** The request context with a cache in it: a storage of its own would slow down every promise of the process. */
interface CacheContext extends RequestContext {
  readonly [ambient]?: AnyCache;
}

/**
 * Runs a function, and everything it starts, with a cache for the functions that were made by `cached` with
 * `cache: 'ambient'`. It goes with the request context: where that is cleared, there is no cache either.
 *
 * @example
 * const report = await runWithCache(tenantCache, () => buildReport(tenant));
 */
export function runWithCache<Result>(cache: AnyCache, work: () => Result): Result {
  const context: CacheContext = { [ambient]: cache };
  return runWithRequestContext(context, work);
}

/** The cache that {@link runWithCache} has set for the current execution. */
export function ambientCache(): AnyCache | undefined {
  return (getRequestContext() as CacheContext)[ambient];
}

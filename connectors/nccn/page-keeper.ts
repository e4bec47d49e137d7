import { type LoadingCache, MemoryCache } from 'plinth/cache';
import { PlinthError } from 'plinth/errors';
import type { HttpAnswer } from 'plinth/http';
import type { Clock } from 'plinth/kernel';
import type { Outcome } from 'plinth/pipeline';

/** What was read of a page, and the answer that it came in, without its body. */
export interface KeptPage<Value> {
  readonly value: Value;
  readonly answer: HttpAnswer<null>;
}

/** What was read of a page, with how fresh it is. */
export interface PageOutcome<Value> {
  readonly value: Value;
  readonly outcome: Outcome<HttpAnswer<null>>;
}

/**
 * Keeps what was read of pages. The pages themselves are not kept: a log-in page or half a page that comes with status 200
 * would take the place of a good one, and only reading it tells. While a page cannot be had or read, what was read of an
 * older one stands in.
 */
export class PageKeeper {
  readonly #cache: LoadingCache<unknown>;

  constructor(cache: LoadingCache<unknown> | undefined, clock: Clock) {
    this.#cache =
      cache ?? new MemoryCache({ name: 'nccn', maxEntries: 500, ttlMs: 3_600_000, staleMs: 86_400_000, clock });
  }

  async get<Value>(
    path: string,
    load: (signal: AbortSignal) => Promise<KeptPage<Value>>,
    signal: AbortSignal | undefined,
  ): Promise<PageOutcome<Value>> {
    const loaded = await this.#cache.load(`nccn.page ${path}`, context => load(context.signal), { signal });
    const { value, answer } = loaded.value as KeptPage<Value>;
    const { ageMs, error } = loaded;
    if (loaded.state !== 'stale') return { value, outcome: { value: answer, freshness: 'fresh', ageMs } };
    return { value, outcome: { value: answer, freshness: 'stale', ageMs, reason: reasonOf(error) } };
  }
}

/** As reasons of guards are: a code, and a status where there is one. */
function reasonOf(error: unknown): string {
  if (!(error instanceof PlinthError)) return 'UNKNOWN';
  return 'status' in error ? `${error.code} ${String(error.status)}` : error.code;
}

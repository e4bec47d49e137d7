import type { Writable } from 'node:stream';
import { isDeepStrictEqual } from 'node:util';
import type { interceptors } from 'undici';
import { type Clock, requireInteger, systemClock } from '../../kernel/index.ts';
import type { AnyCache } from '../any-cache.ts';
import { ResponseWriter } from './response-writer.ts';

/** What undici's cache interceptor takes for its `store`. */
export type HttpCacheStore = NonNullable<NonNullable<Parameters<typeof interceptors.cache>[0]>['store']>;
/** The request that a response was given to. */
export type HttpCacheKey = Parameters<HttpCacheStore['get']>[0];
/** What is known of a response, apart from its body. */
export type HttpCacheValue = Parameters<HttpCacheStore['createWriteStream']>[1];
/** A response that was kept. */
export type HttpCacheResult = NonNullable<Awaited<ReturnType<HttpCacheStore['get']>>>;

/** How an {@link UndiciCacheStore} keeps responses. */
export interface UndiciCacheStoreOptions {
  /** What its keys begin with in the cache. @default 'http:' */
  readonly keyPrefix?: string | undefined;
  /** The largest body that is kept, in bytes. @default 5_242_880 */
  readonly maxEntryBytes?: number | undefined;
  /** How many responses of one address are kept, which differ by method or by the headers that `Vary` names. @default 8 */
  readonly maxVariants?: number | undefined;
  /** @default systemClock */
  readonly clock?: Clock | undefined;
}

interface StoredResponse extends HttpCacheValue {
  readonly method: string;
  readonly body: Uint8Array;
}

/** All responses of one address, the newest first: one entry, so that to delete it deletes them all. */
interface StoredResponses {
  /** Of this form; anything else is not there. */
  readonly version: 1;
  readonly responses: readonly StoredResponse[];
}

/** The longest address whose responses are kept, in characters. */
const maxAddressLength = 2_000;

/**
 * Puts a cache under `fetch`, as the store of undici's cache interceptor, which knows the rules of RFC 9111: what may be
 * kept, for how long, when to ask the origin again, what a `POST` makes void. Processes that share the cache share the
 * responses. While the cache is away, every request goes to its origin.
 *
 * @example
 * const store = new UndiciCacheStore(cache);
 * const dispatcher = new Agent().compose(interceptors.cache({ store }));
 * const response = await fetch('https://api.fda.gov/drug/label.json', { dispatcher });
 */
export class UndiciCacheStore implements HttpCacheStore {
  readonly #cache: AnyCache;
  readonly #keyPrefix: string;
  readonly #maxEntryBytes: number;
  readonly #maxVariants: number;
  readonly #clock: Clock;
  // Responses that are still coming in, by key: what is deleted meanwhile must not be kept when it is complete.
  readonly #writers = new Map<string, Set<ResponseWriter>>();

  constructor(cache: AnyCache, options: UndiciCacheStoreOptions = {}) {
    this.#cache = cache;
    this.#keyPrefix = options.keyPrefix ?? 'http:';
    this.#maxEntryBytes = requireInteger('maxEntryBytes', options.maxEntryBytes ?? 5_242_880, 1);
    this.#maxVariants = requireInteger('maxVariants', options.maxVariants ?? 8, 1, 1_000);
    this.#clock = options.clock ?? systemClock;
  }

  /** The response that was kept for such a request. */
  async get(request: HttpCacheKey): Promise<HttpCacheResult | undefined> {
    const key = this.#keyOf(request);
    if (key === undefined) return undefined;
    const found = (await this.#read(key)).find(response => answers(response, request));
    if (found === undefined) return undefined;
    const { method: _method, body, cacheControlDirectives = {}, ...response } = found;
    const bytes = Buffer.from(body.buffer, body.byteOffset, body.byteLength);
    return { ...response, cacheControlDirectives, body: bytes.length === 0 ? [] : [bytes] };
  }

  /** Takes a response; `undefined` when it is not going to be kept. */
  createWriteStream(request: HttpCacheKey, value: HttpCacheValue): Writable | undefined {
    const key = this.#keyOf(request);
    const length = Number(value.headers['content-length'] ?? 0);
    if (key === undefined || length > this.#maxEntryBytes || value.deleteAt <= this.#clock.now()) return undefined;
    const writer = new ResponseWriter(this.#maxEntryBytes, written => this.#keep(key, request, value, written));
    const writers = this.#writers.get(key) ?? new Set();
    this.#writers.set(key, writers.add(writer));
    writer.once('close', () => {
      writers.delete(writer);
      if (writers.size === 0 && this.#writers.get(key) === writers) this.#writers.delete(key);
    });
    return writer;
  }

  /** Forgets all responses of an address, also those that are still coming in. */
  async delete(request: HttpCacheKey): Promise<void> {
    const key = this.#keyOf(request);
    if (key === undefined) return;
    for (const writer of this.#writers.get(key) ?? []) writer.drop();
    try {
      await this.#cache.delete(key);
    } catch {
      // Undici does not wait for it: the cache itself tells of its failures.
    }
  }

  #keyOf({ origin, path }: HttpCacheKey): string | undefined {
    const address = origin + path;
    return address.length > maxAddressLength ? undefined : this.#keyPrefix + address;
  }

  /** The responses that may still be used. Where the cache fails there are none: the origin has them all. */
  async #read(key: string): Promise<readonly StoredResponse[]> {
    try {
      const found = await this.#cache.get(key);
      if (!isStoredResponses(found)) return [];
      const nowMs = this.#clock.now();
      return found.responses.filter(({ deleteAt }) => deleteAt > nowMs);
    } catch {
      return [];
    }
  }

  async #keep(key: string, request: HttpCacheKey, value: HttpCacheValue, writer: ResponseWriter): Promise<void> {
    const others = (await this.#read(key)).filter(other => !answers(other, request));
    if (writer.isDropped) return;
    const response = { ...value, method: request.method, body: writer.body };
    const responses = [response, ...others].slice(0, this.#maxVariants);
    const ttlMs = Math.max(...responses.map(({ deleteAt }) => deleteAt)) - this.#clock.now();
    if (ttlMs > 0) await this.#cache.set(key, { version: 1, responses } satisfies StoredResponses, { ttlMs });
  }
}

/** Whether a response was given to such a request: the method is the same, and so are the headers that `Vary` named. */
function answers({ method, vary = {} }: StoredResponse, request: HttpCacheKey): boolean {
  if (method !== request.method) return false;
  return Object.entries(vary).every(([name, value]) =>
    isDeepStrictEqual(request.headers?.[name] ?? null, value ?? null),
  );
}

function isStoredResponses(found: unknown): found is StoredResponses {
  if (typeof found !== 'object' || found === null) return false;
  const { version, responses } = found as Partial<StoredResponses>;
  return version === 1 && Array.isArray(responses);
}

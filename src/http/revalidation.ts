import type { LoadingCache } from '../cache/index.ts';
import type { HttpAnswer } from './http-request.ts';

/** Headers of a 304 that speak of a body that does not come; those of the older answer stay (RFC 9111, section 3.2). */
const bodyHeaders: ReadonlySet<string> = new Set([
  'content-encoding',
  'content-length',
  'content-range',
  'content-type',
  'transfer-encoding',
]);

/** An older answer, and the headers that ask whether it still holds. */
export interface Revalidation<Body> {
  readonly older: HttpAnswer<Body>;
  readonly headers: Readonly<Record<string, string>>;
}

/**
 * What the cache still has of an address, if it is past its freshness and its source gave it something to be known by
 * again.
 */
export function findRevalidation<Body>(
  cache: Pick<LoadingCache<unknown>, 'older'> | undefined,
  key: string | undefined,
  url: string,
): Revalidation<Body> | undefined {
  if (cache === undefined || key === undefined) return undefined;
  const older = cache.older(key)?.value;
  // A key may be shared by several addresses, and a redirected answer is not known by the address that was asked.
  if (!isAnswer<Body>(older) || older.status !== 200 || older.url !== url) return undefined;
  const etag = older.headers['etag'];
  const lastModified = older.headers['last-modified'];
  if (etag === undefined && lastModified === undefined) return undefined;
  const headers = {
    ...(etag === undefined ? {} : { 'if-none-match': etag }),
    ...(lastModified === undefined ? {} : { 'if-modified-since': lastModified }),
  };
  return { older, headers };
}

/** The older answer, which has just been said to hold. */
export function renewed<Body>(older: HttpAnswer<Body>, { headers, fetchedAt }: HttpAnswer<unknown>): HttpAnswer<Body> {
  const changed = Object.entries(headers).filter(([name]) => !bodyHeaders.has(name));
  return { ...older, headers: { ...older.headers, ...Object.fromEntries(changed) }, fetchedAt };
}

function isAnswer<Body>(value: unknown): value is HttpAnswer<Body> {
  if (typeof value !== 'object' || value === null) return false;
  const { headers, url, body } = value as Partial<HttpAnswer<Body>>;
  return typeof headers === 'object' && headers !== null && typeof url === 'string' && body !== undefined;
}

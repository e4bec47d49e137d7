import { createHmac, timingSafeEqual } from 'node:crypto';
import { ArgumentError, ServiceError } from '../errors/index.ts';
import { type Clock, requireDuration, type Secret, systemClock } from '../kernel/index.ts';
import { requireStorageKey } from './storage-key.ts';

/** What a signed URL allows: to read a file (also with HEAD), to write it, or to delete it. */
export type UrlMethod = 'GET' | 'PUT' | 'DELETE';

/** How URLs are signed. */
export interface UrlSignerOptions {
  /** The secrets of at least 32 characters: the first one signs, any of them may have signed. */
  readonly secrets: readonly [Secret, ...Secret[]];
  /** Where the service answers such URLs, such as `https://files.example/files`. */
  readonly baseUrl: string;
  /** How long a URL may be good for at most, in milliseconds. @default 604_800_000 (7 days) */
  readonly maxExpiresInMs?: number | undefined;
  /** @default systemClock */
  readonly clock?: Clock | undefined;
}

/** What a URL was signed for. */
export interface SignedRequest {
  readonly method: UrlMethod;
  readonly key: string;
  /** On whose behalf, if the signer said so. */
  readonly owner: string | undefined;
  readonly expiresAtMs: number;
}

/** A URL is not, or not any more, good for what it is used for. */
export class UrlRefusedError extends ServiceError {
  /** Why. Do not tell strangers more than `expired`. */
  readonly reason: 'expired' | 'signature' | 'form';

  constructor(reason: 'expired' | 'signature' | 'form') {
    const messages = {
      expired: 'This link has expired; ask for a new one',
      signature: 'This link was not made for this request',
      form: 'This link is not complete',
    };
    super(messages[reason], 'URL_REFUSED', { details: { reason } });
    this.reason = reason;
  }
}

/**
 * Signs URLs of files with HMAC-SHA-256, and checks them: whoever has the URL may do that one thing until it expires.
 *
 * @throws {ArgumentError} when an option is unusable.
 * @example
 * const signer = new UrlSigner({ secrets: [secret], baseUrl: 'https://files.example/files' });
 * const url = signer.sign('GET', 'invoices/7.pdf', { expiresInMs: 60_000 });
 * const { key } = signer.verify('GET', url);
 */
export class UrlSigner {
  readonly #secrets: readonly Secret[];
  readonly #baseUrl: string;
  readonly #basePath: string;
  readonly #maxExpiresInMs: number;
  readonly #clock: Clock;

  constructor({ secrets, baseUrl, maxExpiresInMs = 604_800_000, clock = systemClock }: UrlSignerOptions) {
    if (secrets.length === 0 || secrets.some(secret => secret.reveal().length < 32)) {
      throw new ArgumentError('Cannot use secrets: expected at least one, of at least 32 characters each', 'secrets');
    }
    const url = parse(baseUrl);
    if (url === undefined || url.search !== '' || url.hash !== '') {
      throw new ArgumentError(
        `Cannot use baseUrl "${baseUrl}": expected an absolute URL without query, such as https://files.example/files`,
        'baseUrl',
      );
    }
    this.#secrets = [...secrets];
    this.#baseUrl = baseUrl.replace(/\/+$/, '');
    this.#basePath = url.pathname.replace(/\/+$/, '');
    this.#maxExpiresInMs = requireDuration('maxExpiresInMs', maxExpiresInMs, 1_000);
    this.#clock = clock;
  }

  /** A URL for one thing to do with one file. */
  sign(
    method: UrlMethod,
    key: string,
    options: { readonly expiresInMs: number; readonly owner?: string | undefined },
  ): string {
    requireStorageKey(key);
    const expiresInMs = requireDuration('expiresInMs', options.expiresInMs, 1, this.#maxExpiresInMs);
    const expiresAtMs = Math.ceil(this.#clock.now() + expiresInMs);
    const request = { method, key, owner: options.owner, expiresAtMs };
    const query = new URLSearchParams({ expires: String(expiresAtMs) });
    if (options.owner !== undefined) query.set('owner', options.owner);
    query.set('signature', signatureOf(request, this.#secrets[0] as Secret).toString('base64url'));
    return `${this.#baseUrl}/${key.split('/').map(encodeURIComponent).join('/')}?${query}`;
  }

  /**
   * What a URL was signed for. Compares in constant time.
   *
   * @param method The method of the request; `HEAD` is allowed where `GET` is.
   * @param url The URL of the request, absolute or from its path on.
   * @throws {UrlRefusedError} when it was not signed for this method, was changed or has expired.
   */
  verify(method: string, url: string): SignedRequest {
    const request = this.#parse(method === 'HEAD' ? 'GET' : method, url);
    const given = Buffer.from(request.signature, 'base64url');
    let isGenuine = false;
    for (const secret of this.#secrets) {
      const expected = signatureOf(request, secret);
      if (given.length === expected.length && timingSafeEqual(given, expected)) isGenuine = true;
    }
    if (!isGenuine) throw new UrlRefusedError('signature');
    if (this.#clock.now() >= request.expiresAtMs) throw new UrlRefusedError('expired');
    const { key, owner, expiresAtMs } = request;
    return { method: request.method, key, owner, expiresAtMs };
  }

  #parse(method: string, text: string): SignedRequest & { readonly signature: string } {
    const url = parse(text, 'http://localhost');
    const expires = url?.searchParams.getAll('expires') ?? [];
    const signatures = url?.searchParams.getAll('signature') ?? [];
    const owners = url?.searchParams.getAll('owner') ?? [];
    const isWhole = expires.length === 1 && signatures.length === 1 && owners.length <= 1;
    if (url === undefined || !isWhole || !/^\d{1,15}$/.test(expires[0] ?? '')) throw new UrlRefusedError('form');
    if (!/^[\w-]{43}$/.test(signatures[0] ?? '')) throw new UrlRefusedError('form');
    if (!isUrlMethod(method)) throw new UrlRefusedError('signature');
    const key = this.#keyOf(url.pathname);
    return { method, key, owner: owners[0], expiresAtMs: Number(expires[0]), signature: signatures[0] as string };
  }

  #keyOf(path: string): string {
    if (!path.startsWith(`${this.#basePath}/`)) throw new UrlRefusedError('form');
    try {
      return requireStorageKey(
        path
          .slice(this.#basePath.length + 1)
          .split('/')
          .map(decodeURIComponent)
          .join('/'),
      );
    } catch {
      throw new UrlRefusedError('form');
    }
  }
}

/** Parts are lists in JSON, so that no two requests have the same text. */
function signatureOf({ method, key, owner, expiresAtMs }: SignedRequest, secret: Secret): Buffer {
  const text = JSON.stringify(['plinth file url 1', method, key, owner ?? null, expiresAtMs]);
  return createHmac('sha256', secret.reveal()).update(text).digest();
}

function isUrlMethod(method: string): method is UrlMethod {
  return method === 'GET' || method === 'PUT' || method === 'DELETE';
}

function parse(text: string, base?: string): URL | undefined {
  return URL.canParse(text, base) ? new URL(text, base) : undefined;
}

import { ArgumentError } from '../errors/index.ts';
import type { HttpRequest } from './http-request.ts';

/** Where one request goes. */
export interface Address {
  /** The whole of it. */
  readonly href: string;
  /** Without the query, which may hold personal data or a key. */
  readonly pathname: string;
  /** Path and query, as they are sent. */
  readonly path: string;
}

/** Paths that the rules of URLs leave as they are: no empty segment, none that begins with a dot, nothing to encode. */
const plainPath = /^\/(?:[\w~!$&'()*+,;=:@-][\w.~!$&'()*+,;=:@-]*(?:\/|$))*$/;

/** What a form leaves as it is (https://url.spec.whatwg.org/#application-x-www-form-urlencoded-percent-encode-set). */
const plainQuery = /^[\w*.-]*$/;

/** The address below which the requests of a client are. */
export class BaseAddress {
  readonly url: URL;
  readonly #origin: string;
  readonly #prefix: string;

  constructor(url: URL) {
    this.url = url;
    this.#origin = url.origin;
    this.#prefix = url.pathname.replace(/\/$/, '');
  }

  /**
   * The address of a request.
   *
   * @throws {ArgumentError} when it is of another origin, or above the base address.
   */
  addressOf(request: HttpRequest): Address {
    // What needs no rules is put together; everything else is read as a URL, which takes ten times as long.
    if (!plainPath.test(request.path)) return this.#resolved(request);
    const pathname = this.#prefix + request.path;
    const path = pathname + queryOf(request.query);
    return { href: this.#origin + path, pathname, path };
  }

  #resolved(request: HttpRequest): Address {
    const prefix = this.#prefix;
    const isPath = request.path.startsWith('/');
    const relative = isPath ? `${prefix}${request.path}` : request.path;
    if (!URL.canParse(relative, this.url.href)) {
      throw new ArgumentError('Cannot use path: expected a path with a leading slash, or an address', 'path');
    }
    const url = new URL(relative, this.url);
    if (url.origin !== this.#origin) {
      throw new ArgumentError(`Cannot request ${url.origin}: this client is for ${this.#origin} only`, 'path');
    }
    if (isPath && !url.pathname.startsWith(`${prefix}/`)) {
      throw new ArgumentError(`Cannot request ${url.pathname}: it leads out of ${prefix}`, 'path');
    }
    for (const [name, value] of Object.entries(request.query ?? {})) {
      if (value !== undefined) url.searchParams.append(name, String(value));
    }
    return { href: url.href, pathname: url.pathname, path: `${url.pathname}${url.search}` };
  }
}

function queryOf(query: HttpRequest['query']): string {
  if (query === undefined) return '';
  let text = '';
  for (const name of Object.keys(query)) {
    const value = query[name];
    if (value !== undefined) text += `${text === '' ? '?' : '&'}${encoded(name)}=${encoded(String(value))}`;
  }
  return text;
}

function encoded(text: string): string {
  return plainQuery.test(text) ? text : new URLSearchParams([[text, '']]).toString().slice(0, -1);
}

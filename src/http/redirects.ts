import { ScraperError } from '../errors/index.ts';
import type { HttpRequest } from './http-request.ts';
import type { Reply } from './reply.ts';

/** One request on its way: the first one, or one that a redirect led to. */
export interface Hop {
  readonly method: NonNullable<HttpRequest['method']>;
  readonly url: URL;
  /** Names in lower case. */
  readonly headers: Readonly<Record<string, string>>;
  readonly body: HttpRequest['body'];
}

/** A request with its answer. */
export interface Reached {
  readonly hop: Hop;
  readonly reply: Reply;
}

/** Which redirects are followed. */
export interface RedirectRules {
  /** How many in a row; 0 follows none. */
  readonly max: number;
  readonly to: 'same-origin' | 'any-origin';
  /** Statuses that the caller wants for himself. */
  readonly answers?: readonly number[] | undefined;
}

/** Statuses that lead elsewhere (RFC 9110, section 15.4). */
const redirectStatuses: ReadonlySet<number> = new Set([301, 302, 303, 307, 308]);

/** Headers that another origin may see: they say what is asked, and nothing about who asks. */
const harmlessHeaders: ReadonlySet<string> = new Set([
  'accept',
  'accept-encoding',
  'accept-language',
  'range',
  'user-agent',
]);

/**
 * Goes where an answer leads, and where the next one leads, until one is final. Answers on the way are read and
 * forgotten, so that their connections can be used again.
 *
 * @throws {ScraperError} when there are too many, or one that cannot be followed.
 */
export async function follow(
  reached: Reached,
  rules: RedirectRules,
  ask: (hop: Hop) => Promise<Reply>,
): Promise<Reached> {
  let { hop, reply } = reached;
  for (let followed = 0; ; followed += 1) {
    const next = await leave(hop, reply, rules, followed);
    if (next === undefined) return { hop, reply };
    hop = next;
    reply = await ask(hop);
  }
}

async function leave(hop: Hop, reply: Reply, rules: RedirectRules, followed: number): Promise<Hop | undefined> {
  let isFinal = false;
  try {
    const next = nextHop(hop, reply.status, reply.headers['location'], rules);
    isFinal = next === undefined;
    if (next === undefined || followed < rules.max) return next;
    throw new ScraperError(`${nameOf(hop)} redirected once more after ${rules.max} times`);
  } finally {
    if (!isFinal) await reply.discard();
  }
}

/**
 * The request that an answer leads to; `undefined` when it leads nowhere, or to where it is not followed.
 *
 * @throws {ScraperError} for a location that cannot be used.
 */
export function nextHop(hop: Hop, status: number, location: string | undefined, rules: RedirectRules): Hop | undefined {
  if (location === undefined || !redirectStatuses.has(status) || rules.answers?.includes(status)) return undefined;
  const url = requireLocation(hop, location);
  const isElsewhere = url.origin !== hop.url.origin;
  if (isElsewhere && rules.to !== 'any-origin') return undefined;
  const becomesGet = status === 303 ? hop.method !== 'HEAD' : status <= 302 && hop.method === 'POST';
  if (becomesGet) {
    return { method: 'GET', url, headers: kept(hop.headers, isElsewhere, isAboutNoBody), body: undefined };
  }
  const isHarmless = hop.body === undefined && (hop.method === 'GET' || hop.method === 'HEAD');
  // What changes something is meant for the one who was asked.
  if (isElsewhere && !isHarmless) return undefined;
  return { ...hop, url, headers: kept(hop.headers, isElsewhere, isAboutAny) };
}

/** A request in messages: without its query. */
export function nameOf({ method, url }: Hop): string {
  return `${method} ${url.origin}${url.pathname}`;
}

function requireLocation(hop: Hop, location: string): URL {
  const where = nameOf(hop);
  const { url } = hop;
  if (!URL.canParse(location, url.href)) throw new ScraperError(`${where} redirected to something that is no address`);
  const next = new URL(location, url);
  if (!/^https?:$/.test(next.protocol)) throw new ScraperError(`${where} redirected to a ${next.protocol} address`);
  if (url.protocol === 'https:' && next.protocol === 'http:') {
    throw new ScraperError(`${where} redirected from https to http, on ${next.host}`);
  }
  if (next.username !== '' || next.password !== '') {
    throw new ScraperError(`${where} redirected to an address with credentials in it, on ${next.host}`);
  }
  next.hash = '';
  return next;
}

function kept(
  headers: Readonly<Record<string, string>>,
  isElsewhere: boolean,
  isWanted: (name: string) => boolean,
): Record<string, string> {
  const isKept = (name: string): boolean => isWanted(name) && (!isElsewhere || harmlessHeaders.has(name));
  return Object.fromEntries(Object.entries(headers).filter(([name]) => isKept(name)));
}

/** The host that was named, and the copy that is there already, are those of the first address. */
function isAboutAny(name: string): boolean {
  return name !== 'host' && name !== 'if-none-match' && name !== 'if-modified-since';
}

function isAboutNoBody(name: string): boolean {
  return isAboutAny(name) && !name.startsWith('content-');
}

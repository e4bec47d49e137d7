import { Readable } from 'node:stream';
import { FailedError, ScraperError, TimeoutError, UpstreamError } from '../errors/index.ts';
import type { Clock } from '../kernel/index.ts';
import { acceptedCodings, decodedBody } from './content-coding.ts';
import { ForbiddenAddressError } from './errors.ts';
import { transportError } from './failures.ts';
import type { Connections } from './http-client.ts';
import { type Hop, nextHop, type Reached } from './redirects.ts';
import { Reply } from './reply.ts';

/** What came of asking for a robots.txt. */
export type RobotsAnswer =
  | { readonly kind: 'file'; readonly text: string }
  | { readonly kind: 'none' }
  | { readonly kind: 'unreachable'; readonly failure: FailedError };

/** How a robots.txt is asked for. */
export interface RobotsRequest {
  readonly origin: string;
  readonly pool: Connections;
  readonly userAgent: string;
  readonly maxBytes: number;
  readonly timeoutMs: number;
  readonly clock: Clock;
}

/** How many redirects in a row are followed; more than those mean that there is no such file (section 2.3.1.2). */
const maxRedirects = 5;

/**
 * Asks an origin for its robots.txt. Refusals of ours and the caller's abort are thrown; failures of theirs are answers.
 *
 * @throws {RejectedError} when the origin must not be asked.
 */
export async function fetchRobots(request: RobotsRequest, signal: AbortSignal): Promise<RobotsAnswer> {
  const { origin, timeoutMs, clock } = request;
  const where = `GET ${origin}/robots.txt`;
  const limit = new AbortController();
  const timer = clock.setTimer(timeoutMs, () => {
    limit.abort(new TimeoutError(`${where} took longer than ${timeoutMs} ms`, timeoutMs));
  });
  const asked: Hop[] = [];
  try {
    return await ask(request, asked, AbortSignal.any([signal, limit.signal]));
  } catch (error) {
    if (signal.aborted) throw error;
    return { kind: 'unreachable', failure: failureOf(where, transportError(where, error), asked.length > 1) };
  } finally {
    timer.cancel();
  }
}

/** The failure of theirs that an error is; throws what is none. */
function failureOf(where: string, error: unknown, isRedirected: boolean): FailedError {
  if (error instanceof FailedError) return error;
  if (!isRedirected || !(error instanceof ForbiddenAddressError)) throw error;
  return new ScraperError(`${where} redirected to an address that may not be asked`, { cause: error });
}

async function ask(request: RobotsRequest, asked: Hop[], signal: AbortSignal): Promise<RobotsAnswer> {
  const reached = await reach(request, asked, signal);
  if (reached === undefined) return { kind: 'none' };
  const { hop, reply } = reached;
  const { status, headers } = reply;
  const where = `GET ${hop.url.origin}${hop.url.pathname}`;
  if (status >= 200 && status < 300) {
    const contentEncoding = headers['content-encoding'];
    const { maxBytes } = request;
    const body =
      contentEncoding === undefined
        ? reply.pieces()
        : decodedBody({ body: Readable.from(reply.pieces()), contentEncoding, maxBytes }, where);
    return { kind: 'file', text: await readBeginning(body, maxBytes) };
  }
  await reply.discard();
  // "Too many requests" says nothing about the file, and is over soon.
  if (status < 500 && status !== 429) return { kind: 'none' };
  return { kind: 'unreachable', failure: new UpstreamError(`${where} answered ${status}`, status) };
}

/** Follows redirects; `undefined` when there are too many. */
async function reach(request: RobotsRequest, asked: Hop[], signal: AbortSignal): Promise<Reached | undefined> {
  const { origin, pool, userAgent } = request;
  const headers = { accept: 'text/plain', 'accept-encoding': acceptedCodings, 'user-agent': userAgent };
  let hop: Hop = { method: 'GET', url: new URL('/robots.txt', origin), headers, body: undefined };
  while (asked.length <= maxRedirects) {
    asked.push(hop);
    const { method, url } = hop;
    const reply = new Reply();
    reply.endBy(signal);
    pool.send(url.origin, { method, path: `${url.pathname}${url.search}`, headers: hop.headers }, reply);
    await reply.begun;
    const next = await leave(hop, reply);
    if (next === undefined) return { hop, reply };
    hop = next;
  }
  return undefined;
}

/** Where a reply leads to; `undefined` when it is the last one. */
async function leave(hop: Hop, reply: Reply): Promise<Hop | undefined> {
  let isFinal = false;
  try {
    const rules = { max: maxRedirects, to: 'any-origin' } as const;
    const next = nextHop(hop, reply.status, reply.headers['location'], rules);
    isFinal = next === undefined;
    return next;
  } finally {
    if (!isFinal) await reply.discard();
  }
}

/** A body as text; of one that is too long, the lines that are complete within the limit. */
async function readBeginning(body: AsyncIterable<Uint8Array>, maxBytes: number): Promise<string> {
  const chunks: Uint8Array[] = [];
  let receivedBytes = 0;
  for await (const chunk of body) {
    chunks.push(chunk);
    receivedBytes += chunk.byteLength;
    if (receivedBytes > maxBytes) break;
  }
  const bytes = Buffer.concat(chunks);
  if (receivedBytes <= maxBytes) return new TextDecoder().decode(bytes);
  const beginning = bytes.subarray(0, maxBytes);
  const end = Math.max(beginning.lastIndexOf(0x0a), beginning.lastIndexOf(0x0d));
  return new TextDecoder().decode(beginning.subarray(0, end + 1));
}

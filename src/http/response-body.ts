import type { Dispatcher } from 'undici';
import { limitBytes, readText, tooLarge } from './body.ts';
import { decodedBody, isKnownCoding } from './content-coding.ts';

/** How much of a failure's body is read: 64 KiB. */
const maxFailureBytes = 65_536;

/** An answer whose headers have come. */
export interface Begun {
  readonly method: string;
  readonly response: Dispatcher.ResponseData;
  /** Names in lower case. Those that describe a compressed body are taken away when it is given on decompressed. */
  readonly headers: Record<string, string>;
  /** The request, for messages. */
  readonly where: string;
}

/**
 * The body of an answer as it was before it was compressed, within its limit. What is known to be too large, or cannot be
 * read, is not begun, and its connection is closed.
 *
 * @throws {ScraperError} then.
 */
export function openBody({ method, response, headers, where }: Begun, maxBytes: number): AsyncIterable<Uint8Array> {
  const { statusCode, body } = response;
  // Answers to HEAD, and those without content, have the headers of a body that does not come.
  if (method === 'HEAD' || statusCode === 204 || statusCode === 304) return limitBytes(body, maxBytes, where);
  try {
    if (Number(headers['content-length']) > maxBytes) throw tooLarge(where, maxBytes);
    const contentEncoding = headers['content-encoding'];
    if (contentEncoding === undefined) return limitBytes(body, maxBytes, where);
    const decoded = decodedBody({ body, contentEncoding, maxBytes }, where);
    delete headers['content-encoding'];
    delete headers['content-length'];
    return limitBytes(decoded, maxBytes, where);
  } catch (error) {
    body.on('error', () => {}).destroy();
    throw error;
  }
}

/** A failure's body may be anything, and its loss must not hide the status. */
export async function readFailure({ response, headers, where }: Begun): Promise<string> {
  const { body } = response;
  const contentEncoding = headers['content-encoding'];
  const isCoded = contentEncoding !== undefined && isKnownCoding(contentEncoding);
  const readable = isCoded ? decodedBody({ body, contentEncoding, maxBytes: maxFailureBytes }, where) : body;
  try {
    return await readText(limitBytes(readable, maxFailureBytes, where));
  } catch {
    return '';
  }
}

import { Readable } from 'node:stream';
import { decodedText, limitBytes, parseJson, readBytes, tooLarge } from './body.ts';
import { decodedBody, isKnownCoding } from './content-coding.ts';
import type { HttpRequest } from './http-request.ts';
import type { Reply } from './reply.ts';

/** How much of a failure's body is read: 64 KiB. */
const maxFailureBytes = 65_536;

/** A reply that is read. */
export interface Begun {
  readonly method: string;
  /** Of its headers, those that describe a compressed body are taken away when it is given on decompressed. */
  readonly reply: Reply;
  /** The request, for messages. */
  readonly where: string;
}

/** How a body is read. */
export type Form = 'json' | 'text' | 'stream';

/** What is wanted of a body. */
export interface Wanted {
  readonly form: Form;
  readonly maxBytes: number;
  readonly request: Pick<HttpRequest, 'signal'>;
}

/**
 * The body of a reply as it was before it was compressed, within its limit. One that has come already is given at once.
 *
 * @throws {ScraperError} for a body that is too large, or cannot be read: its connection is closed.
 */
export function readBody(begun: Begun, { form, maxBytes, request }: Wanted): unknown {
  const { reply, where } = begun;
  const decoded = decompressed(begun, maxBytes);
  if (form === 'stream') {
    if (request.signal !== undefined) reply.endBy(request.signal);
    return limitBytes(decoded ?? reply.pieces(), maxBytes, where);
  }
  const bytes = decoded === undefined ? reply.whole(maxBytes, where) : readBytes(limitBytes(decoded, maxBytes, where));
  return bytes instanceof Promise ? readLater(bytes, begun, form) : interpreted(bytes, begun, form);
}

async function readLater(bytes: Promise<Buffer>, begun: Begun, form: Form): Promise<unknown> {
  return interpreted(await bytes, begun, form);
}

function interpreted(bytes: Buffer, { reply, where }: Begun, form: Form): unknown {
  const text = decodedText(bytes);
  return form === 'json' ? parseJson(text, reply.headers['content-type'], where) : text;
}

/** What a compressed body becomes. Whatever is known to be unreadable is not begun. */
function decompressed({ method, reply, where }: Begun, maxBytes: number): AsyncIterable<Uint8Array> | undefined {
  const { status, headers } = reply;
  // Answers to HEAD, and those without content, have the headers of a body that does not come.
  if (method === 'HEAD' || status === 204 || status === 304) return undefined;
  try {
    if (Number(headers['content-length']) > maxBytes) throw tooLarge(where, maxBytes);
    const contentEncoding = headers['content-encoding'];
    if (contentEncoding === undefined) return undefined;
    const decoded = decodedBody({ body: Readable.from(reply.pieces()), contentEncoding, maxBytes }, where);
    delete headers['content-encoding'];
    delete headers['content-length'];
    return decoded;
  } catch (error) {
    reply.close();
    throw error;
  }
}

/** A failure's body may be anything, and its loss must not hide the status. */
export async function readFailure({ reply, where }: Begun): Promise<string> {
  const contentEncoding = reply.headers['content-encoding'];
  try {
    if (contentEncoding === undefined || !isKnownCoding(contentEncoding)) {
      return decodedText(await reply.whole(maxFailureBytes, where));
    }
    const coded = { body: Readable.from(reply.pieces()), contentEncoding, maxBytes: maxFailureBytes };
    return decodedText(await readBytes(limitBytes(decodedBody(coded, where), maxFailureBytes, where)));
  } catch {
    return '';
  }
}

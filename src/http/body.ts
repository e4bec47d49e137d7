import { ScraperError } from '../errors/index.ts';
import { transportError } from './failures.ts';

/** Passes a body through, and ends it with an error of ours when it breaks off or grows beyond the limit. */
export async function* limitBytes(
  body: AsyncIterable<Uint8Array>,
  maxBytes: number,
  where: string,
): AsyncGenerator<Uint8Array> {
  let receivedBytes = 0;
  try {
    for await (const chunk of body) {
      receivedBytes += chunk.byteLength;
      if (receivedBytes > maxBytes) throw tooLarge(where, maxBytes);
      yield chunk;
    }
  } catch (error) {
    throw transportError(where, error);
  }
}

/** The error of a body beyond its limit. */
export function tooLarge(where: string, maxBytes: number): ScraperError {
  return new ScraperError(`${where} sent more than the ${maxBytes} bytes that are accepted`, { details: { maxBytes } });
}

/** Reads a body to its end. */
export async function readBytes(body: AsyncIterable<Uint8Array>): Promise<Buffer> {
  const chunks: Uint8Array[] = [];
  for await (const chunk of body) chunks.push(chunk);
  return Buffer.concat(chunks);
}

/** Bytes as UTF-8 text, without the mark that some put before it. */
export function decodedText(bytes: Buffer): string {
  const text = bytes.toString();
  return text.startsWith('\ufeff') ? text.slice(1) : text;
}

/** Reads text as JSON, and says what came instead when it is none. */
export function parseJson(text: string, contentType: string | undefined, where: string): unknown {
  try {
    return JSON.parse(text);
  } catch (cause) {
    const isHtml = /^\s*<(?:!doctype|html)/i.test(text);
    const found = isHtml ? 'an HTML page' : `${text.length} characters of ${contentType ?? 'an unknown type'}`;
    throw new ScraperError(`${where} answered with ${found} where JSON was expected`, {
      cause,
      details: { body: text.slice(0, 300) },
    });
  }
}

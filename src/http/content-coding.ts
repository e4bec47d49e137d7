import { pipeline, type Readable, Transform } from 'node:stream';
import { createBrotliDecompress, createGunzip, createInflate } from 'node:zlib';
import { ScraperError } from '../errors/index.ts';
import { tooLarge } from './body.ts';

/** The codings that are asked for. */
export const acceptedCodings = 'gzip, br';

/** How many codings may lie over each other: one is usual, two happen behind careless proxies. */
const maxCodings = 2;

/** A body, and how it was sent. */
export interface CodedBody {
  readonly body: Readable;
  readonly contentEncoding: string;
  /** How much may be received, in bytes: there are streams that never end and decompress to nothing. */
  readonly maxBytes: number;
}

/**
 * A body as it was before it was compressed. Reading what comes of it is what decompresses: whoever stops early has
 * neither the rest in memory nor the connection open.
 *
 * @throws {ScraperError} for a coding that is not known.
 */
export function decodedBody(coded: CodedBody, where: string): AsyncIterable<Uint8Array> {
  const { body, contentEncoding } = coded;
  const codings = codingsOf(contentEncoding);
  if (codings.length === 0) return body;
  if (!isKnownCoding(contentEncoding)) {
    throw new ScraperError(`${where} answered in the content coding "${contentEncoding}", expected ${acceptedCodings}`);
  }
  return decoded(coded, codings.reverse(), where);
}

/** Whether a body in these codings can be read. */
export function isKnownCoding(contentEncoding: string): boolean {
  const codings = codingsOf(contentEncoding);
  return codings.length <= maxCodings && codings.every(coding => Object.hasOwn(decoders, coding));
}

function codingsOf(contentEncoding: string): string[] {
  const codings = contentEncoding.split(',').map(coding => coding.trim().toLowerCase());
  return codings.filter(coding => coding !== '' && coding !== 'identity');
}

const decoders: Readonly<Record<string, () => Transform>> = Object.freeze({
  gzip: createGunzip,
  'x-gzip': createGunzip,
  br: createBrotliDecompress,
  deflate: createInflate,
});

async function* decoded(
  { body, maxBytes }: CodedBody,
  codings: readonly string[],
  where: string,
): AsyncGenerator<Uint8Array> {
  const stages = [limiter(maxBytes, where), ...codings.flatMap(coding => decoders[coding]?.() ?? [])];
  // Errors of every stage reach whoever reads the last one.
  const stream = stages.reduce<Readable>((source, stage) => pipeline(source, stage, () => {}), body);
  try {
    yield* stream as AsyncIterable<Uint8Array>;
  } catch (cause) {
    if (!isCodecError(cause)) throw cause;
    throw new ScraperError(`${where} sent a body that cannot be decompressed as ${codings.join(', ')}`, { cause });
  }
}

function limiter(maxBytes: number, where: string): Transform {
  let receivedBytes = 0;
  return new Transform({
    transform(chunk: Uint8Array, _encoding, done) {
      receivedBytes += chunk.byteLength;
      if (receivedBytes > maxBytes) done(tooLarge(where, maxBytes));
      else done(null, chunk);
    },
  });
}

function isCodecError(error: unknown): boolean {
  const { code } = error as { code?: unknown };
  return typeof code === 'string' && /^(?:Z_|ERR__ERROR_|ERR_BROTLI_)/.test(code);
}

import { deserialize, serialize } from 'node:v8';
import { crc32 } from 'node:zlib';
import { ArgumentError, CacheError } from '../errors/index.ts';
import { findMisfitForJson, findMisfitForStructured, isFitForJson, type Misfit } from './json-fitness.ts';

/**
 * How values become bytes. `json`: as `JSON.stringify` does, readable for any language; dates become text, NaN and infinities
 * null, instances of classes plain objects. `structured`: the platform's structured clone, for dates, maps, sets, typed
 * arrays, bigints and cycles; readable for Node.js only. Neither brings code to life.
 */
export type CacheCodec = 'json' | 'structured';

/** Bytes of the checksum that a structured payload begins with. */
const checksumBytes = 4;

/**
 * The JSON of a value that is not `undefined`.
 *
 * @throws {ArgumentError} for what JSON would leave out or cannot carry.
 */
export function encodeJson(value: unknown): string {
  let text: string | undefined;
  let cause: unknown;
  try {
    text = JSON.stringify(value);
    if (text !== undefined && isFitForJson(value)) return text;
  } catch (error) {
    cause = error;
  }
  const misfit = search(findMisfitForJson, value);
  const instead = misfit?.found === 'a function' || misfit?.found === 'a symbol' ? leaveItOut : useStructured;
  throw refusal('JSON', misfit, instead, cause);
}

/**
 * The payload of a value in the structured form, with a checksum.
 *
 * @throws {ArgumentError} for functions, symbols and what else cannot be cloned.
 */
export function encodeStructured(value: unknown): Buffer {
  let body: Buffer;
  try {
    body = serialize(value);
  } catch (error) {
    // The platform's message holds the source of a function: it stays in the cause.
    throw refusal('the structured codec', search(findMisfitForStructured, value), leaveItOut, error);
  }
  const payload = Buffer.allocUnsafe(checksumBytes + body.length);
  payload.writeUInt32BE(crc32(body), 0);
  body.copy(payload, checksumBytes);
  return payload;
}

/** @throws {SyntaxError} when the bytes are not JSON. */
export function decodeJson(bytes: Buffer, from: number): unknown {
  return JSON.parse(bytes.toString('utf8', from));
}

/** @throws {CacheError} when the bytes are not what was written: such bytes never reach the platform's reader. */
export function decodeStructured(bytes: Buffer, from: number): unknown {
  const body = bytes.subarray(from + checksumBytes);
  if (bytes.length < from + checksumBytes || bytes.readUInt32BE(from) !== crc32(body)) {
    throw new CacheError('Cannot read a structured value: its checksum does not fit', { retryable: false });
  }
  return deserialize(body);
}

const useStructured = "use codec: 'structured', or change it into what JSON has";
const leaveItOut = 'leave it out';

function search(find: (value: unknown) => Misfit | undefined, value: unknown): Misfit | undefined {
  try {
    return find(value);
  } catch {
    // A getter or a proxy that throws, or a value that is too deep: the cause says so.
    return undefined;
  }
}

function refusal(codec: string, misfit: Misfit | undefined, instead: string, cause: unknown): ArgumentError {
  const found = misfit === undefined ? reasonOf(cause) : `${misfit.found} at ${misfit.path}`;
  const message = `Cannot keep the value: ${codec} cannot carry ${found}; ${instead}`;
  return new ArgumentError(message, 'value', cause === undefined ? {} : { cause });
}

function reasonOf(cause: unknown): string {
  return cause instanceof RangeError ? 'something so large or deep' : 'it';
}

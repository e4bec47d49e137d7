import { createHash, type Hash } from 'node:crypto';
import { ArgumentError, ValidationError } from '../../errors/index.ts';

/** The deepest nesting of a body. */
const maxDepth = 100;

/** The part of a request that makes it the same as another one. */
export interface FingerprintedRequest {
  readonly method: string;
  readonly url: string;
  readonly headers: Readonly<Record<string, unknown>>;
  /** As the route's schema made it. */
  readonly body: unknown;
}

/** The headers that say under which condition a request is run: under another one it is another request. */
const conditions = ['if-match', 'if-none-match', 'if-modified-since', 'if-unmodified-since'] as const;

/**
 * A hash over the method, the address with its query, the conditions in the headers, and the body, in which the order of
 * properties does not matter.
 *
 * @throws {ValidationError} when the body is nested too deep.
 * @throws {ArgumentError} when the body is nothing that can be compared, such as a stream.
 */
export function fingerprintOf({ method, url, headers, body }: FingerprintedRequest): string {
  const given = conditions.flatMap(name => (headers[name] === undefined ? [] : [[name, headers[name]]]));
  const hash = createHash('sha256').update(JSON.stringify([method, url, ...given]));
  write(hash, body, 0);
  return hash.digest('base64url');
}

/** Every value begins with what cannot begin another kind of value. */
function write(hash: Hash, value: unknown, depth: number): void {
  if (depth > maxDepth) {
    throw new ValidationError('The request is not valid', { body: `Nested more than ${maxDepth} levels deep` });
  }
  if (value === null || typeof value !== 'object') writeScalar(hash, value);
  else if (Array.isArray(value)) {
    hash.update('[');
    for (const element of value) {
      write(hash, element, depth + 1);
      hash.update(',');
    }
    hash.update(']');
  } else if (value instanceof Date) hash.update(`D${value.getTime()}`);
  else if (value instanceof Uint8Array) hash.update(`B${value.byteLength}:`).update(value);
  else writeObject(hash, value, depth);
}

function writeScalar(hash: Hash, value: unknown): void {
  if (typeof value === 'function' || typeof value === 'symbol') throw incomparable(`a ${typeof value}`);
  hash.update(typeof value === 'bigint' ? `${value}n` : (JSON.stringify(value) ?? 'undefined'));
}

function writeObject(hash: Hash, value: object, depth: number): void {
  const prototype: unknown = Object.getPrototypeOf(value);
  if (prototype !== Object.prototype && prototype !== null) {
    throw incomparable(`an instance of ${(value.constructor as { name?: string } | undefined)?.name || 'a class'}`);
  }
  hash.update('{');
  for (const name of Object.keys(value).sort()) {
    const property = (value as Readonly<Record<string, unknown>>)[name];
    // A schema may leave out a property or set it to undefined.
    if (property === undefined) continue;
    hash.update(`${JSON.stringify(name)}:`);
    write(hash, property, depth + 1);
    hash.update(',');
  }
  hash.update('}');
}

function incomparable(found: string): ArgumentError {
  return new ArgumentError(
    `Cannot tell whether two requests are the same: expected a body of plain objects, arrays, text, numbers, dates and bytes, got ${found}; give fingerprint`,
    'fingerprint',
  );
}

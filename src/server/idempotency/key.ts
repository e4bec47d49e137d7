import { IdempotencyError } from './errors.ts';

/** The longest key. */
const maxLength = 255;

/** A string of RFC 8941, without parameters. */
const quoted = /^"((?:[\x20\x21\x23-\x5b\x5d-\x7e]|\\["\\])*)"$/;

/** What clients send without quotes: UUIDs, tokens of RFC 8941, base64. No comma: that would be two keys. */
const bare = /^[\w!#$%&'*+\-.^`|~:/=]+$/;

/**
 * Reads the header `Idempotency-Key`: a structured-field string, or the same text without its quotes.
 *
 * @throws {IdempotencyError} when the value is no key of 1 to 255 characters.
 * @example
 * parseIdempotencyKey('"8e03978e-40d5-43dd-bc93-6894a57f9324"'); // 8e03978e-40d5-43dd-bc93-6894a57f9324
 */
export function parseIdempotencyKey(header: string): string {
  const inside = quoted.exec(header)?.[1];
  const key = inside === undefined ? (bare.test(header) ? header : '') : inside.replace(/\\(["\\])/g, '$1');
  if (key.length > 0 && key.length <= maxLength) return key;
  throw new IdempotencyError(
    `The header Idempotency-Key is no key: expected one string of 1 to ${maxLength} ASCII characters, such as "8e03978e-40d5-43dd-bc93-6894a57f9324" in double quotes`,
    'malformed',
  );
}

import { ArgumentError } from '../errors/index.ts';
import type { RateLimitDecision } from './decision.ts';

/** A policy as clients are told of it: at most `quota` requests within `windowSeconds`. */
export interface RateLimitPolicy {
  readonly name: string;
  readonly quota: number;
  readonly windowSeconds?: number | undefined;
}

/** What is left of a policy, as a client reads it. */
export interface RateLimitState {
  readonly name: string;
  readonly remaining: number;
  /** Until more is there, in seconds. */
  readonly resetSeconds?: number | undefined;
}

/** Response header fields, by name. */
export type RateLimitFields = Readonly<Record<string, string>>;

/** The largest whole number of a structured field (RFC 9651, 3.3.1). */
const maxFieldInteger = 999_999_999_999_999;

/**
 * What an answer tells its client of the limit: `RateLimit-Policy`, `RateLimit` (draft-ietf-httpapi-ratelimit-headers-11)
 * and, when denied, `Retry-After`. A limit that could not be asked has only `Retry-After`.
 *
 * @throws {ArgumentError} when a policy's name has other characters than printable ASCII.
 * @example
 * for (const [name, value] of Object.entries(limiter.fields(decision))) response.setHeader(name, value);
 */
export function rateLimitFields(
  decision: RateLimitDecision,
  policy: RateLimitPolicy | readonly RateLimitPolicy[],
): RateLimitFields {
  const retryAfterSeconds = Math.ceil(decision.retryAfterMs / 1_000);
  const retryAfter = decision.allowed ? {} : { 'Retry-After': String(Math.max(1, retryAfterSeconds)) };
  if (decision.outcome === 'unavailable') return retryAfter;
  const policies: readonly RateLimitPolicy[] = 'name' in policy ? [policy] : policy;
  const chosen = policies.find(({ quota }) => quota === decision.limit) ?? policies[0];
  const { name = 'default', windowSeconds = Number.POSITIVE_INFINITY } = chosen ?? {};
  // Until more is there: a client that is told of a moment must not be told to come back before it. Who still has permits
  // is told of the window as it is named, without the millisecond that makes its end certain.
  const resetSeconds = decision.allowed
    ? Math.min(windowSeconds, Math.ceil(decision.resetAfterMs / 1_000))
    : Math.max(1, retryAfterSeconds);
  return {
    'RateLimit-Policy': policies.map(policyItem).join(', '),
    RateLimit: `${fieldString(name)};r=${decision.remaining};t=${resetSeconds}`,
    ...retryAfter,
  };
}

/** Reads a `RateLimit-Policy` field; a malformed one is no policy at all, as the draft asks of clients. */
export function parseRateLimitPolicy(field: string): readonly RateLimitPolicy[] {
  const items = parseItems(field)?.map(({ name, parameters }) => {
    const { q, w, qu, pk } = parameters;
    if (!isCount(q) || (w !== undefined && !(isCount(w) && w > 0))) return undefined;
    if ((qu !== undefined && typeof qu !== 'string') || (pk !== undefined && !(pk instanceof Uint8Array)))
      return undefined;
    return { name, quota: q, ...(w === undefined ? {} : { windowSeconds: w }) };
  });
  return allOf(items);
}

/** Reads a `RateLimit` field; a malformed one is nothing at all, as the draft asks of clients. */
export function parseRateLimit(field: string): readonly RateLimitState[] {
  const items = parseItems(field)?.map(({ name, parameters }) => {
    const { r, t, pk } = parameters;
    if (!isCount(r) || (t !== undefined && !isCount(t))) return undefined;
    if (pk !== undefined && !(pk instanceof Uint8Array)) return undefined;
    return { name, remaining: r, ...(t === undefined ? {} : { resetSeconds: t }) };
  });
  return allOf(items);
}

function policyItem({ name, quota, windowSeconds }: RateLimitPolicy): string {
  return `${fieldString(name)};q=${quota}${windowSeconds === undefined ? '' : `;w=${windowSeconds}`}`;
}

function fieldString(text: string): string {
  if (/^[\x20-\x7e]*$/.test(text)) return `"${text.replaceAll(/["\\]/g, '\\$&')}"`;
  throw new ArgumentError(`Cannot write "${text}" in a header field: expected printable ASCII characters`, 'name');
}

type Parameter = number | string | boolean | Uint8Array | { readonly token: string };

interface Item {
  readonly name: string;
  readonly parameters: Readonly<Record<string, Parameter>>;
}

const itemStart = /[ \t]*"((?:[\x20\x21\x23-\x5b\x5d-\x7e]|\\["\\])*)"/y;
const parameter =
  /; *([a-z*][a-z0-9_.*-]*)(?:=(?:(-?\d{1,15})|(-?\d{1,12}\.\d{1,3})|"((?:[\x20\x21\x23-\x5b\x5d-\x7e]|\\["\\])*)"|:([A-Za-z0-9+/]*={0,2}):|([A-Za-z*][\w!#$%&'*+.^`|~:/-]*)|\?([01])))?(?![^;, \t])/y;
const itemEnd = /[ \t]*(?:,(?=[ \t]*")|$)/y;

/** The part of a structured list (RFC 9651) that these fields use: strings with parameters. Anything else is malformed. */
function parseItems(field: string): readonly Item[] | undefined {
  const items: Item[] = [];
  let position = 0;
  const next = (pattern: RegExp): RegExpExecArray | undefined => {
    pattern.lastIndex = position;
    const match = pattern.exec(field) ?? undefined;
    if (match !== undefined) position = pattern.lastIndex;
    return match;
  };
  while (position < field.length || items.length === 0) {
    const start = next(itemStart);
    if (start === undefined) return undefined;
    const parameters: Record<string, Parameter> = Object.create(null);
    for (let match = next(parameter); match !== undefined; match = next(parameter)) {
      parameters[match[1] ?? ''] = parameterValue(match);
    }
    items.push({ name: unescaped(start[1] ?? ''), parameters });
    if (next(itemEnd) === undefined) return undefined;
  }
  return items;
}

function parameterValue([, , integer, decimal, text, bytes, token, flag]: RegExpExecArray): Parameter {
  if (integer !== undefined) return Number(integer);
  // Wrapped, so that a decimal is never taken for a whole number.
  if (decimal !== undefined) return { token: decimal };
  if (text !== undefined) return unescaped(text);
  if (bytes !== undefined) return Buffer.from(bytes, 'base64');
  if (token !== undefined) return { token };
  return flag !== '0';
}

function unescaped(text: string): string {
  return text.replaceAll(/\\(["\\])/g, '$1');
}

function isCount(value: Parameter | undefined): value is number {
  return typeof value === 'number' && value >= 0 && value <= maxFieldInteger;
}

function allOf<T>(items: readonly (T | undefined)[] | undefined): readonly T[] {
  const valid = items?.filter(item => item !== undefined) ?? [];
  return valid.length === items?.length ? valid : [];
}

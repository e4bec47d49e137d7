import { existsSync, readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { VirtualClock } from '../testing/index.ts';
import { statusError, transportError } from './failures.ts';
import { parseRetryAfter } from './index.ts';

const nowMs = Date.UTC(2026, 0, 15, 23);
const longestMs = 2_147_483_647;

describe('parseRetryAfter', () => {
  it.each<[string | undefined, number | undefined]>([
    ['120', 120_000],
    ['0', 0],
    ['00120', 120_000],
    [' 120 ', 120_000],
    ['86400', 86_400_000],
    ['2147483', 2_147_483_000],
    ['2147484', longestMs],
    ['99999999999999999999', longestMs],
    ['9'.repeat(400), longestMs],
    ['Thu, 15 Jan 2026 23:01:00 GMT', 60_000],
    ['Thursday, 15-Jan-26 23:01:00 GMT', 60_000],
    ['Thu Jan 15 23:01:00 2026', 60_000],
    ['Mon Feb  2 23:00:00 2026', 18 * 86_400_000],
    ['Thu, 15 Jan 2026 22:59:59 GMT', 0],
    ['Sun, 06 Nov 1994 08:49:37 GMT', 0],
    ['Sunday, 06-Nov-94 08:49:37 GMT', 0],
    ['Sun Nov  6 08:49:37 1994', 0],
    ['Fri, 15 Jan 2126 23:00:00 GMT', longestMs],
    [undefined, undefined],
    ['', undefined],
    [' ', undefined],
    ['-1', undefined],
    ['+5', undefined],
    ['1.5', undefined],
    ['1e3', undefined],
    ['0x10', undefined],
    ['120s', undefined],
    ['12 0', undefined],
    ['120, 60', undefined],
    ['Infinity', undefined],
    ['NaN', undefined],
    ['soon', undefined],
    ['Wait 5', undefined],
    ['Thu 1', undefined],
    ['Thu, 99 Jan 2026 23:01:00 GMT', undefined],
    ['Thu, 15 Foo 2026 23:01:00 GMT', undefined],
    ['Thu, 15 Jan 2026 23:01:00', undefined],
    ['2026-01-15T23:01:00Z', undefined],
    ['null', undefined],
  ])('reads %j as %s ms', (value, expectedMs) => {
    expect(parseRetryAfter(value, nowMs)).toBe(expectedMs);
  });

  it('reads a date that names no zone as GMT, wherever the machine stands', () => {
    const { TZ } = process.env;
    process.env['TZ'] = 'Asia/Tokyo';
    expect(parseRetryAfter('Thu Jan 15 23:01:00 2026', nowMs)).toBe(60_000);
    if (TZ === undefined) delete process.env['TZ'];
    else process.env['TZ'] = TZ;
  });
});

interface StoredCase {
  readonly value: string;
  readonly wait_ms: number | null | { readonly capped?: true; readonly either?: true } | 'either';
}

const stored = '../shared/suites/retry-after/retry-after.json';
const storedCases: readonly StoredCase[] = existsSync(stored) ? JSON.parse(readFileSync(stored, 'utf8')).cases : [];

function written(value: string): string {
  const [, seconds] = /^DATE([+-]\d+):imf$/.exec(value) ?? [];
  return seconds === undefined ? value : new Date(nowMs + Number(seconds) * 1_000).toUTCString();
}

describe.skipIf(storedCases.length === 0)('parseRetryAfter, the stored cases', () => {
  it.each(storedCases)('reads $value', ({ value, wait_ms: expected }) => {
    const waitMs = parseRetryAfter(written(value), nowMs);
    if (expected === null) expect(waitMs).toBeUndefined();
    else if (typeof expected === 'number') expect(waitMs).toBe(expected);
    else if (typeof expected === 'object' && expected.capped) expect(waitMs).toBe(longestMs);
    else expect(waitMs === undefined || (waitMs >= 0 && waitMs <= longestMs)).toBe(true);
  });
});

describe('statusError', () => {
  const clock = new VirtualClock();

  it('tells "too many requests" from a failing server, and carries the wait', () => {
    const answer = { headers: { 'retry-after': '7' }, body: 'slow down' };
    expect(statusError('GET http://h/x', { ...answer, status: 429 }, clock)).toMatchObject({
      code: 'RATE_LIMITED',
      retryAfterMs: 7_000,
      retryable: true,
      details: { status: 429, body: 'slow down' },
    });
    expect(statusError('GET http://h/x', { ...answer, status: 503 }, clock)).toMatchObject({
      code: 'UPSTREAM_ERROR',
      status: 503,
      retryAfterMs: 7_000,
      retryable: true,
    });
  });

  it('keeps little of a long body', () => {
    const error = statusError('GET http://h/x', { status: 500, headers: {}, body: 'x'.repeat(100_000) }, clock);
    expect(error.details['body']).toBe('x'.repeat(500));
    expect(error.retryAfterMs).toBeUndefined();
  });
});

describe('transportError', () => {
  const withCode = (code: string): Error => Object.assign(new TypeError('m'), { code });

  it.each([
    'ECONNREFUSED',
    'ECONNRESET',
    'ENOTFOUND',
    'EAI_AGAIN',
    'EPIPE',
    'UND_ERR_SOCKET',
    'UND_ERR_CONNECT_TIMEOUT',
    'UND_ERR_HEADERS_TIMEOUT',
    'UND_ERR_BODY_TIMEOUT',
    'ERR_STREAM_PREMATURE_CLOSE',
    'HPE_INVALID_CONSTANT',
  ])('makes a retryable NetworkError of %s', code => {
    const cause = withCode(code);
    expect(transportError('GET http://h/x', cause)).toMatchObject({
      code: 'NETWORK_ERROR',
      retryable: true,
      cause,
      details: { reason: code },
      message: `GET http://h/x could not be reached (${code})`,
    });
  });

  it.each([
    ['CERT_HAS_EXPIRED', 'its certificate has expired'],
    ['CERT_NOT_YET_VALID', 'its certificate is not valid yet'],
    ['CERT_REVOKED', 'its certificate was revoked'],
    ['CERT_SIGNATURE_FAILURE', 'its certificate cannot be trusted'],
    ['ERR_TLS_CERT_ALTNAME_INVALID', 'its certificate is for another host'],
    ['DEPTH_ZERO_SELF_SIGNED_CERT', 'its certificate is signed by itself'],
    ['SELF_SIGNED_CERT_IN_CHAIN', 'the issuer of its certificate is not trusted'],
    ['UNABLE_TO_VERIFY_LEAF_SIGNATURE', 'the issuer of its certificate is not known'],
    ['UNABLE_TO_GET_CRL', 'its certificate cannot be trusted'],
    ['ERR_SSL_TLSV13_ALERT_CERTIFICATE_REQUIRED', 'it wants a certificate of ours'],
    ['ERR_SSL_TLSV1_ALERT_UNKNOWN_CA', 'it does not accept our certificate'],
    ['ERR_SSL_SSLV3_ALERT_BAD_CERTIFICATE', 'it does not accept our certificate'],
    ['ERR_SSL_SSLV3_ALERT_CERTIFICATE_EXPIRED', 'it does not accept our certificate'],
    ['ERR_SSL_TLSV1_ALERT_PROTOCOL_VERSION', 'it speaks no version of TLS that we accept'],
    ['ERR_SSL_WRONG_VERSION_NUMBER', 'it does not speak TLS'],
    ['ERR_SSL_ANYTHING_ELSE', 'TLS failed'],
  ])('makes a NetworkError of %s that nobody repeats: %s', (code, meaning) => {
    const cause = withCode(code);
    expect(transportError('GET http://h/x', cause)).toMatchObject({
      code: 'NETWORK_ERROR',
      retryable: false,
      cause,
      details: { reason: code },
      message: `GET http://h/x could not be reached: ${meaning} (${code})`,
    });
  });

  it.each(['UND_ERR_INVALID_ARG', 'UND_ERR_NOT_SUPPORTED', 'ERR_INVALID_ARG_TYPE', 'ERR_INVALID_CHAR'])(
    'makes an ArgumentError of %s: our mistake, not theirs',
    code => {
      expect(transportError('GET http://h/x', withCode(code))).toMatchObject({
        code: 'INVALID_ARGUMENT',
        retryable: false,
      });
    },
  );

  it.each([new DOMException('m', 'AbortError'), new TypeError('m'), withCode('SOMETHING-ELSE'), 'a word', undefined])(
    'leaves %s as it is',
    error => {
      expect(transportError('GET http://h/x', error)).toBe(error);
    },
  );
});

describe('the wait that a 429 states', () => {
  const clock = new VirtualClock({ now: nowMs });
  const waitOf = (headers: Record<string, string>, status = 429): number | undefined =>
    statusError('GET https://example.com/', { status, headers, body: '' }, clock).retryAfterMs;

  it.each<[Record<string, string>, number | undefined]>([
    [{ 'retry-after': '7', 'x-ratelimit-reset': '30' }, 7_000],
    [{ 'x-ratelimit-reset': '30' }, 30_000],
    [{ 'x-ratelimit-reset': '0.5' }, 500],
    [{ 'x-ratelimit-reset': String((nowMs + 90_000) / 1_000) }, 90_000],
    [{ 'x-ratelimit-reset': String(nowMs + 90_000) }, 90_000],
    [{ 'x-ratelimit-reset': String(nowMs - 90_000) }, 0],
    [{ 'x-ratelimit-reset': '999999999999999999' }, longestMs],
    [{ 'x-ratelimit-reset': '6m0s' }, undefined],
    [{ 'x-ratelimit-reset': '-1' }, undefined],
    [{}, undefined],
  ])('is read of %j', (headers, expectedMs) => {
    expect(waitOf(headers)).toBe(expectedMs);
  });

  it('is taken of Retry-After alone where it is no 429', () => {
    expect(waitOf({ 'x-ratelimit-reset': '30' }, 503)).toBeUndefined();
  });
});

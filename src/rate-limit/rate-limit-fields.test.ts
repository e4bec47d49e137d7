import { existsSync, readFileSync } from 'node:fs';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { VirtualClock } from '../testing/index.ts';
import { parseRateLimit, parseRateLimitPolicy, RateLimiter, rateLimitFields } from './index.ts';

const stored = '../shared/suites/ratelimit-headers/vectors.json';

interface Vectors {
  readonly policy_valid: readonly string[];
  readonly policy_malformed: readonly string[];
  readonly limit_valid: readonly string[];
  readonly limit_malformed: readonly string[];
}

describe('the draft’s own examples', () => {
  it.skipIf(!existsSync(stored))(`are read, and malformed fields ignored (${stored})`, () => {
    const vectors: Vectors = JSON.parse(readFileSync(stored, 'utf8'));
    const unread = (fields: readonly string[], read: (field: string) => readonly object[]): readonly string[] =>
      fields.filter(field => read(field).length === 0);
    expect(unread(vectors.policy_valid, parseRateLimitPolicy)).toEqual([]);
    expect(unread(vectors.limit_valid, parseRateLimit)).toEqual([]);
    expect(unread(vectors.policy_malformed, parseRateLimitPolicy)).toEqual(vectors.policy_malformed);
    expect(unread(vectors.limit_malformed, parseRateLimit)).toEqual(vectors.limit_malformed);
  });
});

describe('rateLimitFields()', () => {
  it('tells of the policy, what is left and when to come back', async () => {
    const clock = new VirtualClock();
    const logins = new RateLimiter({ name: 'login', requests: 2, windowMs: 60_000, clock });
    expect(logins.fields(logins.check('a'))).toEqual({
      'RateLimit-Policy': '"login";q=2;w=60',
      RateLimit: '"login";r=1;t=60',
    });
    await clock.advance(10_500);
    logins.check('a');
    expect(logins.fields(logins.check('a'))).toEqual({
      'RateLimit-Policy': '"login";q=2;w=60',
      RateLimit: '"login";r=0;t=50',
      'Retry-After': '50',
    });
  });

  it('names every window, and the one that decided', () => {
    const windows = [
      { requests: 5, windowMs: 1_000 },
      { requests: 6, windowMs: 60_000 },
    ];
    const limiter = new RateLimiter({ name: 'api', windows, clock: new VirtualClock() });
    const { RateLimit, ...others } = limiter.fields(limiter.check('a', { cost: 5 }));
    expect(RateLimit).toBe('"api-1s";r=0;t=1');
    expect(others).toEqual({ 'RateLimit-Policy': '"api-1s";q=5;w=1, "api-60s";q=6;w=60' });
  });

  it('tells nothing of a limit that could not be asked, but when to come back', () => {
    const decision = { outcome: 'unavailable', limit: 1, remaining: 0, resetAfterMs: 0 } as const;
    const policy = { name: 'x', quota: 1 };
    expect(rateLimitFields({ ...decision, allowed: true, retryAfterMs: 0 }, policy)).toEqual({});
    expect(rateLimitFields({ ...decision, allowed: false, retryAfterMs: 1 }, policy)).toEqual({ 'Retry-After': '1' });
  });

  it('writes only what can be read back', () => {
    const decision = { allowed: true, outcome: 'allowed', limit: 7, retryAfterMs: 0 } as const;
    const printable = fc.string({ unit: fc.integer({ min: 32, max: 126 }).map(code => String.fromCharCode(code)) });
    fc.assert(
      fc.property(
        printable,
        fc.nat(),
        fc.integer({ min: 1 }),
        fc.nat(),
        (name, remaining, windowSeconds, resetAfterMs) => {
          const policy = { name, quota: 7, windowSeconds };
          const fields = rateLimitFields({ ...decision, remaining, resetAfterMs }, policy);
          expect(parseRateLimitPolicy(fields['RateLimit-Policy'] ?? '')).toEqual([policy]);
          const state = { name, remaining, resetSeconds: Math.min(windowSeconds, Math.ceil(resetAfterMs / 1_000)) };
          expect(parseRateLimit(fields['RateLimit'] ?? '')).toEqual([state]);
        },
      ),
    );
    expect(() => rateLimitFields({ ...decision, remaining: 0, resetAfterMs: 0 }, { name: 'größe', quota: 1 })).toThrow(
      'Cannot write "größe" in a header field: expected printable ASCII characters',
    );
  });
});

describe('parsing', () => {
  it('answers whatever comes, and quickly', () => {
    fc.assert(
      fc.property(fc.string(), text => {
        expect(Array.isArray(parseRateLimit(text)) && Array.isArray(parseRateLimitPolicy(text))).toBe(true);
      }),
    );
    for (const field of ['"'.repeat(50_000), `"a";r=1${';x'.repeat(50_000)}!`, `${'"a";r=1,'.repeat(20_000)}`]) {
      expect(parseRateLimit(field)).toEqual([]);
    }
  });
});

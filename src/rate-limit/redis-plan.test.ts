import { describe, expect, it } from 'vitest';
import { decisionOf, LimitPlan } from './redis-plan.ts';
import { limitScript, maxGrant, maxLaws } from './redis-script.ts';
import type { RateLimitLaw } from './store.ts';

const bucket: RateLimitLaw = { kind: 'token-bucket', ratePerSecond: 10, capacity: 20 };
const small: RateLimitLaw = { kind: 'sliding-window', requests: 5, windowMs: 1_000 };
const large: RateLimitLaw = { kind: 'sliding-window', requests: 500, windowMs: 60_000 };

const planOf = (laws: readonly RateLimitLaw[], holdShare = 0): LimitPlan =>
  new LimitPlan({ name: 'x', laws, maxKeys: 1, onEvicted: () => undefined }, holdShare);

describe('LimitPlan', () => {
  it('tells the numbers of every law', () => {
    expect(planOf([bucket]).numbers).toEqual(['2001', '0.01', '20']);
    expect(planOf([small, large]).numbers.map(Number)).toEqual([1_001, 5, 1_000, 1, 60_001, 500, 60_000, 600]);
    expect(planOf([small, large]).spanMs).toBe(60_001);
  });

  it('makes the law tighter by the time that permits may be held', () => {
    const plan = planOf([bucket], 0.05);
    expect([plan.holdMs, plan.maxCost]).toEqual([100, 19]);
    expect(plan.numbers).toEqual(['2101', '0.01', '19']);
    expect(planOf([small], 0.05).numbers).toEqual(['1051', '5', '1050', '1']);
  });

  it('reads an admission out of one number', () => {
    const plan = planOf([small, large]);
    const reply = (3 * (maxGrant + 1) + 2) * maxLaws + 0;
    expect(plan.read(reply)).toEqual({ allowed: true, granted: 2, limit: 5, left: 3, waitMs: 0, wholeMs: 1_001 });
    expect(plan.read((450 * (maxGrant + 1) + 1) * maxLaws + 1)).toMatchObject({ limit: 500, wholeMs: 60_001 });
    expect(planOf([bucket]).read((5 * (maxGrant + 1) + 1) * maxLaws)).toMatchObject({ left: 5, wholeMs: 1_500 });
  });

  it('reads a refusal out of a list', () => {
    const answer = planOf([small, large]).read([1, -3, 250, 900]);
    expect(decisionOf(answer)).toEqual({
      allowed: false,
      outcome: 'denied',
      limit: 500,
      remaining: 0,
      retryAfterMs: 250,
      resetAfterMs: 900,
    });
  });

  it('refuses more laws and larger numbers than there is room for', () => {
    expect(() => planOf(Array.from({ length: 9 }, () => small))).toThrow(
      'Cannot use 9 windows on Redis: expected at most 8',
    );
    expect(() => planOf([{ ...large, requests: 2 ** 32 }])).toThrow('Cannot use 4294967296 on Redis');
  });
});

describe('limitScript()', () => {
  it('writes only when it takes, and never asks for the time', () => {
    for (const shape of ['b', 'w', 'ww', 'bwb']) {
      const take = limitScript(shape, 'take');
      expect(take).toContain("call('SET'");
      expect(take).not.toContain("'TIME'");
      expect(limitScript(shape, 'peek')).not.toMatch(/call\('(SET|APPEND)/);
    }
  });

  it('decides about every law of its shape, each on a key of its own', () => {
    const script = limitScript('bw', 'take');
    expect(script).toContain('if left1 < left then left = left1 law = 1 end');
    expect(script).toContain('local key0, key1 = KEYS[1], KEYS[2]');
  });

  it('has constants in its text, or is told the numbers', () => {
    expect(limitScript('w', 'take', ['1001', '5', '1000', '1'])).toContain(
      'local span0, requests0, window0, tick0 = 1001, 5, 1000, 1\n',
    );
    expect(limitScript('b', 'take')).toContain(
      'local span0, rate0, capacity0 = ARGV[3] + 0, ARGV[4] + 0, ARGV[5] + 0\n',
    );
  });
});

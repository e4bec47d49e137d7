import { describe, expect, it } from 'vitest';
import { systemRandom } from '../kernel/index.ts';
import { seededRandom } from '../testing/index.ts';
import { tokenLength, WriteTokens } from './write-tokens.ts';

describe('WriteTokens', () => {
  it('gives digits of base 64, and none twice', () => {
    const given = new Set<string>();
    for (const tokens of [new WriteTokens(systemRandom), new WriteTokens(systemRandom)]) {
      for (let count = 0; count < 10_000; count += 1) given.add(tokens.next());
    }
    expect(given.size).toBe(20_000);
    for (const token of given) expect(token).toMatch(/^[0-o]{12}$/);
  });

  it('draws a new beginning when it has counted through', () => {
    const tokens = new WriteTokens(seededRandom(1));
    const first = tokens.next();
    for (let count = 1; count < 64 ** 4; count += 1) tokens.next();
    const next = tokens.next();
    expect([first.length, next.length]).toEqual([tokenLength, tokenLength]);
    expect(next.slice(8)).toBe(first.slice(8));
    expect(next.slice(0, 8)).not.toBe(first.slice(0, 8));
  });
});

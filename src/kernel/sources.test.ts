import { describe, expect, it } from 'vitest';
import { systemIds, systemRandom } from './index.ts';

describe('systemIds', () => {
  it('gives UUIDs of version 4, each once', () => {
    const ids = Array.from({ length: 1_000 }, () => systemIds.next());
    expect(new Set(ids).size).toBe(1_000);
    for (const id of ids) expect(id).toMatch(/^[\da-f]{8}-[\da-f]{4}-4[\da-f]{3}-[89ab][\da-f]{3}-[\da-f]{12}$/);
  });
});

describe('systemRandom', () => {
  it('gives numbers from 0 up to but not including 1', () => {
    for (let count = 0; count < 1_000; count += 1) {
      const number = systemRandom.next();
      expect(number >= 0 && number < 1).toBe(true);
    }
  });
});

import { deepStrictEqual, strictEqual } from 'node:assert/strict';
import { cached } from 'plinth/cache';
import type { CallCandidate, Candidate } from '../question.ts';

export const question = 'What does a hit of a memoized function cost, when every call is awaited, or only a promise?';
export const limit = 'Map and await';

const keys = Array.from({ length: 1_000 }, (_, index) => `user:${index}`);
const map = new Map(keys.map((key, index) => [key, index]));
const memo = cached(async (key: string) => Number(key.slice('user:'.length)));

/** Every call is awaited. */
function awaited(read: (key: string) => Promise<number> | number | undefined): CallCandidate {
  return {
    async check() {
      deepStrictEqual(await Promise.all(keys.map(read)), [...keys.keys()]);
    },
    async run(count) {
      let sum = 0;
      for (let index = 0; index < count; index += 1) sum += (await read(keys[index % keys.length] ?? '')) ?? Number.NaN;
      return sum;
    },
  };
}

/** Only what is a promise is awaited. */
function unlessThere(read: (key: string) => Promise<number> | number | undefined): CallCandidate {
  return {
    async check() {
      await Promise.all(keys.map(read));
      strictEqual(read('user:7'), 7);
    },
    async run(count) {
      let sum = 0;
      for (let index = 0; index < count; index += 1) {
        const value = read(keys[index % keys.length] ?? '');
        sum += typeof value === 'number' ? value : ((await value) ?? Number.NaN);
      }
      return sum;
    },
  };
}

/** Every candidate is measured in a process of its own. */
export const candidates: Readonly<Record<string, Candidate>> = {
  'Map and await': awaited(key => map.get(key)),
  'plinth cached': awaited(key => memo(key)),
  'Map, nothing awaited': unlessThere(key => map.get(key)),
  'plinth cached, valueOrPromise': unlessThere(key => memo.valueOrPromise(key)),
};

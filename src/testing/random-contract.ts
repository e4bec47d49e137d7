import { ok } from 'node:assert/strict';
import type { Random } from '../kernel/index.ts';
import type { ContractSuite } from './contract.ts';

/**
 * What a `Random` promises.
 *
 * @example
 * for (const { name, run } of randomContract) it(name, () => run(seededRandom(42)));
 */
export const randomContract: ContractSuite<Random> = [
  {
    name: 'gives numbers from 0 up to but not including 1',
    async run(random) {
      for (const number of draws(random, 10_000)) ok(number >= 0 && number < 1, `Drew ${number}`);
    },
  },
  {
    name: 'is spread evenly',
    async run(random) {
      const buckets = new Array<number>(10).fill(0);
      for (const number of draws(random, 10_000)) {
        const bucket = Math.floor(number * 10);
        buckets[bucket] = (buckets[bucket] ?? 0) + 1;
      }
      // Six standard deviations: by chance once in a hundred million runs.
      for (const count of buckets) ok(Math.abs(count - 1_000) < 180, `Of 10,000 numbers ${count} are in one tenth`);
    },
  },
  {
    name: 'does not follow from the number before',
    async run(random) {
      const numbers = draws(random, 10_000);
      const rises = numbers.filter((number, index) => index > 0 && number > (numbers[index - 1] ?? 0)).length;
      ok(Math.abs(rises - 5_000) < 180, `Of 10,000 numbers ${rises} are larger than the one before`);
    },
  },
];

function draws(random: Random, count: number): readonly number[] {
  return Array.from({ length: count }, () => random.next());
}

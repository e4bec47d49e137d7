import { seededRandom } from 'plinth/testing';

/**
 * Indices below `size` as they come in practice: the one of rank r about 1 / r ** exponent as often as the first. Which
 * index has which rank is shuffled, so that frequent ones do not lie side by side in memory.
 */
export function zipfIndices(size: number, exponent: number, length: number, seed = 42): Uint32Array {
  const random = seededRandom(seed);
  const shares = new Float64Array(size);
  let total = 0;
  for (let rank = 0; rank < size; rank += 1) {
    total += 1 / (rank + 1) ** exponent;
    shares[rank] = total;
  }
  const indices = shuffled(size, random);
  return Uint32Array.from({ length }, () => indices[firstAtLeast(shares, random.next() * total)] as number);
}

/** The numbers from 0, in any order. */
export function shuffled(size: number, random: { next(): number }): Uint32Array {
  const numbers = Uint32Array.from({ length: size }, (_, index) => index);
  for (let index = size - 1; index > 0; index -= 1) {
    const other = Math.floor(random.next() * (index + 1));
    [numbers[index], numbers[other]] = [numbers[other] as number, numbers[index] as number];
  }
  return numbers;
}

function firstAtLeast(sorted: Float64Array, wanted: number): number {
  let low = 0;
  let high = sorted.length - 1;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if ((sorted[middle] as number) < wanted) low = middle + 1;
    else high = middle;
  }
  return low;
}

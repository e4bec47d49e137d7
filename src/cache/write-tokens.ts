import type { Random } from '../kernel/index.ts';

/** The length of a token, in characters. */
export const tokenLength = 12;

/** How many tokens begin alike before the beginning is drawn anew. */
const tokensPerBeginning = 64 ** 4;

/**
 * Names for writes that nobody else gives: 48 random bits for the process, and 24 bits that count. All of it are digits of
 * base 64, from `0` to `o` in ASCII.
 */
export class WriteTokens {
  readonly #random: Random;
  #beginning = '';
  #count = tokensPerBeginning;

  constructor(random: Random) {
    this.#random = random;
  }

  /** A token that has not been given before. */
  next(): string {
    if (this.#count >= tokensPerBeginning) {
      this.#beginning = this.#fourDigits() + this.#fourDigits();
      this.#count = 0;
    }
    const count = this.#count;
    this.#count += 1;
    return this.#beginning + fourDigits(count);
  }

  #fourDigits(): string {
    return fourDigits(Math.floor(this.#random.next() * tokensPerBeginning));
  }
}

function fourDigits(value: number): string {
  return String.fromCharCode(
    48 + ((value >> 18) & 63),
    48 + ((value >> 12) & 63),
    48 + ((value >> 6) & 63),
    48 + (value & 63),
  );
}

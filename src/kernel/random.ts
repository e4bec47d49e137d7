/** Randomness as an input: tests give a seeded one. Not for secrets. */
export interface Random {
  /** A number from 0 up to but not including 1. */
  next(): number;
}

/** The platform's generator. */
export const systemRandom: Random = Object.freeze({ next: () => Math.random() });

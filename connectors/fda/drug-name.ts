import { ValidationError } from 'plinth/errors';

/** The longest name that is searched for: the longest ingredient list of the Orange Book has 233 characters. */
export const maxNameLength = 300;

/** How well a name fits: it is the whole name, begins it, or stands inside it. */
export type NameMatch = 'exact' | 'leading' | 'contained';

/** A drug's name as somebody typed it, checked, and taken apart for searching. */
export interface DrugName {
  /** The name without outer spaces, inner runs of spaces made one. */
  readonly text: string;
  /** Its words in capitals: runs of letters and digits, without accents. At least one. */
  readonly words: readonly string[];
}

/** The words of a text in capitals: runs of letters and digits, without accents. */
export function toWords(text: string): string[] {
  return (
    text
      .normalize('NFKD')
      .replace(/\p{M}/gu, '')
      .toUpperCase()
      .match(/[\p{L}\p{N}]+/gu) ?? []
  );
}

/** Checks a drug's name. Throws `ValidationError` for what cannot be one. */
export function parseDrugName(name: unknown): DrugName {
  const problem = findProblem(name);
  if (problem !== undefined) {
    throw new ValidationError('Invalid drug name', { name: problem });
  }
  const text = (name as string).trim().replace(/\s+/g, ' ');
  return { text, words: toWords(text) };
}

function findProblem(name: unknown): string | undefined {
  if (typeof name !== 'string') return `Expected text, got ${name === null ? 'null' : typeof name}`;
  const text = name.trim();
  if (text === '') return 'The name is empty. Give a brand name or an ingredient, such as osimertinib';
  if (text.length > maxNameLength)
    return `The name has ${text.length} characters, at most ${maxNameLength} are allowed`;
  if (/\p{Cc}/u.test(text)) return 'The name contains control characters. Remove line breaks, tabs and the like';
  if (toWords(text).length === 0) return `The name ${JSON.stringify(text)} has no letters or digits to search for`;
  return undefined;
}

/**
 * Finds the words of a name next to each other in the words of a text. Whole words only: `TINIB` is not in
 * `OSIMERTINIB`.
 */
export function matchWords(words: readonly string[], name: readonly string[]): NameMatch | undefined {
  for (let start = 0; start + name.length <= words.length; start += 1) {
    if (name.every((word, offset) => words[start + offset] === word)) {
      if (start > 0) return 'contained';
      return words.length === name.length ? 'exact' : 'leading';
    }
  }
  return undefined;
}

/** The better of two matches. */
export function betterMatch(one: NameMatch | undefined, other: NameMatch | undefined): NameMatch | undefined {
  if (one === undefined || other === undefined) return one ?? other;
  return matchRank[one] <= matchRank[other] ? one : other;
}

/** The order of matches: the best one has the lowest number. */
export const matchRank: Readonly<Record<NameMatch, number>> = { exact: 0, leading: 1, contained: 2 };

import { betterMatch, matchRank, matchWords, type NameMatch, toWords } from './drug-name.ts';

/** A row that carries the name that was searched for. */
export interface NameHit {
  readonly row: number;
  readonly match: NameMatch;
}

/** Stands between two ingredients, so that no name is found across both of them. No word of a name is equal to it. */
const boundary = ';';

interface IndexedName {
  readonly words: readonly string[];
  readonly rows: number[];
}

/**
 * Finds rows by whole words of their names. Thousands of rows share a name, so each distinct name is indexed once and
 * knows its rows.
 */
export class NameIndex {
  readonly #names = new Map<string, IndexedName>();
  readonly #namesOfWord = new Map<string, IndexedName[]>();

  /** Adds one name of a row. Ingredients are separated by `;`. */
  add(name: string, row: number): void {
    const known = this.#names.get(name);
    if (known !== undefined) {
      known.rows.push(row);
      return;
    }
    const words = name
      .split(';')
      .flatMap((part, index) => (index === 0 ? toWords(part) : [boundary, ...toWords(part)]));
    const added: IndexedName = { words, rows: [row] };
    this.#names.set(name, added);
    for (const word of new Set(words)) {
      if (word === boundary) continue;
      const names = this.#namesOfWord.get(word);
      if (names === undefined) this.#namesOfWord.set(word, [added]);
      else names.push(added);
    }
  }

  /** The rows that carry these words next to each other, the best matches first, otherwise in the order of the rows. */
  find(words: readonly string[]): NameHit[] {
    const matches = new Map<number, NameMatch>();
    for (const { words: nameWords, rows } of this.#rarest(words)) {
      const match = matchWords(nameWords, words);
      if (match === undefined) continue;
      for (const row of rows) matches.set(row, betterMatch(matches.get(row), match) ?? match);
    }
    const hits = [...matches].map(([row, match]) => ({ row, match }));
    return hits.sort((one, other) => matchRank[one.match] - matchRank[other.match] || one.row - other.row);
  }

  #rarest(words: readonly string[]): readonly IndexedName[] {
    const lists = words.map(word => this.#namesOfWord.get(word) ?? []);
    return lists.reduce((rarest, list) => (list.length < rarest.length ? list : rarest), lists[0] ?? []);
  }
}

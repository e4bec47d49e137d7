/** A part of a selector, from its beginning. */
export interface Prefix {
  readonly selector: string;
  /** Whether it ends with a whole compound, such as `div.item`; otherwise within one, such as `div`. */
  readonly isWhole: boolean;
}

const combinators: ReadonlySet<string> = new Set(['>', '+', '~']);

/**
 * The parts of each alternative of a selector, from the shortest to the whole: `a, div.item > p` has `a`, and `div`,
 * `div.item`, `div.item > p`. The selector is one that the library could read.
 */
export function prefixesOf(selector: string): readonly (readonly Prefix[])[] {
  const alternatives: Prefix[][] = [];
  let prefixes: Prefix[] = [];
  let start = 0;
  let isInCompound = false;
  const end = (at: number, isWhole: boolean): void => {
    if (isInCompound) prefixes.push({ selector: selector.slice(start, at).trim(), isWhole });
  };
  for (let at = 0; at < selector.length; at += 1) {
    const character = selector.charAt(at);
    if (character === ',' || /\s/.test(character) || combinators.has(character)) {
      end(at, true);
      isInCompound = false;
      if (character !== ',') continue;
      alternatives.push(prefixes);
      prefixes = [];
      start = at + 1;
      continue;
    }
    // Two colons begin one thing.
    if (/[.#[:]/.test(character) && !(character === ':' && selector[at - 1] === ':')) end(at, false);
    isInCompound = true;
    if (character === '\\') at += 1;
    else if (character === '[' || character === '(') at = closingOf(selector, at);
  }
  end(selector.length, true);
  return [...alternatives, prefixes];
}

/** Where the bracket that opens at `open` is closed. */
function closingOf(selector: string, open: number): number {
  let depth = 0;
  let quote: string | undefined;
  for (let at = open; at < selector.length; at += 1) {
    const character = selector.charAt(at);
    if (character === '\\') at += 1;
    else if (quote !== undefined) quote = character === quote ? undefined : quote;
    else if (character === '"' || character === "'") quote = character;
    else if (character === '[' || character === '(') depth += 1;
    else if (character === ']' || character === ')') depth -= 1;
    if (depth === 0 && quote === undefined) return at;
  }
  return selector.length;
}

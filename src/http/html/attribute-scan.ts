import type { Effort } from './effort.ts';

/** Where within a tag a character is. */
const tagName = 0;
const between = 1;
const name = 2;
const beforeValue = 3;
const doubleQuoted = 4;
const singleQuoted = 5;
const unquoted = 6;
const stateCount = 7;

const nowhere = -1;

/**
 * Spends what the parser needs for the attributes of every tag: it compares each name with all names before it.
 *
 * Where a tag begins depends on scripts, comments and quotes around it, which only the parser knows. So every `<` before a
 * letter is followed as if a tag began there, all at once: for each place within a tag, the largest number of attributes
 * that any of them can have had. That is never less than what the parser will see.
 */
export function spendOnAttributes(html: string, effort: Effort): void {
  let counts = new Int32Array(stateCount).fill(nowhere);
  let next = new Int32Array(stateCount);
  let index = html.indexOf('<');
  while (index !== -1) {
    counts.fill(nowhere);
    index = followTags(index);
  }

  /** Follows tags until none is open, and says where the next one may begin. */
  function followTags(start: number): number {
    for (let at = start; at < html.length; at += 1) {
      const code = html.charCodeAt(at);
      next.fill(nowhere);
      let isOpen = false;
      for (let state = 0; state < stateCount; state += 1) {
        const count = counts[state] ?? nowhere;
        if (count !== nowhere) isOpen = step(state, count, code) || isOpen;
      }
      if (code === lessThan && isLetter(html.charCodeAt(at + 1))) {
        raise(tagName, 0);
        isOpen = true;
      }
      [counts, next] = [next, counts];
      if (!isOpen) return html.indexOf('<', at + 1);
    }
    return -1;
  }

  /** Where a character leads; whether the tag is still open after it. */
  function step(state: number, count: number, code: number): boolean {
    if (state === doubleQuoted || state === singleQuoted) {
      const isEnd = code === (state === doubleQuoted ? doubleQuote : singleQuote);
      return raise(isEnd ? between : state, count);
    }
    if (code === greaterThan) return false;
    if (state === unquoted) return raise(isSpace(code) ? between : unquoted, count);
    if (state === beforeValue) {
      if (isSpace(code)) return raise(beforeValue, count);
      if (code === doubleQuote) return raise(doubleQuoted, count);
      return raise(code === singleQuote ? singleQuoted : unquoted, count);
    }
    if (isSpace(code) || code === slash) return raise(between, count);
    if (state === tagName) return raise(tagName, count);
    if (code === equals) {
      // After a name it begins the value; before one it is the name's first character.
      if (state === between) begin(count);
      return raise(beforeValue, count);
    }
    return state === name ? raise(name, count) : begin(count);
  }

  function begin(count: number): boolean {
    effort.spend(count);
    return raise(name, count + 1);
  }

  function raise(state: number, count: number): boolean {
    if (count > (next[state] ?? nowhere)) next[state] = count;
    return true;
  }
}

const lessThan = 0x3c;
const greaterThan = 0x3e;
const doubleQuote = 0x22;
const singleQuote = 0x27;
const slash = 0x2f;
const equals = 0x3d;

function isSpace(code: number): boolean {
  return code === 0x20 || (code >= 0x09 && code <= 0x0d);
}

function isLetter(code: number): boolean {
  return (code >= 0x61 && code <= 0x7a) || (code >= 0x41 && code <= 0x5a);
}

/** Stands for any text in a compiled pattern; no code point is negative. */
const anyText = -1;

/** Stands for any one character in a compiled pattern. */
const anyCharacter = -2;

/** One step of a compiled pattern: a code point, {@link anyText}, {@link anyCharacter}, or a class of characters. */
type Step = number | CharacterClass;

interface CharacterClass {
  readonly isNegated: boolean;
  /** First and last code point of each range. */
  readonly ranges: readonly (readonly [number, number])[];
}

/**
 * Compiles a glob as Redis reads it: `*` any text, `?` one character, `[abc]`, `[a-z]` and `[^x]` one character of a class,
 * `\` takes the next character as it is. Only the last `*` is ever gone back to, so that no pattern takes longer than its
 * length times that of the key. A character is a code point, where Redis counts bytes.
 */
export function matchesGlob(pattern: string): (key: string) => boolean {
  const steps = compile(pattern);
  if (steps.length === 1 && steps[0] === anyText) return () => true;
  return key => matches(steps, key);
}

/** The literal text that every key begins with which the pattern matches. */
export function globPrefix(pattern: string): string {
  let prefix = '';
  for (const step of compile(pattern)) {
    if (typeof step !== 'number' || step < 0) break;
    prefix += String.fromCodePoint(step);
  }
  return prefix;
}

function matches(steps: readonly Step[], key: string): boolean {
  let at = 0;
  let step = 0;
  let starStep = -1;
  let starAt = 0;
  while (at < key.length) {
    const wanted = steps[step];
    if (wanted === anyText) {
      step += 1;
      if (step === steps.length) return true;
      starStep = step;
      starAt = at;
      continue;
    }
    const codePoint = key.codePointAt(at) as number;
    if (wanted !== undefined && isMatch(wanted, codePoint)) {
      at += widthOf(codePoint);
      step += 1;
    } else if (starStep >= 0) {
      starAt += widthOf(key.codePointAt(starAt) as number);
      at = starAt;
      step = starStep;
    } else return false;
  }
  while (steps[step] === anyText) step += 1;
  return step === steps.length;
}

function isMatch(step: Step, codePoint: number): boolean {
  if (typeof step === 'number') return step === codePoint || step === anyCharacter;
  for (const [first, last] of step.ranges) {
    if (codePoint >= first && codePoint <= last) return !step.isNegated;
  }
  return step.isNegated;
}

/** How many UTF-16 units a code point takes. */
function widthOf(codePoint: number): number {
  return codePoint > 0xffff ? 2 : 1;
}

function compile(pattern: string): readonly Step[] {
  const steps: Step[] = [];
  const characters = Array.from(pattern);
  for (let index = 0; index < characters.length; index += 1) {
    const character = characters[index] as string;
    if (character === '*') {
      if (steps.at(-1) !== anyText) steps.push(anyText);
    } else if (character === '?') steps.push(anyCharacter);
    else if (character === '[') {
      const [step, end] = compileClass(characters, index + 1);
      steps.push(step);
      index = end;
    } else {
      // A backslash at the end stands for itself.
      if (character === '\\' && index + 1 < characters.length) index += 1;
      steps.push(codePointOf(characters[index]));
    }
  }
  return steps;
}

/** A class, and where it ends: as in Redis, one that is never closed ends with the pattern. */
function compileClass(characters: readonly string[], start: number): readonly [CharacterClass, number] {
  const isNegated = characters[start] === '^';
  const ranges: (readonly [number, number])[] = [];
  let index = isNegated ? start + 1 : start;
  for (; index < characters.length && characters[index] !== ']'; index += 1) {
    const isLiteral = characters[index] === '\\' && index + 1 < characters.length;
    if (isLiteral) index += 1;
    const first = codePointOf(characters[index]);
    if (isLiteral || characters[index + 1] !== '-' || index + 2 >= characters.length) ranges.push([first, first]);
    else {
      index += 2;
      const last = codePointOf(characters[index]);
      ranges.push([Math.min(first, last), Math.max(first, last)]);
    }
  }
  return [{ isNegated, ranges }, index];
}

function codePointOf(character: string | undefined): number {
  return character?.codePointAt(0) ?? 0;
}

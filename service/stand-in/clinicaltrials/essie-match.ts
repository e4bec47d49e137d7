import { ValidationError } from 'plinth/errors';
import { type Essie, EssieSyntaxError } from './essie-parser.ts';
import { type PieceKind, pieces, searchAreas, valuesAt } from './pieces.ts';
import { synonymsOf } from './synonyms.ts';

/** A name of an area that is none. */
export class UnknownAreaError extends ValidationError {
  constructor(area: string) {
    super(`Unknown area name: \`${area}\``);
  }
}

/** What holds at a place of an expression. */
interface Context {
  readonly pieces: readonly string[];
  readonly isExact: boolean;
}

/** Whether a record fits an expression within an area. @throws {UnknownAreaError} @throws {EssieSyntaxError} */
export function fits(record: unknown, expression: Essie, area: string): boolean {
  return matches(record, expression, { pieces: piecesOf(area), isExact: false });
}

function matches(record: unknown, expression: Essie, context: Context): boolean {
  switch (expression.kind) {
    // Every part is looked at, so that a mistake in one of them is found whatever the record.
    case 'and':
      return expression.parts.map(part => matches(record, part, context)).every(Boolean);
    case 'or':
      return expression.parts.map(part => matches(record, part, context)).some(Boolean);
    case 'not':
      return !matches(record, expression.part, context);
    case 'area':
      return matches(record, expression.part, { ...context, pieces: piecesOf(expression.area) });
    case 'exact':
      return matches(record, expression.part, { ...context, isExact: true });
    case 'phrase':
      return matchesPhrase(record, expression.text, context);
    case 'range':
      return matchesRange(record, expression, context);
    case 'missing':
      return textsOf(record, context).length === 0;
    case 'all':
      return true;
  }
}

function piecesOf(area: string): readonly string[] {
  const found = searchAreas[area] ?? (pieces.has(area) ? [area] : undefined);
  if (found === undefined) throw new UnknownAreaError(area);
  return found;
}

function textsOf(record: unknown, context: Context): readonly string[] {
  return context.pieces.flatMap(name => valuesAt(record, pieces.get(name)?.path ?? '').map(String));
}

function matchesPhrase(record: unknown, text: string, context: Context): boolean {
  const phrases = (context.isExact ? [text] : synonymsOf(text)).map(wordsOf).filter(words => words.length > 0);
  return textsOf(record, context).some(found => {
    const words = wordsOf(found);
    return phrases.some(phrase =>
      words.some((_, start) => phrase.every((word, offset) => words[start + offset] === word)),
    );
  });
}

/** Words in lower case: runs of letters and digits, so that hyphens part them. */
export function wordsOf(text: string): readonly string[] {
  return text.toLowerCase().match(/[\p{L}\p{N}_]+/gu) ?? [];
}

function matchesRange(
  record: unknown,
  { from, to }: { readonly from: string; readonly to: string },
  context: Context,
): boolean {
  const [name] = context.pieces;
  const piece = context.pieces.length === 1 && name !== undefined ? pieces.get(name) : undefined;
  if (piece === undefined || piece.kind === 'text')
    throw new EssieSyntaxError('RANGE needs an area of dates or numbers');
  const low = from === 'MIN' ? Number.NEGATIVE_INFINITY : magnitudeOf(from, piece.kind, 'first');
  const high = to === 'MAX' ? Number.POSITIVE_INFINITY : magnitudeOf(to, piece.kind, 'last');
  if (Number.isNaN(low) || Number.isNaN(high)) throw new EssieSyntaxError(`Invalid range [${from},${to}]`);
  return valuesAt(record, piece.path).some(value => {
    const magnitude = magnitudeOf(String(value), piece.kind, 'first');
    return magnitude >= low && magnitude <= high;
  });
}

const unitDays: Readonly<Record<string, number>> = {
  year: 365.25,
  month: 30.4375,
  week: 7,
  day: 1,
  hour: 1 / 24,
  minute: 1 / 1_440,
};

/** A date, an age or a number as something that can be compared; a month begins on its first day. */
export function magnitudeOf(text: string, kind: PieceKind, end: 'first' | 'last'): number {
  if (kind === 'number') return Number(text);
  if (kind === 'age') {
    const [, amount, unit = 'year'] = /^(\d+(?:\.\d+)?)\s*([a-z]+?)?s?$/i.exec(text) ?? [];
    return Number(amount) * (unitDays[unit.toLowerCase()] ?? Number.NaN);
  }
  const [, year, month, day] = /^(\d{4})(?:-(\d\d)(?:-(\d\d))?)?$/.exec(text) ?? [];
  if (year === undefined) return Number.NaN;
  if (end === 'first') return Date.UTC(Number(year), Number(month ?? 1) - 1, Number(day ?? 1));
  if (day !== undefined) return Date.UTC(Number(year), Number(month) - 1, Number(day));
  return month === undefined ? Date.UTC(Number(year), 11, 31) : Date.UTC(Number(year), Number(month), 0);
}

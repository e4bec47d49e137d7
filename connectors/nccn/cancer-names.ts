import { ValidationError } from 'plinth/errors';
import { cancerAliases } from './cancer-aliases.ts';
import type { MatchedBy } from './nccn-types.ts';

/** What was found under a name. */
export interface NameMatches<Entry> {
  readonly entries: readonly Entry[];
  readonly matchedBy: MatchedBy | null;
}

/** Words that say no more than that it is a cancer. */
const generic: ReadonlySet<string> = new Set([
  'adenocarcinoma',
  'cancer',
  'carcinoma',
  'malignancy',
  'malignancie',
  'neoplasm',
  'tumor',
]);

/** British spellings, and what else is one word for NCCN. */
const spellings: readonly (readonly [RegExp, string])[] = [
  [/\btumour/g, 'tumor'],
  [/leukaemia/g, 'leukemia'],
  [/\boesophag/g, 'esophag'],
  [/\bpaediatric/g, 'pediatric'],
  // Otherwise "small cell" would be words of "Non-Small Cell Lung Cancer".
  [/\bnon[ -]small/g, 'nonsmall'],
  [/\bnon[ -]hodgkin/g, 'nonhodgkin'],
];

/**
 * Finds those that a cancer's name means: whole words only, in any case and spelling. The first of these that finds
 * anything decides: their own names; {@link cancerAliases}; names without words such as "cancer"; names that have all the
 * words.
 *
 * @throws {ValidationError} when the text cannot be a name
 */
export function findByCancer<Entry>(
  entries: readonly Entry[],
  cancer: string,
  nameOf: (entry: Entry) => string,
): NameMatches<Entry> {
  const exact = findExactly(entries, cancer, nameOf);
  if (exact.matchedBy !== null) return exact;
  const asked = tellingWords(wordsOf(cancer));
  const found = entries.filter(entry => {
    const words = new Set(wordsOf(nameOf(entry)));
    return asked.every(word => words.has(word));
  });
  return found.length === 0 ? exact : { entries: found, matchedBy: 'words' };
}

/** As {@link findByCancer}, but never by single words of longer names: for what must not be mistaken for another cancer. */
export function findExactly<Entry>(
  entries: readonly Entry[],
  cancer: string,
  nameOf: (entry: Entry) => string,
): NameMatches<Entry> {
  const asked = wordsOf(requireCancer(cancer));
  const phrase = asked.join(' ');
  const byName = entries.filter(entry => namesIn(nameOf(entry)).includes(phrase));
  if (byName.length > 0) return { entries: byName, matchedBy: 'name' };
  const aliased = aliasedNames(phrase);
  const byAlias = entries.filter(entry => aliased.has(wordsOf(nameOf(entry)).join(' ')));
  if (byAlias.length > 0) return { entries: byAlias, matchedBy: 'alias' };
  const short = tellingWords(asked).join(' ');
  const byShortName = entries.filter(entry => {
    return namesIn(nameOf(entry)).some(name => tellingWords(name.split(' ')).join(' ') === short);
  });
  return { entries: byShortName, matchedBy: byShortName.length > 0 ? 'short-name' : null };
}

/** @throws {ValidationError} when the text is empty, too long, or names no cancer */
function requireCancer(cancer: string): string {
  const text = cancer.trim();
  const tells = tellingWords(wordsOf(text)).length > 0;
  if (text.length <= 200 && tells) return text;
  const shown = text.length > 60 ? `${text.slice(0, 60)}…` : text;
  const message = `Expected a cancer's name or abbreviation of at most 200 characters, such as nsclc, got "${shown}"`;
  throw new ValidationError(message, { cancer: message });
}

/** Small letters without accents and signs, British spelling and plurals made one with the others. */
function wordsOf(text: string): readonly string[] {
  const plain = text
    .normalize('NFKD')
    .replaceAll(/\p{Mark}/gu, '')
    .toLowerCase();
  const spelled = spellings.reduce((current, [pattern, ours]) => current.replaceAll(pattern, ours), plain);
  return (spelled.replaceAll(/['’]/g, '').match(/[\p{Letter}\p{Number}]+/gu) ?? []).map(singular);
}

function singular(word: string): string {
  return word.length > 4 && /[^suio]s$/.test(word) ? word.slice(0, -1) : word;
}

function tellingWords(words: readonly string[]): readonly string[] {
  return words.filter(word => !generic.has(word));
}

/**
 * The names that a name consists of: `Ovarian Cancer/Fallopian Tube Cancer` is two, and `Wilms Tumor (Nephroblastoma)` has
 * one in front. Parts of one word, such as the first of `Myeloid/Lymphoid Neoplasms`, are no names.
 */
function namesIn(name: string): readonly string[] {
  const parts = [name, ...name.split('/'), name.replace(/\([^)]*\)/g, '')].map(wordsOf);
  return parts.filter((words, index) => index === 0 || words.length > 1).map(words => words.join(' '));
}

function aliasedNames(phrase: string): ReadonlySet<string> {
  const found = Object.entries(cancerAliases).find(([alias]) => wordsOf(alias).join(' ') === phrase);
  return new Set((found?.[1] ?? []).map(name => wordsOf(name).join(' ')));
}

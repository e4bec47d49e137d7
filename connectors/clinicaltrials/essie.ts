/**
 * Words of a user. A text is looked for as it is, its words together and in this order; `anyOf` finds studies with at least
 * one of the texts, `allOf` those with all of them. Synonyms are found too (`NSCLC` finds non-small cell lung cancer).
 */
export type TrialWords = string | { readonly anyOf: readonly string[] } | { readonly allOf: readonly string[] };

/** What is reserved in search expressions, and what some keyboards and word processors write for quotation marks. */
const reserved = /[[\](),"\\\u201c\u201d\u201e\u201f\u00ab\u00bb\p{Cc}]+/gu;

/**
 * A text as a phrase of a search expression. What is reserved becomes a space, and the rest stands in quotation marks, so
 * that `AND`, `NOT` and `AREA` are words and no operators. `undefined` when nothing is left to look for.
 */
export function toPhrase(text: string): string | undefined {
  const plain = text.replace(reserved, ' ').replace(/\s+/g, ' ').trim();
  return /[\p{L}\p{N}]/u.test(plain) ? `"${plain}"` : undefined;
}

/** The texts that words consist of, and how they are joined. */
export function partsOf(words: TrialWords): { readonly texts: readonly unknown[]; readonly operator: 'AND' | 'OR' } {
  if (typeof words === 'string') return { texts: [words], operator: 'OR' };
  if (typeof words === 'object' && words !== null) {
    if ('anyOf' in words && Array.isArray(words.anyOf)) return { texts: words.anyOf, operator: 'OR' };
    if ('allOf' in words && Array.isArray(words.allOf)) return { texts: words.allOf, operator: 'AND' };
  }
  return { texts: [words], operator: 'OR' };
}

/** A value or a list of values of one area, such as `AREA[Phase](PHASE2 OR PHASE3)`. For values of ours only. */
export function inArea(area: string, values: readonly string[]): string {
  return values.length === 1 ? `AREA[${area}]${values[0]}` : `AREA[${area}](${values.join(' OR ')})`;
}

/** A range of one area. Studies without a value are not in it. */
export function inRange(area: string, from: string | undefined, to: string | undefined): string {
  return `AREA[${area}]RANGE[${from ?? 'MIN'},${to ?? 'MAX'}]`;
}

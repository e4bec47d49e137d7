import type { DrugName } from './drug-name.ts';

/**
 * A search expression: the name as a phrase in any of these fields. Quotation marks, backslashes, wildcards and every other
 * character that openFDA does not accept are gone: they separate words anyway, and one too many of them makes openFDA answer
 * 400 or 500. In small letters, which openFDA does not tell apart, so that one name is one address. `undefined` when the name
 * has letters that no name of the FDA has.
 */
export function searchExpression(fields: readonly string[], name: DrugName): string | undefined {
  if (!name.words.every(word => /^[0-9A-Z]+$/.test(word))) return undefined;
  const text = name.text
    .normalize('NFKD')
    .replace(/\p{M}/gu, '')
    .replace(/[\u2018\u2019]/g, "'")
    .toLowerCase();
  const phrase = text.replace(/[^0-9a-z'.,/%()+-]+/g, ' ').trim();
  return anyOf(fields.map(field => ({ field, phrase })));
}

/** A search expression: any of these values, which are known to be letters and digits, in a field. */
export function valuesExpression(field: string, values: readonly string[]): string {
  return anyOf(values.map(phrase => ({ field, phrase })));
}

function anyOf(parts: readonly { readonly field: string; readonly phrase: string }[]): string {
  return parts.map(({ field, phrase }) => `${field}:"${phrase}"`).join(' OR ');
}

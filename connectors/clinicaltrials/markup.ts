/**
 * A text of a record without the backslashes of its Markdown: `ANC \>= 1.5` becomes `ANC >= 1.5`. Lists keep their stars.
 *
 * @example
 * plainMarkup(details.eligibility.criteria ?? '');
 */
export function plainMarkup(text: string): string {
  return text.replace(/\\([!-/:-@[-`{-~])/g, '$1');
}

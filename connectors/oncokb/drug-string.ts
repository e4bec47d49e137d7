import { ValidationError } from 'plinth/errors';
import { splitOutsideBrackets } from './wire-values.ts';

/** Drugs that are given together; mostly one. */
export type Regimen = readonly string[];

/**
 * OncoKB writes treatments into one text: alternatives separated by commas, drugs that are given together by `+`.
 *
 * @example
 * parseRegimens('Osimertinib, Osimertinib + Chemotherapy'); // [['Osimertinib'], ['Osimertinib', 'Chemotherapy']]
 */
export function parseRegimens(drugs: string | null | undefined): readonly Regimen[] {
  return splitOutsideBrackets(drugs ?? '', ',').map(alternative => splitOutsideBrackets(alternative, '+'));
}

/**
 * The name of a drug, or of several joined by `+`, as a question.
 *
 * @throws {ValidationError} when it cannot be a name
 */
export function parseDrug(name: string): Regimen {
  const text = typeof name === 'string' ? name.trim() : '';
  const [regimen, ...others] = parseRegimens(text);
  const isReadable = text.length <= 300 && !/\p{Cc}/u.test(text) && regimen?.every(drug => /[\p{L}\p{N}]/u.test(drug));
  if (regimen !== undefined && regimen.length > 0 && isReadable && others.length === 0) return regimen;
  const expected = 'the name of one drug such as osimertinib, or drugs joined by +';
  const shown = JSON.stringify(typeof name === 'string' ? name.slice(0, 300) : name);
  throw new ValidationError(`Cannot use the drug ${shown}: expected ${expected}`, { drug: `Expected ${expected}` });
}

/** Whether all drugs that were asked for are given in this regimen: by their whole names, in any case. */
export function hasDrugs(regimen: Regimen, drugs: Regimen): boolean {
  const names = new Set(regimen.map(foldName));
  return drugs.every(drug => names.has(foldName(drug)));
}

function foldName(name: string): string {
  return name.trim().replace(/\s+/g, ' ').toLowerCase();
}

import { type DrugName, matchWords, toWords } from './drug-name.ts';

/** The names that a product, or a label, goes by. */
export interface ProductNames {
  readonly brands: readonly string[];
  /** Whole names, such as `PEMBROLIZUMAB AND BERAHYALURONIDASE ALFA-PMPH`. */
  readonly generics: readonly string[];
  /** Its ingredients one by one; none when they are not known. */
  readonly ingredients: readonly string[];
  /** Whether it is licensed as a biologic: their names may end in a hyphen and four letters that mean nothing. */
  readonly isBiologic: boolean;
}

/**
 * How a product fits a name. `exact`: the name is its brand, or all that is in it, whatever the salt. `suffixed`: it has the
 * name with a biologic's suffix. `leading`, `contained`: its name begins with the name or contains it, and is another one.
 * `combination`: the name is one of several ingredients.
 */
export type NameFit = 'exact' | 'suffixed' | 'leading' | 'contained' | 'combination';

/** From the best to the worst. */
export const fits: readonly NameFit[] = ['exact', 'suffixed', 'leading', 'contained', 'combination'];

/** How a product fits a name; `undefined` when it does not. */
export function fitOf(names: ProductNames, name: DrugName): NameFit | undefined {
  const wholeNames = [...names.brands, ...names.generics];
  if (wholeNames.some(text => isSame(toWords(text), name.words))) return 'exact';
  const found = [...wholeNames, ...names.ingredients].flatMap(text => fitOfText(text, name, names.isBiologic) ?? []);
  if (found.length === 0) return undefined;
  return isCombination(names) ? 'combination' : fits.find(fit => found.includes(fit));
}

function fitOfText(text: string, name: DrugName, isBiologic: boolean): NameFit | undefined {
  const words = toWords(text);
  if (isSame(withoutSalt(words), withoutSalt(name.words))) return 'exact';
  if (isBiologic && isSame(toWords(text.replace(/-[a-z]{4}$/i, '')), name.words)) return 'suffixed';
  return matchWords(words, name.words);
}

function isCombination({ ingredients, generics }: ProductNames): boolean {
  if (ingredients.length > 0) return ingredients.length > 1;
  return generics.some(generic => /,|;|\/|&|\band\b|\bwith\b/i.test(generic));
}

function isSame(one: readonly string[], other: readonly string[]): boolean {
  return one.length === other.length && one.every((word, index) => word === other[index]);
}

/** What stands behind an ingredient and makes no other drug of it: salts, esters and water. */
const salts: ReadonlySet<string> = new Set(
  `ACETATE ANHYDROUS BENZOATE BESYLATE BITARTRATE BROMIDE CALCIUM CARBONATE CHLORIDE CITRATE DIHYDRATE DIHYDROCHLORIDE
  DIMALEATE DIPHOSPHATE DISODIUM ESYLATE FUMARATE GLUCONATE HCL HEMIHYDRATE HYDRATE HYDROBROMIDE HYDROCHLORIDE LACTATE
  MAGNESIUM MALATE MALEATE MESILATE MESYLATE MONOHYDRATE MONOHYDROCHLORIDE NITRATE OXALATE PHOSPHATE POTASSIUM SODIUM
  SUCCINATE SULFATE TARTRATE TOSYLATE TRIHYDRATE TROMETHAMINE`.split(/\s+/),
);

/** A name without the salt at its end. One that is nothing but a salt, such as sodium chloride, stays whole. */
function withoutSalt(words: readonly string[]): readonly string[] {
  const last = words.findLastIndex(word => !salts.has(word));
  return last < 0 ? words : words.slice(0, last + 1);
}

import { ValidationError } from 'plinth/errors';

/** One-letter codes of the amino acids, and of where a protein ends. */
const oneLetter: Readonly<Record<string, string>> = {
  ala: 'A',
  arg: 'R',
  asn: 'N',
  asp: 'D',
  cys: 'C',
  gln: 'Q',
  glu: 'E',
  gly: 'G',
  his: 'H',
  ile: 'I',
  leu: 'L',
  lys: 'K',
  met: 'M',
  phe: 'F',
  pro: 'P',
  pyl: 'O',
  sec: 'U',
  ser: 'S',
  ter: '*',
  thr: 'T',
  trp: 'W',
  tyr: 'Y',
  val: 'V',
  xaa: 'X',
};

const residue = `(?:${Object.keys(oneLetter).join('|')})`;
const anyResidue = `(?:${residue}|\\*)`;

/** What HGVS writes of a protein in three-letter codes. */
const threeLetterChange = new RegExp(
  `^${residue}\\d+(?:_${residue}\\d+)?(?:[=?]|(?:${anyResidue})?fs(?:(?:ter|\\*)(?:\\d+|\\?)?)?|del|dup|(?:del)?ins${anyResidue}+|${anyResidue}(?:ext[*\\w-]*)?)?$`,
  'i',
);
const beginsWithThreeLetters = new RegExp(`^${residue}\\d`, 'i');
const readable = /^[\p{L}\p{N}*][\p{L}\p{N}\p{M} _*'?/(){},;:.+=\u2010-\u2015\u2212-]*$/u;
const ofDna = /^(?:[cgmnr]\.|chr|\d+\s*[,:])/i;
const maxCharacters = 200;

/**
 * The name of an alteration as OncoKB knows it: without `p.` and in one-letter codes. `p.Thr790Met` is `T790M`,
 * `p.Glu746_Ala750del` is `E746_A750del`, `p.Arg213Ter` is `R213*`; names such as `Amplification` or
 * `Exon 19 in-frame deletions` stay as they are.
 *
 * @throws {ValidationError} when it cannot be a name of an alteration of a protein
 */
export function normaliseAlteration(name: string): string {
  const text = typeof name === 'string' ? name.trim().replace(/\s+/g, ' ') : '';
  const change = withoutPrefix(text);
  if (text.length > maxCharacters || !readable.test(change) || !/\p{L}/u.test(change) || ofDna.test(text)) {
    throw unusable(
      'alteration',
      name,
      'a change of a protein such as T790M or p.Thr790Met, or a name such as Amplification',
    );
  }
  if (threeLetterChange.test(change)) return toOneLetter(change);
  // Without the prefix it may be a name that begins like a residue, such as `SEC16A1-NOTCH1 Fusion`.
  if (change !== text && beginsWithThreeLetters.test(change)) {
    throw unusable('alteration', name, 'a change as HGVS writes it, such as p.Glu746_Ala750del or p.Arg177ProfsTer126');
  }
  return /^[a-z]\d+[a-z*]$/i.test(change) ? change.toUpperCase() : change;
}

/** `p.T790M` and `p.(Thr790Met)`, with or without the protein's accession, as HGVS has them. */
function withoutPrefix(text: string): string {
  const change = text.replace(/^(?:N?P_\d+(?:\.\d+)?:)?p\.\s*/i, '');
  return change === text ? text : change.replace(/^\((.*)\)$/, '$1');
}

/** Words of HGVS stay words: `fs`, `del`, `ins`, `dup` and `ext` are no residues. */
function toOneLetter(change: string): string {
  return change.replace(new RegExp(`delins|del|ins|dup|ext|fs|${residue}`, 'gi'), word => {
    const lower = word.toLowerCase();
    return oneLetter[lower] ?? lower;
  });
}

/**
 * A gene's symbol in the case that HGNC writes it: capitals, except the `orf` of `C11orf30`. OncoKB has a few names that are
 * no symbols, such as `CDKN2A (p14)` and `Other Biomarkers`; they stay as they are.
 *
 * @throws {ValidationError} when it cannot be a symbol
 */
export function normaliseGene(symbol: string): string {
  const text = typeof symbol === 'string' ? symbol.trim() : '';
  if (!/^[a-z0-9][a-z0-9@_./() -]{0,49}$/i.test(text) || !/[a-z]/i.test(text)) {
    throw unusable('gene', symbol, 'a symbol of HGNC such as EGFR');
  }
  return text.includes(' ') ? text : text.toUpperCase().replace(/^(C(?:\d+|X|Y))ORF(?=\d)/, '$1orf');
}

function unusable(field: string, value: unknown, expected: string): ValidationError {
  const shown = JSON.stringify(typeof value === 'string' ? value.slice(0, maxCharacters) : value);
  return new ValidationError(`Cannot use the ${field} ${shown}: expected ${expected}`, {
    [field]: `Expected ${expected}`,
  });
}

import { ValidationError } from 'plinth/errors';

/** What the number of a lot says about it. */
export type LotKind = 'ordinary' | 'condo-unit' | 'condo-billing';

/** A tax lot of New York City: borough, block and lot. */
export interface Bbl {
  /** 1 Manhattan, 2 Bronx, 3 Brooklyn, 4 Queens, 5 Staten Island. */
  readonly borough: number;
  readonly boroughName: string;
  /** 1 to 99999. */
  readonly block: number;
  /** 1 to 9999. */
  readonly lot: number;
  /** All ten digits, such as `1007200055`. */
  readonly text: string;
  /** `condo-billing` (7501 to 7599) is a whole condominium, `condo-unit` (1001 to 6999) one apartment of it. */
  readonly lotKind: LotKind;
  /** What to know before nothing is found; only of a condominium's unit. */
  readonly note?: string;
}

const boroughNames = ['Manhattan', 'Bronx', 'Brooklyn', 'Queens', 'Staten Island'] as const;

const unitNote =
  'This lot is one unit of a condominium: violations are mostly listed under the lot of the whole building, 7501 to 7599 of the same block';

const expected = 'expected ten digits such as 1007200055, or borough, block and lot such as 1-00720-0055';

/**
 * Reads a BBL: ten digits as text or number (`1007200055`, also with the `.00000000` that some data sets add), or its three
 * parts with `-`, `/` or a space between, padded or not (`1-00720-0055`, `1/720/55`).
 *
 * @throws {ValidationError} for anything else, a borough other than 1 to 5, a block 0 and a lot 0.
 * @example
 * parseBbl('1-00720-0055').text; // '1007200055'
 */
export function parseBbl(bbl: string | number): Bbl {
  const text = String(bbl).trim();
  const parts =
    /^(\d)(\d{5})(\d{4})(?:\.0+)?$/.exec(text) ?? /^(\d)\s*[-/ ]\s*(\d{1,5})\s*[-/ ]\s*(0?\d{1,4})$/.exec(text);
  if (parts === null) throw refused(bbl, expected);
  const [borough = 0, block = 0, lot = 0] = parts.slice(1).map(Number);
  const boroughName = boroughNames[borough - 1];
  if (boroughName === undefined) {
    const list = boroughNames.map((name, index) => `${index + 1} ${name}`).join(', ');
    throw refused(bbl, `its borough is ${borough}, expected ${list}`);
  }
  if (block === 0 || lot === 0) throw refused(bbl, `its ${block === 0 ? 'block' : 'lot'} is 0; ${expected}`);
  const lotKind = lotKindOf(lot);
  return {
    borough,
    boroughName,
    block,
    lot,
    text: bblText(borough, block, lot),
    lotKind,
    ...(lotKind === 'condo-unit' ? { note: unitNote } : {}),
  };
}

/** The ten digits. */
export function bblText(borough: number, block: number, lot: number): string {
  return `${borough}${String(block).padStart(5, '0')}${String(lot).padStart(4, '0')}`;
}

function lotKindOf(lot: number): LotKind {
  if (lot >= 1_001 && lot <= 6_999) return 'condo-unit';
  return lot >= 7_501 && lot <= 7_599 ? 'condo-billing' : 'ordinary';
}

function refused(bbl: unknown, problem: string): ValidationError {
  const shown = JSON.stringify(bbl)?.slice(0, 60) ?? typeof bbl;
  return new ValidationError(`Cannot read ${shown} as a BBL: ${problem}`, { bbl: problem });
}

/**
 * Levels of evidence for treatments, the most important first, as OncoKB orders them: R1 > 1 > 2 > 3A > 3B > 4 > R2.
 * `R1` and `R2` say that a tumour resists, the others that it responds.
 */
export const therapeuticLevels = ['R1', '1', '2', '3A', '3B', '4', 'R2'] as const;
/** Levels for diagnoses. */
export const diagnosticLevels = ['Dx1', 'Dx2', 'Dx3'] as const;
/** Levels for prognoses. */
export const prognosticLevels = ['Px1', 'Px2', 'Px3'] as const;
/** The FDA's levels. */
export const fdaLevels = ['Fda1', 'Fda2', 'Fda3'] as const;
/** Names that tables of earlier years have, and the tables of the site. */
export const formerLevels = ['2A', '2B', '3', 'R3'] as const;

/** A level for a treatment. */
export type TherapeuticLevel = (typeof therapeuticLevels)[number];
/** A level for a diagnosis. */
export type DiagnosticLevel = (typeof diagnosticLevels)[number];
/** A level for a prognosis. */
export type PrognosticLevel = (typeof prognosticLevels)[number];
/** A level of the FDA. */
export type FdaLevel = (typeof fdaLevels)[number];
/** A name of earlier years. */
export type FormerLevel = (typeof formerLevels)[number];
/** Any level, by its short name. */
export type OncoKBLevel = TherapeuticLevel | DiagnosticLevel | PrognosticLevel | FdaLevel | FormerLevel;

/** By importance, former names beside what became of them. */
const ranks: readonly OncoKBLevel[] = [
  'R1',
  '1',
  '2',
  '2A',
  '2B',
  '3',
  '3A',
  '3B',
  '4',
  'R2',
  'R3',
  ...diagnosticLevels,
  ...prognosticLevels,
  ...fdaLevels,
];

const byName = new Map(ranks.map(level => [level.toUpperCase(), level] as const));

/**
 * The short name of a level: annotations say `LEVEL_3A`, tables `3A`, both mean the same. `undefined` for anything else,
 * `NO` included.
 */
export function parseLevel(text: unknown): OncoKBLevel | undefined {
  if (typeof text !== 'string') return undefined;
  return byName.get(
    text
      .trim()
      .toUpperCase()
      .replace(/^LEVEL_/, ''),
  );
}

/** For sorting: the most important level first. */
export function compareLevels(one: OncoKBLevel, other: OncoKBLevel): number {
  return ranks.indexOf(one) - ranks.indexOf(other);
}

/** Whether a level says that the tumour resists the treatment. */
export function isResistanceLevel(level: OncoKBLevel): boolean {
  return level === 'R1' || level === 'R2' || level === 'R3';
}

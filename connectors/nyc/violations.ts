import { ValidationError } from 'plinth/errors';
import type { Provenance, QuestionOptions } from 'plinth/http';
import type { Bbl } from './bbl.ts';
import type { NycDataset } from './datasets.ts';
import { existingDay } from './row-reader.ts';

/** Which violations of a lot are wanted. */
export interface ViolationOptions extends QuestionOptions {
  /** Leaves out what is known to be closed. What nothing is known of stays. @default false */
  readonly activeOnly?: boolean | undefined;
  /** The first day of issue, `YYYY-MM-DD`. Leaves out what has no readable date, and counts it. @default no limit */
  readonly issuedFrom?: string | undefined;
  /** The last day of issue, `YYYY-MM-DD`. Leaves out what has no readable date, and counts it. @default no limit */
  readonly issuedTo?: string | undefined;
  /** How many are wanted at most, of each data set; the newest ones come first. @default all */
  readonly limit?: number | undefined;
}

/** What all violations have. */
export interface AnyViolation {
  readonly id: string;
  readonly issueDate: string | null;
  readonly isActive: boolean | null;
}

/** Rows that are not among the violations, and why. */
export interface LeftOutRows {
  /** Rows that the city made to try something out. */
  readonly testRecords: number;
  /** Rows that could not be read; they are in quarantine. */
  readonly unreadable: number;
  /** Rows without a readable date of issue, when days were asked for. */
  readonly undated: number;
}

/** The violations of a lot in one data set. */
export interface ViolationsAnswer<Violation> {
  readonly dataset: NycDataset;
  /** The portal's identifier, such as `3h2n-5cm9`. */
  readonly datasetId: string;
  readonly bbl: Bbl;
  /** The newest first; those without a readable date last. */
  readonly violations: readonly Violation[];
  /** How many there are, without `limit`. */
  readonly total: number;
  readonly leftOut: LeftOutRows;
  /** When the city last changed the data set, ISO 8601 in UTC; `null` when the answer does not say. [X-SODA2-Truth-Last-Modified] */
  readonly dataUpdatedAt: string | null;
  readonly provenance: Provenance;
}

/** All of a lot in one data set, before anything is left out by wish. */
export type LotAnswer<Violation> = Omit<ViolationsAnswer<Violation>, 'total'>;

/** @throws {ValidationError} that names the option and its value */
export function requireViolationOptions(options: ViolationOptions): ViolationOptions {
  const { issuedFrom, issuedTo, limit } = options;
  for (const [name, day] of Object.entries({ issuedFrom, issuedTo })) {
    if (day === undefined || existingDay(day) !== null) continue;
    const problem = `expected a day such as 2024-01-31, got ${JSON.stringify(day)}`;
    throw new ValidationError(`Cannot use ${name}: ${problem}`, { [name]: problem });
  }
  if (issuedFrom !== undefined && issuedTo !== undefined && issuedFrom > issuedTo) {
    const problem = `expected ${issuedFrom} or later, got ${issuedTo}`;
    throw new ValidationError(`Cannot use issuedTo: ${problem}`, { issuedTo: problem });
  }
  if (limit !== undefined && !(Number.isInteger(limit) && limit >= 1)) {
    const problem = `expected a whole number from 1, got ${limit}`;
    throw new ValidationError(`Cannot use limit: ${problem}`, { limit: problem });
  }
  return options;
}

/** Those that are wanted, without `limit`. */
export function selected<Violation extends AnyViolation>(
  answer: LotAnswer<Violation>,
  { activeOnly = false, issuedFrom, issuedTo }: ViolationOptions,
): ViolationsAnswer<Violation> {
  const isDated = issuedFrom !== undefined || issuedTo !== undefined;
  const candidates = answer.violations.filter(({ isActive }) => !activeOnly || isActive !== false);
  const undated = isDated ? candidates.filter(({ issueDate }) => issueDate === null).length : 0;
  const violations = candidates.filter(({ issueDate: day }) => {
    if (!isDated) return true;
    return (
      day !== null && (issuedFrom === undefined || day >= issuedFrom) && (issuedTo === undefined || day <= issuedTo)
    );
  });
  return { ...answer, violations, total: violations.length, leftOut: { ...answer.leftOut, undated } };
}

/** The first ones. */
export function limited<Violation>(
  answer: ViolationsAnswer<Violation>,
  { limit }: ViolationOptions,
): ViolationsAnswer<Violation> {
  return limit === undefined ? answer : { ...answer, violations: answer.violations.slice(0, limit) };
}

/** Each once, the newest first. */
export function newestFirst<Violation extends AnyViolation>(violations: readonly Violation[]): readonly Violation[] {
  const byId = new Map(violations.map(violation => [violation.id, violation]));
  return [...byId.values()].sort((one, other) => {
    if (one.issueDate === other.issueDate) return 0;
    if (one.issueDate === null || other.issueDate === null) return one.issueDate === null ? 1 : -1;
    return one.issueDate < other.issueDate ? 1 : -1;
  });
}

import { PlinthError, RejectedError } from 'plinth/errors';
import type { Bbl } from './bbl.ts';
import type { DatasetReport } from './dataset-report.ts';
import { type NycDataset, nycDatasets } from './datasets.ts';
import type { DobSafetyViolation } from './dob-safety-violations.ts';
import { type DobViolation, safetyNumberOf } from './dob-violations.ts';
import type { EcbViolation } from './ecb-violations.ts';
import { NycUnavailableError } from './errors.ts';
import type { HpdViolation } from './hpd-violations.ts';
import { limited, type ViolationOptions, type ViolationsAnswer } from './violations.ts';

/** Two entries of different data sets that belong together. They are one in the counts. */
export interface CrossReference {
  /**
   * `ecb-number`: the Department's entry names the case before the Board. `same-violation`: the violation is in the old
   * and the new system of the Department.
   */
  readonly kind: 'ecb-number' | 'same-violation';
  /** The `id` in `dob`. */
  readonly dobId: string;
  /** Where the other one is. */
  readonly dataset: 'ecb' | 'dobSafety';
  /** Its `id` there. */
  readonly id: string;
}

/** How many violations a lot has, in those data sets that answered. Without `limit`. */
export interface ViolationCounts {
  /** Entries, added up: too many, because some are in two data sets. */
  readonly listed: number;
  /** Entries without those that belong to another one. */
  readonly distinct: number;
  /** Of the distinct ones, those of which an entry is known to be open. */
  readonly active: number;
}

/** The violations of a lot in all four data sets. */
export interface PropertyViolations {
  readonly bbl: Bbl;
  readonly dob: readonly DobViolation[];
  readonly ecb: readonly EcbViolation[];
  readonly hpd: readonly HpdViolation[];
  readonly dobSafety: readonly DobSafetyViolation[];
  readonly counts: ViolationCounts;
  readonly crossReferences: readonly CrossReference[];
  /** What each data set said, in the order dob, ecb, hpd, dobSafety. */
  readonly sources: readonly DatasetReport[];
  /** Whether all four answered. */
  readonly complete: boolean;
}

/** What came of the four questions. */
export interface SettledAnswers {
  readonly dob: PromiseSettledResult<ViolationsAnswer<DobViolation>>;
  readonly ecb: PromiseSettledResult<ViolationsAnswer<EcbViolation>>;
  readonly hpd: PromiseSettledResult<ViolationsAnswer<HpdViolation>>;
  readonly dobSafety: PromiseSettledResult<ViolationsAnswer<DobSafetyViolation>>;
}

/**
 * Puts the four together.
 *
 * @throws {NycUnavailableError} when none answered; the `RejectedError` when all were refused by policies of our own
 */
export function joinAnswers(bbl: Bbl, settled: SettledAnswers, options: ViolationOptions): PropertyViolations {
  const names = ['dob', 'ecb', 'hpd', 'dobSafety'] as const;
  const sources = names.map(name => reportOf(name, settled[name]));
  if (sources.every(({ status }) => status === 'failed')) throw noneAnswered(sources, Object.values(settled));
  const { dob, ecb, hpd, dobSafety } = settled;
  const crossReferences = crossReferencesOf(found(dob), found(ecb), found(dobSafety));
  const all = { dob: found(dob), ecb: found(ecb), hpd: found(hpd), dobSafety: found(dobSafety) };
  return {
    bbl,
    dob: shown(dob, options),
    ecb: shown(ecb, options),
    hpd: shown(hpd, options),
    dobSafety: shown(dobSafety, options),
    counts: countsOf(all, crossReferences),
    crossReferences,
    sources,
    complete: sources.every(({ status }) => status !== 'failed'),
  };
}

/** The entries of the old system that are somewhere else as well. */
export function crossReferencesOf(
  dob: readonly DobViolation[],
  ecb: readonly EcbViolation[],
  dobSafety: readonly DobSafetyViolation[],
): readonly CrossReference[] {
  const ecbByNumber = new Map(ecb.map(({ number, id }) => [number, id]));
  const safetyByNumber = new Map(dobSafety.map(({ number, id }) => [number, id]));
  return dob.flatMap(violation => {
    const { id: dobId, ecbNumber } = violation;
    const references: CrossReference[] = [];
    const ecbId = ecbNumber === null ? undefined : ecbByNumber.get(ecbNumber);
    if (ecbId !== undefined) references.push({ kind: 'ecb-number', dobId, dataset: 'ecb', id: ecbId });
    const safetyId = safetyByNumber.get(safetyNumberOf(violation) ?? '');
    if (safetyId !== undefined) references.push({ kind: 'same-violation', dobId, dataset: 'dobSafety', id: safetyId });
    return references;
  });
}

function countsOf(
  all: Pick<PropertyViolations, 'dob' | 'ecb' | 'hpd' | 'dobSafety'>,
  crossReferences: readonly CrossReference[],
): ViolationCounts {
  const { dob, ecb, hpd, dobSafety } = all;
  // An entry that two others name belongs to the first one.
  const ownerOf = new Map<string, string>();
  for (const { dataset, id, dobId } of crossReferences) {
    const entry = `${dataset} ${id}`;
    if (!ownerOf.has(entry)) ownerOf.set(entry, `dob ${dobId}`);
  }
  const distinct = new Set<string>();
  const active = new Set<string>();
  for (const [dataset, entries] of Object.entries({ dob, ecb, hpd, dobSafety })) {
    for (const { id, isActive } of entries) {
      const entry = `${dataset} ${id}`;
      const violation = ownerOf.get(entry) ?? entry;
      distinct.add(violation);
      if (isActive === true) active.add(violation);
    }
  }
  const listed = dob.length + ecb.length + hpd.length + dobSafety.length;
  return { listed, distinct: distinct.size, active: active.size };
}

function found<Violation>(result: PromiseSettledResult<ViolationsAnswer<Violation>>): readonly Violation[] {
  return result.status === 'fulfilled' ? result.value.violations : [];
}

function shown<Violation>(
  result: PromiseSettledResult<ViolationsAnswer<Violation>>,
  options: ViolationOptions,
): readonly Violation[] {
  return result.status === 'fulfilled' ? limited(result.value, options).violations : [];
}

function reportOf(dataset: NycDataset, result: PromiseSettledResult<ViolationsAnswer<unknown>>): DatasetReport {
  const datasetId = nycDatasets[dataset].id;
  if (result.status === 'fulfilled') {
    const { total, leftOut, dataUpdatedAt, provenance } = result.value;
    return {
      dataset,
      datasetId,
      status: total === 0 ? 'empty' : 'answered',
      total,
      leftOut,
      dataUpdatedAt,
      provenance,
    };
  }
  const error: unknown = result.reason;
  // A mistake in the program, or the caller's own end, is no report of a source.
  if (!(error instanceof PlinthError)) throw error;
  return { dataset, datasetId, status: 'failed', total: 0, error: error.message, errorCode: error.code };
}

function noneAnswered(sources: readonly DatasetReport[], results: readonly PromiseSettledResult<unknown>[]): unknown {
  const errors = results.flatMap(result => (result.status === 'rejected' ? [result.reason as unknown] : []));
  const [cause] = errors;
  return errors.every(error => error instanceof RejectedError) ? cause : new NycUnavailableError(sources, { cause });
}

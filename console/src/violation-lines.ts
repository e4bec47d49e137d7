import { formatCount } from './format.ts';
import type { Dataset, PropertyViolations, Violation } from './property-wire.ts';

/** One violation in the list of all of them. */
export interface ViolationLine {
  /** What no other entry of any data set has. */
  readonly id: string;
  readonly dataset: Dataset;
  readonly number: string;
  readonly issueDate: string | null;
  readonly isActive: boolean | null;
  /** What it is about. */
  readonly text: string;
  /** The entries of other data sets that are the same one, such as `ecb 34512174K`. */
  readonly sameAs: readonly string[];
}

/** The data sets, in the order in which the service reports them. */
export const datasetNames: Readonly<Record<Dataset, string>> = {
  dob: 'Buildings (BIS)',
  ecb: 'ECB',
  hpd: 'Housing (HPD)',
  dobSafety: 'Buildings (NOW)',
};

const datasets = Object.keys(datasetNames) as Dataset[];

/** The violations of all data sets in one list: the newest first, those without a date last. */
export function violationLines(answer: PropertyViolations): readonly ViolationLine[] {
  const same = sameEntries(answer);
  const lines = datasets.flatMap(dataset =>
    answer[dataset].map((violation): ViolationLine => {
      const id = entryId(dataset, violation.id);
      const { issueDate, isActive } = violation;
      const number = numberOf(violation);
      return { id, dataset, number, issueDate, isActive, text: textOf(violation), sameAs: same.get(id) ?? [] };
    }),
  );
  // Sorting keeps the order of the data sets where days are equal.
  return lines.sort((one, other) => (other.issueDate ?? '').localeCompare(one.issueDate ?? ''));
}

/** The entries that belong to another one, each with what it belongs to, in both directions. */
function sameEntries(answer: PropertyViolations): ReadonlyMap<string, readonly string[]> {
  const numbers = new Map(
    datasets.flatMap(dataset => answer[dataset].map(entry => [entryId(dataset, entry.id), numberOf(entry)] as const)),
  );
  const same = new Map<string, string[]>();
  const note = (entry: string, dataset: Dataset, id: string): void => {
    same.set(entry, [
      ...(same.get(entry) ?? []),
      `${datasetNames[dataset]} ${numbers.get(entryId(dataset, id)) ?? id}`,
    ]);
  };
  for (const { dobId, dataset, id } of answer.crossReferences) {
    note(entryId('dob', dobId), dataset, id);
    note(entryId(dataset, id), 'dob', dobId);
  }
  return same;
}

function entryId(dataset: Dataset, id: string): string {
  return `${dataset} ${id}`;
}

function numberOf({ number, id }: Violation): string {
  return number ?? id;
}

function textOf({ type, severity, hazardClass, description, remarks, balanceDue }: Violation): string {
  const owed = balanceDue != null && balanceDue > 0 && `$${formatCount(balanceDue)} due`;
  const said = [hazardClass && `class ${hazardClass}`, severity, type, description, remarks, owed];
  return said.filter(Boolean).join(' · ');
}

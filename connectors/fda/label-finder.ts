import { ValidationError } from 'plinth/errors';
import type { QuestionOptions } from 'plinth/http';
import type { DrugName } from './drug-name.ts';
import type { LabelAnswer } from './fda-types.ts';
import { chooseLabels, ownApplications } from './label-choice.ts';
import type { OpenFdaClient } from './open-fda-client.ts';
import type { DrugLabel } from './open-fda-label.ts';

/** More applications than this are not asked for by their numbers: addresses have an end. */
const maxNumbers = 50;

/** What finding a label takes of openFDA. */
export type LabelSource = Pick<OpenFdaClient, 'findApplications' | 'findLabels' | 'findLabelsOf'>;

/** Finds the label of a drug among those that its name finds. */
export async function findLabel(
  openFda: LabelSource,
  name: DrugName,
  { signal, ...options }: QuestionOptions & { readonly applicationNumber?: string | undefined },
): Promise<LabelAnswer> {
  const required = requireApplicationNumber(options.applicationNumber);
  const isRequired = required !== undefined;
  const [known, found] = await Promise.all([
    isRequired ? [] : openFda.findApplications(name.text, { signal }).then(({ items }) => ownApplications(items, name)),
    openFda.findLabels(name.text, { signal }),
  ]);
  const applicationNumbers = isRequired ? [required] : known;
  // A common name has more labels than are read, and the drug's own may be among the others.
  const others = found.complete ? [] : await labelsOf(openFda, applicationNumbers, { signal });
  const candidates = [...found.items, ...others];
  const distinct = [...new Map(candidates.map(label => [label.setId, label])).values()];
  const choice = chooseLabels(distinct, name, { applications: applicationNumbers, isRequired });
  const { total, complete, unreadable, lastUpdated, provenance } = found;
  const facts = { name: name.text, total, complete, unreadable, lastUpdated, provenance };
  return { ...facts, applicationNumbers, label: choice.labels[0] ?? null, ...choice };
}

async function labelsOf(
  openFda: LabelSource,
  applicationNumbers: readonly string[],
  options: QuestionOptions,
): Promise<readonly DrugLabel[]> {
  return (await openFda.findLabelsOf(applicationNumbers.slice(0, maxNumbers), options)).items;
}

function requireApplicationNumber(number: string | undefined): string | undefined {
  if (number === undefined) return undefined;
  const upper = number.trim().toUpperCase();
  if (/^(?:NDA|ANDA|BLA)\d{6}$/.test(upper)) return upper;
  throw new ValidationError('Invalid application number', {
    applicationNumber: `Expected NDA, ANDA or BLA and six digits, such as BLA125514, got ${JSON.stringify(number)}`,
  });
}

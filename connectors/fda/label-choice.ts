import type { DrugName } from './drug-name.ts';
import { fitOf, fits, type NameFit } from './name-fit.ts';
import type { DrugLabel } from './open-fda-label.ts';
import { type DrugsFdaApplication, firstApproval } from './open-fda-record.ts';

/**
 * Why a label is not the drug's. `combination`: the drug is one of several ingredients. `biosimilar`: it has the name with
 * a suffix, and there is one without. `otherProduct`: its name only begins with the name or contains it. `generic`: of an
 * abbreviated application (ANDA), and the label of the original is there. `otherApplication`: of another application than
 * the one that was asked for or was found in drugsfda.
 */
export type LabelRefusal = 'combination' | 'biosimilar' | 'otherProduct' | 'generic' | 'otherApplication';

/** A label that was found by the name and is not the drug's. */
export interface RefusedLabel
  extends Pick<DrugLabel, 'setId' | 'effectiveDate' | 'brandNames' | 'genericNames' | 'applicationNumbers'> {
  readonly reason: LabelRefusal;
}

/** Which labels are the drug's, the best one first, and which are not. */
export interface LabelChoice {
  readonly labels: readonly DrugLabel[];
  readonly notChosen: readonly RefusedLabel[];
}

/**
 * The numbers of the applications that are the drug's own, the earliest approval first: those whose products fit the name
 * best, without combinations, and without generics if there are others.
 */
export function ownApplications(applications: readonly DrugsFdaApplication[], name: DrugName): readonly string[] {
  const fitting = applications.map(application => ({ application, fit: fitOfApplication(application, name) }));
  const best = bestOf(fitting.map(({ fit }) => fit));
  const own = fitting.filter(({ fit }) => fit !== undefined && fit === best).map(({ application }) => application);
  const originals = own.filter(({ applicationType }) => applicationType !== 'ANDA');
  return [...(originals.length > 0 ? originals : own)]
    .sort((one, other) => approvalOf(one).localeCompare(approvalOf(other)))
    .map(({ applicationNumber }) => applicationNumber);
}

/**
 * Tells the drug's labels from others that the name finds.
 *
 * @param applications the drug's own, the most important first; none when they are not known
 * @param isRequired whether only labels of these applications will do
 */
export function chooseLabels(
  labels: readonly DrugLabel[],
  name: DrugName,
  { applications, isRequired }: { readonly applications: readonly string[]; readonly isRequired: boolean },
): LabelChoice {
  const isOwn = (label: DrugLabel): boolean => label.applicationNumbers.some(number => applications.includes(number));
  const fitting = labels.map(label => ({ label, fit: fitOfLabel(label, name) }));
  const best = bestOf(fitting.map(({ fit }) => fit));
  const isByNumber = isRequired || fitting.some(({ label, fit }) => fit === best && isOwn(label));
  const judged = fitting.map(({ label, fit }) => {
    if (isRequired && fit !== undefined && isOwn(label)) return { label, reason: undefined };
    if (isRequired || (fit !== undefined && fit === best)) {
      return { label, reason: isByNumber && !isOwn(label) ? otherApplication(label) : undefined };
    }
    return { label, reason: fit === undefined ? 'otherProduct' : refusals[fit] } as const;
  });
  const rank = ({ applicationNumbers }: DrugLabel): number => {
    const ranks = applicationNumbers.map(number => applications.indexOf(number)).filter(index => index >= 0);
    return Math.min(applications.length, ...ranks);
  };
  return {
    labels: judged
      .filter(({ reason }) => reason === undefined)
      .map(({ label }) => label)
      .sort(
        (one, other) =>
          rank(one) - rank(other) ||
          Number(one.isOriginalPackager === false) - Number(other.isOriginalPackager === false) ||
          (other.effectiveDate ?? '').localeCompare(one.effectiveDate ?? ''),
      ),
    notChosen: judged.flatMap(({ label, reason }) => (reason === undefined ? [] : [refused(label, reason)])),
  };
}

/** Why a label is refused that fits worse than the best. `exact` is never worse. */
const refusals: Readonly<Record<NameFit, LabelRefusal>> = {
  exact: 'otherProduct',
  suffixed: 'biosimilar',
  leading: 'otherProduct',
  contained: 'otherProduct',
  combination: 'combination',
};

function otherApplication({ applicationNumbers }: DrugLabel): LabelRefusal {
  const isGeneric = applicationNumbers.length > 0 && applicationNumbers.every(number => number.startsWith('ANDA'));
  return isGeneric ? 'generic' : 'otherApplication';
}

function refused(label: DrugLabel, reason: LabelRefusal): RefusedLabel {
  const { setId, effectiveDate, brandNames, genericNames, applicationNumbers } = label;
  return { setId, effectiveDate, brandNames, genericNames, applicationNumbers, reason };
}

/** The best fit of all, if it is not only part of combinations. */
function bestOf(found: readonly (NameFit | undefined)[]): NameFit | undefined {
  const best = fits.find(fit => found.includes(fit));
  return best === 'combination' ? undefined : best;
}

function fitOfLabel(label: DrugLabel, name: DrugName): NameFit | undefined {
  const { brandNames: brands, genericNames: generics, substanceNames: ingredients, applicationNumbers } = label;
  const isBiologic = applicationNumbers.length === 0 || applicationNumbers.some(number => number.startsWith('BLA'));
  return fitOf({ brands, generics, ingredients, isBiologic }, name);
}

function fitOfApplication({ products, applicationType }: DrugsFdaApplication, name: DrugName): NameFit | undefined {
  const found = products.map(({ brandName, ingredients }) => {
    const names = ingredients.map(ingredient => ingredient.name);
    return fitOf(
      { brands: [brandName], generics: [], ingredients: names, isBiologic: applicationType === 'BLA' },
      name,
    );
  });
  return fits.find(fit => found.includes(fit));
}

function approvalOf(application: DrugsFdaApplication): string {
  return firstApproval(application)?.date ?? '9999';
}

import type { OncoKBAnnotation, OncoKBTreatment } from './annotation-types.ts';
import { hasDrugs, type Regimen } from './drug-string.ts';
import { compareLevels } from './levels.ts';
import type { DrugAnnotation } from './oncokb-types.ts';
import type { ActionableVariant } from './variant-record.ts';

/** The rows of the table that say something about the drugs. */
export function annotationsOfTable(variants: readonly ActionableVariant[], drugs: Regimen): readonly DrugAnnotation[] {
  const found = variants.flatMap(variant => {
    const regimens = variant.regimens.filter(regimen => hasDrugs(regimen, drugs));
    return regimens.length === 0 ? [] : [ofVariant(variant, regimens)];
  });
  return inOrder(found);
}

/** What annotations of biomarkers say about the drugs. Two biomarkers may lead to the same treatment: it is there once. */
export function annotationsOfBiomarkers(
  annotations: readonly OncoKBAnnotation[],
  drugs: Regimen,
): readonly DrugAnnotation[] {
  const found = new Map<string, DrugAnnotation>();
  for (const { query, treatments } of annotations) {
    for (const treatment of treatments) {
      const regimen = treatment.drugs.map(({ name }) => name);
      if (!hasDrugs(regimen, drugs)) continue;
      const annotation = ofTreatment(query.gene ?? '', treatment, regimen);
      const { gene, alterations, cancerType, level, regimens } = annotation;
      found.set(JSON.stringify([gene, alterations, cancerType, level, regimens]), annotation);
    }
  }
  return inOrder([...found.values()]);
}

function ofVariant(variant: ActionableVariant, regimens: readonly Regimen[]): DrugAnnotation {
  const { gene, alterations, cancerType, level, pmids, abstracts, description } = variant;
  return {
    gene,
    alterations,
    cancerType,
    level,
    fdaLevel: null,
    regimens,
    pmids,
    abstracts: abstracts === null ? [] : [abstracts],
    description,
  };
}

function ofTreatment(gene: string, treatment: OncoKBTreatment, regimen: Regimen): DrugAnnotation {
  const { alterations, cancerType, level, fdaLevel, pmids, abstracts, description } = treatment;
  return {
    gene,
    alterations,
    cancerType: cancerType?.name ?? cancerType?.mainType ?? null,
    level,
    fdaLevel,
    regimens: [regimen],
    pmids,
    abstracts: abstracts.map(({ text }) => text),
    description,
  };
}

function inOrder(annotations: readonly DrugAnnotation[]): readonly DrugAnnotation[] {
  return [...annotations].sort((one, other) => compareLevels(one.level, other.level));
}

import { ValidationError } from 'plinth/errors';
import { parseRegimens, type Regimen } from './drug-string.ts';
import { digitsOf, type OncoKBTranscripts, readTranscripts } from './gene-record.ts';
import { type OncoKBLevel, parseLevel } from './levels.ts';
import { requireRecord, requireText, splitOutsideBrackets, textOf, type WireRecord } from './wire-values.ts';

/** A variant of a table. In brackets: the field, and the column of the text form. */
export interface TableVariant extends OncoKBTranscripts {
  /** [gene; `Hugo Symbol`, `Gene`] */
  readonly gene: string;
  /** [entrezGeneId; `Entrez Gene ID`] */
  readonly entrezGeneId: number | null;
  /** `GRCh37`, `GRCh38` or both. [referenceGenome; `Reference Genome`] */
  readonly referenceGenome: string | null;
  /** `Somatic` or `Germline`; `null` in tables of earlier years. [setting; `Setting`] */
  readonly setting: string | null;
  /** The alteration's name, or several in one text. [variant; `Alteration`, `Alterations`] */
  readonly variant: string;
  /** [proteinChange; `Protein Change`] */
  readonly proteinChange: string | null;
  /** [description; `Description`] */
  readonly description: string | null;
}

/** A row of `/utils/allActionableVariants`: an alteration that says something about a treatment. */
export interface ActionableVariant extends TableVariant {
  /** The alterations of {@link TableVariant.variant} one by one; commas in brackets separate none. */
  readonly alterations: readonly string[];
  /** [cancerType; `Cancer Type`, `Cancer Types`] */
  readonly cancerType: string | null;
  /** [level; `Level`] */
  readonly level: OncoKBLevel;
  /** [solidPropagationLevel; `Solid Propagation Level`] */
  readonly solidPropagationLevel: OncoKBLevel | null;
  /** [liquidPropagationLevel; `Liquid Propagation Level`] */
  readonly liquidPropagationLevel: OncoKBLevel | null;
  /** As written: alternatives separated by commas. [drugs; `Drugs(s)`, `Drugs`] */
  readonly drugs: string | null;
  /** The alternatives of {@link drugs}. None for levels of diagnosis and prognosis. */
  readonly regimens: readonly Regimen[];
  /** [pmids; `PMIDs`] */
  readonly pmids: readonly string[];
  /** As written. [abstracts; `Abstracts`] */
  readonly abstracts: string | null;
}

/** A row of `/utils/allAnnotatedVariants`: what an alteration does. */
export interface AnnotatedVariant extends TableVariant {
  /** Such as `Likely Oncogenic`; `null` where the table says `null`. [oncogenicity; `Oncogenicity`] */
  readonly oncogenicity: string | null;
  /** Such as `Loss-of-function`. [mutationEffect; `Mutation Effect`] */
  readonly mutationEffect: string | null;
  /** [mutationEffectPmids; `PMIDs for Mutation Effect`] */
  readonly pmids: readonly string[];
  /** As written. [mutationEffectAbstracts; `Abstracts for Mutation Effect`] */
  readonly abstracts: string | null;
}

/** Reads a row of `/utils/allActionableVariants`. @throws {ValidationError} without gene, variant or level */
export function readActionableVariant(value: unknown): ActionableVariant {
  const record = requireRecord(value);
  const level = parseLevel(record['level']);
  if (level === undefined) {
    const shown = JSON.stringify(record['level']);
    throw new ValidationError(`Expected a level such as 3A, got ${shown}`, { level: 'Unknown level' });
  }
  const common = readTableVariant(record);
  const drugs = textOf(record['drugs']);
  return {
    ...common,
    alterations: splitOutsideBrackets(common.variant, ','),
    cancerType: textOf(record['cancerType']),
    level,
    solidPropagationLevel: parseLevel(record['solidPropagationLevel']) ?? null,
    liquidPropagationLevel: parseLevel(record['liquidPropagationLevel']) ?? null,
    drugs,
    regimens: parseRegimens(drugs),
    pmids: splitOutsideBrackets(textOf(record['pmids']) ?? '', ','),
    abstracts: textOf(record['abstracts']),
  };
}

/** Reads a row of `/utils/allAnnotatedVariants`. @throws {ValidationError} without gene or variant */
export function readAnnotatedVariant(value: unknown): AnnotatedVariant {
  const record = requireRecord(value);
  return {
    ...readTableVariant(record),
    oncogenicity: known(record['oncogenicity']),
    mutationEffect: known(record['mutationEffect']),
    pmids: splitOutsideBrackets(textOf(record['mutationEffectPmids']) ?? '', ','),
    abstracts: textOf(record['mutationEffectAbstracts']),
  };
}

function readTableVariant(record: WireRecord): TableVariant {
  return {
    gene: requireText(record, 'gene'),
    entrezGeneId: digitsOf(record['entrezGeneId']),
    referenceGenome: textOf(record['referenceGenome']),
    setting: textOf(record['setting']),
    variant: requireText(record, 'variant'),
    proteinChange: textOf(record['proteinChange']),
    description: textOf(record['description']),
    ...readTranscripts(record),
  };
}

/** The tables of 2017 have the word `null` where nothing is known. */
function known(value: unknown): string | null {
  const text = textOf(value);
  return text === 'null' ? null : text;
}

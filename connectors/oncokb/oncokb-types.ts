import type { Provenance, QuestionOptions } from 'plinth/http';
import type { OncoKBAnnotation, OncoKBDrug, OncoKBTreatment } from './annotation-types.ts';
import type { Regimen } from './drug-string.ts';
import type { CancerGene, CuratedGene } from './gene-record.ts';
import type { OncoKBDataVersion, OncoKBInfo } from './info.ts';
import type { FdaLevel, OncoKBLevel } from './levels.ts';
import type { ActionableVariant, AnnotatedVariant } from './variant-record.ts';

/** The terms that every answer carries. */
export const oncoKBTerms =
  'OncoKB content is under OncoKB\u2019s terms of use (https://www.oncokb.org/terms): free for research after registration; commercial and clinical use need a licence; texts must not be republished';

/** The genome whose positions are meant. */
export type ReferenceGenome = 'GRCh37' | 'GRCh38';

/** What every answer of OncoKB says. */
export interface OncoKBAnswer {
  /** Which data answered: what the answer says itself, else `/info`; `null` when neither could be had. */
  readonly dataVersion: OncoKBDataVersion | null;
  /** Records of the source that could not be read. They are in quarantine, or counted in their annotation. */
  readonly unreadable: number;
  /** What may be done with it. */
  readonly terms: string;
  /** Where it came from, when, and how fresh it is. */
  readonly provenance: Provenance;
}

/** What a question about an alteration may say besides. */
export interface AnnotationOptions extends QuestionOptions {
  /** OncoTree's code or name, such as `NSCLC`. Levels then are those in this type. @default all types */
  readonly tumorType?: string | undefined;
  /** @default 'GRCh37', as OncoKB has it */
  readonly referenceGenome?: ReferenceGenome | undefined;
}

/** What a question about a mutation may say besides. */
export interface MutationOptions extends AnnotationOptions {
  /** The gene's number at NCBI; OncoKB believes it more than the symbol, and refuses two that differ. @default none */
  readonly entrezGeneId?: number | undefined;
  /** A term of the Sequence Ontology, such as `missense_variant`. @default what the alteration says */
  readonly consequence?: string | undefined;
  /** @default what the alteration says */
  readonly proteinStart?: number | undefined;
  /** @default what the alteration says */
  readonly proteinEnd?: number | undefined;
}

/** One of several questions about mutations. */
export interface MutationQuery extends Omit<MutationOptions, 'signal'> {
  /** HGNC's symbol, such as `EGFR`. */
  readonly gene: string;
  /** Such as `T790M`, `p.Thr790Met` or `Amplification`. */
  readonly alteration: string;
}

/** Changes of the number of a gene's copies. */
export type CopyNumberAlterationType = 'AMPLIFICATION' | 'DELETION' | 'GAIN' | 'LOSS';

/** Kinds of structural variants. */
export type StructuralVariantType =
  | 'DELETION'
  | 'TRANSLOCATION'
  | 'DUPLICATION'
  | 'INSERTION'
  | 'INVERSION'
  | 'FUSION'
  | 'UNKNOWN';

/** A structural variant, such as a fusion. */
export interface StructuralVariantQuery {
  /** HGNC's symbol of the one gene. */
  readonly geneA: string;
  /** Of the other one. @default none: within one gene */
  readonly geneB?: string | undefined;
  readonly type: StructuralVariantType;
  /** Whether a working protein comes of it. @default false */
  readonly isFunctionalFusion?: boolean | undefined;
}

/** What OncoKB says of one alteration. */
export interface AnnotationAnswer extends OncoKBAnswer {
  readonly annotation: OncoKBAnnotation;
}

/** What OncoKB says of several alterations. */
export interface AnnotationsAnswer extends OncoKBAnswer {
  /** In the order of the questions; `null` where the answer could not be read. */
  readonly annotations: readonly (OncoKBAnnotation | null)[];
}

/**
 * What resists and what responds because of an alteration: its annotation, with the treatments parted. One alteration may
 * do both, with different drugs.
 */
export interface ResistanceAnswer
  extends OncoKBAnswer,
    Omit<OncoKBAnnotation, 'treatments' | 'dataVersion' | 'unreadable'> {
  /** Treatments of levels R1 and R2, R1 first. */
  readonly resistance: readonly OncoKBTreatment[];
  /** Treatments of all other levels of the same answer, the most important first. */
  readonly sensitive: readonly OncoKBTreatment[];
}

/** A gene with an alteration of it. */
export interface Biomarker {
  /** HGNC's symbol, such as `EGFR`. */
  readonly gene: string;
  /** Such as `T790M`, `p.Thr790Met` or `Amplification`. */
  readonly alteration: string;
}

/** What a question about a drug may say besides. */
export interface DrugAnnotationsOptions extends QuestionOptions {
  /** Where to look when the token may not read the whole table: what is known of these is put together. @default none */
  readonly biomarkers?: readonly Biomarker[] | undefined;
  /** Of the biomarkers. @default 'GRCh37', as OncoKB has it */
  readonly referenceGenome?: ReferenceGenome | undefined;
}

/** An alteration that says something about the drug. In brackets: the field of the table, and of an annotation. */
export interface DrugAnnotation {
  /** [gene; query.hugoSymbol] */
  readonly gene: string;
  /** [variant; treatments[].alterations] */
  readonly alterations: readonly string[];
  /** [cancerType; treatments[].levelAssociatedCancerType, its name or main type] */
  readonly cancerType: string | null;
  /** `R1` and `R2`: the tumour resists. [level; treatments[].level] */
  readonly level: OncoKBLevel;
  /** Annotations say it, the table does not. [treatments[].fdaLevel] */
  readonly fdaLevel: FdaLevel | null;
  /** Those with the drug, of the alternatives of the row. [drugs; treatments[].drugs] */
  readonly regimens: readonly Regimen[];
  /** [pmids] */
  readonly pmids: readonly string[];
  /** [abstracts] */
  readonly abstracts: readonly string[];
  /** [description] */
  readonly description: string | null;
}

/** What OncoKB says of a drug. */
export interface DrugAnnotationsAnswer extends OncoKBAnswer {
  /** As it was asked. */
  readonly drug: string;
  /** How it was found: in the table of all actionable variants, or put together from annotations of biomarkers. */
  readonly via: 'actionable-variants' | 'annotations';
  /** Whether it is all that OncoKB has: not when only some biomarkers were looked at. */
  readonly complete: boolean;
  /** The biomarkers that were looked at, and whether OncoKB knows them; none with the table. */
  readonly biomarkers: readonly (Biomarker & { readonly known: boolean })[];
  /** The most important level first. */
  readonly annotations: readonly DrugAnnotation[];
}

/** The table of all actionable variants. */
export interface ActionableVariantsAnswer extends OncoKBAnswer {
  readonly variants: readonly ActionableVariant[];
}

/** The table of all annotated variants. */
export interface AnnotatedVariantsAnswer extends OncoKBAnswer {
  readonly variants: readonly AnnotatedVariant[];
}

/** The genes that OncoKB has curated. */
export interface CuratedGenesAnswer extends OncoKBAnswer {
  readonly genes: readonly CuratedGene[];
}

/** The cancer gene list. */
export interface CancerGenesAnswer extends OncoKBAnswer {
  readonly genes: readonly CancerGene[];
}

/** The drugs that OncoKB has curated. */
export interface DrugsAnswer extends OncoKBAnswer {
  readonly drugs: readonly OncoKBDrug[];
}

/** What OncoKB says about itself. */
export interface InfoAnswer extends OncoKBAnswer {
  readonly info: OncoKBInfo;
}

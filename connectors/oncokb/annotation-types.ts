import type { DiagnosticLevel, FdaLevel, OncoKBLevel, PrognosticLevel } from './levels.ts';

/** A drug. In brackets: the field of `drugs[]`. */
export interface OncoKBDrug {
  /** Such as `Osimertinib`. [drugName] */
  readonly name: string;
  /** Its code in the NCI Thesaurus, such as `C116377`. [ncitCode] */
  readonly ncitCode: string | null;
}

/** A type of cancer, a node of OncoTree. In brackets: the field of `levelAssociatedCancerType` or `tumorType`. */
export interface OncoKBCancerType {
  /** OncoKB's own number. [id] */
  readonly id: number | null;
  /** OncoTree's code such as `NSCLC`; `null` for a main type as a whole. [code] */
  readonly code: string | null;
  /** The subtype; `null` for a main type as a whole. [name] */
  readonly name: string | null;
  /** Such as `Non-Small Cell Lung Cancer`. [mainType.name] */
  readonly mainType: string | null;
  /** Such as `Lung`. [tissue] */
  readonly tissue: string | null;
  /** `SOLID`, `LIQUID` or `MIXED`. [tumorForm] */
  readonly tumorForm: string | null;
}

/** A conference paper and its kin. */
export interface OncoKBAbstract {
  /** Who, where and when. [abstract] */
  readonly text: string;
  /** [link] */
  readonly link: string | null;
}

/** What a statement rests on. */
export interface OncoKBReferences {
  /** Identifiers of PubMed. [pmids] */
  readonly pmids: readonly string[];
  /** [abstracts] */
  readonly abstracts: readonly OncoKBAbstract[];
}

/** A treatment that an alteration says something about. In brackets: the field of `treatments[]`. */
export interface OncoKBTreatment extends OncoKBReferences {
  /** `R1` and `R2`: the tumour resists; the others: it responds. [level] */
  readonly level: OncoKBLevel;
  /** [fdaLevel] */
  readonly fdaLevel: FdaLevel | null;
  /** Given together. [drugs] */
  readonly drugs: readonly OncoKBDrug[];
  /** The alterations that it was curated for. [alterations] */
  readonly alterations: readonly string[];
  /** Sentences of the FDA's labels. [approvedIndications] */
  readonly approvedIndications: readonly string[];
  /** Where the level holds. [levelAssociatedCancerType] */
  readonly cancerType: OncoKBCancerType | null;
  /** Where it does not. [levelExcludedCancerTypes] */
  readonly excludedCancerTypes: readonly OncoKBCancerType[];
  /** [description] */
  readonly description: string | null;
}

/** What an alteration means for a diagnosis or a prognosis. */
export interface OncoKBImplication<Level extends OncoKBLevel> extends OncoKBReferences {
  /** [levelOfEvidence] */
  readonly level: Level;
  /** [alterations] */
  readonly alterations: readonly string[];
  /** [tumorType] */
  readonly cancerType: OncoKBCancerType | null;
  /** [description] */
  readonly description: string | null;
}

/** What was asked, as OncoKB understood it. In brackets: the field of `query`. */
export interface OncoKBQuery {
  /** [hugoSymbol] */
  readonly gene: string | null;
  /** [entrezGeneId] */
  readonly entrezGeneId: number | null;
  /** [alteration] */
  readonly alteration: string | null;
  /** [tumorType] */
  readonly tumorType: string | null;
  /** `GRCh37` or `GRCh38`. [referenceGenome] */
  readonly referenceGenome: string | null;
}

/** What an alteration does to the protein. In brackets: the field of `mutationEffect`. */
export interface OncoKBMutationEffect extends OncoKBReferences {
  /** Such as `Gain-of-function`. [knownEffect, citations] */
  readonly effect: string;
  /** [description] */
  readonly description: string | null;
}

/** What OncoKB says of an alteration. In brackets: the field of its answer. */
export interface OncoKBAnnotation {
  /** [query] */
  readonly query: OncoKBQuery;
  /**
   * Whether OncoKB knows anything of it. It answers 200 either way: `false` when the gene is unknown, or the variant is and
   * nothing else fits it. A variant that does not exist by itself may be known by a rule for its position.
   */
  readonly known: boolean;
  /** [geneExist] */
  readonly geneExist: boolean;
  /** [variantExist] */
  readonly variantExist: boolean;
  /** Whether another alteration of the same position exists. [alleleExist] */
  readonly alleleExist: boolean;
  /** `Oncogenic`, `Likely Oncogenic`, `Likely Neutral`, `Inconclusive`, `Resistance` or `Unknown`. [oncogenic] */
  readonly oncogenic: string;
  /** A variant of unknown significance. [vus] */
  readonly vus: boolean;
  /** [hotspot] */
  readonly hotspot: boolean;
  /** [exon] */
  readonly exon: string | null;
  /** [mutationEffect] */
  readonly mutationEffect: OncoKBMutationEffect | null;
  /** [highestSensitiveLevel] */
  readonly highestSensitiveLevel: OncoKBLevel | null;
  /** [highestResistanceLevel] */
  readonly highestResistanceLevel: OncoKBLevel | null;
  /** [highestDiagnosticImplicationLevel] */
  readonly highestDiagnosticLevel: DiagnosticLevel | null;
  /** [highestPrognosticImplicationLevel] */
  readonly highestPrognosticLevel: PrognosticLevel | null;
  /** [highestFdaLevel] */
  readonly highestFdaLevel: FdaLevel | null;
  /** [otherSignificantSensitiveLevels] */
  readonly otherSensitiveLevels: readonly OncoKBLevel[];
  /** [otherSignificantResistanceLevels] */
  readonly otherResistanceLevels: readonly OncoKBLevel[];
  /** [geneSummary] */
  readonly geneSummary: string | null;
  /** [variantSummary] */
  readonly variantSummary: string | null;
  /** Only with a tumour type. [tumorTypeSummary] */
  readonly tumorTypeSummary: string | null;
  /** [diagnosticSummary] */
  readonly diagnosticSummary: string | null;
  /** [prognosticSummary] */
  readonly prognosticSummary: string | null;
  /** In OncoKB's order, responding and resisting ones. [treatments] */
  readonly treatments: readonly OncoKBTreatment[];
  /** [diagnosticImplications] */
  readonly diagnosticImplications: readonly OncoKBImplication<DiagnosticLevel>[];
  /** [prognosticImplications] */
  readonly prognosticImplications: readonly OncoKBImplication<PrognosticLevel>[];
  /** The version of OncoKB's data that answered, such as `v7.1`. [dataVersion] */
  readonly dataVersion: string | null;
  /** When this was curated last, `YYYY-MM-DD`. [lastUpdate] */
  readonly lastUpdate: string | null;
  /** Treatments and implications that could not be read, such as those with a level that nobody knows. */
  readonly unreadable: number;
}

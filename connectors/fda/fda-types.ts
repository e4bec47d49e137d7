import type { Provenance } from 'plinth/http';
import type { Freshness } from 'plinth/pipeline';
import type { NameMatch } from './drug-name.ts';
import type { LabelChoice } from './label-choice.ts';
import type { DrugLabel } from './open-fda-label.ts';
import type { NdcProduct } from './open-fda-ndc.ts';
import type { DrugsFdaSubmission, FdaApplicationType, FdaIngredient } from './open-fda-record.ts';
import type { OrangeBookExclusivity, OrangeBookPatent } from './orange-book-types.ts';

/** `orange-book` are the FDA's monthly files of small molecules, `drugsfda` is openFDA's data of all applications. */
export type FdaSource = 'orange-book' | 'drugsfda';

/** Whether and how a product is sold. */
export type MarketingStatus = 'prescription' | 'over-the-counter' | 'discontinued' | 'tentative' | 'unknown';

/** What one source said to a question. */
export interface SourceReport {
  readonly source: FdaSource;
  /** Whether it found something, found nothing, or could not be asked. */
  readonly status: 'answered' | 'empty' | 'failed';
  /** `recorded` when the data came from files or said of themselves that they are recorded; `null` when it failed. */
  readonly origin: 'live' | 'recorded' | null;
  /** The date of the Orange Book's edition, `YYYY-MM-DD`. */
  readonly edition?: string;
  /** When openFDA's data were last updated, `YYYY-MM-DD`; absent when nothing was found. */
  readonly lastUpdated?: string;
  /** When the data were fetched, or when asking failed: ISO 8601. */
  readonly fetchedAt: string;
  /** Whether the data are within their lifetime; `null` when the source failed. */
  readonly freshness: Freshness | null;
  /** Age of the data in milliseconds: since the Orange Book was last confirmed, or since openFDA answered. */
  readonly ageMs: number;
  /** Why the data are not fresh. */
  readonly reason?: string;
  /** How many products (`searchDrug`) or applications (`getApprovalInfo`) the source gave. */
  readonly found: number;
  /** Whether the source gave all that it has. `false` when openFDA has more records than are read. */
  readonly complete: boolean;
  /** How many of its records could not be read; absent when all could. They are in quarantine. */
  readonly unreadable?: number;
  /** Why it failed, in words. */
  readonly error?: string;
  /** Why it failed, as the error's code. */
  readonly errorCode?: string;
}

/** One product with the name that was searched for. Both sources know most small molecules: then it is one item. */
export interface DrugSearchResult {
  /** Where the fields come from: the Orange Book, if it has the product. */
  readonly source: FdaSource;
  /** Every source that has the product. */
  readonly sources: readonly FdaSource[];
  /** How well the name fits. */
  readonly match: NameMatch;
  /** Such as `NDA208065` or `BLA125514`. [Appl_Type and Appl_No; application_number] */
  readonly applicationNumber: string;
  /** `null` when openFDA's number has another beginning. [as above] */
  readonly applicationType: FdaApplicationType | null;
  /** [Product_No; products.product_number] */
  readonly productNumber: string;
  /** [Trade_Name; products.brand_name] */
  readonly brandName: string;
  /** [Ingredient and Strength; products.active_ingredients] */
  readonly ingredients: readonly FdaIngredient[];
  /** [DF;Route; products.dosage_form] */
  readonly dosageForm: string | null;
  /** [DF;Route; products.route] */
  readonly route: string | null;
  /** The whole strength, of all ingredients. [Strength; products.active_ingredients.strength joined with `;`] */
  readonly strength: string;
  /** [Type; products.marketing_status] */
  readonly status: MarketingStatus;
  /** [Applicant_Full_Name or Applicant; sponsor_name] */
  readonly sponsor: string;
  /** When this product was approved, `YYYY-MM-DD`. Only the Orange Book says; otherwise `null`. [Approval_Date] */
  readonly approvalDate: string | null;
  /** As the Orange Book writes it, such as `Approved Prior to Jan 1, 1982`. [Approval_Date] */
  readonly approvalDateText: string | null;
  /** Therapeutic equivalence codes. [TE_Code; products.te_code] */
  readonly teCodes: readonly string[];
  /** Whether it is a reference listed drug; `null` when undecided. [RLD; products.reference_drug] */
  readonly referenceDrug: boolean | null;
}

/** An application with the name that was searched for, from both sources. */
export interface ApprovedApplication {
  /** Every source that has the application. */
  readonly sources: readonly FdaSource[];
  readonly match: NameMatch;
  readonly applicationNumber: string;
  readonly applicationType: FdaApplicationType | null;
  /** [sponsor_name; Applicant_Full_Name or Applicant] */
  readonly sponsor: string;
  /**
   * `YYYY-MM-DD`: of drugsfda the earliest submission of type ORIG with status AP, otherwise the earliest approval of a
   * product in the Orange Book. `null` when it is not approved yet, or was approved before 1982 on no known day.
   */
  readonly firstApprovalDate: string | null;
  /** What is known instead of a date: `Approved Prior to Jan 1, 1982`. [Approval_Date] */
  readonly firstApprovalText: string | null;
  /** Which source gave the date or the text; `null` when there is neither. */
  readonly firstApprovalSource: FdaSource | null;
  /** `PRIORITY` or `STANDARD`, of the first approval. [submissions.review_priority] */
  readonly reviewPriority: string | null;
  /** Such as `TYPE 1`, of the first approval. [submissions.submission_class_code] */
  readonly submissionClass: string | null;
  /** Whether the first approval was an orphan drug's; `null` when drugsfda does not have it. */
  readonly orphan: boolean | null;
  /** The application's products that carry the name. */
  readonly products: readonly DrugSearchResult[];
  /** Patents of all its products, also of those that do not carry the name. Only the Orange Book has them. */
  readonly patents: readonly OrangeBookPatent[];
  /** Exclusivities of all its products. Only the Orange Book has them. */
  readonly exclusivities: readonly OrangeBookExclusivity[];
  /** How many later changes drugsfda lists; `null` when it does not have the application. */
  readonly supplementCount: number | null;
  /** The submission with the latest date. */
  readonly latestAction: DrugsFdaSubmission | null;
}

/** The answer of `searchDrug`. */
export interface SearchAnswer {
  /** The name as it was searched for. */
  readonly name: string;
  /** The best matches first; of equal ones brands (NDA, BLA) before generics. At most `limit`. */
  readonly results: readonly DrugSearchResult[];
  /** How many products were found in all. */
  readonly total: number;
  /** What each source said: one that failed does not hide the other. */
  readonly sources: readonly SourceReport[];
}

/** The answer of `getApprovalInfo`. */
export interface ApprovalAnswer {
  /** The name as it was searched for. */
  readonly name: string;
  /** By date of first approval, the earliest first; those without a date last. At most `limit`. None for an unknown name. */
  readonly applications: readonly ApprovedApplication[];
  /** How many applications were found in all. */
  readonly total: number;
  /** The earliest approval under this name; `null` when none has a date. */
  readonly firstApproval: { readonly applicationNumber: string; readonly date: string } | null;
  /** What each source said: one that failed does not hide the other. */
  readonly sources: readonly SourceReport[];
}

/** What every answer from openFDA alone says of itself. */
export interface OpenFdaFacts {
  /** The name as it was searched for. */
  readonly name: string;
  /** How many records openFDA has under the name. */
  readonly total: number;
  /** Whether all of them were read. */
  readonly complete: boolean;
  /** How many of them could not be read. They are in quarantine. */
  readonly unreadable: number;
  /** When openFDA's data were last updated, `YYYY-MM-DD`; `null` when nothing was found. [meta.last_updated] */
  readonly lastUpdated: string | null;
  /** Where the records came from; `null` when there was nothing to ask: no name of the FDA has such letters. */
  readonly provenance: Provenance | null;
}

/** The answer of `getLabel`. */
export interface LabelAnswer extends OpenFdaFacts, LabelChoice {
  /** The drug's label: the first of `labels`; `null` when there is none. */
  readonly label: DrugLabel | null;
  /**
   * Every label of the drug: of its own applications in the order of their approval, of each first who packs the drug, then
   * who packs it again, and then the newest.
   */
  readonly labels: readonly DrugLabel[];
  /** The applications that count as the drug's own: the one that was asked for, or those that drugsfda has. */
  readonly applicationNumbers: readonly string[];
}

/** A product of the NDC directory with the name that was searched for. */
export interface PackagedProduct extends NdcProduct {
  /** How well the name fits. */
  readonly match: NameMatch;
}

/** The answer of `getPackages`. */
export interface PackagesAnswer extends OpenFdaFacts {
  /** The best matches first, otherwise in the order of their NDC; each with its packages. */
  readonly products: readonly PackagedProduct[];
}

/** `NDA` is a new drug application, `ANDA` a generic's. Biologics (`BLA`) are never in the Orange Book. */
export type OrangeBookApplicationType = 'NDA' | 'ANDA';

/** `RX` needs a prescription, `OTC` does not, `DISCN` is no longer marketed. */
export type OrangeBookMarketingStatus = 'RX' | 'OTC' | 'DISCN';

/** One row of products.txt. Every field of the row is here; in brackets its column. */
export interface OrangeBookProduct {
  /** The application with its type, such as `NDA208065`. [Appl_Type and Appl_No] */
  readonly applicationNumber: string;
  /** [Appl_Type: `N` is `NDA`, `A` is `ANDA`] */
  readonly applicationType: OrangeBookApplicationType;
  /** Three digits, such as `001`. [Product_No] */
  readonly productNumber: string;
  /** The ingredients with their salts, in capitals, such as `OSIMERTINIB MESYLATE`. [Ingredient, split at `;`] */
  readonly ingredients: readonly string[];
  /** [Trade_Name] */
  readonly tradeName: string;
  /** Such as `TABLET` or `AEROSOL, FOAM`. [DF;Route, before the `;`] */
  readonly dosageForm: string;
  /** Such as `ORAL`; empty when the field has no `;`. [DF;Route, after the `;`] */
  readonly route: string;
  /** The whole strength without notes, such as `EQ 80MG BASE` or `25MG;0.125MG`. [Strength] */
  readonly strength: string;
  /** The strength split at `;`: one for each ingredient, in the same order, with rare exceptions. [Strength] */
  readonly strengths: readonly string[];
  /** What the FDA appended to the strength between `**`. [Strength] */
  readonly notes: readonly string[];
  /** The applicant's short name, at most 20 characters. [Applicant] */
  readonly applicant: string;
  /** Empty in editions without the column. [Applicant_Full_Name] */
  readonly applicantFullName: string;
  /** Therapeutic equivalence codes, such as `AB` or `AB1`. [TE_Code, split at `,`] */
  readonly teCodes: readonly string[];
  /** `YYYY-MM-DD`, or `null` when {@link approvalDateText} is not a day. [Approval_Date] */
  readonly approvalDate: string | null;
  /** As written: `Nov 13, 2015`, or `Approved Prior to Jan 1, 1982`. [Approval_Date] */
  readonly approvalDateText: string;
  /** Whether it is a reference listed drug. [RLD] */
  readonly referenceListedDrug: boolean;
  /** Whether it is the reference standard; `null` in editions without the column. [RS] */
  readonly referenceStandard: boolean | null;
  /** [Type] */
  readonly marketingStatus: OrangeBookMarketingStatus;
}

/** One row of patent.txt. The same patent is listed once for each product and use code. */
export interface OrangeBookPatent {
  /** Such as `NDA208065`. [Appl_Type and Appl_No] */
  readonly applicationNumber: string;
  /** [Product_No] */
  readonly productNumber: string;
  /** Such as `9732058` or `RE41234`, without `*PED`. [Patent_No] */
  readonly patentNumber: string;
  /** Whether the row is the pediatric extension of the patent. [Patent_No ends with `*PED`] */
  readonly pediatricExtension: boolean;
  /** `YYYY-MM-DD`, or `null` when the text is not a day. [Patent_Expire_Date_Text] */
  readonly expiresOn: string | null;
  /** As written. [Patent_Expire_Date_Text] */
  readonly expiresOnText: string;
  /** Whether the patent claims the substance. [Drug_Substance_Flag] */
  readonly claimsSubstance: boolean;
  /** Whether the patent claims the product. [Drug_Product_Flag] */
  readonly claimsProduct: boolean;
  /** Such as `U-1777`; empty when the patent claims no use. [Patent_Use_Code] */
  readonly useCode: string;
  /** Whether the applicant asked to remove the patent. [Delist_Flag] */
  readonly delistRequested: boolean;
  /** `YYYY-MM-DD`, or `null` when it is not known. [Submission_Date] */
  readonly submittedOn: string | null;
  /** As written, or empty. [Submission_Date] */
  readonly submittedOnText: string;
}

/** One row of exclusivity.txt. */
export interface OrangeBookExclusivity {
  /** Such as `NDA208065`. [Appl_Type and Appl_No] */
  readonly applicationNumber: string;
  /** [Product_No] */
  readonly productNumber: string;
  /** Such as `NCE`, `ODE-176`, `I-941` or `PED`. [Exclusivity_Code] */
  readonly code: string;
  /** `YYYY-MM-DD`, or `null` when the text is not a day. [Exclusivity_Date] */
  readonly expiresOn: string | null;
  /** As written. [Exclusivity_Date] */
  readonly expiresOnText: string;
}

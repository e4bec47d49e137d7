import type { Provenance } from 'plinth/http';
import type { TrialDate } from './trial-date.ts';
import type { TrialStatus } from './trial-terms.ts';
import type { TrialSponsor, TrialSummary } from './trial-types.ts';

/** Everything that a study registered, without its results. Texts are Markdown, as the source sends them. */
export interface TrialDetails extends Omit<TrialSummary, 'interventions' | 'record'>, Provenance {
  /** The number that was asked for: another one than `nctId` when that is obsolete. */
  readonly requestedId: string;
  /** Obsolete numbers of the study. [identificationModule.nctIdAliases] */
  readonly aliases: readonly string[];
  /** The sponsor's own number. [identificationModule.orgStudyIdInfo] */
  readonly organizationStudyId: TrialOtherId | null;
  /** Numbers of other registries and funders. [identificationModule.secondaryIdInfos] */
  readonly secondaryIds: readonly TrialOtherId[];
  /** Who registered it. [identificationModule.organization] */
  readonly organization: TrialSponsor | null;
  readonly dates: TrialDates;
  /** The state that was known before it was not kept up. [statusModule.lastKnownStatus] */
  readonly lastKnownStatus: TrialStatus | null;
  /** A withheld record. [statusModule.delayedPosting] */
  readonly delayedPosting: boolean | null;
  /** [statusModule.expandedAccessInfo] */
  readonly expandedAccess: TrialExpandedAccess | null;
  /** [sponsorCollaboratorsModule.collaborators] */
  readonly collaborators: readonly TrialSponsor[];
  /** [sponsorCollaboratorsModule.responsibleParty] */
  readonly responsibleParty: TrialResponsibleParty | null;
  /** [oversightModule] */
  readonly oversight: TrialOversight;
  /** [descriptionModule.briefSummary] */
  readonly briefSummary: string | null;
  /** [descriptionModule.detailedDescription] */
  readonly detailedDescription: string | null;
  /** [designModule] */
  readonly design: TrialDesign;
  /** [armsInterventionsModule.armGroups] */
  readonly arms: readonly TrialArm[];
  /** [armsInterventionsModule.interventions] */
  readonly interventions: readonly TrialIntervention[];
  /** [outcomesModule.primaryOutcomes] */
  readonly primaryOutcomes: readonly TrialOutcome[];
  /** [outcomesModule.secondaryOutcomes] */
  readonly secondaryOutcomes: readonly TrialOutcome[];
  /** [outcomesModule.otherOutcomes] */
  readonly otherOutcomes: readonly TrialOutcome[];
  /** [eligibilityModule] */
  readonly eligibility: TrialEligibility;
  /** [contactsLocationsModule.centralContacts] */
  readonly contacts: readonly TrialContact[];
  /** [contactsLocationsModule.overallOfficials] */
  readonly officials: readonly TrialOfficial[];
  /** Up to several hundred. [contactsLocationsModule.locations] */
  readonly locations: readonly TrialLocation[];
  /** [referencesModule.references] */
  readonly references: readonly TrialReference[];
  /** [referencesModule.seeAlsoLinks] */
  readonly links: readonly { readonly label: string | null; readonly url: string | null }[];
  /** Data and documents elsewhere. [referencesModule.availIpds] */
  readonly availableData: readonly TrialAvailableData[];
  /** What is said about sharing data of participants. [ipdSharingStatementModule] */
  readonly ipdSharing: TrialIpdSharing | null;
  /** [documentSection.largeDocumentModule.largeDocs] */
  readonly documents: readonly TrialDocument[];
  /** Whether there is no plan of the statistics. [documentSection.largeDocumentModule.noSap] */
  readonly noStatisticalPlan: boolean | null;
  /** Terms of the thesaurus MeSH for the conditions; made by the source. [derivedSection.conditionBrowseModule] */
  readonly conditionTerms: TrialTerms;
  /** The same for the interventions. [derivedSection.interventionBrowseModule] */
  readonly interventionTerms: TrialTerms;
  /** Countries that had locations once. [derivedSection.miscInfoModule.removedCountries] */
  readonly removedCountries: readonly string[];
}

/** A number under which others know a study. */
export interface TrialOtherId {
  /** [id] */
  readonly id: string | null;
  /** Such as `EUDRACT_NUMBER` or `NIH`. [type] */
  readonly type: string | null;
  /** Whose number it is. [domain] */
  readonly domain: string | null;
  /** [link] */
  readonly link: string | null;
}

/** The remaining days in the life of a record. */
export interface TrialDates {
  /** When the record was last said to be right. [statusModule.statusVerifiedDate] */
  readonly statusVerified: TrialDate | null;
  /** [statusModule.studyFirstSubmitDate] */
  readonly firstSubmitted: TrialDate | null;
  /** [statusModule.studyFirstSubmitQcDate] */
  readonly firstSubmittedChecked: TrialDate | null;
  /** [statusModule.resultsFirstSubmitDate] */
  readonly resultsFirstSubmitted: TrialDate | null;
  /** [statusModule.resultsFirstSubmitQcDate] */
  readonly resultsFirstSubmittedChecked: TrialDate | null;
  /** [statusModule.resultsFirstPostDateStruct] */
  readonly resultsFirstPosted: TrialDate | null;
  /** When a delay of the results was asked for. [statusModule.dispFirstSubmitDate] */
  readonly delayFirstSubmitted: TrialDate | null;
  /** [statusModule.dispFirstSubmitQcDate] */
  readonly delayFirstSubmittedChecked: TrialDate | null;
  /** [statusModule.dispFirstPostDateStruct] */
  readonly delayFirstPosted: TrialDate | null;
  /** [statusModule.lastUpdateSubmitDate] */
  readonly lastUpdateSubmitted: TrialDate | null;
}

/** Whether the drug can be had outside the study. */
export interface TrialExpandedAccess {
  /** [hasExpandedAccess] */
  readonly available: boolean | null;
  /** The record of it. [nctId] */
  readonly nctId: string | null;
  /** [statusForNctId] */
  readonly status: string | null;
}

/** Who answers for the record. */
export interface TrialResponsibleParty {
  /** `SPONSOR`, `PRINCIPAL_INVESTIGATOR` or `SPONSOR_INVESTIGATOR`. [type] */
  readonly type: string | null;
  /** [investigatorFullName] */
  readonly investigatorName: string | null;
  /** [investigatorTitle] */
  readonly investigatorTitle: string | null;
  /** [investigatorAffiliation] */
  readonly investigatorAffiliation: string | null;
  /** Of old records. [oldNameTitle] */
  readonly oldNameTitle: string | null;
  /** Of old records. [oldOrganization] */
  readonly oldOrganization: string | null;
}

/** Who watches over a study. */
export interface TrialOversight {
  /** A committee that watches the data. [oversightHasDmc] */
  readonly hasDataMonitoringCommittee: boolean | null;
  /** [isFdaRegulatedDrug] */
  readonly isFdaRegulatedDrug: boolean | null;
  /** [isFdaRegulatedDevice] */
  readonly isFdaRegulatedDevice: boolean | null;
  /** [isUnapprovedDevice] */
  readonly isUnapprovedDevice: boolean | null;
  /** Made in the United States and exported. [isUsExport] */
  readonly isUsExport: boolean | null;
}

/** How a study is built. Values are the API's words, such as `RANDOMIZED`. */
export interface TrialDesign {
  /** [designInfo.allocation] */
  readonly allocation: string | null;
  /** [designInfo.interventionModel] */
  readonly interventionModel: string | null;
  /** [designInfo.interventionModelDescription] */
  readonly interventionModelDescription: string | null;
  /** [designInfo.primaryPurpose] */
  readonly primaryPurpose: string | null;
  /** [designInfo.observationalModel] */
  readonly observationalModel: string | null;
  /** [designInfo.timePerspective] */
  readonly timePerspective: string | null;
  /** [designInfo.maskingInfo.masking] */
  readonly masking: string | null;
  /** [designInfo.maskingInfo.maskingDescription] */
  readonly maskingDescription: string | null;
  /** [designInfo.maskingInfo.whoMasked] */
  readonly whoMasked: readonly string[];
  /** [patientRegistry] */
  readonly isPatientRegistry: boolean | null;
  /** How long each participant of a registry is followed, such as `6 Months`. [targetDuration] */
  readonly targetDuration: string | null;
  /** What is kept of samples. [bioSpec.retention] */
  readonly samplesKept: string | null;
  /** [bioSpec.description] */
  readonly samplesDescription: string | null;
  /** [expandedAccessTypes.individual] */
  readonly expandedAccessIndividual: boolean | null;
  /** [expandedAccessTypes.intermediate] */
  readonly expandedAccessIntermediate: boolean | null;
  /** [expandedAccessTypes.treatment] */
  readonly expandedAccessTreatment: boolean | null;
}

/** A group of participants who get the same. */
export interface TrialArm {
  /** [label] */
  readonly label: string;
  /** Such as `EXPERIMENTAL`. [type] */
  readonly type: string | null;
  /** [description] */
  readonly description: string | null;
  /** With their types: `Drug: Osimertinib`. [interventionNames] */
  readonly interventionNames: readonly string[];
}

/** What is tried. */
export interface TrialIntervention {
  /** Such as `DRUG` or `BIOLOGICAL`; `null` where the answer was limited. [type] */
  readonly type: string | null;
  /** [name] */
  readonly name: string;
  /** [description] */
  readonly description: string | null;
  /** [otherNames] */
  readonly otherNames: readonly string[];
  /** [armGroupLabels] */
  readonly armLabels: readonly string[];
}

/** What is measured. */
export interface TrialOutcome {
  /** [measure] */
  readonly measure: string;
  /** [timeFrame] */
  readonly timeFrame: string | null;
  /** [description] */
  readonly description: string | null;
}

/** Who may take part, besides sex and ages of the study itself. */
export interface TrialEligibility {
  /** Inclusion and exclusion as Markdown: lists begin with `*`, and `<` comes as `\<`; see `plainMarkup`. [eligibilityCriteria] */
  readonly criteria: string | null;
  /** [healthyVolunteers] */
  readonly healthyVolunteers: boolean | null;
  /** Whether gender decides, and not sex. [genderBased] */
  readonly isGenderBased: boolean | null;
  /** [genderDescription] */
  readonly genderDescription: string | null;
  /** Whom an observation looks at. [studyPopulation] */
  readonly studyPopulation: string | null;
  /** How they are chosen. [samplingMethod] */
  readonly samplingMethod: string | null;
}

/** Somebody to ask. */
export interface TrialContact {
  /** [name] */
  readonly name: string | null;
  /** Such as `CONTACT`. [role] */
  readonly role: string | null;
  /** [phone] */
  readonly phone: string | null;
  /** [phoneExt] */
  readonly phoneExtension: string | null;
  /** [email] */
  readonly email: string | null;
}

/** Somebody who answers for the study. */
export interface TrialOfficial {
  /** [name] */
  readonly name: string | null;
  /** [affiliation] */
  readonly affiliation: string | null;
  /** Such as `STUDY_DIRECTOR`. [role] */
  readonly role: string | null;
}

/** Where a study takes place. */
export interface TrialLocation {
  /** [facility] */
  readonly facility: string | null;
  /** `null` at most locations of closed studies. [status] */
  readonly status: TrialStatus | null;
  /** [city] */
  readonly city: string | null;
  /** [state] */
  readonly state: string | null;
  /** [zip] */
  readonly zip: string | null;
  /** [country] */
  readonly country: string | null;
  /** [contacts] */
  readonly contacts: readonly TrialContact[];
  /** Degrees north and east, of the city; `null` where it is not known. [geoPoint] */
  readonly point: { readonly latitude: number; readonly longitude: number } | null;
}

/** A publication. */
export interface TrialReference {
  /** Its number at PubMed. [pmid] */
  readonly pmid: string | null;
  /** `DERIVED` was found by the source, `RESULT` and `BACKGROUND` were given by the sponsor. [type] */
  readonly type: string | null;
  /** [citation] */
  readonly citation: string | null;
  /** [retractions] */
  readonly retractions: readonly { readonly pmid: string | null; readonly source: string | null }[];
}

/** Data or documents that are to be had elsewhere. */
export interface TrialAvailableData {
  /** [id] */
  readonly id: string | null;
  /** [type] */
  readonly type: string | null;
  /** [url] */
  readonly url: string | null;
  /** [comment] */
  readonly comment: string | null;
}

/** What is said about sharing data of participants. */
export interface TrialIpdSharing {
  /** `YES`, `NO` or `UNDECIDED`. [ipdSharing] */
  readonly plan: string | null;
  /** [description] */
  readonly description: string | null;
  /** Such as `STUDY_PROTOCOL`. [infoTypes] */
  readonly documents: readonly string[];
  /** [timeFrame] */
  readonly timeFrame: string | null;
  /** [accessCriteria] */
  readonly accessCriteria: string | null;
  /** [url] */
  readonly url: string | null;
}

/** A document that was posted. */
export interface TrialDocument {
  /** Such as `Prot_SAP`. [typeAbbrev] */
  readonly type: string | null;
  /** [label] */
  readonly label: string | null;
  /** [hasProtocol] */
  readonly hasProtocol: boolean | null;
  /** A plan of the statistics. [hasSap] */
  readonly hasStatisticalPlan: boolean | null;
  /** A form of consent. [hasIcf] */
  readonly hasConsentForm: boolean | null;
  /** The day that the document bears. [date] */
  readonly date: TrialDate | null;
  /** `YYYY-MM-DDTHH:MM`. [uploadDate] */
  readonly uploadedAt: string | null;
  /** [filename] */
  readonly filename: string | null;
  /** [size] */
  readonly sizeBytes: number | null;
}

/** Terms of MeSH. */
export interface TrialTerms {
  /** [meshes] */
  readonly terms: readonly TrialTerm[];
  /** Wider terms of these. [ancestors] */
  readonly ancestors: readonly TrialTerm[];
}

/** A term of MeSH. */
export interface TrialTerm {
  /** Such as `D000002289`. [id] */
  readonly id: string;
  /** Such as `Carcinoma, Non-Small-Cell Lung`. [term] */
  readonly term: string;
}

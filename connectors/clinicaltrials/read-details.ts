import { readCore, readSponsor } from './read-trial.ts';
import { RecordFields } from './record-fields.ts';
import type {
  TrialArm,
  TrialContact,
  TrialDates,
  TrialDesign,
  TrialDetails,
  TrialDocument,
  TrialEligibility,
  TrialIntervention,
  TrialIpdSharing,
  TrialLocation,
  TrialOtherId,
  TrialOutcome,
  TrialReference,
  TrialResponsibleParty,
  TrialTerms,
} from './trial-details.ts';
import type { TrialStatus } from './trial-terms.ts';

/** The details of a study before it is known where they came from. */
export type TrialFacts = Omit<
  TrialDetails,
  'requestedId' | 'source' | 'origin' | 'fetchedAt' | 'freshness' | 'ageMs' | 'reason'
>;

/** Makes details of a whole record. @throws {ValidationError} that names the field that cannot be read. */
export function readDetails(record: unknown): TrialFacts {
  const study = new RecordFields(record);
  const protocol = study.at('protocolSection');
  const documents = study.at('documentSection', 'largeDocumentModule');
  const derived = study.at('derivedSection');
  return {
    ...readCore(study),
    ...readAdministration(protocol),
    ...readDescription(protocol),
    ...readPlaces(protocol.at('contactsLocationsModule')),
    ...readReferences(protocol.at('referencesModule')),
    ipdSharing: protocol.optional('ipdSharingStatementModule', readIpdSharing),
    documents: documents.list('largeDocs', readDocument),
    noStatisticalPlan: documents.flag('noSap'),
    conditionTerms: readTerms(derived.at('conditionBrowseModule')),
    interventionTerms: readTerms(derived.at('interventionBrowseModule')),
    removedCountries: derived.at('miscInfoModule').texts('removedCountries'),
  };
}

type Part<Names extends keyof TrialFacts> = Pick<TrialFacts, Names>;

type Administration = Part<
  | 'aliases'
  | 'organizationStudyId'
  | 'secondaryIds'
  | 'organization'
  | 'dates'
  | 'lastKnownStatus'
  | 'delayedPosting'
  | 'expandedAccess'
  | 'collaborators'
  | 'responsibleParty'
  | 'oversight'
>;

function readAdministration(protocol: RecordFields): Administration {
  const identification = protocol.at('identificationModule');
  const status = protocol.at('statusModule');
  const sponsors = protocol.at('sponsorCollaboratorsModule');
  const oversight = protocol.at('oversightModule');
  return {
    aliases: identification.texts('nctIdAliases'),
    organizationStudyId: identification.optional('orgStudyIdInfo', readOtherId),
    secondaryIds: identification.list('secondaryIdInfos', readOtherId),
    organization: identification.optional('organization', fields => ({
      name: fields.requiredText('fullName'),
      class: fields.text('class'),
    })),
    dates: readDates(status),
    lastKnownStatus: status.text('lastKnownStatus') as TrialStatus | null,
    delayedPosting: status.flag('delayedPosting'),
    expandedAccess: status.optional('expandedAccessInfo', fields => ({
      available: fields.flag('hasExpandedAccess'),
      nctId: fields.text('nctId'),
      status: fields.text('statusForNctId'),
    })),
    collaborators: sponsors.list('collaborators', readSponsor),
    responsibleParty: sponsors.optional('responsibleParty', readResponsibleParty),
    oversight: {
      hasDataMonitoringCommittee: oversight.flag('oversightHasDmc'),
      isFdaRegulatedDrug: oversight.flag('isFdaRegulatedDrug'),
      isFdaRegulatedDevice: oversight.flag('isFdaRegulatedDevice'),
      isUnapprovedDevice: oversight.flag('isUnapprovedDevice'),
      isUsExport: oversight.flag('isUsExport'),
    },
  };
}

type Description = Part<
  | 'briefSummary'
  | 'detailedDescription'
  | 'design'
  | 'arms'
  | 'interventions'
  | 'primaryOutcomes'
  | 'secondaryOutcomes'
  | 'otherOutcomes'
  | 'eligibility'
>;

function readDescription(protocol: RecordFields): Description {
  const description = protocol.at('descriptionModule');
  const arms = protocol.at('armsInterventionsModule');
  const outcomes = protocol.at('outcomesModule');
  return {
    briefSummary: description.text('briefSummary'),
    detailedDescription: description.text('detailedDescription'),
    design: readDesign(protocol.at('designModule')),
    arms: arms.list('armGroups', readArm),
    interventions: arms.list('interventions', readIntervention),
    primaryOutcomes: outcomes.list('primaryOutcomes', readOutcome),
    secondaryOutcomes: outcomes.list('secondaryOutcomes', readOutcome),
    otherOutcomes: outcomes.list('otherOutcomes', readOutcome),
    eligibility: readEligibility(protocol.at('eligibilityModule')),
  };
}

function readPlaces(places: RecordFields): Part<'contacts' | 'officials' | 'locations'> {
  return {
    contacts: places.list('centralContacts', readContact),
    officials: places.list('overallOfficials', fields => ({
      name: fields.text('name'),
      affiliation: fields.text('affiliation'),
      role: fields.text('role'),
    })),
    locations: places.list('locations', readLocation),
  };
}

function readReferences(module: RecordFields): Part<'references' | 'links' | 'availableData'> {
  return {
    references: module.list('references', readReference),
    links: module.list('seeAlsoLinks', fields => ({ label: fields.text('label'), url: fields.text('url') })),
    availableData: module.list('availIpds', fields => ({
      id: fields.text('id'),
      type: fields.text('type'),
      url: fields.text('url'),
      comment: fields.text('comment'),
    })),
  };
}

function readOtherId(fields: RecordFields): TrialOtherId {
  return {
    id: fields.text('id'),
    type: fields.text('type'),
    domain: fields.text('domain'),
    link: fields.text('link'),
  };
}

function readDates(status: RecordFields): TrialDates {
  return {
    statusVerified: status.plainDate('statusVerifiedDate'),
    firstSubmitted: status.plainDate('studyFirstSubmitDate'),
    firstSubmittedChecked: status.plainDate('studyFirstSubmitQcDate'),
    resultsFirstSubmitted: status.plainDate('resultsFirstSubmitDate'),
    resultsFirstSubmittedChecked: status.plainDate('resultsFirstSubmitQcDate'),
    resultsFirstPosted: status.date('resultsFirstPostDateStruct'),
    delayFirstSubmitted: status.plainDate('dispFirstSubmitDate'),
    delayFirstSubmittedChecked: status.plainDate('dispFirstSubmitQcDate'),
    delayFirstPosted: status.date('dispFirstPostDateStruct'),
    lastUpdateSubmitted: status.plainDate('lastUpdateSubmitDate'),
  };
}

function readResponsibleParty(fields: RecordFields): TrialResponsibleParty {
  return {
    type: fields.text('type'),
    investigatorName: fields.text('investigatorFullName'),
    investigatorTitle: fields.text('investigatorTitle'),
    investigatorAffiliation: fields.text('investigatorAffiliation'),
    oldNameTitle: fields.text('oldNameTitle'),
    oldOrganization: fields.text('oldOrganization'),
  };
}

function readDesign(design: RecordFields): TrialDesign {
  const info = design.at('designInfo');
  const masking = info.at('maskingInfo');
  const samples = design.at('bioSpec');
  const access = design.at('expandedAccessTypes');
  return {
    allocation: info.text('allocation'),
    interventionModel: info.text('interventionModel'),
    interventionModelDescription: info.text('interventionModelDescription'),
    primaryPurpose: info.text('primaryPurpose'),
    observationalModel: info.text('observationalModel'),
    timePerspective: info.text('timePerspective'),
    masking: masking.text('masking'),
    maskingDescription: masking.text('maskingDescription'),
    whoMasked: masking.texts('whoMasked'),
    isPatientRegistry: design.flag('patientRegistry'),
    targetDuration: design.text('targetDuration'),
    samplesKept: samples.text('retention'),
    samplesDescription: samples.text('description'),
    expandedAccessIndividual: access.flag('individual'),
    expandedAccessIntermediate: access.flag('intermediate'),
    expandedAccessTreatment: access.flag('treatment'),
  };
}

function readArm(fields: RecordFields): TrialArm {
  return {
    label: fields.requiredText('label'),
    type: fields.text('type'),
    description: fields.text('description'),
    interventionNames: fields.texts('interventionNames'),
  };
}

function readIntervention(fields: RecordFields): TrialIntervention {
  return {
    type: fields.text('type'),
    name: fields.requiredText('name'),
    description: fields.text('description'),
    otherNames: fields.texts('otherNames'),
    armLabels: fields.texts('armGroupLabels'),
  };
}

function readOutcome(fields: RecordFields): TrialOutcome {
  return {
    measure: fields.requiredText('measure'),
    timeFrame: fields.text('timeFrame'),
    description: fields.text('description'),
  };
}

function readEligibility(fields: RecordFields): TrialEligibility {
  return {
    criteria: fields.text('eligibilityCriteria'),
    healthyVolunteers: fields.flag('healthyVolunteers'),
    isGenderBased: fields.flag('genderBased'),
    genderDescription: fields.text('genderDescription'),
    studyPopulation: fields.text('studyPopulation'),
    samplingMethod: fields.text('samplingMethod'),
  };
}

function readContact(fields: RecordFields): TrialContact {
  return {
    name: fields.text('name'),
    role: fields.text('role'),
    phone: fields.text('phone'),
    phoneExtension: fields.text('phoneExt'),
    email: fields.text('email'),
  };
}

function readLocation(fields: RecordFields): TrialLocation {
  return {
    facility: fields.text('facility'),
    status: fields.text('status') as TrialStatus | null,
    city: fields.text('city'),
    state: fields.text('state'),
    zip: fields.text('zip'),
    country: fields.text('country'),
    contacts: fields.list('contacts', readContact),
    point: fields.optional('geoPoint', point => {
      const latitude = point.number('lat');
      const longitude = point.number('lon');
      return latitude === null || longitude === null ? null : { latitude, longitude };
    }),
  };
}

function readReference(fields: RecordFields): TrialReference {
  return {
    pmid: fields.text('pmid'),
    type: fields.text('type'),
    citation: fields.text('citation'),
    retractions: fields.list('retractions', retraction => ({
      pmid: retraction.text('pmid'),
      source: retraction.text('source'),
    })),
  };
}

function readIpdSharing(fields: RecordFields): TrialIpdSharing {
  return {
    plan: fields.text('ipdSharing'),
    description: fields.text('description'),
    documents: fields.texts('infoTypes'),
    timeFrame: fields.text('timeFrame'),
    accessCriteria: fields.text('accessCriteria'),
    url: fields.text('url'),
  };
}

function readDocument(fields: RecordFields): TrialDocument {
  return {
    type: fields.text('typeAbbrev'),
    label: fields.text('label'),
    hasProtocol: fields.flag('hasProtocol'),
    hasStatisticalPlan: fields.flag('hasSap'),
    hasConsentForm: fields.flag('hasIcf'),
    date: fields.plainDate('date'),
    uploadedAt: fields.text('uploadDate'),
    filename: fields.text('filename'),
    sizeBytes: fields.number('size'),
  };
}

function readTerms(module: RecordFields): TrialTerms {
  const readTerm = (fields: RecordFields) => ({ id: fields.requiredText('id'), term: fields.requiredText('term') });
  return { terms: module.list('meshes', readTerm), ancestors: module.list('ancestors', readTerm) };
}

import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { createContracts } from './contracts.ts';
import { readDetails } from './read-details.ts';
import { readResults } from './read-results.ts';
import { readSummary } from './read-trial.ts';

const folder = fileURLToPath(new URL('../../../shared/data/clinicaltrials/', import.meta.url));

type Json = Readonly<Record<string, unknown>>;

/** Where each field of a record is found again: `source path = our path`, below the same beginnings. */
const mapped: Readonly<Record<string, string>> = Object.fromEntries(
  [
    ['protocolSection.identificationModule', '', 'nctId briefTitle officialTitle acronym'],
    ['protocolSection.identificationModule.orgStudyIdInfo', 'organizationStudyId', 'id type link'],
    ['protocolSection.identificationModule.secondaryIdInfos', 'secondaryIds', 'id type domain link'],
    ['protocolSection.identificationModule.organization', 'organization', 'fullName=name class'],
    ['protocolSection.statusModule', '', 'overallStatus=status lastKnownStatus whyStopped delayedPosting'],
    [
      'protocolSection.statusModule',
      'dates',
      'statusVerifiedDate=statusVerified.date studyFirstSubmitDate=firstSubmitted.date ' +
        'studyFirstSubmitQcDate=firstSubmittedChecked.date resultsFirstSubmitDate=resultsFirstSubmitted.date ' +
        'resultsFirstSubmitQcDate=resultsFirstSubmittedChecked.date lastUpdateSubmitDate=lastUpdateSubmitted.date ' +
        'dispFirstSubmitDate=delayFirstSubmitted.date dispFirstSubmitQcDate=delayFirstSubmittedChecked.date',
    ],
    ['protocolSection.statusModule.expandedAccessInfo', 'expandedAccess', 'hasExpandedAccess=available nctId'],
    ['protocolSection.statusModule.startDateStruct', 'startDate', 'date type'],
    ['protocolSection.statusModule.primaryCompletionDateStruct', 'primaryCompletionDate', 'date type'],
    ['protocolSection.statusModule.completionDateStruct', 'completionDate', 'date type'],
    ['protocolSection.statusModule.studyFirstPostDateStruct', 'firstPosted', 'date type'],
    ['protocolSection.statusModule.lastUpdatePostDateStruct', 'lastUpdatePosted', 'date type'],
    ['protocolSection.statusModule.resultsFirstPostDateStruct', 'dates.resultsFirstPosted', 'date type'],
    ['protocolSection.statusModule.dispFirstPostDateStruct', 'dates.delayFirstPosted', 'date type'],
    ['protocolSection.sponsorCollaboratorsModule.leadSponsor', 'leadSponsor', 'name class'],
    ['protocolSection.sponsorCollaboratorsModule.collaborators', 'collaborators', 'name class'],
    [
      'protocolSection.sponsorCollaboratorsModule.responsibleParty',
      'responsibleParty',
      'type investigatorFullName=investigatorName investigatorTitle investigatorAffiliation',
    ],
    [
      'protocolSection.oversightModule',
      'oversight',
      'oversightHasDmc=hasDataMonitoringCommittee isFdaRegulatedDrug isFdaRegulatedDevice isUnapprovedDevice isUsExport',
    ],
    ['protocolSection.descriptionModule', '', 'briefSummary detailedDescription'],
    ['protocolSection.conditionsModule', '', 'conditions keywords'],
    ['protocolSection.designModule', '', 'studyType phases'],
    ['protocolSection.designModule', 'design', 'patientRegistry=isPatientRegistry targetDuration'],
    ['protocolSection.designModule.enrollmentInfo', 'enrollment', 'count type'],
    ['protocolSection.designModule.bioSpec', 'design', 'retention=samplesKept description=samplesDescription'],
    [
      'protocolSection.designModule.designInfo',
      'design',
      'allocation interventionModel interventionModelDescription primaryPurpose observationalModel timePerspective',
    ],
    ['protocolSection.designModule.designInfo.maskingInfo', 'design', 'masking maskingDescription whoMasked'],
    ['protocolSection.armsInterventionsModule.armGroups', 'arms', 'label type description interventionNames'],
    [
      'protocolSection.armsInterventionsModule.interventions',
      'interventions',
      'type name description otherNames armGroupLabels=armLabels',
    ],
    ['protocolSection.outcomesModule.primaryOutcomes', 'primaryOutcomes', 'measure timeFrame description'],
    ['protocolSection.outcomesModule.secondaryOutcomes', 'secondaryOutcomes', 'measure timeFrame description'],
    ['protocolSection.outcomesModule.otherOutcomes', 'otherOutcomes', 'measure timeFrame description'],
    [
      'protocolSection.eligibilityModule',
      '',
      'sex minimumAge=minimumAge.text maximumAge=maximumAge.text stdAges=ageGroups',
    ],
    [
      'protocolSection.eligibilityModule',
      'eligibility',
      'eligibilityCriteria=criteria healthyVolunteers genderBased=isGenderBased genderDescription studyPopulation samplingMethod',
    ],
    [
      'protocolSection.contactsLocationsModule.centralContacts',
      'contacts',
      'name role phone phoneExt=phoneExtension email',
    ],
    ['protocolSection.contactsLocationsModule.overallOfficials', 'officials', 'name affiliation role'],
    ['protocolSection.contactsLocationsModule.locations', 'locations', 'facility status city state zip country'],
    [
      'protocolSection.contactsLocationsModule.locations.contacts',
      'locations.contacts',
      'name role phone phoneExt=phoneExtension email',
    ],
    ['protocolSection.contactsLocationsModule.locations.geoPoint', 'locations.point', 'lat=latitude lon=longitude'],
    ['protocolSection.referencesModule.references', 'references', 'pmid type citation'],
    ['protocolSection.referencesModule.references.retractions', 'references.retractions', 'pmid source'],
    ['protocolSection.referencesModule.seeAlsoLinks', 'links', 'label url'],
    ['protocolSection.referencesModule.availIpds', 'availableData', 'id type url comment'],
    [
      'protocolSection.ipdSharingStatementModule',
      'ipdSharing',
      'ipdSharing=plan description infoTypes=documents timeFrame accessCriteria url',
    ],
    [
      'documentSection.largeDocumentModule.largeDocs',
      'documents',
      'typeAbbrev=type label hasProtocol hasSap=hasStatisticalPlan hasIcf=hasConsentForm date=date.date ' +
        'uploadDate=uploadedAt filename size=sizeBytes',
    ],
    ['derivedSection.conditionBrowseModule.meshes', 'conditionTerms.terms', 'id term'],
    ['derivedSection.conditionBrowseModule.ancestors', 'conditionTerms.ancestors', 'id term'],
    ['derivedSection.interventionBrowseModule.meshes', 'interventionTerms.terms', 'id term'],
    ['derivedSection.interventionBrowseModule.ancestors', 'interventionTerms.ancestors', 'id term'],
    ['derivedSection.miscInfoModule', '', 'removedCountries'],
    ['', '', 'hasResults'],
  ].flatMap(entry => pathsOf(entry as [string, string, string])),
);

const mappedResults: Readonly<Record<string, string>> = Object.fromEntries(
  [
    [
      'participantFlowModule',
      'participantFlow',
      'preAssignmentDetails recruitmentDetails typeUnitsAnalyzed=unitsAnalyzed',
    ],
    ['participantFlowModule.groups', 'participantFlow.groups', 'id title description'],
    ['participantFlowModule.periods', 'participantFlow.periods', 'title'],
    ['participantFlowModule.periods.milestones', 'participantFlow.periods.milestones', 'type comment'],
    [
      'participantFlowModule.periods.milestones.achievements',
      'participantFlow.periods.milestones.counts',
      'groupId numSubjects=count.text numUnits=units.text comment',
    ],
    ['participantFlowModule.periods.dropWithdraws', 'participantFlow.periods.withdrawals', 'type comment'],
    [
      'participantFlowModule.periods.dropWithdraws.reasons',
      'participantFlow.periods.withdrawals.counts',
      'groupId numSubjects=count.text numUnits=units.text comment',
    ],
    ['baselineCharacteristicsModule', 'baseline', 'populationDescription typeUnitsAnalyzed=unitsAnalyzed'],
    ['baselineCharacteristicsModule.groups', 'baseline.groups', 'id title description'],
    ...denominators('baselineCharacteristicsModule', 'baseline'),
    ...measures('baselineCharacteristicsModule.measures', 'baseline.measures'),
    ...measures('outcomeMeasuresModule.outcomeMeasures', 'outcomeMeasures'),
    [
      'outcomeMeasuresModule.outcomeMeasures',
      'outcomeMeasures',
      'type reportingStatus anticipatedPostingDate timeFrame typeUnitsAnalyzed=unitsAnalyzed',
    ],
    ['outcomeMeasuresModule.outcomeMeasures.groups', 'outcomeMeasures.groups', 'id title description'],
    [
      'outcomeMeasuresModule.outcomeMeasures.analyses',
      'outcomeMeasures.analyses',
      'groupIds groupDescription paramType=parameter paramValue=value.text dispersionType=dispersion ' +
        'dispersionValue=dispersionValue.text statisticalMethod=method statisticalComment=methodComment ' +
        'pValue=pValue.text pValueComment ciNumSides=confidenceSides ciPctValue=confidencePercent.text ' +
        'ciLowerLimit=confidenceLower.text ciUpperLimit=confidenceUpper.text ' +
        'ciLowerLimitComment=confidenceLowerComment ciUpperLimitComment=confidenceUpperComment estimateComment ' +
        'testedNonInferiority nonInferiorityType=hypothesis nonInferiorityComment=hypothesisComment ' +
        'otherAnalysisDescription=otherDescription',
    ],
    [
      'adverseEventsModule',
      'adverseEvents',
      'frequencyThreshold=frequencyThresholdPercent.text timeFrame description allCauseMortalityComment=mortalityComment',
    ],
    [
      'adverseEventsModule.eventGroups',
      'adverseEvents.groups',
      'id title description deathsNumAffected=deaths deathsNumAtRisk=deathsAtRisk seriousNumAffected=serious ' +
        'seriousNumAtRisk=seriousAtRisk otherNumAffected=other otherNumAtRisk=otherAtRisk',
    ],
    ...events('adverseEventsModule.seriousEvents', 'adverseEvents.serious'),
    ...events('adverseEventsModule.otherEvents', 'adverseEvents.other'),
    ['moreInfoModule.limitationsAndCaveats', '', 'description=limitations'],
    [
      'moreInfoModule.certainAgreement',
      'agreement',
      'piSponsorEmployee=areInvestigatorsEmployees restrictiveAgreement=isRestrictive restrictionType=restriction otherDetails=details',
    ],
    ['moreInfoModule.pointOfContact', 'contact', 'title organization email phone phoneExt=phoneExtension'],
  ]
    .map(([from, to, names]) => [`resultsSection.${from}`, to, names] as [string, string, string])
    .flatMap(pathsOf),
);

/** What is in the files and is not taken over: names of the source's own search, and what collectors of the files added. */
const leftOut = [
  'derivedSection.conditionBrowseModule.browseLeaves',
  'derivedSection.conditionBrowseModule.browseBranches',
  'derivedSection.interventionBrowseModule.browseLeaves',
  'derivedSection.interventionBrowseModule.browseBranches',
  'derivedSection.miscInfoModule.versionHolder',
  'derivedSection.miscInfoModule.modelPredictions',
  'derivedSection.miscInfoModule.submissionTracking',
  'protocolSection.contactsLocationsModule.locations_nested',
  'protocolSection.armsInterventionsModule.interventions.interventionMappedName',
];

function pathsOf([from, to, names]: [string, string, string]): [string, string][] {
  return names.split(' ').map(entry => {
    const [name = '', ours = name] = entry.split('=');
    return [from === '' ? name : `${from}.${name}`, to === '' ? ours : `${to}.${ours}`];
  });
}

function denominators(from: string, to: string): string[][] {
  return [
    [`${from}.denoms`, `${to}.denominators`, 'units'],
    [`${from}.denoms.counts`, `${to}.denominators.counts`, 'groupId value=count.text'],
  ];
}

function measures(from: string, to: string): string[][] {
  return [
    [
      from,
      to,
      'title description populationDescription paramType=parameter dispersionType=dispersion unitOfMeasure=unit ' +
        'calculatePct=showsPercentages denomUnitsSelected=denominatorUnits',
    ],
    ...denominators(from, to),
    [`${from}.classes`, `${to}.classes`, 'title'],
    ...denominators(`${from}.classes`, `${to}.classes`),
    [`${from}.classes.categories`, `${to}.classes.categories`, 'title'],
    [
      `${from}.classes.categories.measurements`,
      `${to}.classes.categories.measurements`,
      'groupId value=value.text spread=spread.text lowerLimit=lowerLimit.text upperLimit=upperLimit.text comment',
    ],
  ];
}

function events(from: string, to: string): string[][] {
  return [
    [from, to, 'term organSystem sourceVocabulary=vocabulary assessmentType=assessment notes'],
    [`${from}.stats`, `${to}.counts`, 'groupId numEvents=events numAffected=affected numAtRisk=atRisk'],
  ];
}

/** Every value of a tree by its path, in order. Arrays are no part of a path. */
function leavesOf(value: unknown, path = '', leaves = new Map<string, unknown[]>()): Map<string, unknown[]> {
  if (Array.isArray(value)) for (const entry of value) leavesOf(entry, path, leaves);
  else if (typeof value === 'object' && value !== null) {
    for (const [name, entry] of Object.entries(value)) leavesOf(entry, path === '' ? name : `${path}.${name}`, leaves);
  } else if (value !== null && value !== undefined) {
    const known = leaves.get(path);
    if (known === undefined) leaves.set(path, [value]);
    else known.push(value);
  }
  return leaves;
}

function studiesOf(name: string): Json[] {
  const content = JSON.parse(readFileSync(`${folder}${name}`, 'utf8'));
  if (Array.isArray(content)) return content;
  return 'studies' in content ? content.studies : [content];
}

const files = existsSync(folder)
  ? ['studies', 'search', 'biomcp'].flatMap(sub =>
      readdirSync(`${folder}${sub}`)
        .filter(name => name.endsWith('.json'))
        .map(name => `${sub}/${name}`),
    )
  : [];
const studies = files.flatMap(studiesOf);

describe.skipIf(!existsSync(folder))('real records (skipped without ../shared/data/clinicaltrials)', () => {
  it('are read from every file', () => {
    expect(files).toHaveLength(11);
    expect(studies).toHaveLength(144);
    expect(new Set(studies.map(study => readDetails(study).nctId)).size).toBe(144);
  });

  it('lose nothing: every value of every field is there, in order, and every field is taken over or left out by name', () => {
    const counts = new Map<string, number>();
    for (const study of studies) {
      const details = leavesOf(readDetails(study));
      const results = leavesOf(readResults(study));
      for (const [path, values] of leavesOf(study)) {
        if (leftOut.some(name => path === name || path.startsWith(`${name}.`))) continue;
        const isResult = path.startsWith('resultsSection.');
        const ours = (isResult ? mappedResults : mapped)[path];
        expect(ours, `${path} is neither taken over nor left out`).toBeDefined();
        expect((isResult ? results : details).get(ours as string), path).toEqual(values);
        counts.set(path, (counts.get(path) ?? 0) + values.length);
      }
    }
    const countOf = (path: string): number => counts.get(path) ?? 0;
    expect([...counts.values()].reduce((sum, count) => sum + count, 0)).toBe(80_657);
    expect(countOf('protocolSection.contactsLocationsModule.locations.country')).toBe(3_344);
    expect(countOf('protocolSection.contactsLocationsModule.locations.geoPoint.lat')).toBe(3_222);
    expect(countOf('protocolSection.outcomesModule.secondaryOutcomes.measure')).toBe(790);
    expect(countOf('protocolSection.armsInterventionsModule.interventions.name')).toBe(255);
    expect(countOf('resultsSection.adverseEventsModule.otherEvents.term')).toBe(2_052);
    expect(countOf('resultsSection.outcomeMeasuresModule.outcomeMeasures.title')).toBe(69);
  });

  it('have the same summary in a list as in their details', () => {
    for (const study of studies) {
      const { interventions, ...summary } = readSummary(study);
      const details = readDetails(study);
      expect(details).toMatchObject(summary);
      expect(details.interventions.map(({ type, name }) => ({ type, name }))).toEqual(interventions);
    }
  });

  it('have no date that cannot be read, and ages as numbers', () => {
    const precisions: Record<string, number> = {};
    for (const study of studies) {
      const { startDate, minimumAge, maximumAge } = readSummary(study);
      const precision = startDate?.precision ?? 'none';
      precisions[precision] = (precisions[precision] ?? 0) + 1;
      for (const age of [minimumAge, maximumAge]) expect(age?.years).not.toBeNull();
    }
    expect(precisions).toEqual({ day: 123, month: 21 });
  });

  it('have results in seven records, and none where the record has none', () => {
    expect(studies.filter(study => readResults(study) !== null)).toHaveLength(7);
    expect(studies.filter(study => 'resultsSection' in study)).toHaveLength(7);
  });

  it('show no drift from the recorded shapes but what collectors of the files added', async () => {
    const { study } = createContracts(undefined);
    const source = { url: 'https://clinicaltrials.gov/api/v2/studies', fetchedAt: 0 };
    const whole = studies.filter(entry => 'derivedSection' in entry);
    expect(whole).toHaveLength(128);
    const { quarantined, drifts } = await study.read(whole, source);
    expect(quarantined).toEqual([]);
    expect(drifts.map(({ kind, path }) => `${kind} ${path}`)).toEqual([
      'new-field protocolSection.contactsLocationsModule.locations_nested',
      'new-field protocolSection.armsInterventionsModule.interventions[].interventionMappedName',
    ]);
  });
});

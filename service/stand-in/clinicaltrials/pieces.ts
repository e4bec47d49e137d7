/** What a piece holds, for sorting and ranges. */
export type PieceKind = 'text' | 'date' | 'number' | 'age';

/** A place in a record. */
export interface Piece {
  /** Dotted, arrays left out. */
  readonly path: string;
  readonly kind: PieceKind;
}

const protocol = {
  identificationModule:
    'NCTId:nctId NCTIdAlias:nctIdAliases OrgStudyId:orgStudyIdInfo.id SecondaryId:secondaryIdInfos.id BriefTitle:briefTitle ' +
    'OfficialTitle:officialTitle Acronym:acronym OrgFullName:organization.fullName OrgClass:organization.class',
  statusModule:
    'OverallStatus:overallStatus LastKnownStatus:lastKnownStatus WhyStopped:whyStopped StatusVerifiedDate:statusVerifiedDate ' +
    'StartDate:startDateStruct.date StartDateType:startDateStruct.type ' +
    'PrimaryCompletionDate:primaryCompletionDateStruct.date PrimaryCompletionDateType:primaryCompletionDateStruct.type ' +
    'CompletionDate:completionDateStruct.date CompletionDateType:completionDateStruct.type ' +
    'StudyFirstPostDate:studyFirstPostDateStruct.date StudyFirstPostDateType:studyFirstPostDateStruct.type ' +
    'ResultsFirstPostDate:resultsFirstPostDateStruct.date ResultsFirstPostDateType:resultsFirstPostDateStruct.type ' +
    'LastUpdatePostDate:lastUpdatePostDateStruct.date LastUpdatePostDateType:lastUpdatePostDateStruct.type',
  sponsorCollaboratorsModule:
    'LeadSponsorName:leadSponsor.name LeadSponsorClass:leadSponsor.class CollaboratorName:collaborators.name ' +
    'CollaboratorClass:collaborators.class',
  descriptionModule: 'BriefSummary:briefSummary DetailedDescription:detailedDescription',
  conditionsModule: 'Condition:conditions Keyword:keywords',
  designModule:
    'StudyType:studyType Phase:phases EnrollmentCount:enrollmentInfo.count EnrollmentType:enrollmentInfo.type ' +
    'DesignAllocation:designInfo.allocation DesignInterventionModel:designInfo.interventionModel ' +
    'DesignPrimaryPurpose:designInfo.primaryPurpose DesignMasking:designInfo.maskingInfo.masking',
  armsInterventionsModule:
    'ArmGroupLabel:armGroups.label ArmGroupType:armGroups.type InterventionType:interventions.type ' +
    'InterventionName:interventions.name InterventionOtherName:interventions.otherNames ' +
    'InterventionDescription:interventions.description',
  outcomesModule:
    'PrimaryOutcomeMeasure:primaryOutcomes.measure SecondaryOutcomeMeasure:secondaryOutcomes.measure ' +
    'OtherOutcomeMeasure:otherOutcomes.measure',
  eligibilityModule:
    'EligibilityCriteria:eligibilityCriteria HealthyVolunteers:healthyVolunteers Sex:sex MinimumAge:minimumAge ' +
    'MaximumAge:maximumAge StdAge:stdAges',
  contactsLocationsModule:
    'LocationFacility:locations.facility LocationStatus:locations.status LocationCity:locations.city ' +
    'LocationState:locations.state LocationZip:locations.zip LocationCountry:locations.country ' +
    'LocationGeoPoint:locations.geoPoint CentralContactName:centralContacts.name OverallOfficialName:overallOfficials.name',
} as const;

const others = {
  HasResults: 'hasResults',
  ConditionMeshTerm: 'derivedSection.conditionBrowseModule.meshes.term',
  InterventionMeshTerm: 'derivedSection.interventionBrowseModule.meshes.term',
};

/** Branches of a record, with all that is below them. */
const branches = [
  ...['protocolSection', 'resultsSection', 'annotationSection', 'documentSection', 'derivedSection'],
  ...Object.keys(protocol).map(module => `protocolSection.${module}`),
  ...['oversightModule', 'referencesModule', 'ipdSharingStatementModule'].map(name => `protocolSection.${name}`),
  ...['participantFlowModule', 'baselineCharacteristicsModule', 'outcomeMeasuresModule', 'adverseEventsModule'].map(
    name => `resultsSection.${name}`,
  ),
  ...['conditionBrowseModule', 'interventionBrowseModule', 'miscInfoModule'].map(name => `derivedSection.${name}`),
  'documentSection.largeDocumentModule',
];

/** Every piece that is known, by its name. */
export const pieces: ReadonlyMap<string, Piece> = new Map<string, Piece>([
  ...Object.entries(protocol).flatMap(([module, list]) =>
    list.split(' ').map(entry => {
      const [name = '', path = ''] = entry.split(':');
      return [name, { path: `protocolSection.${module}.${path}`, kind: kindOf(name) }] as const;
    }),
  ),
  ...Object.entries(others).map(([name, path]) => [name, { path, kind: 'text' }] as const),
]);

/** Which pieces each kind of words is looked for in. */
export const searchAreas: Readonly<Record<string, readonly string[]>> = {
  ConditionSearch: ['Condition', 'BriefTitle', 'OfficialTitle', 'ConditionMeshTerm', 'Keyword', 'NCTId'],
  InterventionSearch: [
    ...['InterventionName', 'InterventionType', 'InterventionOtherName', 'BriefTitle', 'OfficialTitle'],
    ...['ArmGroupLabel', 'ArmGroupType', 'InterventionMeshTerm', 'Keyword', 'InterventionDescription'],
  ],
  BasicSearch: [...pieces.keys()].filter(name => pieces.get(name)?.kind === 'text'),
  LocationSearch: ['LocationCity', 'LocationState', 'LocationCountry', 'LocationFacility', 'LocationZip'],
  TitleSearch: ['Acronym', 'BriefTitle', 'OfficialTitle'],
  OutcomeSearch: ['PrimaryOutcomeMeasure', 'SecondaryOutcomeMeasure', 'OtherOutcomeMeasure'],
  SponsorSearch: ['LeadSponsorName', 'CollaboratorName', 'OrgFullName'],
  IdSearch: ['NCTId', 'NCTIdAlias', 'OrgStudyId', 'SecondaryId', 'Acronym'],
  PatientSearch: [...pieces.keys()].filter(name => pieces.get(name)?.kind === 'text'),
  LeadSponsorName: ['LeadSponsorName'],
};

/** The path that a name of the `fields` parameter means: a piece, a branch, or a path. */
export function pathOfField(name: string): string | undefined {
  const piece = pieces.get(name);
  if (piece !== undefined) return piece.path;
  const branch = branches.find(path => {
    const last = path.slice(path.lastIndexOf('.') + 1);
    return path === name || last.charAt(0).toUpperCase() + last.slice(1) === name;
  });
  return (
    branch ??
    [...pieces.values()].find(({ path }) => path === name || path.startsWith(`${name}.`))?.path.slice(0, name.length)
  );
}

/** The values at a path, through every array on the way. */
export function valuesAt(value: unknown, path: string): readonly unknown[] {
  let values: readonly unknown[] = [value];
  for (const key of path.split('.')) {
    values = values.flatMap(entry => {
      const found = typeof entry === 'object' && entry !== null ? (entry as Record<string, unknown>)[key] : undefined;
      return found === undefined || found === null ? [] : Array.isArray(found) ? found : [found];
    });
  }
  return values;
}

function kindOf(name: string): PieceKind {
  if (name.endsWith('Date')) return 'date';
  if (name.endsWith('Age') && name !== 'StdAge') return 'age';
  return name.endsWith('Count') ? 'number' : 'text';
}

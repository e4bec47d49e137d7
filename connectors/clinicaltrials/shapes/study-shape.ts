import type { Shape } from 'plinth/http';
import { shapeFrom } from './shape-from.ts';

/** What a whole record looks like, results aside: 128 of them, and the fields that only the API's own description names. */
export const studyShape: Shape = shapeFrom({
  '':
    '$:object! annotationSection:object derivedSection:object! documentSection:object hasResults:boolean! ' +
    'protocolSection:object! resultsSection:object/',
  annotationSection: 'annotationModule:object',
  'annotationSection.annotationModule': 'unpostedAnnotation:object violationAnnotation:object',
  'annotationSection.annotationModule.unpostedAnnotation':
    'unpostedEvents:array unpostedEvents[]:object unpostedResponsibleParty:string',
  'annotationSection.annotationModule.unpostedAnnotation.unpostedEvents[]':
    'date:string dateUnknown:boolean type:string',
  'annotationSection.annotationModule.violationAnnotation': 'violationEvents:array violationEvents[]:object',
  'annotationSection.annotationModule.violationAnnotation.violationEvents[]':
    'creationDate:string description:string issuedDate:string postedDate:string releaseDate:string type:string',
  derivedSection: 'conditionBrowseModule:object interventionBrowseModule:object miscInfoModule:object!',
  'derivedSection.conditionBrowseModule':
    'ancestors:array ancestors[]:object browseBranches:array browseBranches[]:object browseLeaves:array ' +
    'browseLeaves[]:object meshes:array meshes[]:object',
  'derivedSection.conditionBrowseModule.ancestors[]': 'id:string! term:string!',
  'derivedSection.conditionBrowseModule.browseBranches[]': 'abbrev:string! name:string!',
  'derivedSection.conditionBrowseModule.browseLeaves[]': 'asFound:string id:string! name:string! relevance:string!',
  'derivedSection.conditionBrowseModule.meshes[]': 'id:string! term:string!',
  'derivedSection.interventionBrowseModule':
    'ancestors:array ancestors[]:object browseBranches:array browseBranches[]:object browseLeaves:array ' +
    'browseLeaves[]:object meshes:array meshes[]:object',
  'derivedSection.interventionBrowseModule.ancestors[]': 'id:string! term:string!',
  'derivedSection.interventionBrowseModule.browseBranches[]': 'abbrev:string! name:string!',
  'derivedSection.interventionBrowseModule.browseLeaves[]': 'asFound:string id:string! name:string! relevance:string!',
  'derivedSection.interventionBrowseModule.meshes[]': 'id:string! term:string!',
  'derivedSection.miscInfoModule':
    'modelPredictions:object removedCountries:array removedCountries[]:string submissionTracking:object ' +
    'versionHolder:string!',
  'derivedSection.miscInfoModule.modelPredictions': 'bmiLimits:object',
  'derivedSection.miscInfoModule.modelPredictions.bmiLimits': 'maxBmi:number minBmi:number',
  'derivedSection.miscInfoModule.submissionTracking':
    'estimatedResultsFirstSubmitDate:string firstMcpInfo:object submissionInfos:array submissionInfos[]:object',
  'derivedSection.miscInfoModule.submissionTracking.firstMcpInfo': 'postDateStruct:object',
  'derivedSection.miscInfoModule.submissionTracking.firstMcpInfo.postDateStruct': 'date:string type:string',
  'derivedSection.miscInfoModule.submissionTracking.submissionInfos[]':
    'mcpReleaseN:number releaseDate:string resetDate:string unreleaseDate:string unreleaseDateUnknown:boolean',
  documentSection: 'largeDocumentModule:object',
  'documentSection.largeDocumentModule': 'largeDocs:array largeDocs[]:object noSap:boolean',
  'documentSection.largeDocumentModule.largeDocs[]':
    'date:string filename:string hasIcf:boolean hasProtocol:boolean hasSap:boolean label:string size:number ' +
    'typeAbbrev:string uploadDate:string',
  protocolSection:
    'armsInterventionsModule:object conditionsModule:object! contactsLocationsModule:object ' +
    'descriptionModule:object! designModule:object! eligibilityModule:object! identificationModule:object! ' +
    'ipdSharingStatementModule:object outcomesModule:object oversightModule:object referencesModule:object ' +
    'sponsorCollaboratorsModule:object! statusModule:object!',
  'protocolSection.armsInterventionsModule':
    'armGroups:array armGroups[]:object interventions:array interventions[]:object',
  'protocolSection.armsInterventionsModule.armGroups[]':
    'description:string interventionNames:array interventionNames[]:string label:string! type:string',
  'protocolSection.armsInterventionsModule.interventions[]':
    'armGroupLabels:array armGroupLabels[]:string description:string name:string! otherNames:array ' +
    'otherNames[]:string type:string!',
  'protocolSection.conditionsModule': 'conditions:array! conditions[]:string keywords:array keywords[]:string',
  'protocolSection.contactsLocationsModule':
    'centralContacts:array centralContacts[]:object locations:array locations[]:object overallOfficials:array ' +
    'overallOfficials[]:object',
  'protocolSection.contactsLocationsModule.centralContacts[]':
    'email:string name:string! phone:string phoneExt:string role:string!',
  'protocolSection.contactsLocationsModule.locations[]':
    'city:string! contacts:array contacts[]:object country:string! facility:string! geoPoint:object ' +
    'state:string status:string zip:string',
  'protocolSection.contactsLocationsModule.locations[].contacts[]':
    'email:string name:string phone:string phoneExt:string role:string!',
  'protocolSection.contactsLocationsModule.locations[].geoPoint': 'lat:number! lon:number!',
  'protocolSection.contactsLocationsModule.overallOfficials[]': 'affiliation:string! name:string! role:string!',
  'protocolSection.descriptionModule': 'briefSummary:string! detailedDescription:string',
  'protocolSection.designModule':
    'bioSpec:object designInfo:object! enrollmentInfo:object expandedAccessTypes:object ' +
    'nPtrsToThisExpAccNctId:number patientRegistry:boolean phases:array phases[]:string studyType:string! ' +
    'targetDuration:string',
  'protocolSection.designModule.bioSpec': 'description:string retention:string',
  'protocolSection.designModule.designInfo':
    'allocation:string interventionModel:string interventionModelDescription:string maskingInfo:object ' +
    'observationalModel:string primaryPurpose:string timePerspective:string',
  'protocolSection.designModule.designInfo.maskingInfo':
    'masking:string! maskingDescription:string whoMasked:array whoMasked[]:string',
  'protocolSection.designModule.enrollmentInfo': 'count:number! type:string!',
  'protocolSection.designModule.expandedAccessTypes': 'individual:boolean intermediate:boolean treatment:boolean',
  'protocolSection.eligibilityModule':
    'eligibilityCriteria:string! genderBased:boolean genderDescription:string healthyVolunteers:boolean ' +
    'maximumAge:string minimumAge:string samplingMethod:string sex:string! stdAges:array! stdAges[]:string ' +
    'studyPopulation:string',
  'protocolSection.identificationModule':
    'acronym:string briefTitle:string! nctId:string! nctIdAliases:array nctIdAliases[]:string ' +
    'officialTitle:string orgStudyIdInfo:object! organization:object! secondaryIdInfos:array ' +
    'secondaryIdInfos[]:object',
  'protocolSection.identificationModule.orgStudyIdInfo': 'id:string! link:string type:string',
  'protocolSection.identificationModule.organization': 'class:string! fullName:string!',
  'protocolSection.identificationModule.secondaryIdInfos[]': 'domain:string id:string link:string type:string',
  'protocolSection.ipdSharingStatementModule':
    'accessCriteria:string description:string infoTypes:array infoTypes[]:string ipdSharing:string! ' +
    'timeFrame:string url:string',
  'protocolSection.outcomesModule':
    'otherOutcomes:array otherOutcomes[]:object primaryOutcomes:array! primaryOutcomes[]:object ' +
    'secondaryOutcomes:array secondaryOutcomes[]:object',
  'protocolSection.outcomesModule.otherOutcomes[]': 'description:string measure:string timeFrame:string',
  'protocolSection.outcomesModule.primaryOutcomes[]': 'description:string measure:string! timeFrame:string!',
  'protocolSection.outcomesModule.secondaryOutcomes[]': 'description:string measure:string! timeFrame:string!',
  'protocolSection.oversightModule':
    'fdaaa801Violation:boolean isFdaRegulatedDevice:boolean isFdaRegulatedDrug:boolean isPpsd:boolean ' +
    'isUnapprovedDevice:boolean isUsExport:boolean oversightHasDmc:boolean',
  'protocolSection.referencesModule':
    'availIpds:array availIpds[]:object references:array references[]:object seeAlsoLinks:array ' +
    'seeAlsoLinks[]:object',
  'protocolSection.referencesModule.availIpds[]': 'comment:string id:string type:string url:string',
  'protocolSection.referencesModule.references[]':
    'citation:string! pmid:string retractions:array retractions[]:object type:string!',
  'protocolSection.referencesModule.references[].retractions[]': 'pmid:string source:string',
  'protocolSection.referencesModule.seeAlsoLinks[]': 'label:string url:string',
  'protocolSection.sponsorCollaboratorsModule':
    'collaborators:array collaborators[]:object leadSponsor:object! responsibleParty:object',
  'protocolSection.sponsorCollaboratorsModule.collaborators[]': 'class:string name:string',
  'protocolSection.sponsorCollaboratorsModule.leadSponsor': 'class:string! name:string!',
  'protocolSection.sponsorCollaboratorsModule.responsibleParty':
    'investigatorAffiliation:string investigatorFullName:string investigatorTitle:string oldNameTitle:string ' +
    'oldOrganization:string type:string!',
  'protocolSection.statusModule':
    'completionDateStruct:object! delayedPosting:boolean dispFirstPostDateStruct:object ' +
    'dispFirstSubmitDate:string dispFirstSubmitQcDate:string expandedAccessInfo:object lastKnownStatus:string ' +
    'lastUpdatePostDateStruct:object! lastUpdateSubmitDate:string! overallStatus:string! ' +
    'primaryCompletionDateStruct:object! resultsFirstPostDateStruct:object resultsFirstSubmitDate:string ' +
    'resultsFirstSubmitQcDate:string startDateStruct:object! statusVerifiedDate:string! ' +
    'studyFirstPostDateStruct:object! studyFirstSubmitDate:string! studyFirstSubmitQcDate:string! ' +
    'whyStopped:string',
  'protocolSection.statusModule.completionDateStruct': 'date:string! type:string!',
  'protocolSection.statusModule.dispFirstPostDateStruct': 'date:string type:string',
  'protocolSection.statusModule.expandedAccessInfo': 'hasExpandedAccess:boolean! nctId:string statusForNctId:string',
  'protocolSection.statusModule.lastUpdatePostDateStruct': 'date:string! type:string!',
  'protocolSection.statusModule.primaryCompletionDateStruct': 'date:string! type:string!',
  'protocolSection.statusModule.resultsFirstPostDateStruct': 'date:string type:string',
  'protocolSection.statusModule.startDateStruct': 'date:string! type:string',
  'protocolSection.statusModule.studyFirstPostDateStruct': 'date:string! type:string!',
});

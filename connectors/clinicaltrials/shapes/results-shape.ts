import type { Shape } from 'plinth/http';
import { shapeFrom } from './shape-from.ts';

/** What a record with nothing but results looks like: 7 of them, and the fields that only the API's own description names. */
export const resultsShape: Shape = shapeFrom({
  '': '$:object! hasResults:boolean! protocolSection:object! resultsSection:object',
  protocolSection: 'identificationModule:object!',
  'protocolSection.identificationModule': 'nctId:string!',
  resultsSection:
    'adverseEventsModule:object baselineCharacteristicsModule:object moreInfoModule:object ' +
    'outcomeMeasuresModule:object participantFlowModule:object',
  'resultsSection.adverseEventsModule':
    'allCauseMortalityComment:string description:string eventGroups:array eventGroups[]:object ' +
    'frequencyThreshold:string otherEvents:array otherEvents[]:object seriousEvents:array ' +
    'seriousEvents[]:object timeFrame:string',
  'resultsSection.adverseEventsModule.eventGroups[]':
    'deathsNumAffected:number! deathsNumAtRisk:number! description:string! id:string! otherNumAffected:number! ' +
    'otherNumAtRisk:number! seriousNumAffected:number! seriousNumAtRisk:number! title:string!',
  'resultsSection.adverseEventsModule.otherEvents[]':
    'assessmentType:string! notes:string organSystem:string! sourceVocabulary:string! stats:array! ' +
    'stats[]:object term:string!',
  'resultsSection.adverseEventsModule.otherEvents[].stats[]':
    'groupId:string! numAffected:number! numAtRisk:number! numEvents:number',
  'resultsSection.adverseEventsModule.seriousEvents[]':
    'assessmentType:string! notes:string organSystem:string! sourceVocabulary:string! stats:array! ' +
    'stats[]:object term:string!',
  'resultsSection.adverseEventsModule.seriousEvents[].stats[]':
    'groupId:string! numAffected:number! numAtRisk:number! numEvents:number',
  'resultsSection.baselineCharacteristicsModule':
    'denoms:array denoms[]:object groups:array groups[]:object measures:array measures[]:object ' +
    'populationDescription:string typeUnitsAnalyzed:string',
  'resultsSection.baselineCharacteristicsModule.denoms[]': 'counts:array counts[]:object units:string',
  'resultsSection.baselineCharacteristicsModule.denoms[].counts[]': 'groupId:string! value:string!',
  'resultsSection.baselineCharacteristicsModule.groups[]': 'description:string! id:string! title:string!',
  'resultsSection.baselineCharacteristicsModule.measures[]':
    'calculatePct:boolean classes:array! classes[]:object denomUnitsSelected:string denoms:array ' +
    'denoms[]:object description:string dispersionType:string paramType:string! populationDescription:string ' +
    'title:string! unitOfMeasure:string!',
  'resultsSection.baselineCharacteristicsModule.measures[].classes[]':
    'categories:array categories[]:object denoms:array denoms[]:object title:string',
  'resultsSection.baselineCharacteristicsModule.measures[].classes[].categories[]':
    'measurements:array! measurements[]:object title:string',
  'resultsSection.baselineCharacteristicsModule.measures[].classes[].categories[].measurements[]':
    'comment:string groupId:string! lowerLimit:string spread:string upperLimit:string value:string!',
  'resultsSection.baselineCharacteristicsModule.measures[].classes[].denoms[]':
    'counts:array! counts[]:object units:string!',
  'resultsSection.baselineCharacteristicsModule.measures[].classes[].denoms[].counts[]':
    'groupId:string! value:string!',
  'resultsSection.baselineCharacteristicsModule.measures[].denoms[]': 'counts:array counts[]:object units:string',
  'resultsSection.baselineCharacteristicsModule.measures[].denoms[].counts[]': 'groupId:string value:string',
  'resultsSection.moreInfoModule': 'certainAgreement:object limitationsAndCaveats:object pointOfContact:object',
  'resultsSection.moreInfoModule.certainAgreement':
    'otherDetails:string piSponsorEmployee:boolean restrictionType:string restrictiveAgreement:boolean',
  'resultsSection.moreInfoModule.limitationsAndCaveats': 'description:string',
  'resultsSection.moreInfoModule.pointOfContact':
    'email:string organization:string phone:string phoneExt:string title:string',
  'resultsSection.outcomeMeasuresModule': 'outcomeMeasures:array outcomeMeasures[]:object',
  'resultsSection.outcomeMeasuresModule.outcomeMeasures[]':
    'analyses:array analyses[]:object anticipatedPostingDate:string calculatePct:boolean classes:array ' +
    'classes[]:object denomUnitsSelected:string denoms:array denoms[]:object description:string ' +
    'dispersionType:string groups:array groups[]:object paramType:string populationDescription:string ' +
    'reportingStatus:string! timeFrame:string! title:string! type:string! typeUnitsAnalyzed:string ' +
    'unitOfMeasure:string',
  'resultsSection.outcomeMeasuresModule.outcomeMeasures[].analyses[]':
    'ciLowerLimit:string! ciLowerLimitComment:string ciNumSides:string! ciPctValue:string! ' +
    'ciUpperLimit:string! ciUpperLimitComment:string dispersionType:string dispersionValue:string ' +
    'estimateComment:string groupDescription:string groupIds:array! groupIds[]:string ' +
    'nonInferiorityComment:string nonInferiorityType:string! otherAnalysisDescription:string pValue:string ' +
    'pValueComment:string paramType:string! paramValue:string! statisticalComment:string ' +
    'statisticalMethod:string testedNonInferiority:boolean',
  'resultsSection.outcomeMeasuresModule.outcomeMeasures[].classes[]':
    'categories:array! categories[]:object denoms:array denoms[]:object title:string',
  'resultsSection.outcomeMeasuresModule.outcomeMeasures[].classes[].categories[]':
    'measurements:array! measurements[]:object title:string',
  'resultsSection.outcomeMeasuresModule.outcomeMeasures[].classes[].categories[].measurements[]':
    'comment:string groupId:string! lowerLimit:string spread:string upperLimit:string value:string!',
  'resultsSection.outcomeMeasuresModule.outcomeMeasures[].classes[].denoms[]':
    'counts:array! counts[]:object units:string!',
  'resultsSection.outcomeMeasuresModule.outcomeMeasures[].classes[].denoms[].counts[]': 'groupId:string! value:string!',
  'resultsSection.outcomeMeasuresModule.outcomeMeasures[].denoms[]': 'counts:array! counts[]:object units:string!',
  'resultsSection.outcomeMeasuresModule.outcomeMeasures[].denoms[].counts[]': 'groupId:string! value:string!',
  'resultsSection.outcomeMeasuresModule.outcomeMeasures[].groups[]': 'description:string! id:string! title:string!',
  'resultsSection.participantFlowModule':
    'groups:array groups[]:object periods:array periods[]:object preAssignmentDetails:string ' +
    'recruitmentDetails:string typeUnitsAnalyzed:string',
  'resultsSection.participantFlowModule.groups[]': 'description:string! id:string! title:string!',
  'resultsSection.participantFlowModule.periods[]':
    'dropWithdraws:array dropWithdraws[]:object milestones:array milestones[]:object title:string',
  'resultsSection.participantFlowModule.periods[].dropWithdraws[]':
    'comment:string reasons:array! reasons[]:object type:string!',
  'resultsSection.participantFlowModule.periods[].dropWithdraws[].reasons[]':
    'comment:string groupId:string! numSubjects:string! numUnits:string',
  'resultsSection.participantFlowModule.periods[].milestones[]':
    'achievements:array! achievements[]:object comment:string type:string!',
  'resultsSection.participantFlowModule.periods[].milestones[].achievements[]':
    'comment:string groupId:string! numSubjects:string! numUnits:string',
});

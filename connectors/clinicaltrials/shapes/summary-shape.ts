import type { Shape } from 'plinth/http';
import { shapeFrom } from './shape-from.ts';

/** What a record of a search looks like, with the pieces that every search asks for. */
export const summaryShape: Shape = shapeFrom({
  '': '$:object! hasResults:boolean! protocolSection:object!',
  protocolSection:
    'armsInterventionsModule:object conditionsModule:object! designModule:object! eligibilityModule:object! ' +
    'identificationModule:object! sponsorCollaboratorsModule:object! statusModule:object!',
  'protocolSection.armsInterventionsModule': 'interventions:array! interventions[]:object',
  'protocolSection.armsInterventionsModule.interventions[]': 'name:string! type:string!',
  'protocolSection.conditionsModule': 'conditions:array! conditions[]:string keywords:array keywords[]:string',
  'protocolSection.designModule': 'enrollmentInfo:object phases:array phases[]:string studyType:string!',
  'protocolSection.designModule.enrollmentInfo': 'count:number! type:string!',
  'protocolSection.eligibilityModule':
    'maximumAge:string minimumAge:string sex:string! stdAges:array! stdAges[]:string',
  'protocolSection.identificationModule': 'acronym:string briefTitle:string! nctId:string! officialTitle:string',
  'protocolSection.sponsorCollaboratorsModule': 'leadSponsor:object!',
  'protocolSection.sponsorCollaboratorsModule.leadSponsor': 'class:string! name:string!',
  'protocolSection.statusModule':
    'completionDateStruct:object! lastUpdatePostDateStruct:object! overallStatus:string! ' +
    'primaryCompletionDateStruct:object! startDateStruct:object! studyFirstPostDateStruct:object! ' +
    'whyStopped:string',
  'protocolSection.statusModule.completionDateStruct': 'date:string! type:string!',
  'protocolSection.statusModule.lastUpdatePostDateStruct': 'date:string! type:string!',
  'protocolSection.statusModule.primaryCompletionDateStruct': 'date:string! type:string!',
  'protocolSection.statusModule.startDateStruct': 'date:string! type:string',
  'protocolSection.statusModule.studyFirstPostDateStruct': 'date:string! type:string!',
});

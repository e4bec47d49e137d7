import { RecordFields } from './record-fields.ts';
import type { AgeGroup, StudyType, TrialPhase, TrialSex, TrialStatus } from './trial-terms.ts';
import type { TrialEnrollment, TrialSponsor, TrialSummary } from './trial-types.ts';

/** The source writes this for a number of participants that was not given. */
const notGiven = 99_999_999;

/** What a summary and the details of a study have in common. */
export type TrialCore = Omit<TrialSummary, 'interventions' | 'record'>;

/** Makes a summary of a record of a search. @throws {ValidationError} that names the field that cannot be read. */
export function readSummary(record: unknown): TrialSummary {
  const study = new RecordFields(record);
  const interventions = study
    .at('protocolSection', 'armsInterventionsModule')
    .list('interventions', fields => ({ type: fields.text('type'), name: fields.requiredText('name') }));
  return { ...readCore(study), interventions };
}

/** The same, with the record itself. */
export function readSummaryWithRecord(record: unknown): TrialSummary {
  return { ...readSummary(record), record: record as Readonly<Record<string, unknown>> };
}

/** What a summary and the details of a study have in common. */
export function readCore(study: RecordFields): TrialCore {
  const protocol = study.at('protocolSection');
  const identification = protocol.at('identificationModule');
  const status = protocol.at('statusModule');
  const conditions = protocol.at('conditionsModule');
  const design = protocol.at('designModule');
  const eligibility = protocol.at('eligibilityModule');
  return {
    nctId: identification.requiredText('nctId'),
    briefTitle: identification.text('briefTitle'),
    officialTitle: identification.text('officialTitle'),
    acronym: identification.text('acronym'),
    status: status.requiredText('overallStatus') as TrialStatus,
    whyStopped: status.text('whyStopped'),
    startDate: status.date('startDateStruct'),
    primaryCompletionDate: status.date('primaryCompletionDateStruct'),
    completionDate: status.date('completionDateStruct'),
    firstPosted: status.date('studyFirstPostDateStruct'),
    lastUpdatePosted: status.date('lastUpdatePostDateStruct'),
    leadSponsor: protocol.at('sponsorCollaboratorsModule').optional('leadSponsor', readSponsor),
    conditions: conditions.texts('conditions'),
    keywords: conditions.texts('keywords'),
    studyType: design.text('studyType') as StudyType | null,
    phases: design.texts('phases') as readonly TrialPhase[],
    enrollment: design.optional('enrollmentInfo', readEnrollment),
    sex: eligibility.text('sex') as TrialSex | null,
    minimumAge: eligibility.age('minimumAge'),
    maximumAge: eligibility.age('maximumAge'),
    ageGroups: eligibility.texts('stdAges') as readonly AgeGroup[],
    hasResults: study.flag('hasResults'),
  };
}

/** An organisation. */
export function readSponsor(fields: RecordFields): TrialSponsor {
  return { name: fields.requiredText('name'), class: fields.text('class') };
}

function readEnrollment(fields: RecordFields): TrialEnrollment {
  const count = fields.number('count');
  return { count: count === notGiven ? null : count, type: fields.text('type') as TrialEnrollment['type'] };
}

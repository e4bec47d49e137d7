import { RecordFields } from './record-fields.ts';
import type {
  AdverseEvent,
  AdverseEventGroup,
  Denominator,
  FlowPeriod,
  GroupCount,
  Measure,
  MeasureClass,
  Measurement,
  OutcomeAnalysis,
  OutcomeMeasure,
  PostedNumber,
  ResultsGroup,
  TrialResults,
} from './trial-results.ts';

/** Results before it is known where they came from. */
export type ResultFacts = Omit<TrialResults, 'source' | 'origin' | 'fetchedAt' | 'freshness' | 'ageMs' | 'reason'>;

/** Makes results of a record; `null` when it has none. @throws {ValidationError} that names the field that cannot be read. */
export function readResults(record: unknown): ResultFacts | null {
  const study = new RecordFields(record);
  const nctId = study.at('protocolSection', 'identificationModule').requiredText('nctId');
  return study.optional('resultsSection', results => {
    const flow = results.at('participantFlowModule');
    const baseline = results.at('baselineCharacteristicsModule');
    const events = results.at('adverseEventsModule');
    return {
      nctId,
      participantFlow: {
        preAssignmentDetails: flow.text('preAssignmentDetails'),
        recruitmentDetails: flow.text('recruitmentDetails'),
        unitsAnalyzed: flow.text('typeUnitsAnalyzed'),
        groups: flow.list('groups', readGroup),
        periods: flow.list('periods', readPeriod),
      },
      baseline: {
        populationDescription: baseline.text('populationDescription'),
        unitsAnalyzed: baseline.text('typeUnitsAnalyzed'),
        groups: baseline.list('groups', readGroup),
        denominators: baseline.list('denoms', readDenominator),
        measures: baseline.list('measures', readMeasure),
      },
      outcomeMeasures: results.at('outcomeMeasuresModule').list('outcomeMeasures', readOutcomeMeasure),
      adverseEvents: {
        frequencyThresholdPercent: posted(events, 'frequencyThreshold'),
        timeFrame: events.text('timeFrame'),
        description: events.text('description'),
        mortalityComment: events.text('allCauseMortalityComment'),
        groups: events.list('eventGroups', readEventGroup),
        serious: events.list('seriousEvents', readEvent),
        other: events.list('otherEvents', readEvent),
      },
      ...readMore(results.at('moreInfoModule')),
    };
  });
}

function readMore(more: RecordFields): Pick<ResultFacts, 'limitations' | 'agreement' | 'contact'> {
  return {
    limitations: more.at('limitationsAndCaveats').text('description'),
    agreement: more.optional('certainAgreement', fields => ({
      areInvestigatorsEmployees: fields.flag('piSponsorEmployee'),
      isRestrictive: fields.flag('restrictiveAgreement'),
      restriction: fields.text('restrictionType'),
      details: fields.text('otherDetails'),
    })),
    contact: more.optional('pointOfContact', fields => ({
      title: fields.text('title'),
      organization: fields.text('organization'),
      email: fields.text('email'),
      phone: fields.text('phone'),
      phoneExtension: fields.text('phoneExt'),
    })),
  };
}

function posted(fields: RecordFields, name: string): PostedNumber | null {
  const text = fields.text(name);
  if (text === null) return null;
  return {
    number: /^-?\d[\d,]*(?:\.\d+)?$|^-?\.\d+$/.test(text.trim()) ? Number(text.replaceAll(',', '')) : null,
    text,
  };
}

function readGroup(fields: RecordFields): ResultsGroup {
  return { id: fields.requiredText('id'), title: fields.text('title'), description: fields.text('description') };
}

function readPeriod(fields: RecordFields): FlowPeriod {
  return {
    title: fields.text('title'),
    milestones: fields.list('milestones', milestone => ({
      type: milestone.text('type'),
      comment: milestone.text('comment'),
      counts: milestone.list('achievements', readSubjects),
    })),
    withdrawals: fields.list('dropWithdraws', withdrawal => ({
      type: withdrawal.text('type'),
      comment: withdrawal.text('comment'),
      counts: withdrawal.list('reasons', readSubjects),
    })),
  };
}

function readSubjects(fields: RecordFields): GroupCount {
  return readCount(fields, 'numSubjects');
}

function readCount(fields: RecordFields, name: string): GroupCount {
  return {
    groupId: fields.requiredText('groupId'),
    count: posted(fields, name),
    units: posted(fields, 'numUnits'),
    comment: fields.text('comment'),
  };
}

function readDenominator(fields: RecordFields): Denominator {
  return { units: fields.text('units'), counts: fields.list('counts', counts => readCount(counts, 'value')) };
}

function readMeasure(fields: RecordFields): Measure {
  return {
    title: fields.requiredText('title'),
    description: fields.text('description'),
    populationDescription: fields.text('populationDescription'),
    parameter: fields.text('paramType'),
    dispersion: fields.text('dispersionType'),
    unit: fields.text('unitOfMeasure'),
    showsPercentages: fields.flag('calculatePct'),
    denominatorUnits: fields.text('denomUnitsSelected'),
    denominators: fields.list('denoms', readDenominator),
    classes: fields.list('classes', readClass),
  };
}

function readClass(fields: RecordFields): MeasureClass {
  return {
    title: fields.text('title'),
    denominators: fields.list('denoms', readDenominator),
    categories: fields.list('categories', category => ({
      title: category.text('title'),
      measurements: category.list('measurements', readMeasurement),
    })),
  };
}

function readMeasurement(fields: RecordFields): Measurement {
  return {
    groupId: fields.requiredText('groupId'),
    value: posted(fields, 'value'),
    spread: posted(fields, 'spread'),
    lowerLimit: posted(fields, 'lowerLimit'),
    upperLimit: posted(fields, 'upperLimit'),
    comment: fields.text('comment'),
  };
}

function readOutcomeMeasure(fields: RecordFields): OutcomeMeasure {
  return {
    ...readMeasure(fields),
    type: fields.text('type'),
    reportingStatus: fields.text('reportingStatus'),
    anticipatedPostingDate: fields.text('anticipatedPostingDate'),
    timeFrame: fields.text('timeFrame'),
    unitsAnalyzed: fields.text('typeUnitsAnalyzed'),
    groups: fields.list('groups', readGroup),
    analyses: fields.list('analyses', readAnalysis),
  };
}

function readAnalysis(fields: RecordFields): OutcomeAnalysis {
  return {
    groupIds: fields.texts('groupIds'),
    groupDescription: fields.text('groupDescription'),
    parameter: fields.text('paramType'),
    value: posted(fields, 'paramValue'),
    dispersion: fields.text('dispersionType'),
    dispersionValue: posted(fields, 'dispersionValue'),
    method: fields.text('statisticalMethod'),
    methodComment: fields.text('statisticalComment'),
    pValue: posted(fields, 'pValue'),
    pValueComment: fields.text('pValueComment'),
    confidenceSides: fields.text('ciNumSides'),
    confidencePercent: posted(fields, 'ciPctValue'),
    confidenceLower: posted(fields, 'ciLowerLimit'),
    confidenceUpper: posted(fields, 'ciUpperLimit'),
    confidenceLowerComment: fields.text('ciLowerLimitComment'),
    confidenceUpperComment: fields.text('ciUpperLimitComment'),
    estimateComment: fields.text('estimateComment'),
    testedNonInferiority: fields.flag('testedNonInferiority'),
    hypothesis: fields.text('nonInferiorityType'),
    hypothesisComment: fields.text('nonInferiorityComment'),
    otherDescription: fields.text('otherAnalysisDescription'),
  };
}

function readEventGroup(fields: RecordFields): AdverseEventGroup {
  return {
    ...readGroup(fields),
    deaths: fields.number('deathsNumAffected'),
    deathsAtRisk: fields.number('deathsNumAtRisk'),
    serious: fields.number('seriousNumAffected'),
    seriousAtRisk: fields.number('seriousNumAtRisk'),
    other: fields.number('otherNumAffected'),
    otherAtRisk: fields.number('otherNumAtRisk'),
  };
}

function readEvent(fields: RecordFields): AdverseEvent {
  return {
    term: fields.requiredText('term'),
    organSystem: fields.text('organSystem'),
    vocabulary: fields.text('sourceVocabulary'),
    assessment: fields.text('assessmentType'),
    notes: fields.text('notes'),
    counts: fields.list('stats', stats => ({
      groupId: stats.requiredText('groupId'),
      events: stats.number('numEvents'),
      affected: stats.number('numAffected'),
      atRisk: stats.number('numAtRisk'),
    })),
  };
}

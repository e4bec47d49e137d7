import type {
  ApprovalAnswer,
  ApprovedApplication,
  DrugLabel,
  FDAOrangeBookScraper,
  FdaSource,
  LabelAnswer,
  SourceReport,
} from 'plinth/connectors/fda';
import {
  answered,
  type Contribution,
  type EvidenceFact,
  type EvidenceReport,
  factProvenance,
  failed,
  maxShown,
} from './evidence.ts';

/** What the FDA has approved under a name, from both of its sources. */
export async function approvalEvidence(ask: () => Promise<ApprovalAnswer>): Promise<Contribution> {
  try {
    const answer = await ask();
    const shown = answer.applications.slice(0, maxShown);
    const facts = shown.flatMap(application => approvalFact(application, answer.sources) ?? []);
    return { facts, reports: answer.sources.map(report => reportOf(report, facts)) };
  } catch (error) {
    const reports = [failed('orange-book', error), failed('drugsfda', error)].flatMap(({ reports: own }) => own);
    return { facts: [], reports };
  }
}

/** What the label of a drug says. */
export async function labelEvidence(
  fda: FDAOrangeBookScraper,
  name: string,
  signal: AbortSignal | undefined,
): Promise<Contribution> {
  try {
    const answer = await fda.getLabel(name, { signal });
    const { label, labels, provenance } = answer;
    const facts = label === null || provenance === null ? [] : [labelFact(label, provenance)];
    return answered('label', facts, {
      found: labels.length,
      origin: provenance?.origin ?? null,
      freshness: provenance?.freshness ?? null,
      fetchedAt: provenance?.fetchedAt ?? null,
    });
  } catch (error) {
    return failed('label', error);
  }
}

function approvalFact(application: ApprovedApplication, reports: readonly SourceReport[]): EvidenceFact | undefined {
  const { applicationNumber, sponsor, firstApprovalDate, firstApprovalText, orphan } = application;
  const report = reports.find(({ source }) => source === sourceOf(application));
  // A source that failed has no applications.
  if (report?.origin == null || report.freshness === null) return undefined;
  return {
    kind: 'approval',
    applicationNumber,
    sponsor,
    brandNames: [...new Set(application.products.map(({ brandName }) => brandName))],
    firstApprovalDate,
    firstApprovalText,
    orphan,
    patents: application.patents.length,
    exclusivities: application.exclusivities.length,
    sources: [...application.sources],
    provenance: factProvenance(
      report.source,
      { ...report, origin: report.origin, freshness: report.freshness },
      { reference: applicationNumber, url: drugsAtFdaUrl(applicationNumber) },
    ),
  };
}

/** The source that says when it was approved; without a date the first that has it. */
function sourceOf({ firstApprovalSource, sources }: ApprovedApplication): FdaSource | undefined {
  return firstApprovalSource ?? sources[0];
}

function reportOf(
  { source, status, found, origin, freshness, ...rest }: SourceReport,
  facts: readonly EvidenceFact[],
): EvidenceReport {
  const shown = facts.filter(fact => fact.kind === 'approval' && fact.sources.includes(source)).length;
  const note = rest.error ?? rest.reason ?? (rest.complete ? undefined : 'There are more records than are read');
  return {
    source,
    status,
    found,
    shown,
    origin,
    freshness,
    fetchedAt: status === 'failed' ? null : rest.fetchedAt,
    ...(note === undefined ? {} : { note }),
    ...(rest.errorCode === undefined ? {} : { errorCode: rest.errorCode }),
  };
}

function labelFact(label: DrugLabel, provenance: NonNullable<LabelAnswer['provenance']>): EvidenceFact {
  const { setId, brandNames, effectiveDate, sections } = label;
  return {
    kind: 'label',
    brandNames: [...brandNames],
    effectiveDate,
    indications: [...(sections.indicationsAndUsage ?? [])],
    boxedWarning: [...(sections.boxedWarning ?? [])],
    provenance: factProvenance('label', provenance, {
      reference: setId,
      url: `https://dailymed.nlm.nih.gov/dailymed/drugInfo.cfm?setid=${encodeURIComponent(setId)}`,
    }),
  };
}

/** Drugs@FDA's page of an application, by the digits of its number. */
function drugsAtFdaUrl(applicationNumber: string): string {
  const number = applicationNumber.replace(/\D/g, '');
  return `https://www.accessdata.fda.gov/scripts/cder/daf/index.cfm?event=overview.process&ApplNo=${number}`;
}

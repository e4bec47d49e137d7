import type { MedicationEvidence } from './evidence-wire.ts';
import type { PropertyViolations } from './property-wire.ts';
import type { Reply, ServiceRequest } from './reply.ts';
import type { CallRecord, MedicationAnswer } from './wire.ts';

/** What the service answers to each kind of question. */
export interface Answers {
  readonly products: MedicationAnswer;
  readonly evidence: MedicationEvidence;
  readonly property: PropertyViolations;
}

export type QuestionKind = keyof Answers;

/** A question that can be asked, also many times at once. */
export interface Question<Answer> extends ServiceRequest<Answer> {
  /** What is asked about, for people. */
  readonly about: string;
}

/** One press of a button: so many equal requests, and what came back so far. */
export interface Ask<Answer> {
  readonly question: Question<Answer>;
  readonly count: number;
  readonly replies: readonly Reply<Answer>[];
}

/** Which calls were made for a request, as far as the page reads it: `GET /api/v1/console/why/…`. */
export function callsQuestion(requestId: string): ServiceRequest<{ readonly calls: readonly CallRecord[] }> {
  return {
    path: `/api/v1/console/why/${encodeURIComponent(requestId)}`,
    isAnswer: (body): body is { readonly calls: readonly CallRecord[] } => hasLists(body, 'calls'),
  };
}

/** How many violations of each data set the page asks for. */
export const violationLimit = 50;

export function productsQuestion(name: string): Question<MedicationAnswer> {
  return {
    about: name,
    path: `/api/v1/medications?name=${encodeURIComponent(name)}`,
    isAnswer: (body): body is MedicationAnswer => hasLists(body, 'results', 'sources'),
  };
}

export function approvalsPath(name: string): string {
  return `/api/v1/medications/${encodeURIComponent(name)}/approvals`;
}

export function evidenceQuestion(name: string, condition: string, stage: string): Question<MedicationEvidence> {
  return {
    about: [name, condition, stage].filter(Boolean).join(', '),
    path: `/api/v1/medications/${encodeURIComponent(name)}/evidence${queryOf({ condition, stage })}`,
    isAnswer: (body): body is MedicationEvidence => hasLists(body, 'facts', 'sources'),
  };
}

export function propertyQuestion(bbl: string, activeOnly: boolean): Question<PropertyViolations> {
  const query = queryOf({ activeOnly: activeOnly ? 'true' : '', limit: String(violationLimit) });
  return {
    about: bbl,
    path: `/api/v1/properties/${encodeURIComponent(bbl)}/violations${query}`,
    isAnswer: (body): body is PropertyViolations => hasLists(body, 'dob', 'ecb', 'hpd', 'dobSafety', 'sources'),
  };
}

/** Whether an answer has what the page goes through. */
function hasLists(body: object, ...names: readonly string[]): boolean {
  return names.every(name => Array.isArray((body as Record<string, unknown>)[name]));
}

function queryOf(fields: Readonly<Record<string, string>>): string {
  const given = Object.entries(fields).filter(([, value]) => value !== '');
  return given.length === 0 ? '' : `?${new URLSearchParams(given)}`;
}

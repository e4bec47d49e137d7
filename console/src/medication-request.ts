import type { ErrorAnswer, MedicationAnswer } from './wire.ts';

/** What came back for one request. Exactly one of `answer` and `problem` is there. */
export interface Reply {
  /** The HTTP status, when there was an answer at all. */
  readonly status: number | undefined;
  /** The request id that the service gave, when it gave one. */
  readonly requestId: string | undefined;
  readonly durationMs: number;
  readonly answer?: MedicationAnswer;
  readonly problem?: Problem;
}

/** Why there is no answer, in the words of the service when it spoke. */
export interface Problem {
  readonly message: string;
  readonly code: string;
}

/** One press of a button: so many equal requests, and what came back so far. */
export interface Ask {
  readonly name: string;
  readonly count: number;
  readonly replies: readonly Reply[];
}

const timeoutMs = 60_000;

export function medicationPath(name: string): string {
  return `/api/v1/medications?name=${encodeURIComponent(name)}`;
}

export function approvalsPath(name: string): string {
  return `/api/v1/medications/${encodeURIComponent(name)}/approvals`;
}

/** Asks once. Never rejects: what goes wrong is a reply too. */
export async function requestMedication(name: string): Promise<Reply> {
  const startedAt = performance.now();
  const took = (): number => performance.now() - startedAt;
  try {
    // Without `no-store` the browser lets equal requests wait for the first one, and the service would see only one.
    const response = await fetch(medicationPath(name), { cache: 'no-store', signal: AbortSignal.timeout(timeoutMs) });
    const body = (await response.json().catch(() => undefined)) as unknown;
    const facts = { status: response.status, durationMs: took() };
    const requestId = response.headers.get('x-request-id') ?? undefined;
    if (response.ok && isMedicationAnswer(body)) return { ...facts, requestId, answer: body };
    if (isErrorAnswer(body)) {
      const problem = { message: body.error, code: body.error_code };
      return { ...facts, requestId: requestId ?? body.details?.request_id, problem };
    }
    const message = `The service answered ${response.status} in a shape that this page does not know`;
    return { ...facts, requestId, problem: { message, code: `HTTP ${response.status}` } };
  } catch (error) {
    const timedOut = error instanceof DOMException && error.name === 'TimeoutError';
    const message = timedOut ? `No answer within ${timeoutMs / 1_000} s` : 'The service could not be reached';
    const problem = { message, code: timedOut ? 'NO ANSWER' : 'NOT REACHED' };
    return { status: undefined, requestId: undefined, durationMs: took(), problem };
  }
}

function isMedicationAnswer(body: unknown): body is MedicationAnswer {
  if (typeof body !== 'object' || body === null) return false;
  const { results, sources } = body as Partial<MedicationAnswer>;
  return Array.isArray(results) && Array.isArray(sources);
}

function isErrorAnswer(body: unknown): body is ErrorAnswer {
  if (typeof body !== 'object' || body === null) return false;
  const { error, error_code } = body as Partial<ErrorAnswer>;
  return typeof error === 'string' && typeof error_code === 'string';
}

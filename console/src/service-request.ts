import type { Reply, ServiceRequest } from './reply.ts';
import type { ErrorAnswer } from './wire.ts';

const timeoutMs = 60_000;

/** Asks once. Never rejects: what goes wrong is a reply too. */
export async function requestService<Answer>({
  path,
  method = 'GET',
  body: sent,
  isAnswer,
}: ServiceRequest<Answer>): Promise<Reply<Answer>> {
  const startedAt = performance.now();
  const took = (): number => performance.now() - startedAt;
  const content =
    sent === undefined ? {} : { body: JSON.stringify(sent), headers: { 'content-type': 'application/json' } };
  try {
    // Without `no-store` the browser lets equal requests wait for the first one, and the service would see only one.
    const response = await fetch(path, {
      method,
      ...content,
      cache: 'no-store',
      signal: AbortSignal.timeout(timeoutMs),
    });
    const body = (await response.json().catch(() => undefined)) as unknown;
    const facts = { status: response.status, durationMs: took() };
    const requestId = response.headers.get('x-request-id') ?? undefined;
    if (response.ok && isObject(body) && isAnswer(body)) return { ...facts, requestId, answer: body };
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

function isObject(body: unknown): body is object {
  return typeof body === 'object' && body !== null;
}

function isErrorAnswer(body: unknown): body is ErrorAnswer {
  if (!isObject(body)) return false;
  const { error, error_code } = body as Partial<ErrorAnswer>;
  return typeof error === 'string' && typeof error_code === 'string';
}

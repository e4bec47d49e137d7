import { describe, expect, it } from 'vitest';
import { Events } from '../kernel/index.ts';
import type { CallRecord } from '../pipeline/index.ts';
import { type CompletedRequest, explainRequest, type LimitRecord, RequestLog, type ServerEvents } from './index.ts';

function request(overrides: Partial<CompletedRequest> = {}): CompletedRequest {
  return {
    requestId: 'req-123',
    method: 'POST',
    endpoint: '/login',
    path: '/login',
    startedAt: 0,
    status: 200,
    durationMs: 2,
    slow: false,
    ...overrides,
  };
}

const login: LimitRecord = {
  limiter: 'login',
  by: 'address',
  allowed: false,
  outcome: 'denied',
  limit: 5,
  windowMs: 60_000,
  remaining: 0,
  retryAfterMs: 11_200,
  askedMs: 12.04,
};

const call: CallRecord = {
  sequence: 7,
  dependency: 'openfda',
  operation: 'drugsfda.search',
  startedAt: 0,
  durationMs: 0.2,
  result: 'rejected',
  attempts: 0,
  error: { name: 'RejectedError', code: 'CIRCUIT_OPEN', message: 'The circuit "openfda" is open' },
  stages: [
    { stage: 'cache', decision: 'miss', atMs: 0 },
    { stage: 'breaker', decision: 'rejected', atMs: 0.1, reason: 'open' },
  ],
};

describe('explainRequest()', () => {
  it('names the limit that denied, what it allows, by what, and when to come back', () => {
    const limits = [
      { ...login, limiter: 'api', allowed: true, outcome: 'allowed', remaining: 3, retryAfterMs: 0 },
      login,
    ];
    const error = { code: 'LIMIT_EXCEEDED', message: 'Too many requests' };
    expect(explainRequest(request({ status: 429, error, limits: limits as LimitRecord[] }), [])).toEqual([
      'POST /login: 429 LIMIT_EXCEEDED after 2ms because the limit "login" allows 5 within 1m by address, 0 left, again in 12s',
      'Limit allowed: the limit "api" allows 5 within 1m by address, 3 left; its store answered in 12ms',
      'Limit denied: the limit "login" allows 5 within 1m by address, 0 left, again in 12s; its store answered in 12ms',
    ]);
  });

  it('tells a limit that could not be asked from one that denied, and shadow from earnest', () => {
    const { askedMs: _, ...inMemory } = login;
    const limits: LimitRecord[] = [
      { ...login, outcome: 'unavailable', allowed: true, retryAfterMs: 0 },
      { ...inMemory, allowed: true },
    ];
    expect(explainRequest(request({ limits }), []).slice(1)).toEqual([
      'Limit allowed: the limit "login" could not ask its store, and its rule for that let the request through; its store answered in 12ms',
      'Limit would be denied (shadow): the limit "login" allows 5 within 1m by address, 0 left, again in 12s; decided in memory',
    ]);
  });

  it('names the call behind a failure, and every decision in it', () => {
    const error = { code: 'CIRCUIT_OPEN', message: 'The circuit "openfda" is open' };
    expect(explainRequest(request({ status: 503, error }), [call])).toEqual([
      'POST /login: 503 CIRCUIT_OPEN after 2ms because the call openfda drugsfda.search was refused by us: The circuit "openfda" is open',
      'Call openfda drugsfda.search: refused by us after 0.2ms because of CIRCUIT_OPEN (cache miss, breaker rejected: open)',
    ]);
  });

  it('says what the client was told where no call failed, and that it left', () => {
    const error = { code: 'NOT_FOUND', message: 'User not found' };
    expect(explainRequest(request({ status: 404, error }), [])[0]).toBe(
      'POST /login: 404 NOT_FOUND after 2ms because "User not found"',
    );
    expect(explainRequest(request({ status: 0 }), [])).toEqual(['POST /login: no answer, the client left after 2ms']);
    const { error: _, ...good } = call;
    const stale: CallRecord = { ...good, result: 'ok', freshness: 'stale', attempts: 1, background: true };
    expect(explainRequest(request(), [stale])[1]).toContain(
      'Call openfda drugsfda.search (beside the request): answered with a stale value after 0.2ms',
    );
  });
});

describe('RequestLog', () => {
  it('keeps the last requests, and those that failed apart from the many that did not', () => {
    const log = new RequestLog({ maxRecords: 2 });
    const events = new Events<ServerEvents>();
    log.observe(events);
    const tell = (requestId: string, status: number, startedAt: number): void =>
      events.emit('request-completed', request({ requestId, status, startedAt }));
    tell('denied', 429, 1);
    tell('left', 0, 2);
    for (let count = 0; count < 50; count += 1) tell(`good-${count}`, 200, 3 + count);
    expect(log.why('denied')).toMatchObject([{ status: 429 }]);
    expect(log.why('left')).toMatchObject([{ status: 0 }]);
    expect(['good-47', 'good-48', 'good-49'].map(id => log.why(id).length)).toEqual([0, 1, 1]);
    tell('denied', 200, 100);
    expect(log.why('denied').map(({ status }) => status)).toEqual([429, 200]);
  });

  it('refuses a size that is none', () => {
    expect(() => new RequestLog({ maxRecords: 0 })).toThrow('maxRecords');
  });
});

import type { CallRecord, StageRecord } from '../../console/src/wire.ts';

/** Everything of a record but what only the service knows. */
export type SampleCall = Omit<CallRecord, 'sequence' | 'startedAt' | 'requestId'>;

const openFda = { dependency: 'openfda', operation: 'drugsfda.search' } as const;
const orangeBook = { dependency: 'orange-book', operation: 'edition.download' } as const;

function key(name: string): string {
  return `openfda:drugsfda:openfda.generic_name:"${name}"`;
}

const refusal = { name: 'UpstreamError', code: 'UPSTREAM_ERROR', message: 'openfda answered 503 Service Unavailable' };

function retriesOf503(times: number, firstMs: number): readonly StageRecord[] {
  return Array.from({ length: times }, (_, index): StageRecord[] => {
    const atMs = firstMs * (index + 1) ** 1.6;
    return [
      { stage: 'breaker', decision: 'ok', atMs: atMs - firstMs * 0.8, reason: 'closed' },
      { stage: 'transport', decision: 'failed', atMs, reason: 'UPSTREAM_ERROR 503' },
      {
        stage: 'retry',
        decision: 'retried',
        atMs: atMs + 0.1,
        reason: `UPSTREAM_ERROR 503, waits ${80 * 2 ** index}ms`,
      },
    ];
  }).flat();
}

/** One call of each kind that a guard can bring about, as its records look. */
export const sampleCalls = {
  fetched: (name: string): SampleCall => ({
    ...openFda,
    key: key(name),
    durationMs: 118.4,
    result: 'ok',
    freshness: 'fresh',
    ageMs: 0,
    attempts: 1,
    stages: [
      { stage: 'cache', decision: 'miss', atMs: 0.1 },
      { stage: 'breaker', decision: 'ok', atMs: 0.2, reason: 'closed' },
      { stage: 'transport', decision: 'ok', atMs: 118.1, reason: '200' },
    ],
  }),
  hit: (name: string): SampleCall => ({
    ...openFda,
    key: key(name),
    durationMs: 0.08,
    result: 'ok',
    freshness: 'fresh',
    ageMs: 12_400,
    attempts: 0,
    stages: [{ stage: 'cache', decision: 'hit', atMs: 0.06 }],
  }),
  joined: (name: string): SampleCall => ({
    ...openFda,
    key: key(name),
    durationMs: 96.7,
    result: 'ok',
    freshness: 'fresh',
    ageMs: 0,
    attempts: 0,
    stages: [{ stage: 'cache', decision: 'joined', atMs: 96.6 }],
  }),
  retried: (name: string): SampleCall => ({
    ...openFda,
    key: key(name),
    durationMs: 412.9,
    result: 'ok',
    freshness: 'fresh',
    ageMs: 0,
    attempts: 3,
    stages: [
      { stage: 'cache', decision: 'miss', atMs: 0.1 },
      ...retriesOf503(2, 60),
      { stage: 'breaker', decision: 'ok', atMs: 301.2, reason: 'closed' },
      { stage: 'transport', decision: 'ok', atMs: 412.6, reason: '200' },
    ],
  }),
  stale: (name: string): SampleCall => ({
    ...openFda,
    key: key(name),
    durationMs: 388.2,
    result: 'ok',
    freshness: 'stale',
    ageMs: 684_000,
    attempts: 3,
    error: refusal,
    stages: [
      { stage: 'cache', decision: 'miss', atMs: 0.1 },
      ...retriesOf503(2, 60),
      { stage: 'breaker', decision: 'ok', atMs: 301.2, reason: 'closed' },
      { stage: 'transport', decision: 'failed', atMs: 387.9, reason: 'UPSTREAM_ERROR 503' },
      { stage: 'retry', decision: 'gave-up', atMs: 388.0, reason: '3 attempts' },
      { stage: 'cache', decision: 'stale', atMs: 388.1, reason: 'UPSTREAM_ERROR 503, value is 11m 24s old' },
    ],
  }),
  refused: (name: string): SampleCall => ({
    ...openFda,
    key: key(name),
    durationMs: 0.31,
    result: 'rejected',
    attempts: 0,
    error: { name: 'RejectedError', code: 'CIRCUIT_OPEN', message: 'The breaker openfda is open for another 21s' },
    stages: [
      { stage: 'cache', decision: 'miss', atMs: 0.1 },
      { stage: 'breaker', decision: 'rejected', atMs: 0.3, reason: 'open' },
    ],
  }),
  timedOut: (_name: string): SampleCall => ({
    ...orangeBook,
    durationMs: 2_003.4,
    result: 'failed',
    attempts: 1,
    error: { name: 'TimeoutError', code: 'TIMEOUT', message: 'The attempt took longer than 2s' },
    stages: [
      { stage: 'breaker', decision: 'ok', atMs: 0.2, reason: 'closed' },
      { stage: 'transport', decision: 'failed', atMs: 2_003.1, reason: 'TIMEOUT' },
      { stage: 'attemptTimeout', decision: 'timed-out', atMs: 2_003.2, reason: '2s' },
    ],
  }),
  substituted: (_name: string): SampleCall => ({
    ...orangeBook,
    key: 'orange-book:edition',
    durationMs: 141.7,
    result: 'ok',
    freshness: 'fallback',
    ageMs: 0,
    attempts: 1,
    error: { name: 'NetworkError', code: 'NETWORK_ERROR', message: 'Connection refused by www.fda.gov:443' },
    stages: [
      { stage: 'cache', decision: 'miss', atMs: 0.1 },
      { stage: 'breaker', decision: 'ok', atMs: 0.2, reason: 'closed' },
      { stage: 'transport', decision: 'failed', atMs: 141.2, reason: 'NETWORK_ERROR' },
      { stage: 'fallback', decision: 'substituted', atMs: 141.6, reason: 'NETWORK_ERROR' },
    ],
  }),
} as const;

export type SampleKind = keyof typeof sampleCalls;

/** What an answer says of one of its sources. */
export interface SourceEnd {
  readonly status: 'answered' | 'empty' | 'failed' | 'not-asked';
  readonly errorCode?: string | undefined;
}

/** How a source ended, in the words in which calls end: what we refused is no failure of the source. */
export type SourceOutcome = SourceEnd['status'] | 'refused';

/** The codes of our own refusals. */
const refusals: ReadonlySet<string | undefined> = new Set([
  'CIRCUIT_OPEN',
  'CAPACITY_FULL',
  'LIMIT_EXCEEDED',
  'RETRY_BUDGET_EXHAUSTED',
  'DEADLINE_EXCEEDED',
  'LIMITER_UNAVAILABLE',
  'FORBIDDEN_ADDRESS',
  'CLOSED',
]);

export function outcomeOf({ status, errorCode }: SourceEnd): SourceOutcome {
  return status === 'failed' && refusals.has(errorCode) ? 'refused' : status;
}

/** Which sources are missing in an answer, in words: `from 1 of 2 sources; drugsfda failed`. Empty when none is. */
export function missingSources(sources: readonly (SourceEnd & { readonly source: string })[]): string {
  const missing = sources.filter(({ status }) => status === 'failed');
  if (missing.length === 0) return '';
  const ends = missing.map(one => `${one.source} ${outcomeOf(one)}`).join(', ');
  return `from ${sources.length - missing.length} of ${sources.length} sources; ${ends}`;
}

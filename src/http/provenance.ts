import type { Freshness, Outcome } from '../pipeline/index.ts';
import type { HttpAnswer } from './http-request.ts';

/** Where an answer of an outside source came from, and how far it can be trusted. */
export interface Provenance {
  /** The source, such as `clinicaltrials`. */
  readonly source: string;
  /** `live`, or `recorded` when an answer said of itself that it is, in the header `x-recorded`. */
  readonly origin: 'live' | 'recorded';
  /** When the oldest part of it was fetched, ISO 8601 in UTC. */
  readonly fetchedAt: string;
  /** The least fresh of its parts. */
  readonly freshness: Freshness;
  /** Age of its oldest part, in milliseconds. */
  readonly ageMs: number;
  /** Why it is not fresh. */
  readonly reason?: string;
}

/** By this header an answer says that it is recorded; its value is the day of the recording. */
export const recordedHeader = 'x-recorded';

/** The provenance of what was made of these answers: the oldest one's time, the least fresh one's state. */
export function provenanceOf(
  source: string,
  outcomes: readonly [Outcome<HttpAnswer<unknown>>, ...Outcome<HttpAnswer<unknown>>[]],
): Provenance {
  const late = outcomes.find(outcome => outcome.freshness !== 'fresh');
  const isRecorded = outcomes.some(({ value }) => value.headers[recordedHeader] !== undefined);
  return {
    source,
    origin: isRecorded ? 'recorded' : 'live',
    fetchedAt: new Date(Math.min(...outcomes.map(({ value }) => value.fetchedAt))).toISOString(),
    freshness: late?.freshness ?? 'fresh',
    ageMs: Math.max(...outcomes.map(({ ageMs }) => ageMs)),
    ...(late?.reason === undefined ? {} : { reason: late.reason }),
  };
}

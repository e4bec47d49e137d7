import type { Candidate } from '../question.ts';
import { bareCandidate, rateLimitCandidates, zipfKeys } from '../rate-limit-candidates.ts';

export const question =
  'What does a decision in memory cost that allows, over 10,000 keys of which a few are frequent?';
export const limit = bareCandidate;

/** No run gets there: nothing is denied. */
const requests = 50_000_000;

export const candidates: Readonly<Record<string, Candidate>> = rateLimitCandidates({
  requests,
  windowMs: 60_000,
  keys: zipfKeys(10_000, 1 << 16),
  isAllowed: true,
});

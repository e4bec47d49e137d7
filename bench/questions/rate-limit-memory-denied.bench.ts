import type { Candidate } from '../question.ts';
import { bareCandidate, rateLimitCandidates } from '../rate-limit-candidates.ts';

export const question = 'What does a decision in memory cost that denies, on one key?';
export const limit = bareCandidate;

export const candidates: Readonly<Record<string, Candidate>> = rateLimitCandidates({
  requests: 100,
  windowMs: 3_600_000,
  keys: ['user:1'],
  isAllowed: false,
});

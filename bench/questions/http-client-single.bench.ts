import { httpCandidates, rawHttpCandidate } from '../http-candidates.ts';

export const question =
  "how long does a guarded GET of 1 KB of JSON take, one at a time? 'Time' is what goes by on the wall";

export const candidates = httpCandidates('wall', 1);

export const limit = rawHttpCandidate;

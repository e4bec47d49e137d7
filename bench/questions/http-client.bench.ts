import { httpCandidates, rawHttpCandidate } from '../http-candidates.ts';

export const question = "what does a guarded GET of 1 KB of JSON cost, 50 at once? 'Time' is what goes by on the wall";

export const candidates = httpCandidates('wall', 50);

export const limit = rawHttpCandidate;

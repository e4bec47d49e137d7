import { httpCandidates, rawHttpCandidate } from '../http-candidates.ts';

export const question = 'what does a guarded GET of 1 KB of JSON cost the client in CPU time, 50 at once?';

export const candidates = httpCandidates('cpu', 50);

export const limit = rawHttpCandidate;

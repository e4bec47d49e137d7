import { cacheRedisCandidates, rawCandidate } from '../cache-redis-candidates.ts';

export const question =
  'what does it cost to set 1 KB of JSON in Redis, 100 at once, in CPU time of the process that asks?';

export const candidates = cacheRedisCandidates('client-cpu', 'set');

export const limit = rawCandidate;

import { cacheRedisCandidates, rawCandidate } from '../cache-redis-candidates.ts';

export const question =
  'what does it cost to get 1 KB of JSON from Redis, 100 at once, in CPU time of the process that asks?';

export const candidates = cacheRedisCandidates('client-cpu', 'get');

export const limit = rawCandidate;

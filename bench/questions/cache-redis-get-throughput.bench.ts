import { cacheRedisCandidates, rawCandidate } from '../cache-redis-candidates.ts';

export const question =
  "how fast is it to get 1 KB of JSON from Redis, 100 at once? 'Time' is what goes by on the wall";

export const candidates = cacheRedisCandidates('wall', 'get');

export const limit = rawCandidate;

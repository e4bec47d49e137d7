import { cacheRedisCandidates, rawCandidate } from '../cache-redis-candidates.ts';

export const question = "how fast is it to set 1 KB of JSON in Redis, 100 at once? 'Time' is what goes by on the wall";

export const candidates = cacheRedisCandidates('wall', 'set');

export const limit = rawCandidate;

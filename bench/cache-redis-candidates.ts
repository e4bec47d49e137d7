import type { Candidate } from './question.ts';

/** What all candidates with a Redis are compared with. */
export const rawCandidate = 'raw RESP';

/** Caches with a Redis, by name: what they get or set is measured by a clock of the program. */
export function cacheRedisCandidates(
  measure: 'client-cpu' | 'wall',
  operation: 'get' | 'set',
): Readonly<Record<string, Candidate>> {
  const names = [
    rawCandidate,
    '@redis/client',
    'plinth RedisConnection',
    'plinth RedisCacheStore',
    'plinth RedisCache',
    'ioredis',
    'keyv, @keyv/redis',
    'bentocache, Redis only',
  ];
  return Object.fromEntries(
    names.map(name => [name, { program: 'bench/programs/cache-redis.ts', args: [measure, operation, name] }]),
  );
}

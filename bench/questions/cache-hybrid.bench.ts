import type { Candidate } from '../question.ts';

export const question = 'What does a hit in memory cost when a Redis is behind it, awaited?';
export const limit = 'Map in front of raw RESP';

const names = [
  limit,
  'plinth HybridCache',
  'plinth HybridCache.getOrSet',
  'bentocache, memory and Redis',
  'cacheable, memory and Redis',
];

export const candidates: Readonly<Record<string, Candidate>> = Object.fromEntries(
  names.map(name => [name, { program: 'bench/programs/cache-hybrid.ts', args: [name] }]),
);

import { boundedCaches, displacing, FifoMap, lifetimeCaches, type MakeCache } from '../cache-candidates.ts';
import type { Candidate } from '../question.ts';

export const question = 'What does a new entry cost that displaces one of 10,000?';
export const limit = 'Map and a ring of its keys';

const entries = 10_000;
const makeLimit: MakeCache = maxEntries => new FifoMap(maxEntries);

export const candidates: Readonly<Record<string, Candidate>> = Object.fromEntries(
  Object.entries({ [limit]: makeLimit, ...boundedCaches, ...lifetimeCaches }).map(([name, make]) => [
    name,
    displacing(entries, make),
  ]),
);

import { DeadlineMap, hitting, lifetimeCaches, type MakeCache } from '../cache-candidates.ts';
import type { Candidate } from '../question.ts';

export const question =
  'What does a hit with a lifetime cost in a cache of 10,000 entries, by keys of which a few are frequent?';
export const limit = 'Map of { value, deadline }, Date.now';

const entries = 10_000;
const makeLimit: MakeCache = () => new DeadlineMap();

export const candidates: Readonly<Record<string, Candidate>> = Object.fromEntries(
  Object.entries({ [limit]: makeLimit, ...lifetimeCaches }).map(([name, make]) => [name, hitting(entries, make)]),
);

import { boundedCaches, hitting, lifetimeCaches, type MakeCache } from '../cache-candidates.ts';
import type { Candidate } from '../question.ts';

export const question = 'What does a hit cost in a cache of a million entries, by keys of which a few are frequent?';
export const limit = 'Map';

const entries = 1_000_000;
const makeLimit: MakeCache = () => new Map<string, number>();

export const candidates: Readonly<Record<string, Candidate>> = Object.fromEntries(
  Object.entries({ [limit]: makeLimit, ...boundedCaches, ...lifetimeCaches }).map(([name, make]) => [
    name,
    hitting(entries, make),
  ]),
);

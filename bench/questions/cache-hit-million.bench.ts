import { boundedCaches, hitting, lifetimeCaches } from '../cache-candidates.ts';
import type { Candidate } from '../question.ts';

export const question = 'What does a hit cost in a cache of a million entries, by keys of which a few are frequent?';
export const limit = 'Map';

const entries = 1_000_000;

export const candidates: Readonly<Record<string, Candidate>> = Object.fromEntries(
  Object.entries({ [limit]: () => new Map<string, number>(), ...boundedCaches, ...lifetimeCaches }).map(
    ([name, make]) => [name, hitting(entries, make)],
  ),
);

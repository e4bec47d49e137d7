import { boundedCaches, lifetimeCaches, type MakeCache, overwriting } from '../cache-candidates.ts';
import type { Candidate } from '../question.ts';

export const question = 'What does it cost to overwrite one of 10,000 entries, by keys of which a few are frequent?';
export const limit = 'Map';

const entries = 10_000;
const makeLimit: MakeCache = () => new Map<string, number>();

export const candidates: Readonly<Record<string, Candidate>> = Object.fromEntries(
  Object.entries({ [limit]: makeLimit, ...boundedCaches, ...lifetimeCaches }).map(([name, make]) => [
    name,
    overwriting(entries, make),
  ]),
);

import type { ProgramCandidate } from './question.ts';

/** What all reads from a PostgreSQL are compared with. */
export const namedReadCandidate = 'pg, named';

/** Ways to read a row by its key from one PostgreSQL, so many reads in flight. */
export function repositoryReadCandidates(inFlight: number): ProgramCandidate {
  const peers = ['kysely', 'drizzle, prepared', 'typeorm'];
  const ours = ['plinth repository', 'plinth repository, gathered'];
  return {
    program: 'bench/programs/repository-read.ts',
    args: [String(inFlight), namedReadCandidate, 'pg, unnamed', ...ours, ...peers],
  };
}

import type { ProgramCandidate } from '../question.ts';

export const question =
  "what does a read by key through the repository cost, one at a time? 'Time' is what goes by on the wall";

export const candidates: ProgramCandidate = {
  program: 'bench/programs/repository-read.ts',
  args: [
    '1',
    'pg, named',
    'pg, unnamed',
    'plinth repository',
    'plinth repository, gathered',
    'kysely',
    'drizzle, prepared',
    'typeorm',
  ],
};

export const limit = 'pg, named';

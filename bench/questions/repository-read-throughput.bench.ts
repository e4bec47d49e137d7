import type { ProgramCandidate } from '../question.ts';

export const question = "how fast are reads by key with 20 in flight? 'Time' is what goes by on the wall";

export const candidates: ProgramCandidate = {
  program: 'bench/programs/repository-read.ts',
  args: [
    '20',
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

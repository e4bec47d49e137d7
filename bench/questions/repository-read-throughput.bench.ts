import type { Candidate } from '../question.ts';

export const question = "how fast are reads by key with 20 in flight? 'Time' is what goes by on the wall";

const candidate = (name: string): Candidate => ({
  program: 'bench/programs/repository-read.ts',
  args: ['wall', name, '20'],
});

export const candidates: Readonly<Record<string, Candidate>> = {
  'pg, named': candidate('pg, named'),
  'pg, unnamed': candidate('pg, unnamed'),
  'plinth repository': candidate('plinth repository'),
  'plinth repository, gathered': candidate('plinth repository, gathered'),
  kysely: candidate('kysely'),
  'drizzle, prepared': candidate('drizzle, prepared'),
  typeorm: candidate('typeorm'),
};

export const limit = 'pg, named';

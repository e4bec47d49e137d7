import type { Candidate } from '../question.ts';

export const question =
  "what does a read by key through the repository cost, one at a time? 'Time' is what goes by on the wall";

const candidate = (name: string): Candidate => ({
  program: 'bench/programs/repository-read.ts',
  args: ['wall', name, '1'],
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

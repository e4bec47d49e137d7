import type { Candidate } from '../question.ts';

export const question =
  "what does a read by key cost over the embedded engine, one at a time? 'Time' is what goes by on the wall";

const candidate = (name: string): Candidate => ({
  program: 'bench/programs/repository-read.ts',
  args: ['wall', name, '1'],
});

export const candidates: Readonly<Record<string, Candidate>> = {
  'PGlite raw': candidate('PGlite raw'),
  'plinth repository over PGlite': candidate('plinth repository over PGlite'),
  'plinth repository over PGlite, gathered': candidate('plinth repository over PGlite, gathered'),
};

export const limit = 'PGlite raw';

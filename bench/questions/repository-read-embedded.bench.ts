import type { ProgramCandidate } from '../question.ts';

export const question =
  "what does a read by key cost over the embedded engine, one at a time? 'Time' is what goes by on the wall";

export const candidates: ProgramCandidate = {
  program: 'bench/programs/repository-read.ts',
  args: ['1', 'PGlite raw', 'plinth repository over PGlite', 'plinth repository over PGlite, gathered'],
};

export const limit = 'PGlite raw';

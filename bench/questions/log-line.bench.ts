import { barePino, plinthLogging } from '../log-candidates.ts';
import type { Candidate } from '../question.ts';

export const question =
  'What does a log line cost, with one write per line, against bare pino with the same destination?';

export const candidates: Readonly<Record<string, Candidate>> = {
  'bare pino, one write per line': barePino('line'),
  'plinth, one write per line': plinthLogging('line'),
};

export const limit = 'bare pino, one write per line';

import { barePino, plinthLogging } from '../log-candidates.ts';
import type { Candidate } from '../question.ts';

export const question = 'What does a log line cost, buffered, against bare pino with a buffered destination?';

export const candidates: Readonly<Record<string, Candidate>> = {
  'bare pino, buffered': barePino('buffered'),
  'plinth, buffered': plinthLogging('buffered'),
};

export const limit = 'bare pino, buffered';

import type { Candidate } from '../question.ts';

export const question = "what does a decision cost the Redis server, in its own CPU time? 'Time' is the server's";

const candidate = (name: string): Candidate => ({
  program: 'bench/programs/rate-limit-redis.ts',
  args: ['server-cpu', name],
});

export const candidates: Readonly<Record<string, Candidate>> = {
  'plain INCR': candidate('plain INCR'),
  'plinth token bucket': candidate('plinth token bucket'),
  'plinth sliding window': candidate('plinth sliding window'),
  'plinth sliding window, tenfold overload': candidate('plinth sliding window, tenfold overload'),
  'plinth two windows': candidate('plinth two windows'),
  'rate-limiter-flexible': candidate('rate-limiter-flexible'),
};

export const limit = 'plain INCR';

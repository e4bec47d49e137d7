import type { Candidate } from '../question.ts';

export const question = "how fast are decisions on Redis with 100 in flight? 'Time' is what goes by on the wall";

const candidate = (name: string): Candidate => ({
  program: 'bench/programs/rate-limit-redis.ts',
  args: ['wall', name],
});

export const candidates: Readonly<Record<string, Candidate>> = {
  'plain INCR': candidate('plain INCR'),
  'plinth token bucket': candidate('plinth token bucket'),
  'plinth sliding window': candidate('plinth sliding window'),
  'plinth sliding window, leased': candidate('plinth sliding window, leased'),
  'plinth sliding window, leased, 100 keys': candidate('plinth sliding window, leased, 100 keys'),
  'plinth sliding window, leased, zipf': candidate('plinth sliding window, leased, zipf'),
  'rate-limiter-flexible': candidate('rate-limiter-flexible'),
  'rate-limiter-flexible, zipf': candidate('rate-limiter-flexible, zipf'),
  'rate-limiter-flexible, 100 keys': candidate('rate-limiter-flexible, 100 keys'),
};

export const limit = 'plain INCR';

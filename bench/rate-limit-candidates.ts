import { strictEqual } from 'node:assert/strict';
import { type RateLimitDecision, SlidingWindowRateLimiter, TokenBucketRateLimiter } from 'plinth/rate-limit';
import { seededRandom } from 'plinth/testing';
import { peer } from './peers.ts';
import type { CallCandidate, Candidate } from './question.ts';

interface FlexibleModule {
  readonly RateLimiterMemory: new (options: {
    points: number;
    duration: number;
  }) => {
    consume(key: string): Promise<{ readonly remainingPoints: number }>;
  };
}

/** Limiters of these numbers, asked about these keys, one after the other. */
export interface LimiterQuestion {
  readonly requests: number;
  readonly windowMs: number;
  readonly keys: readonly string[];
  readonly isAllowed: boolean;
}

/** What all limiters are compared with. */
export const bareCandidate = 'bare GCRA: Map, Date.now';

/** The limiters, by name. */
export function rateLimitCandidates(question: LimiterQuestion): Readonly<Record<string, Candidate>> {
  const { requests, windowMs } = question;
  const ratePerSecond = (requests * 1_000) / windowMs;
  return {
    [bareCandidate]: asking(question, bare(requests, windowMs)),
    'plinth token bucket': deciding(question, () => new TokenBucketRateLimiter({ ratePerSecond, capacity: requests })),
    'plinth sliding window': deciding(question, () => new SlidingWindowRateLimiter({ requests, windowMs })),
    'plinth sliding window, two windows': deciding(
      question,
      () =>
        new SlidingWindowRateLimiter({
          windows: [
            { requests, windowMs },
            { requests: requests * 10, windowMs: windowMs * 20 },
          ],
        }),
    ),
    'rate-limiter-flexible memory': flexible(question),
  };
}

/** Keys as they come: a few of them very often (Zipf's law with exponent 1), built beforehand. */
export function zipfKeys(keys: number, length: number): readonly string[] {
  const weights = Array.from({ length: keys }, (_, index) => 1 / (index + 1));
  const total = weights.reduce((sum, weight) => sum + weight, 0);
  const shares: number[] = [];
  for (const weight of weights) shares.push((shares.at(-1) ?? 0) + weight / total);
  const names = weights.map((_, index) => `user:${index}`);
  const random = seededRandom(42);
  return Array.from({ length }, () => names[firstAtLeast(shares, random.next())] ?? 'user:0');
}

function firstAtLeast(sorted: readonly number[], wanted: number): number {
  let low = 0;
  let high = sorted.length - 1;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if ((sorted[middle] ?? 1) < wanted) low = middle + 1;
    else high = middle;
  }
  return low;
}

/** The generic cell rate algorithm as it is written first. */
function bare(requests: number, windowMs: number): (key: string) => boolean {
  const fullAtMs = new Map<string, number>();
  const intervalMs = windowMs / requests;
  return key => {
    const nowMs = Date.now();
    const nextMs = Math.max(nowMs, fullAtMs.get(key) ?? 0) + intervalMs;
    if (nextMs - nowMs > windowMs) return false;
    fullAtMs.set(key, nextMs);
    return true;
  };
}

function asking({ keys, requests, isAllowed }: LimiterQuestion, ask: (key: string) => boolean): CallCandidate {
  return {
    check() {
      for (let index = 0; index < requests && !isAllowed; index += 1) strictEqual(ask(keys[0] ?? ''), true);
      strictEqual(ask(keys[0] ?? ''), isAllowed);
    },
    run(count) {
      let allowed = 0;
      for (let index = 0; index < count; index += 1) allowed += ask(keys[index % keys.length] ?? '') ? 1 : 0;
      return allowed;
    },
  };
}

function deciding(
  { keys, requests, isAllowed }: LimiterQuestion,
  make: () => { check(key: string): RateLimitDecision },
): CallCandidate {
  const limiter = make();
  return {
    check() {
      for (let index = 0; index < requests && !isAllowed; index += 1) limiter.check(keys[0] ?? '');
      strictEqual(limiter.check(keys[0] ?? '').allowed, isAllowed);
    },
    run(count) {
      let sum = 0;
      for (let index = 0; index < count; index += 1) {
        const decision = limiter.check(keys[index % keys.length] ?? '');
        sum += (decision.allowed ? 1 : 0) + decision.remaining;
      }
      return sum;
    },
  };
}

function flexible({ keys, requests, windowMs, isAllowed }: LimiterQuestion): CallCandidate {
  const { RateLimiterMemory } = peer<FlexibleModule>('rate-limiter-flexible');
  const limiter = new RateLimiterMemory({ points: requests, duration: windowMs / 1_000 });
  const ask = async (key: string): Promise<number> => {
    try {
      return (await limiter.consume(key)).remainingPoints + 1;
    } catch {
      return 0;
    }
  };
  return {
    async check() {
      for (let index = 0; index < requests && !isAllowed; index += 1) await ask(keys[0] ?? '');
      strictEqual((await ask(keys[0] ?? '')) > 0, isAllowed);
    },
    async run(count) {
      let sum = 0;
      for (let index = 0; index < count; index += 1) sum += await ask(keys[index % keys.length] ?? '');
      return sum;
    },
  };
}

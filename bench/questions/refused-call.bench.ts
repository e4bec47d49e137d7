import { rejects, strictEqual } from 'node:assert/strict';
import { pipeline } from 'plinth/pipeline';
import { CircuitBreaker } from 'plinth/resilience';
import { peer } from '../peers.ts';
import type { CallCandidate, Candidate } from '../question.ts';

type Work = () => Promise<number>;
type Call = (work: Work) => Promise<unknown>;

interface CockatielModule {
  readonly handleAll: object;
  readonly ConsecutiveBreaker: new (threshold: number) => object;
  circuitBreaker(policy: object, options: object): { execute(work: Work): Promise<number> };
}

type OpossumModule = new (
  work: (work: Work) => Promise<number>,
  options: object,
) => { fire(work: Work): Promise<number> };

export const question = 'What does a call cost that an open breaker refuses?';
export const limit = 'bare await of a rejection';

async function succeed(): Promise<number> {
  return 1;
}

async function fail(): Promise<number> {
  throw new RangeError('down');
}

/** Calls that are refused one after the other; the check opens the breaker first. */
function refusing(call: Call): CallCandidate {
  return {
    async check() {
      for (let failure = 0; failure < 20; failure += 1) await rejects(call(fail));
      let asked = false;
      const refused = call(async () => {
        asked = true;
        return 1;
      });
      await rejects(refused);
      strictEqual(asked, false);
    },
    async run(count) {
      let refused = 0;
      for (let index = 0; index < count; index += 1) {
        try {
          await call(succeed);
        } catch {
          refused += 1;
        }
      }
      strictEqual(refused, count);
      return refused;
    },
  };
}

const reason = new RangeError('refused');

function breakerOf(): Call {
  const breaker = new CircuitBreaker({ failureThreshold: 5, recoveryTimeMs: 3_600_000 });
  return work => breaker.execute(work);
}

function guardOf(): Call {
  const guard = pipeline('users')
    .retry({ maxAttempts: 3, isRetryable: () => false })
    .breaker({ failureThreshold: 5, recoveryTimeMs: 3_600_000 })
    .attemptTimeout(2_000)
    .build();
  return work => guard.execute({ operation: 'users.read', repeatable: true }, work);
}

function cockatiel(): Call {
  const { handleAll, ConsecutiveBreaker, circuitBreaker } = peer<CockatielModule>('cockatiel');
  const policy = circuitBreaker(handleAll, { halfOpenAfter: 3_600_000, breaker: new ConsecutiveBreaker(5) });
  return work => policy.execute(work);
}

function opossum(): Call {
  const Breaker = peer<OpossumModule>('opossum');
  const breaker = new Breaker(work => work(), { resetTimeout: 3_600_000, volumeThreshold: 5, timeout: false });
  return work => breaker.fire(work);
}

export const candidates: Readonly<Record<string, Candidate>> = {
  'bare await of a rejection': {
    check: () => rejects(Promise.reject(reason)),
    async run(count) {
      let refused = 0;
      for (let index = 0; index < count; index += 1) {
        try {
          await Promise.reject(reason);
        } catch {
          refused += 1;
        }
      }
      return refused;
    },
  },
  'plinth breaker': refusing(breakerOf()),
  'plinth guard: retry, breaker, timeout': refusing(guardOf()),
  'cockatiel breaker': refusing(cockatiel()),
  'opossum breaker': refusing(opossum()),
};

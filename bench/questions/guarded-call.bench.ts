import { rejects, strictEqual } from 'node:assert/strict';
import { CallLog, type Guard, pipeline } from 'plinth/pipeline';
import { CircuitBreaker, RetryManager, Timeout } from 'plinth/resilience';
import { peer } from '../peers.ts';
import type { CallCandidate, Candidate } from '../question.ts';

type Work = () => Promise<number>;

interface CockatielPolicy {
  execute(work: Work): Promise<number>;
}

interface CockatielModule {
  readonly handleAll: object;
  readonly ConsecutiveBreaker: new (threshold: number) => object;
  readonly ExponentialBackoff: new () => object;
  readonly TimeoutStrategy: { readonly Cooperative: string };
  retry(policy: object, options: object): CockatielPolicy;
  circuitBreaker(policy: object, options: object): CockatielPolicy;
  timeout(ms: number, options: object): CockatielPolicy;
  wrap(...policies: readonly CockatielPolicy[]): CockatielPolicy;
}

type OpossumModule = new (
  work: (work: Work) => Promise<number>,
  options: object,
) => { fire(work: Work): Promise<number> };

interface RetryModule {
  default(work: Work, options: object): Promise<number>;
}

export const question = 'What do breaker, retry and timeout cost around a call that succeeds at once?';
export const limit = 'bare await';

const timeoutMs = 2_000;
const failureThreshold = 5;

async function succeed(): Promise<number> {
  return 1;
}

async function failForGood(): Promise<number> {
  throw new RangeError('broken for good');
}

/** Calls one after the other, and adds up what comes. */
function calling(call: (work: Work) => Promise<number>): CallCandidate {
  return {
    async check() {
      strictEqual(await call(succeed), 1);
      let calls = 0;
      const counted = call(async () => {
        calls += 1;
        return calls;
      });
      strictEqual(await counted, 1);
    },
    async run(count) {
      let sum = 0;
      for (let index = 0; index < count; index += 1) sum += await call(succeed);
      return sum;
    },
  };
}

/** As {@link calling}; the check also makes sure that a breaker opens: what does nothing would be fast. */
function breaking(make: () => (work: Work) => Promise<number>): CallCandidate {
  const candidate = calling(make());
  return {
    ...candidate,
    async check() {
      await candidate.check();
      const broken = make();
      for (let failure = 0; failure < failureThreshold; failure += 1) await rejects(broken(failForGood));
      let asked = false;
      const refused = broken(async () => {
        asked = true;
        return 1;
      });
      await rejects(refused);
      strictEqual(asked, false);
    },
  };
}

function bare(): CallCandidate {
  return {
    check: async () => strictEqual(await succeed(), 1),
    async run(count) {
      let sum = 0;
      for (let index = 0; index < count; index += 1) sum += await succeed();
      return sum;
    },
  };
}

function guarded(listened: boolean): CallCandidate {
  const make = (): Guard => {
    // Errors of unknown kind are not repeated here, so that the check of the breaker need not wait for backoffs.
    const guard: Guard = pipeline('users')
      .retry({ maxAttempts: 3, isRetryable: () => false })
      .breaker({ failureThreshold })
      .attemptTimeout(timeoutMs)
      .build();
    if (listened) new CallLog().observe(guard.events);
    return guard;
  };
  const call = { operation: 'users.read', repeatable: true };
  const { check } = breaking(() => {
    const guard = make();
    return async work => (await guard.execute(call, work)).value;
  });
  const guard = make();
  return {
    check,
    async run(count) {
      let sum = 0;
      for (let index = 0; index < count; index += 1) sum += (await guard.execute(call, succeed)).value;
      return sum;
    },
  };
}

function composed(): CallCandidate {
  return breaking(() => {
    const retry = new RetryManager({ maxAttempts: 3, isRetryable: () => false });
    const breaker = new CircuitBreaker({ failureThreshold });
    const timeout = new Timeout({ timeoutMs });
    return work => retry.execute(() => breaker.execute(() => timeout.execute(work)));
  });
}

function cockatiel(which: 'breaker' | 'retry' | 'timeout' | 'all'): CallCandidate {
  const { handleAll, ConsecutiveBreaker, ExponentialBackoff, TimeoutStrategy, ...make } =
    peer<CockatielModule>('cockatiel');
  const retry = (): CockatielPolicy => make.retry(handleAll, { maxAttempts: 2, backoff: new ExponentialBackoff() });
  const timeout = (): CockatielPolicy => make.timeout(timeoutMs, { strategy: TimeoutStrategy.Cooperative });
  const breaker = (): CockatielPolicy =>
    make.circuitBreaker(handleAll, { halfOpenAfter: 30_000, breaker: new ConsecutiveBreaker(failureThreshold) });
  const policies = { retry, breaker, timeout, all: () => make.wrap(retry(), breaker(), timeout()) };
  const prepare = () => {
    const policy = policies[which]();
    return (work: Work) => policy.execute(work);
  };
  return which === 'breaker' ? breaking(prepare) : calling(prepare());
}

function opossum(): (work: Work) => Promise<number> {
  const Breaker = peer<OpossumModule>('opossum');
  const options = { timeout: timeoutMs, errorThresholdPercentage: 50, volumeThreshold: failureThreshold };
  const breaker = new Breaker(work => work(), options);
  return work => breaker.fire(work);
}

function opossumInRetry(): CallCandidate {
  const { default: retry } = peer<RetryModule>('p-retry');
  const call = opossum();
  return calling(work => retry(() => call(work), { retries: 2 }));
}

const breaker = (): ((work: Work) => Promise<number>) => {
  const made = new CircuitBreaker({ failureThreshold });
  return work => made.execute(work);
};
const retry = new RetryManager({ maxAttempts: 3 });
const timeout = new Timeout({ timeoutMs });

/** Every candidate is measured in a process of its own. */
export const candidates: Readonly<Record<string, Candidate>> = {
  'bare await': bare(),
  'plinth breaker': breaking(breaker),
  'plinth retry': calling(work => retry.execute(work)),
  'plinth timeout': calling(work => timeout.execute(work)),
  'plinth all three, nested by hand': composed(),
  'plinth guard: all three': guarded(false),
  'plinth guard: all three, with a CallLog': guarded(true),
  'cockatiel breaker': cockatiel('breaker'),
  'cockatiel retry': cockatiel('retry'),
  'cockatiel timeout': cockatiel('timeout'),
  'cockatiel all three': cockatiel('all'),
  'opossum breaker + timeout': calling(opossum()),
  'opossum + p-retry: all three': opossumInRetry(),
};

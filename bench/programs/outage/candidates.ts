import { type Guard, pipeline } from 'plinth/pipeline';
import { peer } from '../../peers.ts';

/** Asks the dependency once. */
export type Ask = () => Promise<void>;

/** Makes one request of a user with the policies of a candidate. */
export type Request = (ask: Ask) => Promise<void>;

interface CockatielPolicy {
  execute(work: Ask): Promise<void>;
}

interface CockatielModule {
  readonly handleAll: object;
  readonly ConsecutiveBreaker: new (threshold: number) => object;
  readonly ExponentialBackoff: new () => object;
  retry(policy: object, options: object): CockatielPolicy;
  circuitBreaker(policy: object, options: object): CockatielPolicy;
  wrap(...policies: readonly CockatielPolicy[]): CockatielPolicy;
}

interface RetryModule {
  default(work: Ask, options: object): Promise<void>;
}

function guarded(guard: Guard): Request {
  return async ask => {
    await guard.execute({ operation: 'read', repeatable: true }, ask);
  };
}

const cockatielRetry = ({ handleAll, ExponentialBackoff, retry }: CockatielModule): CockatielPolicy =>
  retry(handleAll, { maxAttempts: 2, backoff: new ExponentialBackoff() });

/**
 * Three attempts in all everywhere; besides that the defaults, or what the README shows where there are none.
 *
 * `scale` shortens how long a breaker stays open: the part of a minute that the run takes.
 */
export const candidates: Readonly<Record<string, (scale: number) => Request>> = {
  'no retry': () => ask => ask(),
  'plinth guard: retry, budget, breaker': scale =>
    guarded(
      pipeline('origin')
        .retry()
        .breaker({ recoveryTimeMs: 30_000 * scale })
        .attemptTimeout(2_000)
        .build(),
    ),
  'plinth guard, breaker open for 10 s': scale =>
    guarded(
      pipeline('origin')
        .retry()
        .breaker({ recoveryTimeMs: 10_000 * scale })
        .attemptTimeout(2_000)
        .build(),
    ),
  'plinth guard: retry, budget, no breaker': () => guarded(pipeline('origin').retry().attemptTimeout(2_000).build()),
  'cockatiel: retry, breaker open for 10 s': scale => {
    const cockatiel = peer<CockatielModule>('cockatiel');
    const breaker = cockatiel.circuitBreaker(cockatiel.handleAll, {
      halfOpenAfter: 10_000 * scale,
      breaker: new cockatiel.ConsecutiveBreaker(5),
    });
    const policy = cockatiel.wrap(cockatielRetry(cockatiel), breaker);
    return ask => policy.execute(ask);
  },
  'cockatiel: retry, no breaker': () => {
    const policy = cockatielRetry(peer<CockatielModule>('cockatiel'));
    return ask => policy.execute(ask);
  },
  'p-retry': () => {
    const { default: retry } = peer<RetryModule>('p-retry');
    return ask => retry(ask, { retries: 2 });
  },
};

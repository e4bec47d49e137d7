import type { RateLimitLaw } from './store.ts';

/** What the laws say about callers that wait behind others. */
export interface Behind {
  /** Permits to be had now or as they come back: what to ask a store about. */
  readonly cost: number;
  /** How much longer it takes after that, at least, in milliseconds. */
  readonly laterMs: number;
}

/** Splits what a queue takes, up to and with a certain caller, into what one question can ask and the rest. */
export function behind(laws: readonly RateLimitLaw[], total: number): Behind {
  const splits = laws.map(law => split(law, total));
  const cost = Math.min(...splits.map(part => part.cost));
  // Only the law that was split at this cost may add its time: the others answer for this cost alone.
  return { cost, laterMs: Math.max(...splits.filter(part => part.cost === cost).map(part => part.laterMs)) };
}

function split(law: RateLimitLaw, total: number): Behind {
  if (law.kind === 'token-bucket') {
    const cost = Math.min(total, law.capacity);
    return { cost, laterMs: ((total - cost) * 1_000) / law.ratePerSecond };
  }
  // Between a permit and the one that comes a whole limit after it lies a whole window.
  const windows = Math.floor((total - 1) / law.requests);
  return { cost: total - windows * law.requests, laterMs: windows * law.windowMs };
}

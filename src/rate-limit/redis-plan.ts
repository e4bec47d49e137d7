import { ArgumentError } from '../errors/index.ts';
import type { RateLimitDecision } from './decision.ts';
import { maxGrant, maxLaws, type ScriptShape } from './redis-script.ts';
import type { CompiledLimit, RateLimitLaw } from './store.ts';

/** The answer of a limit script. */
export interface LimitAnswer {
  readonly allowed: boolean;
  /** How many permits were taken; 0 when denied. */
  readonly granted: number;
  /** The size of the law that decided. */
  readonly limit: number;
  /** Permits that are left of it, after what was taken. */
  readonly left: number;
  /** When to ask again, in milliseconds; 0 when allowed. */
  readonly waitMs: number;
  /** Until it is whole again, in milliseconds. */
  readonly wholeMs: number;
}

/** A window is cut into so many ticks; what was taken within one leaves together, at the time of its last. */
const ticksPerWindow = 100;

/** Numbers of permits that the value on the server has room for. */
const maxPermits = 2 ** 32 - 1;

/** What is derived from a limit once, to ask Redis about it. */
export class LimitPlan {
  readonly limit: CompiledLimit;
  /** Which script decides. */
  readonly shape: ScriptShape;
  /** How long a permit may be used after it was taken, in milliseconds; 0: at once. */
  readonly holdMs: number;
  /** The most permits that can ever be taken at once. */
  readonly maxCost: number;
  /** After this long without admissions nothing of the past matters any more, in milliseconds. */
  readonly spanMs: number;
  /** Whether a bucket is among the laws. */
  readonly hasBucket: boolean;
  /** What the script must know of the laws, in their order: see `limitScript`. */
  readonly numbers: readonly string[];

  /**
   * @param holdShare How much of the time that a law looks back over a permit may be held; 0: it is used at once.
   * @throws {ArgumentError} for a limit with too many laws or too large numbers.
   */
  constructor(limit: CompiledLimit, holdShare: number) {
    const { laws } = limit;
    if (laws.length > maxLaws) {
      throw new ArgumentError(`Cannot use ${laws.length} windows on Redis: expected at most ${maxLaws}`, 'windows');
    }
    for (const law of laws) {
      const size = sizeOf(law);
      if (size > maxPermits)
        throw new ArgumentError(`Cannot use ${size} on Redis: expected at most ${maxPermits}`, 'limit');
    }
    this.limit = limit;
    this.shape = laws.map(law => (law.kind === 'token-bucket' ? 'b' : 'w')).join('');
    this.hasBucket = this.shape.includes('b');
    const shortestMs = Math.min(...laws.map(lookBackMs));
    const holdMs = Math.floor(shortestMs * holdShare);
    const smallest = Math.min(...laws.map(law => Math.floor(sizeWithHold(law, holdMs))));
    // A bucket of a permit or two cannot spare any for the time that others are held.
    this.holdMs = smallest >= 1 ? holdMs : 0;
    this.maxCost = smallest >= 1 ? smallest : Math.min(...laws.map(sizeOf));
    this.spanMs = Math.max(...laws.map(law => lookBackMs(law))) + this.holdMs + 1;
    this.numbers = laws.flatMap(law => numbersOf(law, this.holdMs)).map(String);
  }

  /** Reads what the script has answered. */
  read(reply: unknown): LimitAnswer {
    if (Array.isArray(reply)) {
      const [law, left, waitMs, wholeMs] = reply.map(Number) as [number, number, number, number];
      return { allowed: false, granted: 0, limit: this.#sizeOf(law), left: Math.max(0, left), waitMs, wholeMs };
    }
    const number = Number(reply);
    const law = number % maxLaws;
    const rest = Math.floor(number / maxLaws);
    const granted = rest % (maxGrant + 1);
    const left = Math.floor(rest / (maxGrant + 1));
    return { allowed: true, granted, limit: this.#sizeOf(law), left, waitMs: 0, wholeMs: this.#wholeMs(law, left) };
  }

  #sizeOf(index: number): number {
    const law = this.limit.laws[index];
    return law === undefined ? 0 : sizeOf(law);
  }

  /** After an admission a window is whole when this one has left it, a bucket when all that is missing has come back. */
  #wholeMs(index: number, left: number): number {
    const law = this.limit.laws[index];
    if (law === undefined) return 0;
    if (law.kind === 'sliding-window') return Math.ceil(law.windowMs) + this.holdMs + 1;
    return Math.ceil(Math.max(0, (sizeWithHold(law, this.holdMs) - left) / law.ratePerSecond) * 1_000);
  }
}

/** A decision by the law. */
export function decisionOf(answer: LimitAnswer): RateLimitDecision {
  return {
    allowed: answer.allowed,
    outcome: answer.allowed ? 'allowed' : 'denied',
    limit: answer.limit,
    remaining: answer.left,
    retryAfterMs: answer.waitMs,
    resetAfterMs: answer.wholeMs,
  };
}

/** The most that a law lets through at once. */
export function sizeOf(law: RateLimitLaw): number {
  return law.kind === 'token-bucket' ? law.capacity : law.requests;
}

/** What was admitted longer ago than this does not matter to a law, in milliseconds. */
function lookBackMs(law: RateLimitLaw): number {
  return Math.ceil(law.kind === 'token-bucket' ? (law.capacity / law.ratePerSecond) * 1_000 : law.windowMs);
}

/**
 * A permit that is used up to `holdMs` after it was taken may fall into an interval that began after the taking. So the
 * taking is judged by a law that leaves room for it: a window longer by that time, a bucket smaller by what it refills.
 */
function numbersOf(law: RateLimitLaw, holdMs: number): readonly number[] {
  const spanMs = lookBackMs(law) + holdMs + 1;
  if (law.kind === 'token-bucket') return [spanMs, law.ratePerSecond / 1_000, sizeWithHold(law, holdMs)];
  const windowMs = Math.ceil(law.windowMs);
  const tickMs = law.requests <= ticksPerWindow ? 1 : Math.max(1, Math.floor(windowMs / ticksPerWindow));
  return [spanMs, law.requests, windowMs + holdMs, tickMs];
}

function sizeWithHold(law: RateLimitLaw, holdMs: number): number {
  return law.kind === 'token-bucket' ? law.capacity - (law.ratePerSecond * holdMs) / 1_000 : law.requests;
}

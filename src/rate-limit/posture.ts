import { requireNumber } from '../kernel/index.ts';

/**
 * What a limit on Redis does while Redis is away.
 *
 * - `open`: everything is admitted.
 * - `closed`: nothing is admitted.
 * - `{ localShare }`: every process admits by the same law, scaled by this share, in its own memory.
 */
export type WhenUnavailable = 'open' | 'closed' | { readonly localShare: number };

/** What a guard needs to know of the connection. */
export interface ConnectionHistory {
  readonly outages: readonly {
    readonly lostAtMs: number;
    readonly backAtMs: number | undefined;
    readonly bornAtMs: number | undefined;
  }[];
  /** How long after Redis has come back it may take until every process has noticed, in milliseconds. */
  readonly recoveryMs: number;
}

/** What a guard needs to know of a limit. */
export interface GuardedLimit {
  /** After this long without admissions nothing of the past matters any more, in milliseconds. */
  readonly spanMs: number;
  readonly hasBucket: boolean;
}

/** Until when Redis alone may not admit, in milliseconds of the monotonic clock. */
export interface Guard {
  /** Nothing may be admitted: others may have used up the law, and nobody remembers. */
  readonly silentUntilMs: number;
  /** What Redis admits must also be within the local share: others may still be in theirs. */
  readonly shareUntilMs: number;
}

const unguarded: Guard = { silentUntilMs: Number.NEGATIVE_INFINITY, shareUntilMs: Number.NEGATIVE_INFINITY };

/** @throws {ArgumentError} for a share that is not above 0 and at most 1. */
export function requirePosture(posture: WhenUnavailable): WhenUnavailable {
  if (typeof posture === 'object') requireNumber('localShare', posture.localShare, Number.MIN_VALUE, 1);
  return posture;
}

/**
 * What must not be admitted yet after Redis has come back, so that no interval is over the law.
 *
 * Another server may have forgotten what the last one admitted, so nothing is admitted until all of that is past. And
 * where processes have admitted by their shares, of which Redis knows nothing, those shares bind on until all of that is
 * past. For a window this is so when it has gone by once. The debt of a bucket, however, is only paid back while nothing
 * is taken: Redis and the shares could each keep up with the rate and a burst would still be admitted twice. So a limit
 * with a bucket is silent for that long instead.
 */
export function guardOf(posture: WhenUnavailable, limit: GuardedLimit, history: ConnectionHistory): Guard {
  if (posture === 'open' || history.outages.length === 0) return unguarded;
  const { spanMs, hasBucket } = limit;
  const { recoveryMs, outages } = history;
  let { silentUntilMs, shareUntilMs } = unguarded;
  for (const { lostAtMs, backAtMs, bornAtMs } of outages) {
    if (bornAtMs !== undefined) silentUntilMs = Math.max(silentUntilMs, bornAtMs + spanMs);
    if (posture === 'closed' || backAtMs === undefined) continue;
    // A process begins with its share a span after the loss; another one may have noticed either end of it elsewhen.
    if (backAtMs - lostAtMs + 2 * recoveryMs < spanMs) continue;
    const untilMs = backAtMs + recoveryMs + spanMs;
    if (hasBucket) silentUntilMs = Math.max(silentUntilMs, untilMs);
    else shareUntilMs = Math.max(shareUntilMs, untilMs);
  }
  return { silentUntilMs, shareUntilMs };
}

/**
 * From when on a process may admit by its share while Redis is away, in milliseconds of the monotonic clock: when all that
 * Redis admitted, to whomever, is past. `undefined`: not known to be away.
 */
export function shareBeginsMs(limit: GuardedLimit, history: ConnectionHistory): number | undefined {
  const last = history.outages.at(-1);
  return last === undefined || last.backAtMs !== undefined ? undefined : last.lostAtMs + limit.spanMs;
}

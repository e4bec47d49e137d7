import type { LoadingCache } from '../cache/index.ts';
import type { CircuitBreaker, ConcurrencySlot, Hedge, RetryManager, Timeout } from '../resilience/index.ts';
import type { FaultInjector } from './attempt.ts';

/** What the rate stage is told by its limiter when a call may go out. */
export interface CallPermit {
  /** `denied`: the limiter is in shadow, and would have let the call wait. `unavailable`: its store is away. */
  readonly outcome: 'allowed' | 'denied' | 'unavailable';
  /** What a limiter that adapts wants back with what came of the call. */
  readonly epoch?: number;
}

/** What the rate stage needs of a limiter: every outbound limiter of `plinth/rate-limit` has it. */
export interface CallLimiter {
  /** Resolves when the call may go out; rejects with a `RejectedError` when it may not. */
  wait(
    key?: string,
    options?: {
      readonly cost?: number | undefined;
      readonly signal?: AbortSignal | undefined;
      readonly deadlineMs?: number | undefined;
    },
  ): Promise<CallPermit>;
  /** The numbers in force. */
  readonly settings: object;
  /** Changes numbers, all of them or none. */
  reconfigure(changes: object): void;
  /** Told how long an answer took, in milliseconds, by limiters that adapt to it. */
  recordLatency?(latencyMs: number, permit?: CallPermit): void;
  /** Told of failures that speak against the dependency, by limiters that adapt to them. */
  recordError?(error: unknown, permit?: CallPermit): void;
}

/** A limiter with the permits that one call of a guard takes of it. */
export interface CallRate {
  readonly limiter: CallLimiter;
  /** Which of the limiter's keys the calls of the guard count for. */
  readonly key: string;
  /** Permits per call. */
  readonly cost: number;
}

/** Gives a value in the place of one that could not be had. */
export type Substitute = (error: unknown) => unknown;

/** The policies of a guard, from outside to inside. Each may be missing; their order is law, not taste. */
export interface GuardPolicies {
  readonly deadline?: Timeout | undefined;
  readonly fallback?: Substitute | undefined;
  readonly cache?: LoadingCache<unknown> | undefined;
  readonly retry?: RetryManager | undefined;
  readonly hedge?: Hedge | undefined;
  readonly concurrency?: ConcurrencySlot | undefined;
  readonly breaker?: CircuitBreaker | undefined;
  readonly rate?: CallRate | undefined;
  readonly attemptTimeout?: Timeout | undefined;
  readonly fault?: FaultInjector | undefined;
}

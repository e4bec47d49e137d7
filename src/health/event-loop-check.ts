import { type Clock, systemClock } from '../kernel/index.ts';
import type { HealthCheck } from './health-check.ts';

/** The numbers of {@link eventLoopCheck}. */
export interface EventLoopCheckOptions {
  /** How late a timer may fire, in milliseconds; beyond it the process counts as `down`. @default 1_000 */
  readonly maxLagMs?: number | undefined;
  /** @default systemClock */
  readonly clock?: Clock | undefined;
}

/**
 * A liveness check: sets a short timer and sees how late it fires. It consults nothing outside the process.
 *
 * @example
 * health.register(eventLoopCheck({ maxLagMs: 1_000 }));
 */
export function eventLoopCheck(options: EventLoopCheckOptions = {}): HealthCheck {
  const { maxLagMs = 1_000, clock = systemClock } = options;
  const waitMs = 5;
  return {
    name: 'event-loop',
    kind: 'live',
    async check(signal) {
      const startedAtMs = clock.monotonic();
      await clock.sleep(waitMs, signal);
      const lagMs = Math.max(0, Math.round(clock.monotonic() - startedAtMs - waitMs));
      const details = { lag_seconds: lagMs / 1_000 };
      if (lagMs <= maxLagMs) return { status: 'up', details };
      return {
        status: 'down',
        message: `The event loop is ${lagMs} ms late, expected at most ${maxLagMs} ms`,
        details,
      };
    },
  };
}

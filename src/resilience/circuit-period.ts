import type { Clock } from '../kernel/index.ts';
import { type CallWindow, CountWindow, TimeWindow } from './call-window.ts';
import type { CircuitSettings } from './circuit-options.ts';

/** `closed` lets calls through, `open` refuses them, `half-open` lets probes through. */
export type CircuitState = 'closed' | 'open' | 'half-open';

/**
 * The time between two changes of state. Every call belongs to the period in which it was admitted: what it says counts in
 * that period and in no later one. One class for all states, so that the way through a closed circuit stays fast.
 */
export class CircuitPeriod {
  readonly state: CircuitState;
  /** Whether every call passes: no clock is read and nothing is counted on the way in. */
  readonly admitsAll: boolean;
  /** Whether nothing but failures in a row is counted. */
  readonly countsRow: boolean;
  readonly window: CallWindow | undefined;
  failures: number;
  /** When the next probe is let through; while half-open, when those under way are given up for lost. */
  probeAtMs = 0;
  /** While half-open: how many probes decide. */
  probeLimit = 0;
  /** Probes under way. */
  probes = 0;
  /** Probes that have told something. */
  verdicts = 0;
  failedProbes = 0;
  slowProbes = 0;

  constructor(state: CircuitState, failures: number, window?: CallWindow) {
    this.state = state;
    this.admitsAll = state === 'closed';
    this.countsRow = state === 'closed' && window === undefined;
    this.failures = failures;
    this.window = window;
  }
}

/** A closed circuit that has counted nothing yet. */
export function closedPeriod(settings: CircuitSettings, clock: Clock): CircuitPeriod {
  const { window } = settings;
  if (window === undefined) return new CircuitPeriod('closed', 0);
  const calls =
    window.kind === 'count'
      ? new CountWindow(window.size)
      : new TimeWindow(window.windowMs, window.buckets, () => clock.monotonicCoarse());
  return new CircuitPeriod('closed', 0, calls);
}

/** A circuit that refuses until the moment of the monotonic clock. */
export function openPeriod(failures: number, probeAtMs: number): CircuitPeriod {
  const period = new CircuitPeriod('open', failures);
  period.probeAtMs = probeAtMs;
  return period;
}

/** A circuit that lets so many probes through. */
export function halfOpenPeriod(failures: number, probeLimit: number): CircuitPeriod {
  const period = new CircuitPeriod('half-open', failures);
  period.probeLimit = probeLimit;
  return period;
}

import { ArgumentError } from '../errors/index.ts';
import { requireDuration, requireInteger } from '../kernel/index.ts';

/** What a {@link CircuitBreaker} knows, as plain data that means the same in another process and at another time. */
export interface CircuitRecord {
  readonly version: 1;
  /** A half-open circuit is recorded as an open one whose time is up: its probes belong to the process that began them. */
  readonly state: 'closed' | 'open';
  /** Failures in a row. */
  readonly failures: number;
  /** How often the circuit has opened since it was last closed. */
  readonly breaks: number;
  /** How long the present or last break is, in milliseconds. */
  readonly breakMs: number;
  /** The time until the next probe, in milliseconds. */
  readonly retryInMs: number;
  /** What the window holds. */
  readonly outcomes: readonly number[];
}

/**
 * Checks what may come from a file or a network.
 *
 * @throws {ArgumentError} for anything that is not a {@link CircuitRecord}.
 */
export function circuitRecordOf(candidate: unknown): CircuitRecord {
  if (typeof candidate !== 'object' || candidate === null) {
    throw new ArgumentError(`Cannot import a circuit: expected an object, got ${String(candidate)}`, 'record');
  }
  const { version, state, failures, breaks, breakMs, retryInMs, outcomes } = candidate as Record<string, unknown>;
  if (version !== 1) {
    throw new ArgumentError(`Cannot import a circuit: expected version 1, got ${String(version)}`, 'version');
  }
  if (state !== 'closed' && state !== 'open') {
    throw new ArgumentError(
      `Cannot import a circuit: expected the state closed or open, got ${String(state)}`,
      'state',
    );
  }
  if (!(Array.isArray(outcomes) && outcomes.every(outcome => Number.isSafeInteger(outcome) && outcome >= 0))) {
    throw new ArgumentError('Cannot import a circuit: expected outcomes to be a list of whole numbers', 'outcomes');
  }
  return {
    version,
    state,
    failures: requireInteger('failures', failures as number, 0),
    breaks: requireInteger('breaks', breaks as number, 0),
    breakMs: requireDuration('breakMs', breakMs as number, 0),
    retryInMs: requireDuration('retryInMs', retryInMs as number, 0),
    outcomes,
  };
}

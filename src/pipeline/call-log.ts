import { ArgumentError } from '../errors/index.ts';
import type { EventSource, Subscription } from '../kernel/index.ts';
import type { CallRecord } from './call-record.ts';
import type { GuardEvents } from './guard.ts';

/** The numbers of a {@link CallLog}. */
export interface CallLogOptions {
  /** How many records are kept; older ones are forgotten. @default 1_000 */
  readonly maxRecords?: number | undefined;
}

/** Counts of everything that a {@link CallLog} has seen, also of what it has forgotten; of calls in the background only the attempts. */
export interface CallTotals {
  readonly calls: number;
  /** Calls that gave a fresh value. */
  readonly ok: number;
  /** Calls that gave an older or a substitute value. */
  readonly stale: number;
  readonly rejected: number;
  readonly failed: number;
  /** Attempts that left the process. */
  readonly upstreamCalls: number;
}

/**
 * The last calls of the process, in bounded memory, for consoles and for the question why a request went as it did.
 *
 * @example
 * const log = new CallLog();
 * log.observe(guard.events);
 * log.why('req-123');
 */
export class CallLog {
  readonly #maxRecords: number;
  readonly #records: CallRecord[] = [];
  #totals = { calls: 0, ok: 0, stale: 0, rejected: 0, failed: 0, upstreamCalls: 0 };

  constructor(options: CallLogOptions = {}) {
    this.#maxRecords = options.maxRecords ?? 1_000;
    if (!Number.isSafeInteger(this.#maxRecords) || this.#maxRecords < 1) {
      throw new ArgumentError(
        `Cannot use maxRecords: expected a whole number of at least 1, got ${options.maxRecords}`,
        'maxRecords',
      );
    }
  }

  /** Keeps the calls of a guard, or of the stream that several guards share. */
  observe(source: EventSource<GuardEvents>): Subscription {
    return source.on('call', record => this.#add(record));
  }

  /** The latest records, newest first. */
  latest(count: number): readonly CallRecord[] {
    const kept = this.#kept();
    return kept.slice(Math.max(0, kept.length - count)).reverse();
  }

  /** Every record that is kept of one request, in the order the calls ended. */
  why(requestId: string): readonly CallRecord[] {
    return this.#kept().filter(record => record.requestId === requestId);
  }

  /** Counts since the log was made. */
  totals(): CallTotals {
    return { ...this.#totals };
  }

  #kept(): readonly CallRecord[] {
    return this.#records.slice(-this.#maxRecords);
  }

  #add(record: CallRecord): void {
    this.#records.push(record);
    // Cut in halves, not one by one, so that keeping a record costs the same however many are kept.
    if (this.#records.length >= this.#maxRecords * 2) this.#records.splice(0, this.#records.length - this.#maxRecords);
    const { result, freshness, attempts, background } = record;
    this.#totals.upstreamCalls += attempts;
    // Nobody waited for it, so it is nobody's answer.
    if (background) return;
    this.#totals.calls += 1;
    if (result !== 'ok') this.#totals[result] += 1;
    else this.#totals[freshness === 'fresh' ? 'ok' : 'stale'] += 1;
  }
}

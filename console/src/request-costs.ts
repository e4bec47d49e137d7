import { callId } from './call-kind.ts';
import type { CallRecord } from './wire.ts';

/** What a group of requests cost, read from the records of the guarded calls made for them. */
export interface Cost {
  /** Of how many of the requests the calls are known, also when there are none. */
  readonly requestsSeen: number;
  readonly guardedCalls: number;
  /** How many times a dependency was really asked. */
  readonly upstreamCalls: number;
  /** Guarded calls that waited for an equal call under way. */
  readonly joined: number;
  /** Guarded calls that a cache entry within its lifetime answered. */
  readonly hits: number;
}

/** Remembers which guarded calls were made for which request, for the newest requests. */
export class RequestCosts {
  readonly #limit: number;
  readonly #byRequest = new Map<string, Map<string, CallRecord>>();

  constructor(limit: number) {
    this.#limit = limit;
  }

  add(record: CallRecord): void {
    if (record.requestId !== undefined) this.learn(record.requestId, [record]);
  }

  /** Takes in calls of a request; none at all is known of it then, too. */
  learn(requestId: string, records: readonly CallRecord[]): void {
    let calls = this.#byRequest.get(requestId);
    if (!calls) {
      calls = new Map();
      this.#byRequest.set(requestId, calls);
      if (this.#byRequest.size > this.#limit) this.#forgetOldest();
    }
    for (const record of records) if (calls.size < this.#limit) calls.set(callId(record), record);
  }

  /** Whether anything is known of what a request set off. */
  knows(requestId: string): boolean {
    return this.#byRequest.has(requestId);
  }

  costOf(requestIds: Iterable<string>): Cost {
    const cost = { requestsSeen: 0, guardedCalls: 0, upstreamCalls: 0, joined: 0, hits: 0 };
    for (const requestId of requestIds) {
      const calls = this.#byRequest.get(requestId);
      if (!calls) continue;
      cost.requestsSeen += 1;
      for (const record of calls.values()) {
        cost.guardedCalls += 1;
        cost.upstreamCalls += record.attempts;
        if (record.stages.some(({ decision }) => decision === 'joined')) cost.joined += 1;
        else if (record.stages.some(({ decision }) => decision === 'hit')) cost.hits += 1;
      }
    }
    return cost;
  }

  #forgetOldest(): void {
    for (const oldest of this.#byRequest.keys()) {
      this.#byRequest.delete(oldest);
      return;
    }
  }
}

import { type EventSource, requireInteger, type Subscription } from '../kernel/index.ts';
import type { CompletedRequest, ServerEvents } from './events.ts';

/** The numbers of a {@link RequestLog}. */
export interface RequestLogOptions {
  /** How many requests are kept, and as many that failed besides; older ones are forgotten. @default 1_000 */
  readonly maxRecords?: number | undefined;
}

/**
 * The last requests of the process, in bounded memory, for the question why one went as it did. Those that failed are
 * kept apart, so that many good ones do not push them out.
 *
 * @example
 * const log = new RequestLog();
 * log.observe(server.events);
 * log.why('req-123');
 */
export class RequestLog {
  readonly #maxRecords: number;
  readonly #answered: CompletedRequest[] = [];
  readonly #failed: CompletedRequest[] = [];

  constructor(options: RequestLogOptions = {}) {
    this.#maxRecords = requireInteger('maxRecords', options.maxRecords ?? 1_000, 1, 1_000_000);
  }

  /** Keeps the requests of a server. */
  observe(source: EventSource<ServerEvents>): Subscription {
    return source.on('request-completed', request => this.#add(request));
  }

  /** Every request that is kept under this id, in the order they ended. Clients choose ids, so there may be several. */
  why(requestId: string): readonly CompletedRequest[] {
    return [this.#answered, this.#failed]
      .flatMap(list => list.slice(-this.#maxRecords).filter(request => request.requestId === requestId))
      .sort((left, right) => endOf(left) - endOf(right));
  }

  #add(request: CompletedRequest): void {
    const list = request.status >= 200 && request.status < 400 ? this.#answered : this.#failed;
    list.push(request);
    // Cut in halves, not one by one, so that keeping a request costs the same however many are kept.
    if (list.length >= this.#maxRecords * 2) list.splice(0, list.length - this.#maxRecords);
  }
}

function endOf({ startedAt, durationMs }: CompletedRequest): number {
  return startedAt + durationMs;
}

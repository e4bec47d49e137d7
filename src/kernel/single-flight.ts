import { untilAborted } from './abort.ts';

interface Flight<Value> {
  readonly promise: Promise<Value>;
  readonly controller: AbortController;
  waiting: number;
}

/**
 * Joins concurrent work for the same key: the first caller starts it, the others wait for its outcome, success or
 * failure. The work is aborted when every caller has given up, and not before.
 *
 * @example
 * const flights = new SingleFlight<string, User>();
 * const user = await flights.run(id, signal => loadUser(id, signal));
 */
export class SingleFlight<Key, Value> {
  readonly #flights = new Map<Key, Flight<Value>>();

  /** How many keys are being worked on. */
  get size(): number {
    return this.#flights.size;
  }

  /** Whether work for this key is under way, so that {@link run} would join it. */
  has(key: Key): boolean {
    return this.#flights.has(key);
  }

  /** Starts the work, or joins the work that is under way for the same key. */
  run(key: Key, work: (signal: AbortSignal) => Promise<Value>, signal?: AbortSignal): Promise<Value> {
    const flight = this.#flights.get(key) ?? this.#start(key, work);
    if (signal === undefined) {
      // Nobody can take this caller's interest back, so the work is never abandoned.
      flight.waiting = Number.POSITIVE_INFINITY;
      return flight.promise;
    }
    flight.waiting += 1;
    return untilAborted(flight.promise, signal).finally(() => {
      flight.waiting -= 1;
      if (flight.waiting === 0 && this.#flights.get(key) === flight) {
        this.#flights.delete(key);
        flight.controller.abort(signal.reason);
      }
    });
  }

  #start(key: Key, work: (signal: AbortSignal) => Promise<Value>): Flight<Value> {
    const controller = new AbortController();
    const land = (): void => {
      if (this.#flights.get(key) === flight) this.#flights.delete(key);
    };
    const promise = Promise.resolve().then(() => work(controller.signal));
    const flight: Flight<Value> = { promise, controller, waiting: 0 };
    this.#flights.set(key, flight);
    promise.then(land, land);
    return flight;
  }
}

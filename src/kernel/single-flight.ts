import { abortReason, untilAborted } from './abort.ts';

interface Flight<Value> {
  readonly promise: Promise<Value>;
  readonly controller: AbortController;
  waiting: number;
  landed: boolean;
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

  /** Whether the work that was given this signal is the one that {@link run} would join. */
  isCurrent(key: Key, signal: AbortSignal): boolean {
    return this.#flights.get(key)?.controller.signal === signal;
  }

  /** Makes the next caller start anew. Those who wait already still get the outcome of the work under way. */
  forget(key: Key): void {
    this.#flights.delete(key);
  }

  /** As {@link forget}, for every key. */
  forgetAll(): void {
    this.#flights.clear();
  }

  /** Starts the work, or joins the work that is under way for the same key. */
  run(key: Key, work: (signal: AbortSignal) => Promise<Value>, signal?: AbortSignal): Promise<Value> {
    if (signal?.aborted) return Promise.reject(abortReason(signal));
    const flight = this.#flights.get(key) ?? this.#start(key, work);
    if (signal === undefined) {
      // Nobody can take this caller's interest back, so the work is never abandoned.
      flight.waiting = Number.POSITIVE_INFINITY;
      return flight.promise;
    }
    flight.waiting += 1;
    return untilAborted(flight.promise, signal).finally(() => {
      flight.waiting -= 1;
      if (flight.waiting > 0 || flight.landed) return;
      this.#leave(key, flight);
      flight.controller.abort(signal.reason);
    });
  }

  #start(key: Key, work: (signal: AbortSignal) => Promise<Value>): Flight<Value> {
    const controller = new AbortController();
    const land = (): void => {
      flight.landed = true;
      this.#leave(key, flight);
    };
    const promise = Promise.resolve().then(() => work(controller.signal));
    const flight: Flight<Value> = { promise, controller, waiting: 0, landed: false };
    this.#flights.set(key, flight);
    promise.then(land, land);
    return flight;
  }

  #leave(key: Key, flight: Flight<Value>): void {
    if (this.#flights.get(key) === flight) this.#flights.delete(key);
  }
}

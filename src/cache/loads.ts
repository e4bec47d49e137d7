import { runWithRequestContext } from '../context/index.ts';
import { FailedError, PlinthError, RejectedError, TimeoutError, UpstreamError } from '../errors/index.ts';
import { abortReason, begun, type Clock, type Events, isAbortError, untilAborted } from '../kernel/index.ts';
import type { EntryOptions, LoadContext, Loaded, Loader, LoadOptions, LoadRules, OlderValue } from './entry-options.ts';
import { requireLoadOptions } from './entry-options.ts';
import type { CacheEvents } from './events.ts';
import { prefixOf } from './prefix-of.ts';

/** Who counts what becomes of loads. */
export interface LoadTally {
  joined(key: string): void;
  loaded(key: string, durationMs: number): void;
  loadFailed(key: string, durationMs: number): void;
  stale(key: string): void;
}

/** The cache that {@link Loads} work for. */
export interface LoadHost<Value> {
  readonly name: string;
  readonly clock: Clock;
  readonly events: Events<CacheEvents>;
  readonly tally: LoadTally;
  /** What holds for loads that say nothing else. */
  readonly rules: LoadRules;
  /** The value in memory that may stand in for one that cannot be loaded, fresh or not. */
  standIn(key: string): OlderValue<Value> | undefined;
  /** Gets a value that is not fresh in memory: looks where else it may be, loads it, keeps it. */
  fill(flight: Flight<Value>): Promise<Loaded<Value>>;
}

/** What a loader gave, and how it is to be kept. */
export interface Answer<Value> {
  readonly value: Value;
  /** `undefined`: not to be kept. */
  readonly keep: EntryOptions | undefined;
}

/**
 * The loads of a cache that are under way, one for each key, whoever asks for it. A load is aborted when everybody who
 * waited has left, and not before.
 */
export class Loads<Value> {
  readonly #host: LoadHost<Value>;
  readonly #flights = new Map<string, Flight<Value>>();

  constructor(host: LoadHost<Value>) {
    this.#host = host;
  }

  /** Whether a load of this key is under way. */
  has(key: string): boolean {
    return this.#flights.has(key);
  }

  /** Whether a load is still the one for its key: nobody has set or deleted the key since it began. */
  isCurrent(flight: Flight<Value>): boolean {
    return this.#flights.get(flight.key) === flight;
  }

  /** What is loaded for this key now is not kept, and the next caller loads anew. */
  forget(key: string): void {
    if (this.#flights.size > 0) this.#flights.delete(key);
  }

  /** As {@link forget}, for every key. */
  forgetAll(): void {
    this.#flights.clear();
  }

  /**
   * As {@link forget}, for every key when none is named, but a load that has not come to its loader goes on: it will see
   * what has changed.
   */
  outdate(key?: string): void {
    if (key !== undefined) {
      if (this.#flights.get(key)?.isLoading) this.#flights.delete(key);
    } else for (const flight of this.#flights.values()) if (flight.isLoading) this.#leave(flight);
  }

  /**
   * A change of a key by this process has ended, or of any key when none is named: what has been found meanwhile may be
   * of before.
   */
  lookAgain(key?: string): void {
    if (key !== undefined) this.#flights.get(key)?.lookAgain();
    else for (const flight of this.#flights.values()) flight.lookAgain();
  }

  /** The value; without a signal and a soft time-out, the same promise for everybody. */
  value(key: string, loader: Loader<Value>, options: LoadOptions): Promise<Value> {
    if (options.signal !== undefined || this.#softTimeoutMs(options) !== undefined)
      return this.loaded(key, loader, options).then(loaded => loaded.value);
    const { flight } = this.#join(key, loader, options);
    flight.stay();
    return flight.value;
  }

  /** The value, and how the caller came by it. */
  loaded(key: string, loader: Loader<Value>, options: LoadOptions): Promise<Loaded<Value>> {
    const { signal } = options;
    if (signal?.aborted) return Promise.reject(abortReason(signal));
    const { flight, joined } = this.#join(key, loader, options);
    const softTimeoutMs = this.#softTimeoutMs(options);
    if (softTimeoutMs !== undefined) return this.#softly(flight, joined, softTimeoutMs, signal);
    return this.#outcome(flight, joined, signal);
  }

  /** Loads for nobody, unless a load is under way. */
  refresh(key: string, loader: Loader<Value>, options: LoadOptions): void {
    if (this.#flights.has(key)) return;
    // Nobody waits, so nobody's deadline counts, and no caller's retries.
    runWithRequestContext({ deadlineMs: undefined, attempt: undefined }, () =>
      this.#start(key, loader, { ...options, signal: undefined }, true).stay(),
    );
  }

  #softTimeoutMs(options: LoadOptions): number | undefined {
    return options.softTimeoutMs ?? this.#host.rules.softTimeoutMs;
  }

  #join(key: string, loader: Loader<Value>, options: LoadOptions): { flight: Flight<Value>; joined: boolean } {
    const flight = this.#flights.get(key);
    if (flight === undefined) return { flight: this.#start(key, loader, options), joined: false };
    this.#host.tally.joined(key);
    return { flight, joined: true };
  }

  #start(key: string, loader: Loader<Value>, options: LoadOptions, isRefresh = false): Flight<Value> {
    const flight = new Flight(this.#host, key, loader, options, isRefresh);
    this.#flights.set(key, flight);
    flight.begin(() => this.#leave(flight));
    return flight;
  }

  #leave(flight: Flight<Value>): void {
    if (this.isCurrent(flight)) this.#flights.delete(flight.key);
  }

  async #outcome(flight: Flight<Value>, joined: boolean, signal: AbortSignal | undefined): Promise<Loaded<Value>> {
    const loaded = await this.#wait(flight, flight.result, signal);
    return joined && loaded.state === 'loaded' ? { ...loaded, state: 'joined' } : loaded;
  }

  async #wait<Result>(
    flight: Flight<Value>,
    result: Promise<Result>,
    signal: AbortSignal | undefined,
  ): Promise<Result> {
    // Without a signal nobody can take this caller's interest back.
    if (signal === undefined) {
      flight.stay();
      return result;
    }
    flight.waiting += 1;
    try {
      return await untilAborted(result, signal);
    } finally {
      flight.waiting -= 1;
      if (flight.waiting === 0 && !flight.landed) {
        this.#leave(flight);
        flight.abort(signal.reason);
      }
    }
  }

  /** Waits for the load only so long, if there is something to give meanwhile; the load goes on all the same. */
  async #softly(
    flight: Flight<Value>,
    joined: boolean,
    softTimeoutMs: number,
    signal: AbortSignal | undefined,
  ): Promise<Loaded<Value>> {
    await this.#wait(flight, Promise.race([flight.looked, flight.result]), signal);
    if (flight.landed || flight.standIn() === undefined) return this.#outcome(flight, joined, signal);
    flight.stay();
    if (softTimeoutMs > 0) {
      const { clock } = this.#host;
      let ring: () => void = () => {};
      const rung = new Promise<void>(resolve => {
        ring = resolve;
      });
      const timer = clock.setTimer(softTimeoutMs, () => ring(), { keepsProcessAlive: true });
      try {
        await untilAborted(Promise.race([flight.result, rung]), signal);
      } finally {
        timer.cancel();
      }
    }
    const older = flight.landed ? undefined : flight.standIn();
    if (older === undefined) return this.#outcome(flight, joined, signal);
    this.#host.tally.stale(flight.key);
    return { value: older.value, state: 'stale', ageMs: older.ageMs };
  }
}

/** One load under way. */
export class Flight<Value> {
  readonly key: string;
  readonly options: LoadOptions;
  /** Whether it renews a value that is fresh still. */
  readonly isRefresh: boolean;
  /** How many wait for it. */
  waiting = 0;
  /** Whether its loader was begun. */
  isLoading = false;
  /** Whether what it finds elsewhere than in memory may be of before a change that has ended. */
  mustLookAgain = false;
  /** Whether it has ended. */
  landed = false;
  /** Resolves when it is known whether there is an older value. */
  readonly looked: Promise<void>;
  readonly #host: LoadHost<Value>;
  readonly #loader: Loader<Value>;
  // To make one takes longer than all else that a load needs, and few loaders look at it.
  #controller: AbortController | undefined;
  #abortedBecause: { readonly reason: unknown } | undefined;
  #looked: () => void = () => {};
  #found: { readonly value: Value; readonly bornAtMs: number; readonly usableUntilMs: number } | undefined;
  #result: Promise<Loaded<Value>> | undefined;
  #value: Promise<Value> | undefined;

  constructor(host: LoadHost<Value>, key: string, loader: Loader<Value>, options: LoadOptions, isRefresh: boolean) {
    this.isRefresh = isRefresh;
    this.#host = host;
    this.#loader = loader;
    this.key = key;
    this.options = options;
    this.looked = new Promise(resolve => {
      this.#looked = resolve;
    });
  }

  /** What becomes of it. */
  get result(): Promise<Loaded<Value>> {
    return this.#result as Promise<Loaded<Value>>;
  }

  /** The value of {@link result}. */
  get value(): Promise<Value> {
    this.#value ??= this.result.then(loaded => loaded.value);
    return this.#value;
  }

  /** Aborted when nobody waits any more, or when its time is up. */
  get signal(): AbortSignal {
    if (this.#controller === undefined) {
      this.#controller = new AbortController();
      if (this.#abortedBecause !== undefined) this.#controller.abort(this.#abortedBecause.reason);
    }
    return this.#controller.signal;
  }

  /** Whether nobody waits any more, or its time is up. */
  get isAborted(): boolean {
    return this.#abortedBecause !== undefined;
  }

  /** The rules of this load: its own before those of the cache. */
  get rules(): LoadRules {
    const { softTimeoutMs, hardTimeoutMs, earlyRefreshRatio, negativeTtlMs, lease } = this.options;
    const { rules } = this.#host;
    return {
      softTimeoutMs: softTimeoutMs ?? rules.softTimeoutMs,
      hardTimeoutMs: hardTimeoutMs ?? rules.hardTimeoutMs,
      earlyRefreshRatio: earlyRefreshRatio ?? rules.earlyRefreshRatio,
      negativeTtlMs: negativeTtlMs ?? rules.negativeTtlMs,
      lease: lease ?? rules.lease,
    };
  }

  /** Begins. `landed` is called when it has ended, one way or the other. */
  begin(landed: () => void): void {
    const land = (): void => {
      this.landed = true;
      this.#looked();
      landed();
    };
    this.#result = this.#covered();
    this.#result.then(land, land);
  }

  /** It goes on even when everybody leaves. */
  stay(): void {
    this.waiting = Number.POSITIVE_INFINITY;
  }

  /** Ends it for its loader. */
  abort(reason: unknown): void {
    this.#abortedBecause ??= { reason };
    this.#controller?.abort(reason);
  }

  /** What it has found, or is finding, elsewhere than in memory is out of date. */
  lookAgain(): void {
    this.mustLookAgain = true;
    this.#found = undefined;
  }

  /** Nothing but memory was there to look at, or it holds nothing more. */
  hasLooked(): void {
    this.#looked();
  }

  /** An older value was found elsewhere than in memory. */
  foundOlder(value: Value, ageMs: number, usableForMs: number): void {
    const nowMs = this.#host.clock.monotonic();
    this.#found = { value, bornAtMs: nowMs - ageMs, usableUntilMs: nowMs + usableForMs };
    this.#looked();
  }

  /** The value that may stand in for the one that is loaded. */
  standIn(): OlderValue<Value> | undefined {
    const inMemory = this.#host.standIn(this.key);
    const found = this.#found;
    if (inMemory !== undefined || found === undefined) return inMemory;
    const nowMs = this.#host.clock.monotonic();
    return found.usableUntilMs > nowMs ? { value: found.value, ageMs: nowMs - found.bornAtMs } : undefined;
  }

  /** Runs the loader. */
  async load(): Promise<Answer<Value>> {
    const { clock, events, name, tally } = this.#host;
    const { key } = this;
    const older = this.standIn();
    const run = new LoadRun(this, older);
    const startedMs = clock.monotonic();
    this.isLoading = true;
    try {
      const value = await this.#inTime(begun(() => this.#loader(run)));
      const durationMs = clock.monotonic() - startedMs;
      tally.loaded(key, durationMs);
      if (events.has('loaded')) {
        events.emit('loaded', { name, key, prefix: prefixOf(key), durationMs, value, older });
      }
      return { value, keep: run.keepAs(value, this.rules.negativeTtlMs) };
    } catch (error) {
      const durationMs = clock.monotonic() - startedMs;
      tally.loadFailed(key, durationMs);
      if (events.has('load-failed')) {
        const covered = isOutage(error) && this.standIn() !== undefined;
        events.emit('load-failed', { name, key, prefix: prefixOf(key), durationMs, error, covered });
      }
      throw error;
    }
  }

  /** Fills, or lets an older value stand in. */
  async #covered(): Promise<Loaded<Value>> {
    requireLoadOptions(this.options);
    try {
      return await this.#host.fill(this);
    } catch (error) {
      const older = isOutage(error) ? this.standIn() : undefined;
      if (older === undefined) throw error;
      this.#host.tally.stale(this.key);
      return { value: older.value, state: 'stale', ageMs: older.ageMs, error };
    }
  }

  async #inTime(loading: Promise<Value>): Promise<Value> {
    const { hardTimeoutMs } = this.rules;
    if (hardTimeoutMs === undefined) return loading;
    const timer = this.#host.clock.setTimer(hardTimeoutMs, () => {
      const message = `Cannot load "${this.key}" for the cache "${this.#host.name}": no value within ${hardTimeoutMs} ms`;
      this.abort(new TimeoutError(message, hardTimeoutMs));
    });
    try {
      return await untilAborted(loading, this.signal);
    } finally {
      timer.cancel();
    }
  }
}

/** What one run of a loader is given, and what it says about its value. */
class LoadRun<Value> implements LoadContext<Value> {
  readonly older: OlderValue<Value> | undefined;
  readonly #flight: Flight<Value>;
  #options: EntryOptions;
  #skipped = false;

  constructor(flight: Flight<Value>, older: OlderValue<Value> | undefined) {
    this.older = older;
    this.#flight = flight;
    this.#options = flight.options;
  }

  get key(): string {
    return this.#flight.key;
  }

  get signal(): AbortSignal {
    return this.#flight.signal;
  }

  // Functions, and made when they are asked for, so that a loader may take them out of the object.
  get keep(): (options: EntryOptions) => void {
    return said => {
      this.#options = {
        ttlMs: said.ttlMs ?? this.#options.ttlMs,
        staleMs: said.staleMs ?? this.#options.staleMs,
        tags: said.tags ?? this.#options.tags,
      };
    };
  }

  get skip(): () => void {
    return () => {
      this.#skipped = true;
    };
  }

  /** How the value is to be kept; `undefined`: not at all. */
  keepAs(value: Value, negativeTtlMs: number | undefined): EntryOptions | undefined {
    if (this.#skipped) return undefined;
    if (negativeTtlMs === undefined || (value !== undefined && value !== null)) return this.#options;
    return negativeTtlMs === 0 ? undefined : { ...this.#options, ttlMs: negativeTtlMs };
  }
}

/** Whether an old value may cover for this error: an outage may be covered, a wrong question must not be. */
function isOutage(error: unknown): boolean {
  if (isAbortError(error)) return false;
  if (error instanceof UpstreamError) return error.status >= 500 && error.retryable;
  return error instanceof FailedError || error instanceof RejectedError || !(error instanceof PlinthError);
}

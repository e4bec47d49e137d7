import { ArgumentError, RejectedError } from '../errors/index.ts';
import {
  abortReason,
  type Clock,
  type EventSource,
  Events,
  requireDuration,
  requireInteger,
  systemClock,
} from '../kernel/index.ts';
import type { RateLimitAnswer, RateLimitDecision } from './decision.ts';
import { behind } from './earliest-admission.ts';
import type { RateLimiterEvents } from './events.ts';
import { MemoryRateLimitStore } from './memory-store.ts';
import type { CheckOptions, RateLimiterOptions, RunOptions, WaitOptions } from './options.ts';
import type { CompiledLimit, RateLimitLaw, RateLimitStore } from './store.ts';
import { outOfTime, type Waiter, WaitQueue } from './wait-queue.ts';

/** What comes at once when the limiter answers at once, and as a promise when it does not. */
export type Answered<Answer extends RateLimitAnswer, Value> = Answer extends RateLimitDecision
  ? Value
  : Answer extends Promise<RateLimitDecision>
    ? Promise<Value>
    : Value | Promise<Value>;

/** What every limiter reports about itself. */
export interface RateLimiterSettings {
  readonly name: string;
  readonly maxQueued: number;
  readonly maxKeys: number;
  readonly shadow: boolean;
}

/** The settings that may change while the limiter works, whatever its kind. */
export interface LiveSettings {
  /** How many callers may wait, all keys together. */
  readonly maxQueued?: number | undefined;
  /** Decides and tells, but always admits. */
  readonly shadow?: boolean | undefined;
}

/** How a kind of limiter reads its numbers. */
export interface NumbersReader<Numbers extends object, Changes extends object> {
  /** The whole numbers after these changes; throws when they cannot be used. */
  readonly read: (changes: Changes, current: Numbers | undefined) => Numbers;
  readonly lawsOf: (numbers: Numbers) => readonly RateLimitLaw[];
}

/**
 * What limiters of all kinds can do: decide now ({@link check}, for those who ask us) and wait for a turn ({@link wait}
 * and {@link run}, for what we ask of others). The kinds differ in their laws only.
 */
export abstract class BaseRateLimiter<Answer extends RateLimitAnswer, Numbers extends object, Changes extends object> {
  readonly #reader: NumbersReader<Numbers, Changes>;
  readonly #clock: Clock;
  readonly #events = new Events<RateLimiterEvents>();
  readonly #store: RateLimitStore<Answer>;
  readonly #ownStore: MemoryRateLimitStore | undefined;
  readonly #queues = new Map<string, WaitQueue>();
  #waiting = 0;
  #settings: Readonly<RateLimiterSettings & Numbers>;
  // What the settings come to, for every decision.
  #limit: CompiledLimit;
  #maxCost: number;
  #shadow: boolean;
  #isClosed = false;

  constructor(numbers: Changes, options: RateLimiterOptions<Answer>, reader: NumbersReader<Numbers, Changes>) {
    this.#reader = reader;
    this.#clock = options.clock ?? systemClock;
    this.#settings = Object.freeze({
      ...reader.read(numbers, undefined),
      name: options.name ?? 'rate-limit',
      maxQueued: requireInteger('maxQueued', options.maxQueued ?? 1_000, 1),
      maxKeys: requireInteger('maxKeys', options.maxKeys ?? 1_000_000, 1, 10_000_000),
      shadow: options.shadow ?? false,
    });
    this.#limit = this.#compile();
    this.#maxCost = maxCostOf(this.#limit.laws);
    this.#shadow = this.#settings.shadow;
    this.#ownStore = options.store === undefined ? new MemoryRateLimitStore({ clock: this.#clock }) : undefined;
    // Without a store of another kind `Answer` is its default: the decision itself.
    this.#store = options.store ?? (this.#ownStore as unknown as RateLimitStore<Answer>);
  }

  get name(): string {
    return this.#settings.name;
  }

  get events(): EventSource<RateLimiterEvents> {
    return this.#events;
  }

  /** The numbers in force. */
  get settings(): Readonly<RateLimiterSettings & Numbers> {
    return this.#settings;
  }

  /** How many callers wait, all keys together. */
  get waiting(): number {
    return this.#waiting;
  }

  /**
   * Decides now, and takes the permits if they are there. Does not stand behind those who {@link wait}.
   *
   * @throws {ArgumentError} when the cost is more than the limit could ever allow.
   * @throws {RejectedError} with reason `closed` after {@link close}.
   * @example
   * const { allowed, retryAfterMs } = limiter.check(request.ip);
   */
  check(key = '', options?: CheckOptions): Answer {
    const cost = options?.cost;
    const answer = this.#take(key, cost === undefined ? 1 : this.#requireCost(cost));
    // A promise is not looked into when nobody wants to know.
    if ((answer as RateLimitDecision).allowed === true || !(this.#shadow || this.#events.has('denied'))) return answer;
    return this.#whenDenied(key, cost ?? 1, answer);
  }

  /**
   * Waits until it is this caller's turn, first come, first served among those who wait for the same key. Who is
   * admitted at once waits for no timer.
   *
   * @throws {RejectedError} with reason `out-of-time` as soon as it is known that the turn comes too late, `full` when too
   * many wait, `unavailable` when the store is away, `closed`.
   * @throws the signal's reason, when it is aborted. Nothing is taken then; only a permit that a store elsewhere was just
   * granting goes to the next in line, or is lost.
   */
  async wait(key = '', options: WaitOptions = {}): Promise<RateLimitDecision> {
    const cost = this.#requireCost(options.cost ?? 1);
    const { signal } = options;
    if (signal?.aborted) throw abortReason(signal);
    const deadlineMs = this.#deadlineOf(options);
    if (deadlineMs !== Number.POSITIVE_INFINITY && deadlineMs <= this.#clock.monotonic()) {
      throw this.#rejected(key, outOfTime(this.name, 0));
    }
    // In memory, whoever finds nobody waiting need not stand in line.
    if (this.#ownStore !== undefined && !this.#queues.has(key)) {
      const decision = this.#ask(key, cost) as RateLimitDecision;
      if (decision.allowed) return decision;
    }
    return this.#stand(key, { cost, deadlineMs, signal });
  }

  /**
   * Waits as {@link wait} does, then works.
   *
   * @example
   * const answer = await limiter.run(() => client.getJson('/drug/label.json'), { key: 'api.fda.gov', signal });
   */
  async run<Value>(work: () => Value | Promise<Value>, options: RunOptions = {}): Promise<Value> {
    await this.wait(options.key, options);
    return work();
  }

  /** The same function behind this limiter; all calls share one key. */
  protect<Args extends unknown[], Value>(
    work: (...args: Args) => Value | Promise<Value>,
    options?: RunOptions,
  ): (...args: Args) => Promise<Value> {
    return (...args) => this.run(() => work(...args), options);
  }

  /** How long until a request would be allowed, in milliseconds; 0 means now. Takes nothing. */
  timeUntilAvailableMs(key = '', options?: CheckOptions): Answered<Answer, number> {
    this.#requireOpen();
    const answer: RateLimitAnswer = this.#store.peek(key, this.#requireCost(options?.cost ?? 1), this.#limit);
    const waitMs = answer instanceof Promise ? answer.then(decision => decision.retryAfterMs) : answer.retryAfterMs;
    return waitMs as Answered<Answer, number>;
  }

  /** Makes the limit of a key whole. */
  reset(key = ''): Answered<Answer, void> {
    this.#requireOpen();
    const done = this.#store.reset(key, this.#limit);
    if (done instanceof Promise) return done.then(() => this.#queues.get(key)?.ask()) as Answered<Answer, void>;
    this.#queues.get(key)?.ask();
    return undefined as Answered<Answer, void>;
  }

  /**
   * Changes numbers while the limiter works: all of them, or, when one cannot be used, none. What was taken stays taken
   * and counts under the new numbers. In memory this looks at every key once.
   *
   * @throws {ArgumentError} that names the option and its value.
   */
  reconfigure(changes: Changes & LiveSettings): void {
    const from = this.#settings;
    const { maxQueued = from.maxQueued, shadow = from.shadow, ...numbers } = changes;
    const to = Object.freeze({
      ...from,
      ...this.#reader.read(numbers as unknown as Changes, from),
      maxQueued: requireInteger('maxQueued', maxQueued, 1),
      shadow,
    });
    this.#settings = to;
    this.#limit = this.#compile();
    this.#maxCost = maxCostOf(this.#limit.laws);
    this.#shadow = shadow;
    this.#store.adopt?.(this.#limit);
    if (this.#events.has('reconfigured')) this.#events.emit('reconfigured', { name: this.name, from, to });
    for (const queue of [...this.#queues.values()]) queue.ask();
  }

  /** Refuses everybody who waits, and every later question. Closes the store if it is the limiter's own. */
  close(): void {
    this.#isClosed = true;
    for (const queue of [...this.#queues.values()]) queue.close(this.#closedError());
    this.#ownStore?.close();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.close();
  }

  #compile(): CompiledLimit {
    const { name, maxKeys } = this.#settings;
    const onEvicted = (key: string): void => {
      if (this.#events.has('evicted')) this.#events.emit('evicted', { name, key });
    };
    return Object.freeze({ name, laws: this.#reader.lawsOf(this.#settings), maxKeys, onEvicted });
  }

  #take(key: string, cost: number): Answer {
    if (this.#isClosed) this.#requireOpen();
    return this.#store.take(key, cost, this.#limit);
  }

  #whenDenied(key: string, cost: number, answer: Answer): Answer {
    if (answer instanceof Promise) return answer.then(decision => this.#shadowed(key, cost, decision)) as Answer;
    return this.#shadowed(key, cost, answer) as Answer;
  }

  /** Tells of a denial; in shadow it becomes an admission that says what would have been. */
  #shadowed(key: string, cost: number, decision: RateLimitDecision): RateLimitDecision {
    if (decision.allowed) return decision;
    const { name } = this.#settings;
    const { retryAfterMs } = decision;
    const shadow = this.#shadow;
    if (this.#events.has('denied')) this.#events.emit('denied', { name, key, cost, retryAfterMs, shadow });
    return shadow ? { ...decision, allowed: true, retryAfterMs: 0 } : decision;
  }

  /** Asks for somebody who would wait: a denial is nothing to tell of, unless it is in shadow. */
  #ask(key: string, cost: number): RateLimitAnswer {
    const answer = this.#take(key, this.#requireCost(cost));
    return this.#shadow ? this.#whenDenied(key, cost, answer) : answer;
  }

  async #stand(key: string, place: Pick<Waiter, 'cost' | 'deadlineMs' | 'signal'>): Promise<RateLimitDecision> {
    const queue = this.#queueOf(key);
    const earliestMs = this.#earliestMs(key, queue, place.cost);
    const nowMs = this.#clock.monotonic();
    if (earliestMs >= place.deadlineMs) throw this.#rejected(key, outOfTime(this.name, Math.ceil(earliestMs - nowMs)));
    return new Promise((resolve, reject) => {
      let sinceMs: number | undefined;
      const leave = (): void => {
        if (sinceMs !== undefined) this.#waiting -= 1;
      };
      queue.add({
        ...place,
        wait: () => {
          if (this.#waiting >= this.#settings.maxQueued) return this.#fullError();
          sinceMs = this.#clock.monotonic();
          this.#waiting += 1;
          if (this.#events.has('queued')) {
            this.#events.emit('queued', { name: this.name, key, waiting: this.#waiting });
          }
          return undefined;
        },
        admit: decision => {
          leave();
          if (sinceMs !== undefined && this.#events.has('admitted')) {
            const waitedMs = this.#clock.monotonic() - sinceMs;
            this.#events.emit('admitted', { name: this.name, key, waitedMs });
          }
          resolve(decision);
        },
        refuse: error => {
          leave();
          reject(error instanceof RejectedError ? this.#rejected(key, error) : error);
        },
      });
    });
  }

  #queueOf(key: string): WaitQueue {
    let queue = this.#queues.get(key);
    if (queue === undefined) {
      queue = new WaitQueue({
        name: this.name,
        clock: this.#clock,
        ask: cost => this.#ask(key, cost),
        onEmpty: () => this.#queues.delete(key),
      });
      this.#queues.set(key, queue);
    }
    return queue;
  }

  /** Before this moment nobody who joins this queue now will be admitted. */
  #earliestMs(key: string, queue: WaitQueue, cost: number): number {
    if (queue.totalCost === 0) return 0;
    if (this.#ownStore === undefined) return queue.nextAskMs;
    const line = behind(this.#limit.laws, queue.totalCost + cost);
    const { retryAfterMs } = this.#ownStore.peek(key, line.cost, this.#limit);
    // Whole milliseconds are rounded up, and the clock of the store may lag: what is in doubt is left to the deadline.
    return this.#clock.monotonic() + Math.max(0, retryAfterMs + line.laterMs - 2);
  }

  #deadlineOf({ deadlineMs, timeoutMs }: WaitOptions): number {
    const byTimeout =
      timeoutMs === undefined
        ? Number.POSITIVE_INFINITY
        : this.#clock.monotonic() + requireDuration('timeoutMs', timeoutMs, 0);
    return Math.min(byTimeout, deadlineMs ?? Number.POSITIVE_INFINITY);
  }

  #requireCost(cost: number): number {
    if (!(cost > this.#maxCost)) return requireInteger('cost', cost, 1);
    throw new ArgumentError(
      `Cannot take ${cost} permits of "${this.name}" at once: its limit is ${this.#maxCost}, so that they would never be allowed; ask for fewer or raise the limit`,
      'cost',
    );
  }

  #requireOpen(): void {
    if (this.#isClosed) throw this.#closedError();
  }

  #closedError(): RejectedError {
    return new RejectedError(`The rate limiter "${this.name}" is closed`, 'closed');
  }

  #fullError(): RejectedError {
    const { name, maxQueued } = this.#settings;
    return new RejectedError(`Cannot wait for "${name}": ${maxQueued} callers wait already (maxQueued)`, 'full');
  }

  #rejected(key: string, error: RejectedError): RejectedError {
    const { name } = this.#settings;
    if (this.#events.has('rejected')) this.#events.emit('rejected', { name, key, reason: error.reason });
    return error;
  }
}

/** What the smallest law can ever admit at once. */
function maxCostOf(laws: readonly RateLimitLaw[]): number {
  return Math.min(...laws.map(law => (law.kind === 'token-bucket' ? law.capacity : law.requests)));
}

import { ArgumentError, CacheError } from '../errors/index.ts';
import type { Clock, Events, Timer } from '../kernel/index.ts';
import type { CacheEvents } from './events.ts';
import { MissedChanges } from './missed-changes.ts';
import type { OwnChanges } from './own-changes.ts';
import type { StoredEntries } from './stored-entries.ts';

/** What a {@link StoreLink} is made of. */
export interface StoreLinkOptions<Value> {
  readonly name: string;
  readonly entries: StoredEntries<Value>;
  /** How the store is told of what it has missed. */
  readonly own: OwnChanges<Value>;
  /** Whether a store that is away is an error of the caller's. */
  readonly strict: boolean;
  readonly clock: Clock;
  readonly events: Events<CacheEvents>;
}

/** The wait before the store is told again what it has missed, in milliseconds. */
const retryMs = 250;

/**
 * How a cache stands with its store: whether it answers, and what it has to be told when it does again. A store that
 * fails once counts as away until it has answered and knows of every change.
 */
export class StoreLink<Value> {
  readonly entries: StoredEntries<Value>;
  readonly missed: MissedChanges = new MissedChanges();
  readonly #options: StoreLinkOptions<Value>;
  #awaySinceMs: number | undefined;
  #error: unknown;
  #telling = false;
  #retry: Timer | undefined;
  #closed = false;

  constructor(options: StoreLinkOptions<Value>) {
    this.#options = options;
    this.entries = options.entries;
  }

  /** Whether the cache does without the store. */
  get isAway(): boolean {
    return this.#awaySinceMs !== undefined;
  }

  /** Why the store is away. */
  get error(): unknown {
    return this.#error;
  }

  /** The store has answered. */
  answered(): void {
    if (this.#awaySinceMs !== undefined) void this.tell();
  }

  /**
   * A request has failed. Returns when that is because the store is away and the cache shall go on without it.
   *
   * @throws {ArgumentError | CacheError} when it is the caller's error.
   * @throws {CacheError} in strict mode.
   */
  failed(error: unknown): void {
    if (error instanceof ArgumentError || error instanceof CacheError) throw error;
    const { clock, events, name, strict } = this.#options;
    this.#error = error;
    if (this.#awaySinceMs === undefined) {
      this.#awaySinceMs = clock.monotonic();
      if (events.has('degraded')) events.emit('degraded', { name, error });
    }
    if (strict) throw this.#strictError();
  }

  /**
   * The store is not asked, because it is away or does not know of a change yet.
   *
   * @throws {CacheError} in strict mode.
   */
  skipped(): void {
    if (this.#options.strict) throw this.#strictError();
  }

  /** Tells the store what it has missed; from then on it is believed again. */
  async tell(): Promise<void> {
    if (this.#telling || this.#closed) return;
    this.#telling = true;
    this.#retry?.cancel();
    try {
      while (!this.missed.isEmpty) await this.missed.tell(this.#options.own);
      this.#recovered();
    } catch (error) {
      this.#error = error;
      if (!this.#closed) this.#retry = this.#options.clock.setTimer(retryMs, () => void this.tell());
    } finally {
      this.#telling = false;
    }
  }

  /** Something was changed of which the store does not know; it is told as soon as it answers. */
  owe(): void {
    if (this.#telling || this.#closed) return;
    this.#retry?.cancel();
    this.#retry = this.#options.clock.setTimer(retryMs, () => void this.tell());
  }

  close(): void {
    this.#closed = true;
    this.#retry?.cancel();
  }

  #strictError(): CacheError {
    return new CacheError(`The store of the cache "${this.#options.name}" is away`, { cause: this.#error });
  }

  #recovered(): void {
    const { clock, events, name } = this.#options;
    if (this.#awaySinceMs === undefined) return;
    const awayMs = clock.monotonic() - this.#awaySinceMs;
    this.#awaySinceMs = undefined;
    this.#error = undefined;
    if (events.has('recovered')) events.emit('recovered', { name, awayMs });
  }
}

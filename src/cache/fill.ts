import type { Clock, Timer } from '../kernel/index.ts';
import type { CacheStore } from './cache-store.ts';
import { freePlace } from './envelope.ts';
import type { FoundEntry } from './found-entry.ts';
import type { TagState } from './tag-states.ts';

/** How long an entry lives, and what its tags are. */
export interface KeptLifetime {
  /** How long it is fresh, in milliseconds. */
  readonly ttlMs: number;
  /** How long after that it may stand in, in milliseconds. */
  readonly staleMs: number;
  readonly tags?: readonly string[] | undefined;
}

/** A value that is being loaded for a key. It ends with {@link commit} or {@link abandon}. */
export interface StoreFill<Value> {
  /**
   * Keeps the value, unless the key or one of the tags was changed since the fill began; says whether it was kept.
   *
   * @throws {ArgumentError} for a value that cannot be kept, or a lifetime that is too long. The fill has ended then, too.
   */
  commit(value: Value, lifetime: KeptLifetime): Promise<boolean>;
  /** There is no value: lets the next one load at once. Never rejects. */
  abandon(): Promise<void>;
}

/** What became of the wish to load. */
export type Begun<Value> =
  /** Load, and commit or abandon. */
  | { readonly state: 'granted'; readonly fill: StoreFill<Value> }
  /** Somebody else is loading, and wants to be waited for. */
  | { readonly state: 'held' }
  /** Somebody else has kept a value meanwhile; it may be stale. */
  | { readonly state: 'found'; readonly entry: FoundEntry<Value> };

/** What a fill holds in the store while it is open. */
export interface HeldPlace {
  readonly key: string;
  /** What the store holds there, as long as it is held. */
  readonly text: string;
  /** For how long at a time the store holds it, in milliseconds. */
  readonly lifetimeMs: number;
  /** Whether it is the place of the entry itself, and not a lease beside it. */
  readonly isEntry: boolean;
  /** Whether nobody else holds it, too. */
  readonly isExclusive: boolean;
}

/** What a fill begins with. */
export interface OpenFillOptions<Value> {
  readonly store: CacheStore;
  readonly clock: Clock;
  readonly key: string;
  /** What the store holds for the key as long as nobody changes it. */
  readonly expected: string;
  readonly place: HeldPlace | undefined;
  readonly leaseMs: number;
  /** The states of the tags that were known when it began. */
  readonly tagStates: ReadonlyMap<string, TagState>;
  /** Replaces what is expected by the value; says whether it was done. */
  readonly keep: (fill: OpenFill<Value>, value: Value, lifetime: KeptLifetime) => Promise<boolean>;
}

/** How long a place that is given back is still there, in milliseconds. */
const freedMs = 1;

/** A fill that holds its place until it ends, and renews it meanwhile. */
export class OpenFill<Value> implements StoreFill<Value> {
  readonly key: string;
  readonly expected: string;
  readonly tagStates: ReadonlyMap<string, TagState>;
  /** When it began, in milliseconds since 1970 by the store's time. */
  readonly startedAtMs: number;
  readonly #options: OpenFillOptions<Value>;
  readonly #timer: Timer | undefined;

  constructor(options: OpenFillOptions<Value>) {
    const { key, expected, tagStates, store, clock, place } = options;
    this.key = key;
    this.expected = expected;
    this.tagStates = tagStates;
    this.startedAtMs = store.now();
    this.#options = options;
    if (place === undefined) return;
    this.#timer = clock.setRepeatingTimer(place.lifetimeMs / 3, () => void this.#renew(place));
  }

  async commit(value: Value, lifetime: KeptLifetime): Promise<boolean> {
    this.#timer?.cancel();
    let isKept = false;
    try {
      isKept = await this.#options.keep(this, value, lifetime);
      return isKept;
    } finally {
      if (!isKept || this.#options.place?.isEntry === false) await this.abandon();
    }
  }

  async abandon(): Promise<void> {
    this.#timer?.cancel();
    const { place, store, leaseMs } = this.#options;
    if (place === undefined) return;
    const { key, text, isExclusive } = place;
    try {
      // Others may be loading for a place that is not exclusive.
      if (isExclusive) await store.replace(key, text, freePlace(text.slice(2)), freedMs);
      else await store.replace(key, text, text, leaseMs);
    } catch {
      // It runs out by itself.
    }
  }

  async #renew(place: HeldPlace): Promise<void> {
    const { key, text, lifetimeMs } = place;
    try {
      if (!(await this.#options.store.replace(key, text, text, lifetimeMs))) this.#timer?.cancel();
    } catch {
      // The store is away; the place may still be there when it is back.
    }
  }
}

import { type Cache, CacheManager, HybridCache, type Loaded, type LoadOptions, type TieredCache } from 'plinth/cache';
import { CacheError, NetworkError } from 'plinth/errors';
import { MemoryCacheStore, VirtualClock } from 'plinth/testing';
import { History, type ModelHealth, ModelStore } from './model-store.ts';

/** Something that a process or the world does next. `who` is a process, `which` a load that is under way. */
export type Step =
  | { readonly kind: 'get' | 'delete' | 'increment' | 'getMany'; readonly who: number; readonly key: string }
  | { readonly kind: 'set'; readonly who: number; readonly key: string; readonly entry: ModelEntry }
  | {
      readonly kind: 'load';
      readonly who: number;
      readonly key: string;
      readonly entry: ModelEntry;
      readonly saysTagsLate: boolean;
    }
  | { readonly kind: 'expire'; readonly who: number; readonly key: string; readonly ttlMs: number }
  | { readonly kind: 'clear'; readonly who: number }
  | { readonly kind: 'deleteByTag' | 'expireByTag'; readonly who: number; readonly tag: string }
  | { readonly kind: 'finish' | 'fail'; readonly which: number }
  | { readonly kind: 'health'; readonly who: number; readonly health: ModelHealth }
  | { readonly kind: 'hearing'; readonly who: number; readonly isLost: boolean }
  | { readonly kind: 'foreignDelete'; readonly key: string }
  | { readonly kind: 'flush' }
  | { readonly kind: 'advance'; readonly byMs: number };

type Work = Exclude<Extract<Step, { readonly who: number }>, { readonly kind: 'health' | 'hearing' }>;

/** How a value is kept. */
export interface ModelEntry {
  readonly ttlMs: number;
  readonly tags: readonly string[];
}

/** How the processes of a world are made. */
export interface WorldOptions {
  readonly staleMs: number;
  /** How long a change takes to be heard of, in milliseconds. */
  readonly delayMs: number;
  readonly coverage: 'tracking' | 'none';
  readonly softTimeoutMs: number | undefined;
  readonly earlyRefreshRatio: number | undefined;
}

/** Where a value comes from. */
export interface Source {
  readonly value: string;
  readonly key: string;
  readonly who: number;
  readonly at: number;
  readonly ms: number;
  readonly tags: readonly string[];
  readonly isLoaded: boolean;
  /** When somebody asked first for what is loaded. */
  readonly askedAt: number | undefined;
  /** When its loader ended. */
  doneAt?: number;
}

/** What somebody read. */
export interface Read {
  readonly who: number;
  readonly key: string;
  readonly value: string;
  readonly how: 'get' | Loaded<unknown>['state'];
  readonly at: number;
  readonly ms: number;
}

/** What a process changed, and when it was told that it was done. */
export interface Change {
  readonly who: number;
  readonly kind: 'set' | 'delete' | 'expire' | 'clear' | 'deleteByTag' | 'expireByTag';
  readonly name: string;
  readonly at: number;
  readonly doneAt: number;
}

const sourceAway = new NetworkError('The source is away');

export const maxStalenessMs = 1_000;

/** The longest that a change takes to be heard of, in milliseconds. */
export const longestDelayMs = 50;

export const modelKeys = ['a', 'b'] as const;

/** Three processes that share a store: two with memory in front of it, one of them with a lease, and one without. */
export class World {
  readonly clock = new VirtualClock();
  readonly history = new History(this.clock);
  readonly sources = new Map<string, Source>();
  readonly reads: Read[] = [];
  readonly changes: Change[] = [];
  readonly errors: unknown[] = [];
  readonly caches: readonly TieredCache<unknown>[];
  /** The processes that have heard of every change. */
  readonly hearing = new Set<number>();
  /** The keys of the store that somebody could hear of, be it that they have expired, and when. */
  readonly notices: { readonly at: number; readonly ms: number; readonly key: string }[] = [];
  /** When a process was told that everything may have changed, or stopped hearing. */
  readonly interruptions: number[] = [];
  underWay = 0;
  readonly #stores: readonly ModelStore[];
  readonly #managers: CacheManager[] = [];
  readonly #foreign: MemoryCacheStore;
  readonly #observer: Cache<unknown>;
  #pending: { readonly resolve: () => void; readonly reject: () => void }[] = [];
  #values = 0;

  constructor(options: WorldOptions) {
    const { clock, history } = this;
    const first = new MemoryCacheStore({ clock });
    this.#stores = [first, first.connect(), first.connect()].map(
      (store, who) => new ModelStore(store, who, clock, history),
    );
    for (const { changes } of this.#stores) {
      changes.delayMs = options.delayMs;
      changes.coverage = options.coverage;
    }
    this.#foreign = first.connect();
    first.connect().changes.listen('', {
      changed: key => this.notices.push({ at: history.next(), ms: clock.monotonic(), key }),
      allChanged: () => this.interruptions.push(history.next()),
    });
    const { staleMs, softTimeoutMs, earlyRefreshRatio } = options;
    const [a, b, c] = this.#stores as [ModelStore, ModelStore, ModelStore];
    const numbers = { clock, staleMs, maxStalenessMs, leaseMs: 500, ttlMs: 60_000, softTimeoutMs };
    this.caches = [
      new HybridCache({ ...numbers, store: a, earlyRefreshRatio }),
      new HybridCache({ ...numbers, store: b, lease: true }),
      this.#onStore(c, numbers),
    ];
    this.#observer = this.#onStore(first.connect(), numbers);
    if (options.coverage === 'tracking') for (const who of [0, 1]) this.hearing.add(who);
  }

  /** Does a step; what it begins may be under way when it returns. */
  async step(step: Step): Promise<void> {
    if (step.kind === 'advance') return this.clock.advance(step.byMs);
    if ('who' in step) this.#act(step);
    else if (step.kind === 'flush') {
      this.history.flushed();
      this.#foreign.flush();
    } else if (step.kind === 'foreignDelete') {
      const storeKey = `cache:default:${step.key}`;
      await this.history.deleting(storeKey, this.#foreign.delete([storeKey]));
    } else {
      const [run] = this.#pending.splice(step.which % Math.max(1, this.#pending.length), 1);
      run?.[step.kind === 'finish' ? 'resolve' : 'reject']();
    }
    // Sometimes the next step comes before anything has happened, sometimes after.
    await Promise.resolve();
  }

  /** Everything works again, and what is under way ends. */
  async heal(): Promise<void> {
    this.interruptions.push(this.history.next());
    for (const store of this.#stores) {
      store.health = 'there';
      store.changes.resume();
    }
    for (let turn = 0; turn < 50 && (turn === 0 || this.#pending.length > 0); turn += 1) {
      for (const { resolve } of this.#pending.splice(0)) resolve();
      await this.clock.advance(1_000);
    }
    // What the store was told only now may be heard of as late as the bound says.
    await this.clock.advance(2 * maxStalenessMs);
  }

  /** What the store holds for a key, as a process without memory sees it. */
  async inStore(key: string): Promise<unknown> {
    const reading = this.#observer.get(key);
    await this.clock.advance(10);
    return reading;
  }

  /** What a process gives for a key. */
  async in(who: number, key: string): Promise<unknown> {
    const reading = this.#get(who, key);
    await this.clock.advance(10);
    return reading;
  }

  async close(): Promise<void> {
    for (const cache of this.caches) await cache.close();
    for (const manager of this.#managers) await manager.close();
  }

  #onStore(store: ModelStore | MemoryCacheStore, numbers: object): TieredCache<unknown> {
    const manager = new CacheManager({ ...numbers, backend: 'redis', store });
    this.#managers.push(manager);
    return manager.namespace('default') as TieredCache<unknown>;
  }

  #act(step: Extract<Step, { readonly who: number }>): void {
    const store = this.#stores[step.who] as ModelStore;
    if (step.kind === 'health') store.health = step.health;
    else if (step.kind === 'hearing') this.#hear(step.who, step.isLost);
    else this.#watch(this.#work(step, this.caches[step.who] as TieredCache<unknown>));
  }

  #hear(who: number, isLost: boolean): void {
    if (isLost) this.hearing.delete(who);
    this.interruptions.push(this.history.next());
    this.#stores[who]?.changes[isLost ? 'drop' : 'resume']();
  }

  #work(step: Work, cache: TieredCache<unknown>): Promise<unknown> {
    const { who, kind } = step;
    switch (kind) {
      case 'get':
        return this.#get(who, step.key);
      case 'getMany':
        return this.#getMany(who);
      case 'load':
        return this.#load(who, step.key, step.entry, step.saysTagsLate);
      case 'set':
        return this.#change(who, kind, step.key, () => {
          const { value } = this.#source(step.key, who, step.entry.tags);
          return cache.set(step.key, value, step.entry);
        });
      case 'delete':
        return this.#change(who, kind, step.key, () => cache.delete(step.key));
      case 'clear':
        return this.#change(who, kind, '', () => cache.clear());
      case 'deleteByTag':
        return this.#change(who, kind, step.tag, () => cache.deleteByTag(step.tag));
      case 'expireByTag':
        return this.#change(who, kind, step.tag, () => cache.expireByTag(step.tag));
      case 'expire':
        return this.#change(who, kind, step.key, () => cache.expire(step.key, step.ttlMs));
      case 'increment':
        return cache.increment('n').catch(onlyCacheError);
    }
  }

  #watch(work: Promise<unknown>): void {
    this.underWay += 1;
    work.then(
      () => {
        this.underWay -= 1;
      },
      error => {
        this.underWay -= 1;
        this.errors.push(error);
      },
    );
  }

  #source(key: string, who: number, tags: readonly string[], askedAt?: number): Source {
    this.#values += 1;
    const value = `v${this.#values}`;
    const source: Source = {
      value,
      key,
      who,
      at: this.history.next(),
      ms: this.clock.monotonic(),
      tags,
      isLoaded: askedAt !== undefined,
      askedAt,
    };
    this.sources.set(value, source);
    return source;
  }

  async #get(who: number, key: string): Promise<unknown> {
    const [at, ms] = [this.history.next(), this.clock.monotonic()];
    const value = await this.caches[who]?.get(key);
    if (typeof value === 'string') this.reads.push({ who, key, value, how: 'get', at, ms });
    return value;
  }

  async #getMany(who: number): Promise<void> {
    const [at, ms] = [this.history.next(), this.clock.monotonic()];
    const found = await this.caches[who]?.getMany(modelKeys);
    for (const [key, value] of found ?? []) {
      if (typeof value === 'string') this.reads.push({ who, key, value, how: 'get', at, ms });
    }
  }

  async #load(who: number, key: string, { ttlMs, tags }: ModelEntry, saysTagsLate: boolean): Promise<void> {
    const [at, ms] = [this.history.next(), this.clock.monotonic()];
    const options: LoadOptions = saysTagsLate ? { ttlMs } : { ttlMs, tags };
    const loading = this.caches[who]?.load(
      key,
      ({ keep }) => {
        const source = this.#source(key, who, tags, at);
        if (saysTagsLate) keep({ tags });
        return new Promise((resolve, reject) => {
          const end = (settle: () => void) => (): void => {
            source.doneAt = this.history.next();
            settle();
          };
          this.#pending.push({ resolve: end(() => resolve(source.value)), reject: end(() => reject(sourceAway)) });
        });
      },
      options,
    );
    try {
      const { value, state } = (await loading) as Loaded<string>;
      if (typeof value === 'string') this.reads.push({ who, key, value, how: state, at, ms });
    } catch (error) {
      if (error !== sourceAway) throw error;
    }
  }

  async #change(who: number, kind: Change['kind'], name: string, act: () => Promise<unknown>): Promise<void> {
    const at = this.history.next();
    await act();
    this.changes.push({ who, kind, name, at, doneAt: this.history.next() });
  }
}

/** No sum is made up while the store is away. */
function onlyCacheError(error: unknown): void {
  if (!(error instanceof CacheError)) throw error;
}

import { ArgumentError, TimeoutError } from '../errors/index.ts';
import { abortReason, type Events } from '../kernel/index.ts';
import type { EntryOptions, Loaded } from './entry-options.ts';
import type { CacheEvents } from './events.ts';
import type { StoreFill } from './fill.ts';
import type { FoundEntry } from './found-entry.ts';
import type { Flight } from './loads.ts';
import type { Lifetime, Ticket, Tiers } from './tiers.ts';

/** What {@link TieredFill} works with. */
export interface TieredFillParts<Value> {
  readonly name: string;
  readonly tiers: Tiers<Value>;
  readonly events: Events<CacheEvents>;
  /** How long a lease outlives a process that holds it, in milliseconds. */
  readonly leaseMs: number;
  /** Fills in what is not said about an entry. */
  readonly lifetimeOf: (options: EntryOptions) => Lifetime;
  /** Whether a load is still the one for its key. */
  readonly isCurrent: (flight: Flight<Value>) => boolean;
}

/** What becomes of a value in the store: it is there; somebody has changed the key meanwhile; or the store is away. */
type Kept = 'kept' | 'refused' | 'away';

/** How long a process that waits for another's load waits before it looks itself: from, to, in milliseconds. */
const firstLookMs = 20;
const longestLookMs = 250;

/** How often a key is looked at at once because it has changed since the last look. */
const mostLooks = 4;

/** Gets a value that is not fresh in memory: from the store, from the process that loads it, or from its loader. */
export class TieredFill<Value> {
  readonly #parts: TieredFillParts<Value>;

  constructor(parts: TieredFillParts<Value>) {
    this.#parts = parts;
  }

  /** Fills what a load asks for. */
  async fill(flight: Flight<Value>): Promise<Loaded<Value>> {
    const { tiers } = this.#parts;
    const { key } = flight;
    let waitMs = firstLookMs;
    let waitedMs = 0;
    let looks = 0;
    while (true) {
      flight.mustLookAgain = false;
      const found = await tiers.find(key);
      looks += 1;
      if (flight.mustLookAgain && looks < mostLooks) continue;
      if (found !== undefined && isCurrentEnough(found, flight)) return this.#hit(key, found);
      if (found === undefined) flight.hasLooked();
      else flight.foundOlder(found.value, found.ageMs, found.usableForMs);
      // What changes from here on may be missing in what is loaded, and in the tags that it is kept with.
      const ticket = tiers.begin();
      try {
        const begun = await this.#begin(flight, found);
        // Somebody has kept a value since the look.
        if (begun === 'found' && looks < mostLooks) continue;
        if (begun !== 'held' && begun !== 'found') return await this.#load(flight, begun, ticket);
      } finally {
        tiers.end();
      }
      this.#requireTime(flight, waitedMs);
      await tiers.waiters.wait(key, waitMs, flight.signal);
      waitedMs += waitMs;
      waitMs = Math.min(waitMs * 2, longestLookMs);
    }
  }

  #hit(key: string, found: FoundEntry<Value>): Loaded<Value> {
    this.#parts.tiers.memory.counts.readFromStore(key, true);
    return { value: found.value, state: 'hit', ageMs: found.ageMs };
  }

  /** The right to keep what is loaded; none when the store is away; `held` when another process loads; `found` when it has. */
  async #begin(
    flight: Flight<Value>,
    found: FoundEntry<Value> | undefined,
  ): Promise<StoreFill<Value> | 'held' | 'found' | undefined> {
    const { tiers, leaseMs } = this.#parts;
    const { link } = tiers;
    const { key } = flight;
    if (link.isAway || link.missed.has(key)) {
      link.skipped();
      return undefined;
    }
    const exclusive = flight.rules.lease === true;
    try {
      const begun = await link.entries.begin(key, found, { exclusive, leaseMs, tags: flight.options.tags });
      link.answered();
      return begun.state === 'granted' ? begun.fill : begun.state;
    } catch (error) {
      link.failed(error);
      return undefined;
    }
  }

  async #load(flight: Flight<Value>, fill: StoreFill<Value> | undefined, ticket: Ticket): Promise<Loaded<Value>> {
    const { tiers, isCurrent, lifetimeOf } = this.#parts;
    const { key } = flight;
    tiers.memory.counts.readFromStore(key, false);
    let isDone = false;
    try {
      const { value, keep } = await flight.load();
      // The store itself knows whether the key has changed since the fill began.
      if (keep !== undefined && !flight.isAborted) {
        isDone = true;
        const lifetime = lifetimeOf(keep);
        const kept: Kept = fill === undefined ? 'away' : await this.#commit(fill, key, value, lifetime);
        if (kept !== 'refused' && isCurrent(flight)) tiers.remember(key, value, lifetime, ticket, kept === 'kept');
      }
      return { value, state: 'loaded', ageMs: 0 };
    } finally {
      if (!isDone) fill?.abandon().catch(() => undefined);
    }
  }

  /** What became of the value in the store. */
  async #commit(fill: StoreFill<Value>, key: string, value: Value, lifetime: Lifetime): Promise<Kept> {
    const { link } = this.#parts.tiers;
    try {
      const isKept = await fill.commit(value, lifetime);
      link.answered();
      return isKept ? 'kept' : 'refused';
    } catch (error) {
      if (error instanceof ArgumentError) return this.#unstorable(fill, key, error);
      link.failed(error);
      return 'away';
    }
  }

  /** Whoever asked wants the value: that it cannot be kept is no reason not to have it. */
  #unstorable(fill: StoreFill<Value>, key: string, error: ArgumentError): Kept {
    const { events, name } = this.#parts;
    if (events.has('unstorable')) events.emit('unstorable', { name, key, error });
    fill.abandon().catch(() => undefined);
    return 'refused';
  }

  #requireTime(flight: Flight<Value>, waitedMs: number): void {
    const { name } = this.#parts;
    if (flight.isAborted) throw abortReason(flight.signal);
    const { hardTimeoutMs } = flight.rules;
    if (hardTimeoutMs === undefined || waitedMs < hardTimeoutMs) return;
    const message = `Cannot load "${flight.key}" for the cache "${name}": another process has it, and took over ${hardTimeoutMs} ms`;
    throw new TimeoutError(message, hardTimeoutMs);
  }
}

/** Whether what the store has makes a load needless: a refresh before its time wants something younger. */
function isCurrentEnough<Value>(found: FoundEntry<Value>, flight: Flight<Value>): boolean {
  if (found.freshForMs <= 0) return false;
  const { earlyRefreshRatio = 1 } = flight.rules;
  return !flight.isRefresh || found.ageMs < earlyRefreshRatio * (found.ageMs + found.freshForMs);
}

import type { Clock } from '../kernel/index.ts';
import type { CacheStore } from './cache-store.ts';
import type { EntryReader } from './entry-reader.ts';
import { type EntryWriter, requireStoredTags } from './entry-writer.ts';
import { freePlace, placeholder, type TagMark } from './envelope.ts';
import { type Begun, type HeldPlace, type KeptLifetime, OpenFill } from './fill.ts';
import type { FoundEntry } from './found-entry.ts';
import type { StoreKeys } from './store-keys.ts';
import { markOf, type TagState, type TagStates } from './tag-states.ts';
import type { WriteTokens } from './write-tokens.ts';

/** How a load wants to begin. */
export interface BeginOptions {
  /** Whether nobody else may load meanwhile. */
  readonly exclusive: boolean;
  /** How long the store holds the place of a process that has died, in milliseconds. */
  readonly leaseMs: number;
  /** Tags that the value will have, as far as they are known: their changes are noticed exactly. */
  readonly tags?: readonly string[] | undefined;
}

/** What {@link Fills} work with. */
export interface FillsParts<Value> {
  readonly store: CacheStore;
  readonly keys: StoreKeys;
  readonly reader: EntryReader<Value>;
  readonly writer: EntryWriter<Value>;
  readonly tags: TagStates;
  readonly tokens: WriteTokens;
  readonly clock: Clock;
  /** A fill has kept its value. */
  readonly onKept: (key: string) => void;
}

/** How often something is tried again when others were faster. */
const maxTries = 16;

/**
 * How long the store holds a place that is not exclusive, in milliseconds. Every renewal is a change of the key, for which
 * everybody who loads it gives up to be joined: there must be none within the time of most loads.
 */
const openPlaceMs = 600_000;

/** By how much the store's time may differ between processes, in milliseconds. */
const clockToleranceMs = 100;

const noMarks: readonly TagMark[] = Object.freeze([]);

/** Lets loads begin, and keeps what they give only when nobody has changed the key since. */
export class Fills<Value> {
  readonly #parts: FillsParts<Value>;

  constructor(parts: FillsParts<Value>) {
    this.#parts = parts;
  }

  /** Begins to load a value; `older` is the entry that it replaces. */
  async begin(key: string, older: FoundEntry<Value> | undefined, options: BeginOptions): Promise<Begun<Value>> {
    const states = new Map<string, TagState>();
    const tags = requireStoredTags(options.tags ?? []);
    if (tags.length > 0) {
      const ensured = await this.#parts.tags.ensure(tags);
      for (const [index, tag] of tags.entries()) states.set(tag, ensured[index] as TagState);
    }
    const request = { key, leaseMs: options.leaseMs, isExclusive: options.exclusive, states };
    return older === undefined ? this.#onMiss(request) : this.#refresh(request, older);
  }

  /** Nothing is there: a placeholder says that somebody loads, and is gone when somebody changes the key. */
  async #onMiss(request: Request): Promise<Begun<Value>> {
    const { store, keys, tokens, reader } = this.#parts;
    const { key, leaseMs, isExclusive } = request;
    const storeKey = keys.entry(key);
    // A place that is not exclusive is free to be taken by a load that is.
    const text = isExclusive ? placeholder(tokens.next()) : freePlace(tokens.next());
    const lifetimeMs = isExclusive ? leaseMs : Math.max(leaseMs, openPlaceMs);
    let expected: string | undefined;
    for (let tries = 0; tries < maxTries; tries += 1) {
      if (await store.replace(storeKey, expected, text, lifetimeMs)) {
        const place = { key: storeKey, text, lifetimeMs, isEntry: true, isExclusive };
        return { state: 'granted', fill: this.#open(request, text, place) };
      }
      const look = await reader.look(key);
      expected = undefined;
      if (look.state === 'found') return { state: 'found', entry: look.entry };
      if (look.state === 'unusable') await store.delete([storeKey]);
      else if (look.state === 'dead') expected = look.version;
      else if (look.state === 'placeholder') {
        if (isExclusive && !look.isFree) return { state: 'held' };
        if (isExclusive) expected = look.version;
        // Whoever placed it keeps it alive; to write it again would tell everybody of a change.
        else return { state: 'granted', fill: this.#open(request, look.version, undefined) };
      }
    }
    return { state: 'held' };
  }

  /** An entry is there: it says itself whether it is still the same. With a lease, nobody else loads meanwhile. */
  async #refresh(request: Request, older: FoundEntry<Value>): Promise<Begun<Value>> {
    const { store, keys, tokens, reader } = this.#parts;
    const { key, leaseMs, isExclusive } = request;
    // A counter is never stale, and its digits may be the beginning of other digits.
    if (older.freshForMs === Number.POSITIVE_INFINITY) return { state: 'found', entry: older };
    if (!isExclusive) return { state: 'granted', fill: this.#open(request, older.version, undefined) };
    const text = placeholder(tokens.next());
    const lease = { key: keys.lease(key), text, lifetimeMs: leaseMs, isEntry: false, isExclusive };
    if (!(await store.replace(lease.key, undefined, text, leaseMs))) return { state: 'held' };
    const fill = this.#open(request, older.version, lease);
    try {
      const look = await reader.look(key);
      // Whoever had the lease before may have refreshed it.
      if (look.state === 'found' && look.entry.version === older.version) return { state: 'granted', fill };
      await fill.abandon();
      return look.state === 'found' ? { state: 'found', entry: look.entry } : await this.#onMiss(request);
    } catch (error) {
      await fill.abandon();
      throw error;
    }
  }

  #open({ key, leaseMs, states }: Request, expected: string, place: HeldPlace | undefined): OpenFill<Value> {
    const { store, clock } = this.#parts;
    return new OpenFill<Value>({
      store,
      clock,
      key,
      expected,
      place,
      leaseMs,
      tagStates: states,
      keep: (fill, value, lifetime) => this.#commit(fill, value, lifetime),
    });
  }

  async #commit(fill: OpenFill<Value>, value: Value, lifetime: KeptLifetime): Promise<boolean> {
    const { store, keys, writer, onKept } = this.#parts;
    const lifetimeMs = writer.requireLifetime(lifetime.ttlMs, lifetime.staleMs);
    const tags = lifetime.tags ?? [];
    const marks = tags.length === 0 ? noMarks : await this.#marksSince(fill, requireStoredTags(tags));
    if (marks === undefined) return false;
    const encoded = writer.encode(value, lifetime, marks);
    const bytes = encoded instanceof Promise ? await encoded : encoded;
    const isKept = await store.replace(keys.entry(fill.key), fill.expected, bytes, lifetimeMs);
    if (isKept) onKept(fill.key);
    return isKept;
  }

  /** The marks of an entry whose fill began a while ago; `undefined` when one of the tags was changed since. */
  async #marksSince(fill: OpenFill<Value>, tags: readonly string[]): Promise<readonly TagMark[] | undefined> {
    const later = tags.filter(tag => !fill.tagStates.has(tag));
    const ensured = later.length === 0 ? [] : await this.#parts.tags.ensure(later);
    const marks: TagMark[] = [];
    for (const tag of tags) {
      const begun = fill.tagStates.get(tag);
      const state = begun ?? (ensured[later.indexOf(tag)] as TagState);
      // What was not known of a tag at the beginning is told by the time of its last change.
      if (begun === undefined && state.changedAtMs + clockToleranceMs >= fill.startedAtMs) return undefined;
      const known = this.#parts.tags.known(tag);
      if (known !== undefined && !isSame(known, state)) return undefined;
      marks.push(markOf(tag, state));
    }
    return marks;
  }
}

/** A wish to load. */
interface Request {
  readonly key: string;
  readonly leaseMs: number;
  readonly isExclusive: boolean;
  readonly states: ReadonlyMap<string, TagState>;
}

function isSame(one: TagState, other: TagState): boolean {
  return one.deletion === other.deletion && one.expiry === other.expiry;
}

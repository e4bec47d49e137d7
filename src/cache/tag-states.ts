import { CacheError } from '../errors/index.ts';
import type { Clock } from '../kernel/index.ts';
import type { CacheStore } from './cache-store.ts';
import { areDigits, digits7, readDigits, type TagMark } from './envelope.ts';
import { tokenLength, type WriteTokens } from './write-tokens.ts';

/** What is known of a tag. An entry is gone when the deletion is another than the entry's, stale when the expiry is. */
export interface TagState {
  /** Token of the last deletion. */
  readonly deletion: string;
  /** Token of the last expiry. */
  readonly expiry: string;
  /** When it was last deleted or expired, in milliseconds since 1970 by the store's time; 0 when it never was. */
  readonly changedAtMs: number;
  /** When the store last began to count its lifetime. */
  readonly renewedAtMs: number;
}

/** What {@link TagStates} are made of. */
export interface TagStatesOptions {
  readonly store: CacheStore;
  /** What the keys of states begin with. */
  readonly prefix: string;
  /** On whose behalf tags are changed: it need not be told of them. */
  readonly owner?: object | undefined;
  /** The longest lifetime of an entry: a state lives twice as long, so that none outlives its tags. */
  readonly maxLifetimeMs: number;
  /** How long a state is relied upon after changes were last heard of, in milliseconds. */
  readonly maxStalenessMs: number;
  readonly tokens: WriteTokens;
  readonly clock: Clock;
}

/** How many states are kept in the process. */
const maxKnown = 10_000;

/** How often a change is tried again when others were faster. */
const maxTries = 16;

const stateLength = 2 + 2 * tokenLength + 2 * 7;

/**
 * What the store holds of tags. A state that the store has lost makes all its entries miss, and never brings one back:
 * a new one has new tokens. States are kept in the process only while the store tells of every change to them.
 */
export class TagStates {
  readonly #options: TagStatesOptions;
  readonly #known = new Map<string, TagState>();
  /** Counts what may have made a read outdated while it was under way. */
  #changes = 0;
  #stopListening: (() => void) | undefined;

  constructor(options: TagStatesOptions) {
    this.#options = options;
  }

  /** The state of a tag, if it is known without asking and can be relied upon. */
  known(tag: string): TagState | undefined {
    return this.#known.size > 0 && this.#hearsAll() ? this.#known.get(tag) : undefined;
  }

  /** The states of tags, in their order; `undefined` for those that the store knows nothing of. */
  async read(tags: readonly string[]): Promise<readonly (TagState | undefined)[]> {
    const states = tags.map(tag => this.known(tag));
    const unknown = tags.filter((_, index) => states[index] === undefined);
    if (unknown.length === 0) return states;
    this.#listen();
    const changes = this.#changes;
    const found = await this.#options.store.read(unknown.map(tag => this.keyOf(tag)));
    let next = 0;
    return tags.map((tag, index) => {
      const known = states[index];
      if (known !== undefined) return known;
      const bytes = found[next];
      next += 1;
      const state = bytes === undefined ? undefined : decodeState(bytes);
      if (state !== undefined && changes === this.#changes) this.#keep(tag, state);
      return state;
    });
  }

  /** The states of tags that an entry is written with: what is missing is made, what is old is renewed. */
  async ensure(tags: readonly string[]): Promise<readonly TagState[]> {
    const states = await this.read(tags);
    return Promise.all(
      tags.map((tag, index) => {
        const state = states[index];
        return state === undefined || this.#isOld(state) ? this.#renew(tag, state) : state;
      }),
    );
  }

  /** Every entry with this tag is gone from now on. */
  async delete(tag: string): Promise<void> {
    const { store, tokens } = this.#options;
    const nowMs = Math.floor(store.now());
    const state = { deletion: tokens.next(), expiry: tokens.next(), changedAtMs: nowMs, renewedAtMs: nowMs };
    const changes = this.#forget(tag);
    await store.write(this.keyOf(tag), encodeState(state), this.#lifetimeMs);
    this.#remember(tag, state, changes);
    this.#announce(tag);
  }

  /** Every entry with this tag is stale from now on. */
  async expire(tag: string): Promise<void> {
    const { store, tokens } = this.#options;
    const expiry = tokens.next();
    const [found] = await this.read([tag]);
    await this.#try(tag, found, known => {
      const nowMs = Math.floor(store.now());
      const deletion = known?.deletion ?? tokens.next();
      // Whoever else expires it meanwhile may win or lose: the expiry is another one either way.
      const expected = known === undefined ? undefined : deletionOf(known);
      return { expected, state: { deletion, expiry, changedAtMs: nowMs, renewedAtMs: nowMs } };
    });
    this.#announce(tag);
  }

  /** The key of a tag's state. */
  keyOf(tag: string): string {
    return this.#options.prefix + tag;
  }

  /** Stops listening to changes. */
  close(): void {
    this.#stopListening?.();
    this.#stopListening = undefined;
    this.#known.clear();
  }

  get #lifetimeMs(): number {
    return 2 * this.#options.maxLifetimeMs;
  }

  #isOld(state: TagState): boolean {
    const { store, maxLifetimeMs } = this.#options;
    return store.now() - state.renewedAtMs > maxLifetimeMs;
  }

  #renew(tag: string, found: TagState | undefined): Promise<TagState> {
    const { store, tokens } = this.#options;
    return this.#try(tag, found, known => {
      if (known !== undefined && !this.#isOld(known)) return { state: known };
      const made = known ?? { deletion: tokens.next(), expiry: tokens.next(), changedAtMs: 0 };
      const expected = known === undefined ? undefined : encodeState(known);
      return { expected, state: { ...made, renewedAtMs: Math.floor(store.now()) } };
    });
  }

  /** Changes a state, and tries again with the state as it is then as often as others are faster. */
  async #try(
    tag: string,
    found: TagState | undefined,
    changeOf: (known: TagState | undefined) => TagChange,
  ): Promise<TagState> {
    const { store } = this.#options;
    const key = this.keyOf(tag);
    let known = found;
    for (let tries = 0; tries < maxTries; tries += 1) {
      const change = changeOf(known);
      if (change.state === known) return known;
      const changes = this.#forget(tag);
      if (await store.replace(key, change.expected, encodeState(change.state), this.#lifetimeMs)) {
        this.#remember(tag, change.state, changes);
        return change.state;
      }
      const [bytes] = await store.read([key]);
      known = bytes === undefined ? undefined : decodeState(bytes);
      // What is no state is in the way of one.
      if (bytes !== undefined && known === undefined) await store.delete([key]);
    }
    throw new CacheError(`Cannot change the tag "${tag}": others have changed it ${maxTries} times meanwhile`);
  }

  #hearsAll(): boolean {
    const { store, clock, maxStalenessMs } = this.#options;
    const { changes } = store;
    return changes?.coverage === 'tracking' && clock.monotonic() <= changes.heardUntilMs + maxStalenessMs;
  }

  #keep(tag: string, state: TagState): void {
    if (this.#stopListening === undefined || !this.#hearsAll()) return;
    if (this.#known.size >= maxKnown) this.#known.clear();
    this.#known.set(tag, state);
  }

  /** A tag changes: reads that are under way may have seen the state before. */
  #forget(tag: string): number {
    this.#known.delete(tag);
    this.#changes += 1;
    return this.#changes;
  }

  /** This process has changed a tag. The store does not tell of that, only of what others have changed since. */
  #remember(tag: string, state: TagState, changes: number): void {
    const isLast = changes === this.#changes;
    this.#forget(tag);
    if (isLast) this.#keep(tag, state);
  }

  #announce(tag: string): void {
    const { store, owner } = this.#options;
    store.changes?.announce([this.keyOf(tag)], owner);
  }

  #listen(): void {
    const { store, prefix, owner } = this.#options;
    this.#stopListening ??= store.changes?.listen(
      prefix,
      {
        changed: key => {
          this.#forget(key.slice(prefix.length));
        },
        allChanged: () => {
          this.#changes += 1;
          this.#known.clear();
        },
      },
      owner,
    );
  }
}

/** What becomes of a state, and what the store must hold for it. */
interface TagChange {
  readonly expected?: string | undefined;
  readonly state: TagState;
}

/** What an entry is marked with. */
export function markOf(tag: string, { deletion, expiry }: TagState): TagMark {
  return { tag, deletion, expiry };
}

/** What a state begins with until its entries are deleted. */
function deletionOf({ deletion }: TagState): string {
  return `\x01t${deletion}`;
}

function encodeState(state: TagState): string {
  return `${deletionOf(state)}${state.expiry}${digits7(state.changedAtMs)}${digits7(state.renewedAtMs)}`;
}

function decodeState(stored: Uint8Array): TagState | undefined {
  const bytes = Buffer.from(stored.buffer, stored.byteOffset, stored.byteLength);
  if (bytes.length !== stateLength || bytes[0] !== 1 || bytes[1] !== 0x74) return undefined;
  if (!areDigits(bytes, 2, stateLength)) return undefined;
  const expiryAt = 2 + tokenLength;
  const changedAt = expiryAt + tokenLength;
  return {
    deletion: bytes.toString('latin1', 2, expiryAt),
    expiry: bytes.toString('latin1', expiryAt, changedAt),
    changedAtMs: readDigits(bytes, changedAt, changedAt + 7),
    renewedAtMs: readDigits(bytes, changedAt + 7, stateLength),
  };
}

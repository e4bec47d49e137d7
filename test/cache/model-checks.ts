import type { StoreEvent } from './model-store.ts';
import { type Change, longestDelayMs, maxStalenessMs, type Read, type Source, type World } from './model-world.ts';

/** What is wrong with what happened in a world; nothing, if all is well. */
export function faultsOf(world: World): readonly string[] {
  const timeline = new Timeline(world);
  return [
    ...world.reads.flatMap(read => timeline.faultOfRead(read) ?? []),
    ...[...world.sources.values()].flatMap(source => timeline.faultOfFill(source) ?? []),
    ...[...world.sources.values()].flatMap(source => timeline.faultOfLoad(source) ?? []),
  ];
}

/** Values that a process had changed before so that nobody may read them any more, long after the change. */
export function revived(world: World, key: string, value: unknown): Change | undefined {
  const source = world.sources.get(String(value));
  return (
    source && world.changes.find(change => new Timeline(world).isOlder(source, change) && replaces(change, source, key))
  );
}

/** What happened, put in order. */
class Timeline {
  readonly #world: World;
  readonly #events: readonly StoreEvent[];

  constructor(world: World) {
    this.#world = world;
    this.#events = [...world.history.events].sort((left, right) => left.at - right.at);
  }

  faultOfRead(read: Read): string | undefined {
    const source = this.#world.sources.get(read.value);
    if (source === undefined || source.key !== read.key) return `${text(read)}, which is of another key`;
    if (read.how === 'get' || read.how === 'hit') {
      const rightUntilMs = this.#rightUntilMs(source);
      if (rightUntilMs + maxStalenessMs < read.ms) return `${text(read)}, which was right until ${rightUntilMs} ms`;
    }
    if (read.how === 'joined' && this.#world.hearing.has(read.who)) {
      const event = this.#events.find(
        one => one.by !== read.who && one.at > source.at && this.#kills(one, source) && replacesContent(one),
      );
      // A load is not joined any more when it is known that what it loads has been changed.
      if (event !== undefined && event.ms + maxStalenessMs < read.ms)
        return `${text(read)}, after ${JSON.stringify(event)}`;
    }
    // What a process has changed itself it never sees again, as fresh or stale.
    const change = this.#world.changes.find(
      one =>
        one.who === read.who &&
        one.doneAt < read.at &&
        replaces(one, source, read.key) &&
        !(read.how === 'stale' && one.kind === 'expireByTag') &&
        this.isOlder(source, one),
    );
    return change && `${text(read)}, after it had done ${JSON.stringify(change)}`;
  }

  /** What is loaded is not kept when the key was changed since the load began. */
  faultOfFill(source: Source): string | undefined {
    if (!source.isLoaded) return undefined;
    const stored = this.#storedAt(source)[0];
    if (stored === undefined) return undefined;
    const change = this.#events.find(
      event => event.at > source.at && event.at < stored.at && this.#kills(event, source) && replacesContent(event),
    );
    return (
      change &&
      `${source.value} was loaded from ${source.at} on and kept at ${stored.at}, after ${JSON.stringify(change)}`
    );
  }

  /** A process loads a key once at a time, unless something has changed since. One with a lease may be told to wait. */
  faultOfLoad(source: Source): string | undefined {
    const { sources, changes, interruptions, notices } = this.#world;
    if (!source.isLoaded || source.who !== 0) return undefined;
    const other = [...sources.values()].find(
      one =>
        one.isLoaded &&
        one.who === source.who &&
        one.key === source.key &&
        one.at < source.at &&
        (one.doneAt ?? Number.POSITIVE_INFINITY) > source.at,
    );
    if (other === undefined) return undefined;
    const askedAt = Math.min(other.askedAt ?? 0, source.askedAt ?? 0);
    const isSince = (at: number): boolean => at > askedAt && at < source.at;
    const isExcused =
      interruptions.some(isSince) ||
      changes.some(one => one.who === source.who && one.at < source.at && one.doneAt > askedAt) ||
      notices.some(
        one =>
          one.at < source.at &&
          one.ms + longestDelayMs >= other.ms &&
          (one.key.startsWith('cache-tags:') || one.key === `cache:default:${source.key}`),
      );
    return isExcused ? undefined : `Process ${source.who} loads ${source.value} while it loads ${other.value}`;
  }

  /** Whether a value was there before a change began. */
  isOlder(source: Source, change: Change): boolean {
    const last = this.#storedAt(source).at(-1);
    return Math.max(source.at, last?.at ?? 0) < change.at;
  }

  /** Until when a value was what the store held, or what a process had to itself. */
  #rightUntilMs(source: Source): number {
    let untilMs = source.ms;
    for (const stored of this.#storedAt(source)) {
      // What is loaded has the tags as they were when the load began.
      const end = this.#events.find(
        event =>
          event.at > (event.kind === 'tag' && source.isLoaded ? source.at : stored.at) && this.#kills(event, source),
      );
      untilMs = Math.max(untilMs, end?.ms ?? Number.POSITIVE_INFINITY);
    }
    return untilMs;
  }

  #storedAt(source: Source): readonly StoreEvent[] {
    return this.#events.filter(event => event.kind === 'stored' && event.value === source.value);
  }

  #kills(event: StoreEvent, source: Source): boolean {
    if (event.kind === 'tag') return source.tags.includes(event.key);
    if (event.kind === 'gone') return event.key === undefined || event.key === source.key;
    return event.key === source.key && event.value !== source.value;
  }
}

/**
 * Whether an event changes what is stored for a key. That somebody begins to load does not, and what is kept with a tag of
 * before is there, and is nothing to anybody.
 */
function replacesContent(event: StoreEvent): boolean {
  return event.kind === 'gone' || (event.kind === 'stored' && event.value !== undefined);
}

function replaces({ kind, name }: Change, source: Source, key: string): boolean {
  if (kind === 'clear') return true;
  // A shorter lifetime changes no value.
  if (kind === 'expire') return false;
  return kind === 'set' || kind === 'delete' ? name === key : source.tags.includes(name);
}

function text({ who, value, how, ms, at }: Read): string {
  return `Process ${who} read ${value} (${how}) at ${ms} ms (${at})`;
}

/** Something that a process did, with when it began and when it was done, by the one monotonic clock of the machine. */
export type CoherenceEvent = readonly [
  /** `foreign`: a change by a program that knows nothing of the cache. */
  kind: 'read' | 'set' | 'change' | 'foreign',
  key: string,
  /** Of a read, what it gave; `undefined` for nothing. Of a change, the version that is right from then on. */
  version: number | undefined,
  startMs: number,
  endMs: number,
  /** Whether the store has learned of a change: what nobody could be told, nobody can know. */
  isTold: boolean,
];

/** Milliseconds of the machine's monotonic clock, which is the same for all its processes. */
export function machineMs(): number {
  return Number(process.hrtime.bigint()) / 1e6;
}

/** How old what was read was. */
export interface StalenessReport {
  readonly reads: number;
  readonly changes: number;
  /** Changes that the store did not learn of, because it was away from who made them. */
  readonly untold: number;
  /** Changes by a program that knows nothing of the cache. */
  readonly foreign: number;
  /** Of those, how many a process had not noticed after the bound: it gave then what was there before. */
  readonly foreignUnseen: number;
  /** Reads that gave what had been changed already. */
  readonly staleReads: number;
  readonly beyondBound: number;
  readonly p50Ms: number;
  readonly p99Ms: number;
  readonly maxMs: number;
  /** How many stale reads were at most so old, and older than the number before, in milliseconds. */
  readonly histogram: Readonly<Record<string, number>>;
}

const limitsMs = [1, 10, 50, 100, 250, 500, 1_000, 2_000, 5_000, 15_000, Number.POSITIVE_INFINITY];

/**
 * Compares every read with what had been changed before it began: a value is stale since the end of the first change
 * that replaced it.
 *
 * Keys that begin with `loaded` have versions that count up at their origin; each change says which is right now. Those
 * that begin with `kept` are set by one process, in order, and deleted by anybody; of a set that the store has not
 * confirmed nobody knows when it takes effect, and what it set is not judged.
 */
export function stalenessOf(events: readonly CoherenceEvent[], boundMs: number): StalenessReport {
  const all = events.filter(([kind]) => kind !== 'read');
  const replacements = replacementsIn(all);
  const ages: number[] = [];
  const unseen = new Set<CoherenceEvent>();
  let reads = 0;
  for (const [kind, key, version, startMs] of events) {
    if (kind !== 'read') continue;
    reads += 1;
    const replaced = version === undefined ? undefined : replacements(key, version);
    if (replaced === undefined || replaced[4] >= startMs) continue;
    const ageMs = startMs - replaced[4];
    ages.push(ageMs);
    if (ageMs > boundMs && replaced[0] === 'foreign') unseen.add(replaced);
  }
  ages.sort((left, right) => left - right);
  const at = (share: number): number => round(ages[Math.min(ages.length - 1, Math.floor(ages.length * share))] ?? 0);
  return {
    reads,
    changes: all.length,
    untold: all.filter(event => !event[5]).length,
    foreign: all.filter(([kind]) => kind === 'foreign').length,
    foreignUnseen: unseen.size,
    staleReads: ages.length,
    beyondBound: ages.filter(age => age > boundMs).length,
    p50Ms: at(0.5),
    p99Ms: at(0.99),
    maxMs: round(ages.at(-1) ?? 0),
    histogram: histogramOf(ages),
  };
}

/** Finds the change of which the store has learned first, of those that replaced a version of a key. */
function replacementsIn(
  changes: readonly CoherenceEvent[],
): (key: string, version: number) => CoherenceEvent | undefined {
  const toldOf = new Map<string, CoherenceEvent[]>();
  const setAt = new Map<string, number>();
  for (const event of changes) {
    const [kind, key, version, , endMs, isTold] = event;
    // What the store has not confirmed may be on its way still, and take effect after later changes.
    if (!isTold) continue;
    if (kind === 'set') setAt.set(`${key} ${version}`, endMs);
    const told = toldOf.get(key);
    if (told === undefined) toldOf.set(key, [event]);
    else told.push(event);
  }
  for (const told of toldOf.values()) told.sort((left, right) => left[4] - right[4]);
  return (key, version) => {
    const since = setAt.get(`${key} ${version}`) ?? Number.POSITIVE_INFINITY;
    return toldOf
      .get(key)
      ?.find(([, , now, startMs]) => (key.startsWith('loaded') ? (now ?? 0) > version : startMs > since));
  };
}

function histogramOf(ages: readonly number[]): Readonly<Record<string, number>> {
  const counts: Record<string, number> = {};
  let from = 0;
  for (const limit of limitsMs) {
    const to = ages.filter(age => age <= limit).length;
    counts[limit === Number.POSITIVE_INFINITY ? 'more' : `${limit} ms`] = to - from;
    from = to;
  }
  return counts;
}

function round(ms: number): number {
  return Math.round(ms * 10) / 10;
}

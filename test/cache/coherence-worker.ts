/** A process that reads and changes a cache at random, and tells afterwards what it saw. Forked by coherence.ts. */
import { setTimeout as sleep } from 'node:timers/promises';
import { createClient } from '@redis/client';
import { type CoherenceEvent, machineMs } from './coherence-events.ts';
import { openSubject } from './coherence-subjects.ts';

/** What a worker tells at its end. */
export interface WorkerResult {
  readonly events: readonly CoherenceEvent[];
  /** Calls that rejected, promises that nobody handled, and calls that had no end a while after the last fault. */
  readonly errors: number;
  readonly unhandled: number;
  readonly unfinished: readonly string[];
  readonly state: { readonly memoryHits: number };
}

/** How many calls are under way at a time. */
const loops = 4;

/** How many keys there are of each kind. */
const keys = 20;

/** How long after the end it waits for calls that are under way, in milliseconds. */
const patienceMs = 5_000;

const [kind = '', url = '', originUrl = '', index = '', durationMs = ''] = process.argv.slice(2);
const origin = createClient({ url: originUrl });
await origin.connect();
const subject = await openSubject(kind, url);
const events: CoherenceEvent[] = [];
const underWay = new Map<number, string>();
let count = 0;
let errors = 0;
let unhandled = 0;
process.on('unhandledRejection', () => {
  unhandled += 1;
});

async function read(key: string): Promise<void> {
  const startMs = machineMs();
  const version = await subject.read(key, async () => Number((await origin.get(key)) ?? 0));
  events.push(['read', key, version, startMs, machineMs(), true]);
}

async function change(key: string): Promise<void> {
  const startMs = machineMs();
  const version = await origin.incr(key);
  const isTold = await subject.delete(key);
  events.push(['change', key, version, startMs, machineMs(), isTold]);
}

async function set(key: string): Promise<void> {
  count += 1;
  const version = count;
  const startMs = machineMs();
  const isTold = await subject.set(key, version);
  events.push(['set', key, version, startMs, machineMs(), isTold]);
}

async function remove(key: string): Promise<void> {
  const startMs = machineMs();
  const isTold = await subject.delete(key);
  events.push(['change', key, undefined, startMs, machineMs(), isTold]);
}

/** A key that is set is set by one loop only, so that its versions follow one another. */
function ownKey(which: number): string {
  const first = Number(index) * loops + which;
  return `kept:${first + 2 * loops * Math.floor((Math.random() * (keys - first)) / (2 * loops))}`;
}

function next(which: number): readonly [name: string, call: (key: string) => Promise<void>, key: string] {
  const dice = Math.random();
  const number = Math.floor(Math.random() * keys);
  if (dice < 0.45) return ['read', read, `loaded:${number}`];
  if (dice < 0.9) return ['read', read, `kept:${number}`];
  if (dice < 0.95) return ['change', change, `loaded:${number}`];
  if (dice < 0.98) return ['set', set, ownKey(which)];
  return ['remove', remove, `kept:${number}`];
}

async function loop(which: number, endMs: number): Promise<void> {
  while (machineMs() < endMs) {
    const [name, call, key] = next(which);
    underWay.set(which, `${name} ${key}`);
    try {
      await call(key);
    } catch {
      errors += 1;
    }
    underWay.delete(which);
    await sleep(Math.random() * 4);
  }
}

process.on('message', async message => {
  if (message !== 'start') return;
  const endMs = machineMs() + Number(durationMs);
  const all = Promise.all(Array.from({ length: loops }, (_, which) => loop(which, endMs)));
  await Promise.race([all, sleep(Number(durationMs) + patienceMs)]);
  const result: WorkerResult = {
    events,
    errors,
    unhandled,
    unfinished: [...underWay.values()],
    state: subject.state(),
  };
  process.send?.(result, () => process.exit(0));
});
process.send?.('ready');

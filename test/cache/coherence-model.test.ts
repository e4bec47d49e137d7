import {
  type Arbitrary,
  array,
  assert,
  asyncProperty,
  boolean,
  constantFrom,
  integer,
  nat,
  oneof,
  option,
  record,
} from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { faultsOf, revived } from './model-checks.ts';
import type { ModelHealth } from './model-store.ts';
import { longestDelayMs, modelKeys, type Step, World, type WorldOptions } from './model-world.ts';

const who = nat({ max: 2 });
const [often, seldom] = modelKeys;
const key = constantFrom(often, often, often, seldom);
const tag = constantFrom('s', 't');
const entry = record({
  ttlMs: constantFrom(60_000, 60_000, 60_000, 400),
  tags: constantFrom<readonly string[]>([], [], ['s'], ['s', 't']),
});
const kind = <Kind extends string>(...kinds: readonly Kind[]): Arbitrary<Kind> => constantFrom(...kinds);

const step: Arbitrary<Step> = oneof(
  { weight: 6, arbitrary: record({ kind: kind('get'), who, key }) },
  { weight: 1, arbitrary: record({ kind: kind('getMany'), who, key }) },
  { weight: 5, arbitrary: record({ kind: kind('load'), who, key, entry, saysTagsLate: boolean() }) },
  { weight: 4, arbitrary: record({ kind: kind('finish', 'finish', 'finish', 'fail'), which: nat({ max: 5 }) }) },
  { weight: 3, arbitrary: record({ kind: kind('set'), who, key, entry }) },
  { weight: 2, arbitrary: record({ kind: kind('delete'), who, key }) },
  { weight: 2, arbitrary: record({ kind: kind('deleteByTag', 'expireByTag'), who, tag }) },
  { weight: 1, arbitrary: record({ kind: kind('clear'), who }) },
  { weight: 1, arbitrary: record({ kind: kind('increment'), who, key }) },
  { weight: 1, arbitrary: record({ kind: kind('expire'), who, key, ttlMs: constantFrom(50, 500, 90_000) }) },
  { weight: 1, arbitrary: record({ kind: kind('foreignDelete'), key }) },
  { weight: 1, arbitrary: record({ kind: kind('flush') }) },
  { weight: 2, arbitrary: record({ kind: kind('hearing'), who, isLost: boolean() }) },
  {
    weight: 2,
    arbitrary: record({
      kind: kind('health'),
      who,
      health: constantFrom<ModelHealth>('there', 'there', 'refusing', 'hanging', 'unanswered', 'late'),
    }),
  },
  {
    weight: 12,
    arbitrary: record({
      kind: kind('advance'),
      byMs: oneof(
        { weight: 6, arbitrary: constantFrom(0, 1, 1, 1, 2, 3) },
        { weight: 3, arbitrary: integer({ min: 1, max: 300 }) },
        { weight: 2, arbitrary: constantFrom(500, 1_000, 2_000) },
      ),
    }),
  },
);

const options: Arbitrary<WorldOptions> = record({
  staleMs: constantFrom(0, 0, 5_000),
  delayMs: constantFrom(1, 1, 0, longestDelayMs),
  coverage: constantFrom('tracking' as const, 'tracking' as const, 'tracking' as const, 'none' as const),
  softTimeoutMs: option(constantFrom(0, 50), { nil: undefined, freq: 4 }),
  earlyRefreshRatio: option(constantFrom(0.01), { nil: undefined, freq: 4 }),
});

/** How many interleavings are tried. */
const numRuns = Number(process.env['MODEL_RUNS'] ?? 2_000);

const unhandled: unknown[] = [];
const onUnhandled = (reason: unknown): void => void unhandled.push(reason);

async function run(worldOptions: WorldOptions, steps: readonly Step[]): Promise<void> {
  const world = new World(worldOptions);
  for (const one of steps) await world.step(one);
  await world.heal();
  expect(faultsOf(world)).toEqual([]);
  // Everybody agrees on what there is, and it is nothing that anybody had deleted or replaced.
  for (const name of [...modelKeys, 'n']) {
    const inStore = await world.inStore(name);
    for (const index of world.caches.keys())
      expect([index, name, await world.in(index, name)]).toEqual([index, name, inStore]);
    expect([inStore, revived(world, name, inStore)]).toEqual([inStore, undefined]);
  }
  expect(world.caches.map(cache => cache.degraded)).toEqual([false, false, false]);
  // Nobody waits any more, and nothing failed but what may.
  expect([world.underWay, world.errors]).toEqual([0, []]);
  await world.close();
  await world.clock.advance(longestDelayMs);
  expect(world.clock.pendingTimers).toBe(0);
}

describe('caches that share a store', () => {
  beforeAll(() => void process.on('unhandledRejection', onUnhandled));
  afterAll(() => void process.off('unhandledRejection', onUnhandled));

  it('agree, whatever happens in whatever order', async () => {
    await assert(asyncProperty(options, array(step, { maxLength: 60, size: 'max' }), run), { numRuns });
    expect(unhandled).toEqual([]);
  }, 3_600_000);
});

import { rmSync } from 'node:fs';
import { join } from 'node:path';
import { seededRandom } from 'plinth/testing';
import { describe, expect, it } from 'vitest';
import { KilledJob } from './killed-job.ts';
import { itemCount, maxConcurrent, nameAt, outcomeOf } from './killed-worker.ts';

const kills = 8;
const seed = Date.now() % 1_000_000;
const succeeded = { code: 0, signal: null };
const killed = { code: null, signal: 'SIGKILL' };

describe('a job of 10,000 items through limiter, cache and breaker', () => {
  it(`killed ${kills} times (seed ${seed}): nothing lost, nothing recorded twice, order kept`, {
    timeout: 180_000,
  }, async () => {
    using job = new KilledJob(new URL('killed-worker.ts', import.meta.url));
    const random = seededRandom(seed);
    const underWayAtAKill = new Map<number, number>();
    for (let kill = 0; kill < kills; kill += 1) {
      const before = job.recorded();
      const begunBefore = job.linesOf('effects.log').length;
      expect(await job.runUntil(Math.floor(random.next() * 800))).toMatchObject(killed);
      const after = new Set(job.recorded());
      expect(before.filter(index => !after.has(index))).toEqual([]);
      const begun = job
        .linesOf('effects.log')
        .slice(begunBefore)
        .map(line => Number.parseInt(line, 10));
      const underWay = begun.filter(index => !after.has(index));
      expect(underWay.length).toBeLessThanOrEqual(maxConcurrent);
      for (const index of underWay) underWayAtAKill.set(index, (underWayAtAKill.get(index) ?? 0) + 1);
    }
    const done = job.recorded().length;
    expect(done).toBeGreaterThan(0);
    expect(done).toBeLessThan(itemCount);

    expect(await job.runToEnd()).toMatchObject(succeeded);
    const results = job.results();
    const indices = Array.from({ length: itemCount }, (_, index) => index);
    expect(results).toEqual(indices.map(index => [index, nameAt(index), outcomeOf(index)]));
    expect([...job.recorded()].sort((a, b) => a - b)).toEqual(indices);

    const { times, keys } = job.effects();
    const tooOften = indices.filter(index => {
      const count = times.get(index) ?? 0;
      return count < 1 || count > 1 + (underWayAtAKill.get(index) ?? 0);
    });
    expect(tooOften).toEqual([]);
    expect([...times.values()].reduce((sum, count) => sum + count, 0)).toBeLessThanOrEqual(
      itemCount + kills * maxConcurrent,
    );
    expect([...keys.values()].every(each => each.size === 1)).toBe(true);
    expect(new Set([...keys.values()].map(each => [...each][0])).size).toBe(itemCount);

    // Once more: there is nothing to do.
    rmSync(join(job.folder, 'results.json'));
    expect(await job.runToEnd()).toMatchObject(succeeded);
    expect(job.results()).toEqual(results);
    expect(job.effects().times).toEqual(times);
  });
});

import { fork } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { seededRandom } from 'plinth/testing';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { itemCount, maxConcurrent, nameAt, outcomeOf, type PlainResult } from './killed-worker.ts';

const kills = 8;
const seed = Date.now() % 1_000_000;

let folder: string;

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'plinth-killed-'));
});

afterEach(() => rmSync(folder, { recursive: true, force: true }));

/** Lets a process work until it has done so many items, then kills it; or to its end. */
async function runUntil(worked: number): Promise<void> {
  const child = fork(fileURLToPath(new URL('killed-worker.ts', import.meta.url)), [folder, String(worked + 400)], {
    execArgv: ['--conditions=source', '--import', 'tsx'],
  });
  child.on('message', count => {
    if (Number(count) >= worked) child.kill('SIGKILL');
  });
  const [code, signal] = (await once(child, 'exit')) as [number | null, string | null];
  expect([code, signal]).toEqual(worked === Number.POSITIVE_INFINITY ? [0, null] : [null, 'SIGKILL']);
}

/** Lets a process work to its end. */
async function runToEnd(): Promise<readonly PlainResult[]> {
  await runUntil(Number.POSITIVE_INFINITY);
  return JSON.parse(readFileSync(join(folder, 'results.json'), 'utf8')) as readonly PlainResult[];
}

/** How often each item has been begun, and the keys that it was given. */
function effects(): { readonly times: Map<number, number>; readonly keys: Map<number, Set<string>> } {
  const times = new Map<number, number>();
  const keys = new Map<number, Set<string>>();
  for (const line of linesOf('effects.log')) {
    const [index = '', key = ''] = line.split(' ');
    times.set(Number(index), (times.get(Number(index)) ?? 0) + 1);
    keys.set(Number(index), (keys.get(Number(index)) ?? new Set()).add(key));
  }
  return { times, keys };
}

/** The index of every whole line of the checkpoint. */
function recorded(): readonly number[] {
  return linesOf('job.jsonl')
    .slice(1)
    .map(line => (JSON.parse(line) as { index: number }).index);
}

function linesOf(file: string): readonly string[] {
  const path = join(folder, file);
  return existsSync(path) ? readFileSync(path, 'utf8').split('\n').slice(0, -1) : [];
}

describe('a job of 10,000 items through limiter, cache and breaker', () => {
  it(`killed ${kills} times (seed ${seed}): nothing lost, nothing recorded twice, order kept`, {
    timeout: 180_000,
  }, async () => {
    const random = seededRandom(seed);
    const underWayAtAKill = new Map<number, number>();
    for (let kill = 0; kill < kills; kill += 1) {
      const before = recorded();
      const begunBefore = linesOf('effects.log').length;
      await runUntil(Math.floor(random.next() * 800));
      const after = new Set(recorded());
      expect(before.filter(index => !after.has(index))).toEqual([]);
      const begun = linesOf('effects.log')
        .slice(begunBefore)
        .map(line => Number.parseInt(line, 10));
      const underWay = begun.filter(index => !after.has(index));
      expect(underWay.length).toBeLessThanOrEqual(maxConcurrent);
      for (const index of underWay) underWayAtAKill.set(index, (underWayAtAKill.get(index) ?? 0) + 1);
    }
    const done = recorded().length;
    expect(done).toBeGreaterThan(0);
    expect(done).toBeLessThan(itemCount);

    const results = await runToEnd();
    const indices = Array.from({ length: itemCount }, (_, index) => index);
    expect(results).toEqual(indices.map(index => [index, nameAt(index), outcomeOf(index)]));
    expect([...recorded()].sort((a, b) => a - b)).toEqual(indices);

    const { times, keys } = effects();
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
    rmSync(join(folder, 'results.json'));
    expect(await runToEnd()).toEqual(results);
    expect(effects().times).toEqual(times);
  });
});

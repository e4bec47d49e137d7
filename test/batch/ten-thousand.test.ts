import { seededRandom } from 'plinth/testing';
import { describe, expect, it } from 'vitest';
import { type StandIn, startStandIn } from '../../service/stand-in/index.ts';
import { drugNames } from './drug-names.ts';
import { KilledJob } from './killed-job.ts';
import { itemCount, maxConcurrent } from './ten-thousand-worker.ts';

const program = new URL('ten-thousand-worker.ts', import.meta.url);
const seed = Date.now() % 1_000_000;
const kills = 3;
const names = drugNames(itemCount, seed);
const indices = names.map((_, index) => index);

/** What somebody sees who runs the program: lines of progress, and the last one. */
const progressLine = /^drugs (\d+)% (\d+)\/10000/gm;
const lastLine = /^drugs 100% 10000\/10000, .*completed after /m;

/** openFDA answers 503 for a while, once in every run, at about the same place. */
function burstAt(standIn: StandIn, place: number): (worked: number) => void {
  let isDue = true;
  return worked => {
    if (!isDue || worked < place) return;
    isDue = false;
    standIn.behave({ pathPrefix: '/drug', failWith: 503, count: 40 });
  };
}

describe('10,000 drug names through limiter, cache and breaker, over HTTP', () => {
  it(`killed ${kills} times while openFDA fails in bursts (seed ${seed}): nothing lost, nothing recorded twice, order kept`, {
    timeout: 120_000,
  }, async () => {
    await using standIn = await startStandIn({ openFda: { requestsPerMinute: 10_000_000 } });
    const { openFda, orangeBook } = standIn.addresses;
    const args = [openFda, orangeBook, String(seed)];

    using calm = new KilledJob(program);
    const first = await calm.runToEnd({ args });
    expect([first.code, first.signal]).toEqual([0, null]);
    expect([...first.stderr.matchAll(progressLine)].length).toBeGreaterThan(2);
    expect(first.stderr).toMatch(lastLine);
    const expected = calm.results();
    expect(expected.map(([index, item]) => [index, item])).toEqual(indices.map(index => [index, names[index]]));
    expect(calm.linesOf('breaker.log')).toEqual([]);
    const requests = standIn.stats().requests;

    using job = new KilledJob(program);
    const random = seededRandom(seed);
    for (let kill = 0; kill < kills; kill += 1) {
      const before = job.recorded();
      const place = 50 + Math.floor(random.next() * 300);
      const { signal } = await job.runUntil(place + Math.floor(random.next() * 2_000), {
        args,
        onProgress: burstAt(standIn, place),
      });
      expect(signal).toBe('SIGKILL');
      standIn.behave('normal');
      const after = new Set(job.recorded());
      expect(before.filter(index => !after.has(index))).toEqual([]);
    }
    expect(job.recorded().length).toBeGreaterThan(0);
    expect(job.recorded().length).toBeLessThan(itemCount);

    const last = await job.runToEnd({ args, onProgress: burstAt(standIn, 50) });
    expect([last.code, last.signal]).toEqual([0, null]);
    expect(last.stderr).toMatch(/\d+ from the checkpoint/);
    expect(last.stderr).toMatch(lastLine);

    // The same as of the job that nobody disturbed: in order, none missing, every value.
    expect(job.results()).toEqual(expected);
    expect([...job.recorded()].sort((a, b) => a - b)).toEqual(indices);
    const outcomes = new Set(expected.map(([, , outcome]) => (outcome.startsWith('{') ? 'value' : outcome)));
    expect([...outcomes].sort()).toEqual(['VALIDATION_ERROR', 'value']);
    expect(expected.filter(([, , outcome]) => outcome.includes('NDA')).length).toBeGreaterThan(1_000);

    // An item is worked on again only if it was under way at a kill, and with the same key.
    const { times, keys } = job.effects();
    const total = [...times.values()].reduce((sum, count) => sum + count, 0);
    expect(times.size).toBe(itemCount);
    expect(total).toBeLessThanOrEqual(itemCount + kills * maxConcurrent);
    expect(Math.max(...times.values())).toBeLessThanOrEqual(1 + kills);
    expect([...keys.values()].every(each => each.size === 1)).toBe(true);
    expect(new Set([...keys.values()].flatMap(each => [...each])).size).toBe(itemCount);

    // The bursts were real: they opened the breaker, which closed again after each that was seen to its end.
    const states = job.linesOf('breaker.log');
    expect(states.filter(state => state === 'open').length).toBeGreaterThanOrEqual(1);
    expect(states.at(-1)).toBe('closed');
    expect(standIn.stats().faults).toBeGreaterThanOrEqual(40);
    // Names that come again are answered from the cache, and the cache of a process ends with it.
    expect(requests).toBeLessThan(itemCount * 0.8);
    expect(standIn.stats().limited).toBe(0);
  });
});

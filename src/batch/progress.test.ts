import { describe, expect, it } from 'vitest';
import { VirtualClock } from '../testing/index.ts';
import { type BatchEnd, BatchProcessor, type BatchProgress, MemoryCheckpoint, progressBar } from './index.ts';

const clockWith = () => {
  const clock = new VirtualClock();
  const work = async (item: number): Promise<number> => {
    await clock.sleep(100);
    if (item % 10 === 9) throw new TypeError('no');
    return item;
  };
  return { clock, work };
};
const numbers = (count: number): readonly number[] => Array.from({ length: count }, (_, index) => index);

describe('progress', () => {
  it('is told a few times a second, with rate and time to go', async () => {
    const { clock, work } = clockWith();
    const processor = new BatchProcessor({ name: 'numbers', work, maxConcurrent: 10, clock });
    const told: BatchProgress[] = [];
    const ends: BatchEnd[] = [];
    const failures: unknown[] = [];
    const starts: unknown[] = [];
    processor.events.on('started', event => starts.push(event));
    processor.events.on('progress', event => told.push(event));
    processor.events.on('item-failed', ({ item }) => failures.push(item));
    processor.events.on('ended', event => ends.push(event));
    const processing = processor.processBatch(numbers(1_000));
    await clock.advance(5_000);
    expect(told).toHaveLength(20);
    const last = told.at(-1);
    expect(last).toMatchObject({ name: 'numbers', state: 'running', active: 10, total: 1_000, recorded: 0 });
    expect(last?.done).toBeGreaterThanOrEqual(480);
    expect(last?.failed).toBe(Math.floor((last?.done ?? 0) / 10));
    expect(last?.ratePerSecond).toBeGreaterThan(95);
    expect(last?.ratePerSecond).toBeLessThan(101);
    expect(last?.etaMs).toBeGreaterThan(4_900);
    expect(last?.etaMs).toBeLessThan(5_500);
    await clock.advance(5_100);
    await processing;
    expect(ends).toHaveLength(1);
    expect(ends[0]).toMatchObject({ outcome: 'completed', state: 'ended', done: 1_000, failed: 100, active: 0 });
    expect(ends[0]).not.toHaveProperty('error');
    expect(failures).toHaveLength(100);
    expect(starts).toEqual([{ name: 'numbers', total: 1_000, recorded: 0 }]);
  });

  it('follows a rate that changes', async () => {
    const clock = new VirtualClock();
    const work = (): Promise<void> => clock.sleep(clock.monotonic() < 30_000 ? 10 : 100);
    const processor = new BatchProcessor({ work, maxConcurrent: 1, clock });
    const processing = processor.processBatch(numbers(10_000));
    await clock.advance(30_000);
    expect(processor.progress()?.ratePerSecond).toBeCloseTo(100, -1);
    await clock.advance(60_000);
    expect(processor.progress()?.ratePerSecond).toBeLessThan(12);
    await Promise.all([processor.stop(), clock.advance(100), processing]);
  });

  it('does not count what comes from the checkpoint as speed', async () => {
    const { clock, work } = clockWith();
    const checkpoint = new MemoryCheckpoint<number>({ job: 'numbers' });
    const first = new BatchProcessor({ work, checkpoint, maxConcurrent: 50, clock });
    const processing = first.processBatch(numbers(500));
    await clock.advance(1_100);
    await processing;
    const second = new BatchProcessor({ work, checkpoint, maxConcurrent: 1, clock });
    const going = second.processBatch(numbers(1_000), {});
    await clock.advance(2_000);
    expect(second.progress()).toMatchObject({ recorded: 500, failed: 52 });
    expect(second.progress()?.ratePerSecond).toBeCloseTo(10, -0.5);
    await Promise.all([second.stop(), clock.advance(200), going]);
  });

  it('stands still during a pause', async () => {
    const { clock, work } = clockWith();
    const processor = new BatchProcessor({ work, maxConcurrent: 1, clock });
    const processing = processor.processBatch(numbers(100));
    await clock.advance(2_000);
    processor.pause();
    await clock.advance(60_000);
    const paused = processor.progress();
    expect(paused).toMatchObject({ state: 'paused', etaMs: undefined });
    expect(paused?.ratePerSecond).toBeCloseTo(10, 0);
    processor.resume();
    await clock.advance(1_000);
    expect(processor.progress()?.ratePerSecond).toBeGreaterThan(9);
    await clock.advance(60_000);
    await processing;
  });

  it('knows no total of what is read bit by bit, unless it is told', async () => {
    const { clock, work } = clockWith();
    const totals: unknown[] = [];
    const processor = new BatchProcessor({ work, clock });
    processor.events.on('started', ({ total }) => totals.push(total));
    for (const options of [{}, { total: 3 }]) {
      const processing = processor.processBatch(numbers(3).values(), options);
      await clock.advance(100);
      await processing;
    }
    expect(totals).toEqual([undefined, 3]);
  });

  it('leaves no timer behind', async () => {
    const { clock, work } = clockWith();
    const processing = new BatchProcessor({ work, clock }).processBatch(numbers(3));
    await clock.advance(100);
    await processing;
    expect(clock.pendingTimers).toBe(0);
  });
});

describe('progressBar()', () => {
  async function show(
    isTTY: boolean,
    columns: number | undefined,
    total: number | undefined,
  ): Promise<readonly string[]> {
    const { clock, work } = clockWith();
    const written: string[] = [];
    const write = (text: string): number => written.push(text.replace('\x1b[K', '|'));
    const stream = { isTTY, columns, write };
    const processor = new BatchProcessor({ name: 'numbers', work, maxConcurrent: 10, clock });
    const bar = progressBar(processor.events, { stream });
    const processing = processor.processBatch(numbers(1_500).values(), { total });
    await clock.advance(4_900);
    processor.pause();
    await clock.advance(1_000);
    processor.resume();
    await clock.advance(12_000);
    await processing;
    bar.unsubscribe();
    await processor.processBatch([]);
    return written;
  }

  it('writes one line again and again on a terminal, within its width', async () => {
    const written = await show(true, 100, 1_500);
    expect(written.every(text => /^\r[^|]{1,99}\|\n?$/.test(text))).toBe(true);
    expect(written.filter(text => text.endsWith('\n'))).toHaveLength(1);
    expect(written.some(text => text.includes('paused'))).toBe(true);
    expect(written[11]).toMatch(/^\rnumbers \[=+> +\] 19% 290\/1500, 29 failed, \d+\/s, 1[23]s left/);
    expect(written.at(-1)).toMatch(/\[=+\] 100% 1500\/1500, 150 failed, \d+\/s, completed after 1\ds/);
  });

  it.each([10, 40, 60])('fits into %i columns', async columns => {
    const written = await show(true, columns, 1_500);
    expect(Math.max(...written.map(text => text.replace(/[\r\n|]/g, '').length))).toBeLessThan(columns);
  });

  it('says what is known when there is no total', async () => {
    const written = await show(true, undefined, undefined);
    expect(written[11]).toMatch(/^\rnumbers 290, 29 failed, \d+\/s\|/);
  });

  it('writes plain lines now and then anywhere else', async () => {
    const written = await show(false, undefined, 1_500);
    expect(written).toHaveLength(2);
    expect(written[0]).toMatch(/^numbers \d+% \d+\/1500, \d+ failed, \d+\/s, \ds left\n$/);
    expect(written[1]).toMatch(/^numbers 100% 1500\/1500, 150 failed, \d+\/s, completed after 1\ds\n$/);
  });
});

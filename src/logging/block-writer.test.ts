import { describe, expect, it } from 'vitest';
import { Events } from '../kernel/index.ts';
import { VirtualClock } from '../testing/index.ts';
import { BlockWriter, type BlockWriterOptions, type LineTarget } from './block-writer.ts';
import { UnfinishedWriteError } from './errors.ts';
import type { LoggingEvents } from './events.ts';

/** A target in memory that fails when told to, as a disk does. */
class MemoryTarget implements LineTarget {
  readonly name = 'app.log';
  readonly writes: string[] = [];
  failure: Error | undefined;
  /** Bytes that are taken before the failure. */
  room = 0;

  isFull(): boolean {
    return false;
  }
  startNext(): void {}
  reopen(): void {}
  close(): void {}
  write(data: string | Uint8Array): void {
    const bytes = Buffer.from(data);
    const taken = this.failure === undefined ? bytes.length : Math.min(this.room, bytes.length);
    if (taken > 0) this.writes.push(bytes.subarray(0, taken).toString());
    this.room -= taken;
    if (taken === 0 && this.failure !== undefined) throw this.failure;
    if (taken < bytes.length) throw new UnfinishedWriteError(bytes.subarray(taken), this.failure);
  }
}

function setUp(options: Partial<BlockWriterOptions> = {}) {
  const clock = new VirtualClock();
  const events = new Events<LoggingEvents>();
  const target = new MemoryTarget();
  const seen: string[] = [];
  events.on('degraded', event => seen.push(`degraded ${event.sink} ${event.error.message}`));
  events.on('recovered', event => seen.push(`recovered ${event.sink} ${event.droppedLines}`));
  const writer = new BlockWriter(target, {
    mode: 'buffered',
    blockCharacters: 100,
    flushIntervalMs: 50,
    retryIntervalMs: 1_000,
    clock,
    events,
    onRecovered: () => {},
    ...options,
  });
  const write = (line: string, urgent = false): void => writer.write(line, clock.now(), clock.monotonic(), urgent);
  return { clock, target, writer, write, seen };
}

const tenCharacters = '123456789\n';

describe('BlockWriter', () => {
  it('writes each line at once in mode line', () => {
    const { target, write } = setUp({ mode: 'line' });
    write('a\n');
    write('b\n');
    expect(target.writes).toEqual(['a\n', 'b\n']);
  });

  it('writes a block when it is full', () => {
    const { target, write } = setUp();
    for (let index = 0; index < 25; index += 1) write(tenCharacters);
    expect(target.writes).toEqual([tenCharacters.repeat(10), tenCharacters.repeat(10)]);
  });

  it('writes what there is after the interval, and sets no timer when there is nothing', async () => {
    const { clock, target, write } = setUp();
    write('a\n');
    await clock.advance(49);
    expect(target.writes).toEqual([]);
    await clock.advance(1);
    expect(target.writes).toEqual(['a\n']);
    expect(clock.pendingTimers).toBe(0);
  });

  it('writes urgent lines at once, with those before them, in order', () => {
    const { target, write } = setUp();
    write('a\n');
    write('b\n', true);
    expect(target.writes).toEqual(['a\nb\n']);
  });

  it('keeps a block while the target fails, counts the rest, tries again, and tells', async () => {
    const { clock, target, writer, write, seen } = setUp({ mode: 'line' });
    target.failure = new RangeError('disk full');
    for (let index = 0; index < 15; index += 1) write(tenCharacters);
    expect(writer.error?.message).toBe('disk full');
    expect(writer.droppedLines).toBe(5);
    await clock.advance(1_000);
    expect(target.writes).toEqual([]);
    target.failure = undefined;
    await clock.advance(1_000);
    write('after\n');
    expect(target.writes).toEqual([tenCharacters.repeat(10), 'after\n']);
    expect(writer.error).toBeUndefined();
    expect(seen).toEqual(['degraded app.log disk full', 'recovered app.log 5']);
    expect(clock.pendingTimers).toBe(0);
  });

  it('tries again at the next line when no timer can fire', async () => {
    const { clock, target, write } = setUp({ mode: 'line' });
    target.failure = new RangeError('disk full');
    write('a\n');
    target.failure = undefined;
    write('b\n');
    expect(target.writes).toEqual([]);
    await clock.advance(1_000);
    write('c\n');
    expect(target.writes.join('')).toBe('a\nb\nc\n');
  });

  it.each([0, 1, 7, 10, 15, 19])('cuts no line and repeats none when only %d bytes were taken', async room => {
    const { clock, target, write } = setUp();
    target.failure = new RangeError('disk full');
    target.room = room;
    write('äöü-4567\n');
    write('second\n', true);
    target.failure = undefined;
    await clock.advance(1_000);
    write('third\n', true);
    expect(Buffer.concat(target.writes.map(text => Buffer.from(text, 'utf8'))).length).toBeGreaterThan(0);
    expect(target.writes.join('').replace(/\ufffd+/g, '')).toMatch(/-4567\nsecond\nthird\n$/);
  });

  it('counts what is lost at the end', () => {
    const { target, writer, write } = setUp({ mode: 'line' });
    target.failure = new RangeError('disk full');
    write('a\n');
    write('b\n');
    writer.close();
    expect(writer.droppedLines).toBe(2);
  });

  it('writes every line at once from the end of the process on', () => {
    const { target, writer, write } = setUp();
    write('a\n');
    writer.writeThrough();
    write('b\n');
    expect(target.writes).toEqual(['a\n', 'b\n']);
  });
});

import { describe, expect, expectTypeOf, it } from 'vitest';
import { MemoryCache } from '../cache/index.ts';
import { NetworkError } from '../errors/index.ts';
import { VirtualClock } from '../testing/index.ts';
import { CachedScraper, type QuestionOptions } from './index.ts';

/** A scraper without a network. */
class Names {
  readonly name = 'names';
  readonly asked: string[] = [];
  readonly #suffix = '!';
  closed = false;
  fails = false;
  answer: ((signal: AbortSignal | undefined) => Promise<void>) | undefined;

  async search(name: string, options: QuestionOptions & { readonly limit?: number } = {}): Promise<string> {
    this.asked.push(`${name}/${options.limit ?? '-'}`);
    if (this.fails) throw new NetworkError('gone');
    await this.answer?.(options.signal);
    return `${name}${this.#suffix}`;
  }

  async both(name: string): Promise<readonly [string, string]> {
    return [await this.search(name), await this.search(name)];
  }

  async *pages(): AsyncGenerator<string> {
    yield 'one';
    yield 'two';
  }

  plain(name: string): string {
    this.asked.push(name);
    return name;
  }

  get suffix(): string {
    return this.#suffix;
  }

  async refresh(): Promise<number> {
    return this.asked.push('refresh');
  }

  async close(): Promise<void> {
    this.closed = true;
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }
}

function setUp(options: { readonly staleMs?: number; readonly except?: readonly string[] } = {}) {
  const clock = new VirtualClock();
  const cache = new MemoryCache<unknown>({ clock });
  const names = new Names();
  return { clock, cache, names, kept: new CachedScraper(names, { cache, ttlMs: 60_000, ...options }) };
}

describe('CachedScraper', () => {
  it('has the type of what it stands before, and is an instance of its class', () => {
    const { kept } = setUp();
    expectTypeOf(kept).toEqualTypeOf<Names>();
    expectTypeOf(kept.search).parameters.toEqualTypeOf<Parameters<Names['search']>>();
    expect(kept).toBeInstanceOf(Names);
    expect(kept.name).toBe('names');
    expect(kept.suffix).toBe('!');
  });

  it('asks once for equal calls, and again when the lifetime is over', async () => {
    const { clock, names, kept } = setUp();
    expect(await Promise.all([kept.search('a'), kept.search('a'), kept.search('a', {})])).toEqual(['a!', 'a!', 'a!']);
    expect(await kept.search('a', { limit: 2 })).toBe('a!');
    expect(names.asked.filter(entry => entry === 'a/2')).toHaveLength(1);
    const before = names.asked.length;
    await kept.search('a');
    expect(names.asked).toHaveLength(before);
    await clock.advance(60_001);
    await kept.search('a');
    expect(names.asked).toHaveLength(before + 1);
  });

  it('knows methods apart, and keeps under the name of the scraper', async () => {
    const { cache, names, kept } = setUp();
    await kept.search('a');
    expect(await kept.both('a')).toEqual(['a!', 'a!']);
    expect(names.asked).toEqual(['a/-', 'a/-', 'a/-']);
    expect([...cache.keys()].every(key => key.startsWith('names.'))).toBe(true);
  });

  it('passes on what is no async method, and what it is told to leave', async () => {
    const { names, kept } = setUp({ except: ['refresh'] });
    const pages: string[] = [];
    for await (const page of kept.pages()) pages.push(page);
    expect(pages).toEqual(['one', 'two']);
    kept.plain('x');
    kept.plain('x');
    await kept.refresh();
    await kept.refresh();
    expect(names.asked).toEqual(['x', 'x', 'refresh', 'refresh']);
    kept.fails = true;
    expect(names.fails).toBe(true);
  });

  it('does not keep failures, and gives an older answer while the source fails', async () => {
    const { clock, names, kept } = setUp({ staleMs: 600_000 });
    names.fails = true;
    await expect(kept.search('a')).rejects.toBeInstanceOf(NetworkError);
    names.fails = false;
    expect(await kept.search('a')).toBe('a!');
    names.fails = true;
    await clock.advance(60_001);
    expect(await kept.search('a')).toBe('a!');
  });

  it("ends only the wait of the caller whose signal was aborted, and not the others' question", async () => {
    const { names, kept } = setUp();
    let release: () => void = () => {};
    let given: AbortSignal | undefined;
    names.answer = signal => {
      given = signal;
      return new Promise(resolve => {
        release = resolve;
      });
    };
    const controller = new AbortController();
    const impatient = kept.search('a', { signal: controller.signal });
    const patient = kept.search('a');
    await Promise.resolve();
    controller.abort(new Error('enough'));
    await expect(impatient).rejects.toThrow('enough');
    expect(given).not.toBe(controller.signal);
    release();
    expect(await patient).toBe('a!');
    expect(names.asked).toEqual(['a/-']);
    await expect(kept.search('b', { signal: controller.signal })).rejects.toThrow('enough');
    expect(names.asked).toEqual(['a/-']);
  });

  it('closes the scraper when it is closed', async () => {
    const { names, kept } = setUp();
    {
      await using _open = kept;
    }
    expect(names.closed).toBe(true);
  });

  it('needs a cache', () => {
    expect(() => new CachedScraper(new Names(), {} as never)).toThrow(expect.objectContaining({ argument: 'cache' }));
  });
});

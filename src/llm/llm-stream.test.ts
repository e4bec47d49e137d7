import { describe, expect, it } from 'vitest';
import { runWithRequestContext } from '../context/index.ts';
import { NetworkError, UpstreamError } from '../errors/index.ts';
import { standardGuard } from '../pipeline/index.ts';
import { RetryBudget } from '../resilience/index.ts';
import { seededRandom, VirtualClock } from '../testing/index.ts';
import { LlmClient } from './llm-client.ts';
import type { AnswerFacts, LlmProvider, ModelPart, ProviderCallOptions } from './llm-provider.ts';

const facts: AnswerFacts = { finishReason: 'stop', usage: { promptTokens: 5, completionTokens: 2 }, model: 'm' };
const text = (words: string): ModelPart => ({ type: 'text', text: words });
const end: ModelPart = { type: 'end', facts };

/** A provider that streams what each call in turn is told: pieces, an error, or nothing any more. */
class Streaming implements LlmProvider {
  readonly name = 'streaming';
  calls = 0;
  /** Calls that were told that they are no longer wanted. */
  ended = 0;
  /** Calls that are over. */
  closed = 0;
  readonly #scripts: readonly (readonly (ModelPart | Error | 'hang')[])[];

  constructor(...scripts: readonly (readonly (ModelPart | Error | 'hang')[])[]) {
    this.#scripts = scripts;
  }

  generate(): never {
    throw new Error('Only streams are asked for here');
  }

  async *stream(_: unknown, { signal }: ProviderCallOptions = {}): AsyncGenerator<ModelPart> {
    const script = this.#scripts[Math.min(this.calls, this.#scripts.length - 1)] ?? [];
    this.calls += 1;
    signal?.addEventListener('abort', () => (this.ended += 1), { once: true });
    try {
      for (const part of script) {
        if (part === 'hang') await new Promise(() => {});
        else if (part instanceof Error) throw part;
        else yield part;
      }
    } finally {
      this.closed += 1;
    }
  }
}

const clock = new VirtualClock();
const clientOf = (provider: LlmProvider, options: object = {}): LlmClient =>
  new LlmClient({ provider, model: 'gpt-4', clock, ...options });
const guard = () =>
  standardGuard('llm', {
    clock,
    random: seededRandom(1),
    budget: new RetryBudget({ clock, minRetriesPerSecond: 100 }),
    attemptTimeoutMs: 1_000,
  });

async function wordsOf(stream: AsyncIterable<string>): Promise<readonly string[]> {
  const words: string[] = [];
  for await (const word of stream) words.push(word);
  return words;
}

describe('A streamed answer', () => {
  it('comes piece by piece, and is whole at the end', async () => {
    const stream = await clientOf(new Streaming([text('Once '), text('upon'), end])).stream({ prompt: 'Tell' });
    expect(await wordsOf(stream)).toEqual(['Once ', 'upon']);
    expect(await stream.response()).toMatchObject({
      content: 'Once upon',
      metadata: { provider: 'streaming', model: 'm', freshness: 'fresh' },
      usageStats: { promptTokens: 5, completionTokens: 2 },
    });
  });

  it('can be asked for as a whole without being read', async () => {
    const stream = await clientOf(new Streaming([text('a'), text('b'), end])).stream({ prompt: 'Tell' });
    expect((await stream.response()).content).toBe('ab');
    expect((await stream.response()).content).toBe('ab');
  });

  it('cannot be read twice', async () => {
    const stream = await clientOf(new Streaming([text('a'), end])).stream({ prompt: 'Tell' });
    await wordsOf(stream);
    await expect(wordsOf(stream)).rejects.toThrow('Cannot read a streamed answer twice');
  });

  it('is begun again when it fails before its first piece', async () => {
    const provider = new Streaming([new UpstreamError('busy', 503)], [text('a'), end]);
    const begun = clientOf(provider, { guard: guard() }).stream({ prompt: 'Tell' });
    for (let step = 0; step < 50; step += 1) await clock.advance(100);
    expect((await (await begun).response()).content).toBe('a');
    expect(provider.calls).toBe(2);
  });

  it('is not begun again once a piece was given on: it says that it was cut', async () => {
    const provider = new Streaming([text('a'), new NetworkError('gone')], [text('b'), end]);
    const stream = await clientOf(provider, { guard: guard() }).stream({ prompt: 'Tell' });
    await expect(wordsOf(stream)).rejects.toThrow('gone');
    await expect(stream.response()).rejects.toThrow('it was not read to its end');
    expect(provider.calls).toBe(1);
  });

  it('that ends without an end is one that was cut', async () => {
    const stream = await clientOf(new Streaming([text('a')])).stream({ prompt: 'Tell' });
    await expect(wordsOf(stream)).rejects.toThrow('The answer was cut before its end');
  });

  it('whose first piece does not come is given up after the time-out of the attempt', async () => {
    const provider = new Streaming(['hang'], [text('a'), end]);
    const begun = clientOf(provider, { guard: guard() }).stream({ prompt: 'Tell' });
    for (let step = 0; step < 50; step += 1) await clock.advance(100);
    expect((await (await begun).response()).content).toBe('a');
    expect(provider.ended).toBe(1);
  });

  it('that stands still is given up, and its request is ended', async () => {
    const provider = new Streaming([text('a'), 'hang']);
    const stream = await clientOf(provider, { idleTimeoutMs: 500 }).stream({ prompt: 'Tell' });
    const reading = expect(wordsOf(stream)).rejects.toMatchObject({
      code: 'TIMEOUT',
      message: 'The answer stood still for 500ms',
    });
    for (let step = 0; step < 6; step += 1) await clock.advance(100);
    await reading;
    expect(provider.ended).toBe(1);
  });

  it('does not count the time that its reader takes', async () => {
    const stream = await clientOf(new Streaming([text('a'), text('b'), end]), { idleTimeoutMs: 500 }).stream({
      prompt: 'Tell',
    });
    const words: string[] = [];
    for await (const word of stream) {
      words.push(word);
      await clock.advance(5_000);
    }
    expect(words).toEqual(['a', 'b']);
  });

  it('ends its request when the reader leaves, when it is disposed of and when the caller gives up', async () => {
    const provider = new Streaming([text('a'), text('b'), end]);
    const llm = clientOf(provider);
    for await (const _ of await llm.stream({ prompt: 'Tell' })) break;
    expect(provider.ended).toBe(1);
    await (await llm.stream({ prompt: 'Tell' }))[Symbol.asyncDispose]();
    expect(provider.ended).toBe(2);
    const calling = new AbortController();
    const stream = await llm.stream({ prompt: 'Tell', signal: calling.signal });
    calling.abort(new Error('no longer'));
    await expect(wordsOf(stream)).rejects.toThrow('no longer');
    expect(provider.ended).toBe(3);
  });

  it('that nobody begins to read is given up, and whoever comes later is told why', async () => {
    const provider = new Streaming([text('a'), text('b'), end]);
    const stream = await clientOf(provider, { idleTimeoutMs: 500, guard: guard() }).stream({ prompt: 'Tell' });
    await clock.advance(499);
    expect(provider.closed).toBe(0);
    await clock.advance(1);
    expect([provider.ended, provider.closed]).toEqual([1, 1]);
    await expect(wordsOf(stream)).rejects.toMatchObject({
      code: 'TIMEOUT',
      message: 'Nobody read the answer for 500ms',
    });
  });

  it.each([
    ['with a guard', guard],
    ['without a guard', () => undefined],
  ])('ends by the deadline of its request, however steadily it comes, %s', async (_, makeGuard) => {
    const provider = new Streaming(Array.from({ length: 20 }, () => text('a')));
    const context = { deadlineMs: clock.monotonic() + 300 };
    const stream = await runWithRequestContext(context, () =>
      clientOf(provider, { guard: makeGuard() }).stream({ prompt: 'Tell' }),
    );
    let pieces = 0;
    const reading = (async () => {
      for await (const _ of stream) {
        pieces += 1;
        await clock.advance(100);
      }
    })();
    await expect(reading).rejects.toMatchObject({
      code: 'TIMEOUT',
      message: 'The answer had not ended by the deadline of its request',
    });
    expect(pieces).toBe(3);
    expect([provider.ended, provider.closed]).toEqual([1, 1]);
  });

  it('whose request is over before its first piece comes ends then, without a guard, too', async () => {
    const context = { deadlineMs: clock.monotonic() + 300 };
    const begun = runWithRequestContext(context, () => clientOf(new Streaming(['hang'])).stream({ prompt: 'Tell' }));
    const refused = expect(begun).rejects.toThrow('by the deadline of its request');
    await clock.advance(300);
    await refused;
  });

  it('leaves no timer behind', async () => {
    const context = { deadlineMs: clock.monotonic() + 1_000_000 };
    const timers = clock.pendingTimers;
    await runWithRequestContext(context, async () => {
      const stream = await clientOf(new Streaming([text('a'), end])).stream({ prompt: 'Tell' });
      await stream.response();
    });
    expect(clock.pendingTimers).toBe(timers);
  });

  it('takes nothing from its caller when it is over', async () => {
    const calling = new AbortController();
    const provider = new Streaming([text('a'), end]);
    await (await clientOf(provider).stream({ prompt: 'Tell', signal: calling.signal })).response();
    calling.abort();
    expect(provider.ended).toBe(0);
  });
});

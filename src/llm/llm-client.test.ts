import { describe, expect, it } from 'vitest';
import { z } from 'zod';
import { runWithRequestContext } from '../context/index.ts';
import { NetworkError, RateLimitError, UpstreamError } from '../errors/index.ts';
import { type Guard, standardGuard } from '../pipeline/index.ts';
import { CircuitBreaker, RetryBudget } from '../resilience/index.ts';
import { seededRandom, VirtualClock } from '../testing/index.ts';
import type { LlmEvents } from './events.ts';
import { LlmClient } from './llm-client.ts';
import type { AnswerFacts, LlmProvider, ModelPart, ModelRequest } from './llm-provider.ts';
import { OfflineProvider } from './offline-provider.ts';
import { definePrompt } from './prompt.ts';

const facts: AnswerFacts = { finishReason: 'stop', usage: { promptTokens: 5, completionTokens: 2 }, model: 'm-2026' };

/** A provider that does what each call in turn is told to do: answer, or fail. */
class Scripted implements LlmProvider {
  readonly name = 'scripted';
  readonly requests: ModelRequest[] = [];
  readonly #script: readonly (string | Error | Partial<AnswerFacts & { content: string }>)[];

  constructor(...script: readonly (string | Error | Partial<AnswerFacts & { content: string }>)[]) {
    this.#script = script;
  }

  async generate(request: ModelRequest) {
    this.requests.push(request);
    const next = this.#script[Math.min(this.requests.length, this.#script.length) - 1];
    if (next instanceof Error) throw next;
    return { ...facts, content: '', ...(typeof next === 'string' ? { content: next } : next) };
  }

  async *stream(request: ModelRequest): AsyncGenerator<ModelPart> {
    const { content } = await this.generate(request);
    yield { type: 'text', text: content };
    yield { type: 'end', facts };
  }
}

const clock = new VirtualClock();

function guarded(breaker?: CircuitBreaker): Guard {
  const budget = new RetryBudget({ name: 'llm', clock, minRetriesPerSecond: 100 });
  return standardGuard('llm', { clock, random: seededRandom(1), budget, breaker });
}

/** Lets everything that waits on the clock happen. */
async function settled<Value>(work: Promise<Value>): Promise<Value> {
  let isOver = false;
  work.then(
    () => (isOver = true),
    () => (isOver = true),
  );
  for (let step = 0; step < 500 && !isOver; step += 1) await clock.advance(100);
  return await work;
}

describe('LlmClient', () => {
  it('asks with one text, with a system text, or with a conversation', async () => {
    const provider = new Scripted('Hello');
    const llm = new LlmClient({ provider, model: 'gpt-4' });
    await llm.generate({ prompt: 'Hi', system: 'Be kind', temperature: 0.5, maxOutputTokens: 9, model: 'other' });
    await llm.generate({ messages: [{ role: 'assistant', content: 'Yes?' }] });
    expect(provider.requests).toMatchObject([
      {
        model: 'other',
        temperature: 0.5,
        maxOutputTokens: 9,
        messages: [
          { role: 'system', content: 'Be kind' },
          { role: 'user', content: 'Hi' },
        ],
      },
      { model: 'gpt-4', messages: [{ role: 'assistant', content: 'Yes?' }] },
    ]);
  });

  it('gives the words, where they came from and what they cost', async () => {
    const llm = new LlmClient({ provider: new Scripted('Hello'), model: 'gpt-4' });
    expect(await llm.generate({ prompt: 'Hi' })).toEqual({
      content: 'Hello',
      metadata: {
        provider: 'scripted',
        model: 'm-2026',
        isOffline: false,
        finishReason: 'stop',
        freshness: 'fresh',
        ageMs: 0,
      },
      usageStats: { promptTokens: 5, completionTokens: 2 },
    });
    expect(await llm.generateCompletion('Hi')).toBe('Hello');
  });

  it.each([
    [{ prompt: '' }, 'the prompt is empty'],
    [{ messages: [] }, 'the prompt is empty'],
    [{ prompt: 'x'.repeat(101) }, 'the prompt has 101 characters, expected at most 100'],
    [{ prompt: 'x', model: ' ' }, 'expected the name of a model'],
    [{ prompt: 'x', temperature: 3 }, 'Cannot use temperature: expected 0 to 2, got 3'],
    [{ prompt: 'x', topP: 0 }, 'Cannot use topP'],
    [{ prompt: 'x', maxOutputTokens: 0 }, 'maxOutputTokens'],
    [{ prompt: 'x', stopSequences: [''] }, 'stopSequences'],
  ])('refuses %j before anybody is asked', async (question, message) => {
    const provider = new Scripted('Hello');
    const llm = new LlmClient({ provider, model: 'gpt-4', maxPromptCharacters: 100 });
    await expect(llm.generate(question)).rejects.toThrow(message);
    await expect(llm.stream(question)).rejects.toThrow(message);
    expect(provider.requests).toEqual([]);
  });

  it('asks again after a failure that may pass, and not after one that will not', async () => {
    const passing = new Scripted(new UpstreamError('busy', 503), new NetworkError('cut'), 'Hello');
    const llm = new LlmClient({ provider: passing, model: 'gpt-4', guard: guarded() });
    expect((await settled(llm.generate({ prompt: 'Hi' }))).content).toBe('Hello');
    const refusing = new Scripted(new UpstreamError('no such key', 401), 'Hello');
    const other = new LlmClient({ provider: refusing, model: 'gpt-4', guard: guarded() });
    await expect(settled(other.generate({ prompt: 'Hi' }))).rejects.toThrow('no such key');
    expect(refusing.requests).toHaveLength(1);
  });

  it('tells of every answer that was really given, without a word of it', async () => {
    const told: LlmEvents['answered'][] = [];
    const llm = new LlmClient({ provider: new Scripted('secret answer'), model: 'gpt-4', guard: guarded() });
    llm.events.on('answered', event => told.push(event));
    await llm.generate({ prompt: 'secret question', cache: 'everyone' });
    await llm.generate({ prompt: 'secret question', cache: 'everyone' });
    await (await llm.stream({ prompt: 'secret question', operation: 'chat' })).response();
    expect(told).toMatchObject([
      { provider: 'scripted', model: 'm-2026', operation: 'generate', usage: { promptTokens: 5 } },
      { operation: 'chat', finishReason: 'stop' },
    ]);
    expect(JSON.stringify(told)).not.toContain('secret');
  });
});

describe('A remembered answer', () => {
  const ask = (llm: LlmClient, userId: string | undefined, cache?: 'user' | 'everyone', prompt = 'Hi') =>
    runWithRequestContext({ userId }, () => llm.generate({ prompt, cache }));

  it('is given again to the same user for the same question, and says its age', async () => {
    const provider = new Scripted('one', 'two', 'three');
    const llm = new LlmClient({ provider, model: 'gpt-4', guard: guarded() });
    await ask(llm, 'ada', 'user');
    await clock.advance(5_000);
    expect(await ask(llm, 'ada', 'user')).toMatchObject({ content: 'one', metadata: { ageMs: 5_000 } });
    expect((await ask(llm, 'ada', 'user', 'Ho')).content).toBe('two');
    expect((await ask(llm, 'bob', 'user')).content).toBe('three');
  });

  it('is never one that another user asked for, whatever they are called', async () => {
    const llm = new LlmClient({
      provider: new Scripted('one', 'two', 'three', 'four'),
      model: 'gpt-4',
      guard: guarded(),
    });
    const users = ['ada', 'ada 8 scripted', '', 'everyone'];
    const answers = [];
    for (const user of users) answers.push((await ask(llm, user, 'user')).content);
    expect(new Set(answers).size).toBe(users.length);
  });

  it('is not kept for nobody, and not unless it was asked for', async () => {
    const llm = new LlmClient({
      provider: new Scripted('one', 'two', 'three', 'four'),
      model: 'gpt-4',
      guard: guarded(),
    });
    expect((await ask(llm, undefined, 'user')).content).toBe('one');
    expect((await ask(llm, undefined, 'user')).content).toBe('two');
    expect((await ask(llm, 'ada')).content).toBe('three');
    expect((await ask(llm, 'ada')).content).toBe('four');
  });

  it('for everyone is given to everyone', async () => {
    const llm = new LlmClient({ provider: new Scripted('one', 'two'), model: 'gpt-4', guard: guarded() });
    expect((await ask(llm, 'ada', 'everyone')).content).toBe('one');
    expect((await ask(llm, 'bob', 'everyone')).content).toBe('one');
  });

  it('stands in, with its age, when the provider cannot be asked any more', async () => {
    const provider = new Scripted('one', new UpstreamError('down', 503));
    const llm = new LlmClient({ provider, model: 'gpt-4', guard: guarded() });
    await ask(llm, 'ada', 'user');
    await clock.advance(2 * 3_600_000);
    expect(await settled(ask(llm, 'ada', 'user'))).toMatchObject({ content: 'one', metadata: { freshness: 'stale' } });
  });
});

describe('executePrompt()', () => {
  const headlines = definePrompt({
    name: 'headlines',
    text: 'Write {{count}} headlines for {{product}}',
    output: z.object({ headlines: z.array(z.string()).min(1) }),
    parameters: { temperature: 0.9 },
    model: 'gpt-4o',
    cache: 'everyone',
    example: { headlines: ['Quiet as snow'] },
  });
  const context = { count: 2, product: 'a fan' };

  it('asks with the words of the prompt, its model, its parameters and its shape', async () => {
    const provider = new Scripted('{"headlines":["Cool"]}');
    const { output } = await new LlmClient({ provider, model: 'gpt-4' }).executePrompt(headlines, context);
    const found: readonly string[] = output.headlines;
    expect(found).toEqual(['Cool']);
    expect(provider.requests).toMatchObject([
      {
        model: 'gpt-4o',
        temperature: 0.9,
        messages: [{ role: 'user', content: 'Write 2 headlines for a fan' }],
        format: { name: 'headlines', schema: { type: 'object', required: ['headlines'] } },
      },
    ]);
  });

  it('gives the text itself when no shape was asked for', async () => {
    const plain = definePrompt({ name: 'plain', text: 'Say {{word}}' });
    const llm = new LlmClient({ provider: new Scripted('Hello'), model: 'gpt-4' });
    const { output } = await llm.executePrompt(plain, { word: 'hello' });
    const text: string = output;
    expect(text).toBe('Hello');
    await expect(llm.executePrompt<string, string>(plain, { wrod: 'hello' })).rejects.toThrow(
      '"wrod" is none of its placeholders',
    );
  });

  it.each([
    '```json\n{"headlines":["Cool"]}\n```',
    '\n```JSON\r\n{"headlines":["Cool"]}\r\n```\n',
    '```{"headlines":["Cool"]}```',
    '```json{"headlines":["Cool"]}\n\n```',
  ])('takes JSON with a fence around it, as in %j', async content => {
    const llm = new LlmClient({ provider: new Scripted(content), model: 'gpt-4' });
    expect((await llm.executePrompt(headlines, context)).output.headlines).toEqual(['Cool']);
  });

  it.each(['```', '``````', '```json```', '```json\n{"headlines":["Cool"]}', '````'])(
    'takes %j for no JSON',
    async content => {
      const llm = new LlmClient({ provider: new Scripted(content), model: 'gpt-4' });
      await expect(llm.executePrompt(headlines, context)).rejects.toThrow('is no JSON');
    },
  );

  // In time that grows with its square, this answer alone would hold up the process for longer than a test may take.
  it('reads a fence that never ends in one pass', async () => {
    const provider = new Scripted(`\`\`\`json${'\n'.repeat(1_000_000)}x`);
    const asked = new LlmClient({ provider, model: 'gpt-4' }).executePrompt(headlines, context);
    await expect(asked).rejects.toThrow('is no JSON');
  });

  it('waits for a shape that takes its time to check', async () => {
    const known = new Set(['Cool']);
    const output = z.object({ headline: z.string().refine(async headline => known.has(headline)) });
    const example = { headline: 'Cool' };
    const prompt = definePrompt({ name: 'checked', text: 'One headline', output, example });
    const asked = (...answers: readonly string[]) =>
      new LlmClient({ provider: new Scripted(...answers), model: 'gpt-4' }).executePrompt(prompt, {});
    expect((await asked('{"headline":"Cool"}')).output).toEqual(example);
    await expect(asked('{"headline":"Hot"}')).rejects.toThrow('(headline: custom)');
  });

  it('asks again when an answer has another shape, remembers only the one that fits, and blames nobody', async () => {
    const provider = new Scripted('no JSON', '{"headlines":[1]}', '{"headlines":["Cool"]}', '{"headlines":["Never"]}');
    const breaker = new CircuitBreaker({ clock, failureThreshold: 1 });
    const llm = new LlmClient({ provider, model: 'gpt-4', guard: guarded(breaker) });
    for (let call = 0; call < 2; call += 1) {
      expect((await settled(llm.executePrompt(headlines, context))).output.headlines).toEqual(['Cool']);
    }
    expect(provider.requests).toHaveLength(3);
    expect(breaker.state).toBe('closed');
  });

  it('asks anew when what it remembers no longer fits, and remembers by version', async () => {
    const provider = new Scripted('{"count":1}', '{"count":9}', '{"count":8}', '{"count":7}');
    const llm = new LlmClient({ provider, model: 'gpt-4', guard: guarded() });
    const ask = async (output: z.ZodType<{ count: number }>, version = 1) => {
      const prompt = definePrompt({ name: 'count', text: 'Count', cache: 'everyone', output, version });
      return (await llm.executePrompt(prompt, {})).output.count;
    };
    const any = z.object({ count: z.number() });
    // The same JSON Schema: what a refinement asks for is not in it.
    const large = z.object({ count: z.number().refine(count => count > 5) });
    expect(await ask(any)).toBe(1);
    expect(await ask(large)).toBe(9);
    expect(await ask(any)).toBe(1);
    expect([await ask(large, 2), await ask(large, 2)]).toEqual([8, 8]);
    expect(provider.requests).toHaveLength(3);
  });

  it('names the fields that do not fit, and nothing of what stands in them', async () => {
    const provider = new Scripted('{"headlines":["fine",{"secret":"words"},7]}');
    const asked = new LlmClient({ provider, model: 'gpt-4' }).executePrompt(headlines, context);
    await expect(asked).rejects.toMatchObject({
      name: 'ModelAnswerError',
      code: 'MODEL_ANSWER_INVALID',
      message:
        'The answer to the prompt "headlines" has another shape than it should (headlines.1: invalid_type, headlines.2: invalid_type)',
    });
  });

  it.each([
    ['length', 'is no JSON; it was cut at the token limit: allow more with maxOutputTokens'],
    ['content-filter', "is no JSON; it was held back by the provider's filter"],
  ] as const)('says that an answer that ended by %s is not whole', async (finishReason, message) => {
    const provider = new Scripted({ content: '{"headl', finishReason });
    const asked = new LlmClient({ provider, model: 'gpt-4' }).executePrompt(headlines, context);
    await expect(asked).rejects.toThrow(message);
  });

  it('is answered offline with the example of the prompt, and says so', async () => {
    const llm = new LlmClient({ provider: new OfflineProvider(), model: 'gpt-4' });
    expect(await llm.executePrompt(headlines, context)).toMatchObject({
      output: { headlines: ['Quiet as snow'] },
      metadata: { provider: 'offline', isOffline: true },
      usageStats: { promptTokens: 0, completionTokens: 0 },
    });
    const shapeless = definePrompt({ name: 'shapeless', text: 'x', output: z.object({ a: z.string() }) });
    await expect(llm.executePrompt(shapeless, {})).rejects.toThrow('give the prompt an example, or set OPENAI_API_KEY');
    expect(await llm.generateCompletion('Hello, world!')).toMatch(/^\[offline\] No language model was asked/);
  });

  it('carries what the provider says about when to come back', async () => {
    const provider = new Scripted(new RateLimitError('slow down', { retryAfterMs: 90_000 }));
    const llm = new LlmClient({ provider, model: 'gpt-4', guard: guarded() });
    await expect(settled(llm.executePrompt(headlines, context))).rejects.toMatchObject({ retryAfterMs: 90_000 });
    expect(provider.requests).toHaveLength(1);
  });
});

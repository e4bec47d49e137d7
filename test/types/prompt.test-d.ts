import { definePrompt, type LlmClient, type Prompt, renderPrompt } from 'plinth/llm';
import { describe, expectTypeOf, it } from 'vitest';
import { z } from 'zod';

// The compiler is the test: a line below `@ts-expect-error` that compiles is an error. Nothing here is run.

const plain = definePrompt({ name: 'plain', system: 'For {{reader}}', text: 'Say {{word}} {{times}} times, {{word}}' });
const shaped = definePrompt({
  name: 'shaped',
  text: 'Count {{things}}',
  output: z.object({ count: z.number() }),
  example: { count: 3 },
});
const llm = {} as LlmClient;

describe('A prompt', () => {
  it('knows its placeholders, each once', () => {
    expectTypeOf(plain).toEqualTypeOf<Prompt<'reader' | 'word' | 'times'>>();
    expectTypeOf(definePrompt({ name: 'none', text: 'Hello' })).toEqualTypeOf<Prompt<never>>();
    const read: string = 'from a file';
    expectTypeOf(definePrompt({ name: 'read', text: read })).toEqualTypeOf<Prompt<string>>();
  });

  it('wants a value for each, and no other', () => {
    renderPrompt(plain, { reader: 'Ada', word: 'hi', times: 3 });
    // @ts-expect-error: a value is missing
    renderPrompt(plain, { reader: 'Ada', word: 'hi' });
    // @ts-expect-error: there is no such placeholder
    renderPrompt(plain, { reader: 'Ada', word: 'hi', times: 3, tone: 'dry' });
    // @ts-expect-error: neither text nor number nor boolean
    renderPrompt(plain, { reader: 'Ada', word: undefined, times: 3 });
  });

  it('gives its answer in the shape that it asks for', async () => {
    expectTypeOf(
      (await llm.executePrompt(plain, { reader: 'Ada', word: 'hi', times: 3 })).output,
    ).toEqualTypeOf<string>();
    expectTypeOf((await llm.executePrompt(shaped, { things: 'stars' })).output).toEqualTypeOf<{ count: number }>();
    // @ts-expect-error: the example has another shape
    definePrompt({ name: 'x', text: 'x', output: z.object({ count: z.number() }), example: { count: 'three' } });
  });
});

import { describe, expect, it } from 'vitest';
import { type LlmProvider, type ModelRequest, OfflineProvider } from '../llm/index.ts';
import { llmProviderContract } from './llm-provider-contract.ts';

const request: ModelRequest = { model: 'none', messages: [{ role: 'user', content: 'Say hello' }] };

const offline = new OfflineProvider();

const asWell: Pick<LlmProvider, 'name' | 'generate' | 'stream'> = {
  name: 'broken',
  generate: (...call) => offline.generate(...call),
  stream: (...call) => offline.stream(...call),
};

/** For each promise a provider that breaks it. */
const broken: Readonly<Record<string, LlmProvider>> = {
  'answers in words, and says why it ended, who answered and what it cost': {
    ...asWell,
    generate: async (...call) => ({
      ...(await offline.generate(...call)),
      usage: { promptTokens: -1, completionTokens: 0 },
    }),
  },
  'streams the words that it answers as a whole, in pieces, and ends once': {
    ...asWell,
    async *stream(...call) {
      yield { type: 'text', text: (await offline.generate(...call)).content };
    },
  },
  'says the same about a streamed answer as about a whole one': {
    ...asWell,
    async *stream(...call) {
      for await (const part of offline.stream(...call)) if (part.type === 'text') yield part;
    },
  },
  'does not begin when it is not wanted any more': { ...asWell, generate: asked => offline.generate(asked) },
  'ends a stream when it is not wanted any more': { ...asWell, stream: asked => offline.stream(asked) },
  'answers several at once, each for itself': (() => {
    let answers = 0;
    return {
      ...asWell,
      async generate(...call) {
        answers += 1;
        return { ...(await offline.generate(...call)), content: `answer ${answers} of three` };
      },
    };
  })(),
};

describe('llmProviderContract', () => {
  it.each(llmProviderContract)('is kept by the offline provider: $name', ({ run }) =>
    run({ provider: offline, request }),
  );

  it('has a provider that breaks it for every promise', () => {
    expect(Object.keys(broken).sort()).toEqual(llmProviderContract.map(({ name }) => name).sort());
  });

  it.each(llmProviderContract)('finds a provider that does not keep it: $name', async ({ name, run }) => {
    await expect(run({ provider: broken[name] as LlmProvider, request })).rejects.toMatchObject({
      code: 'ERR_ASSERTION',
    });
  });
});

import { deepEqual, equal, notEqual, ok, rejects } from 'node:assert/strict';
import type { LlmProvider, ModelPart, ModelRequest, UsageStats } from '../llm/index.ts';
import type { ContractSuite } from './contract.ts';

/** A provider under test. */
export interface LlmProviderSubject {
  readonly provider: LlmProvider;
  /** A question that it answers with at least three words, always the same ones. */
  readonly request: ModelRequest;
}

/**
 * What a {@link LlmProvider} promises.
 *
 * @example
 * const request = { model: 'none', messages: [{ role: 'user', content: 'Say hello' }] } as const;
 * for (const { name, run } of llmProviderContract) it(name, () => run({ provider: new OfflineProvider(), request }));
 */
export const llmProviderContract: ContractSuite<LlmProviderSubject> = [
  {
    name: 'answers in words, and says why it ended, who answered and what it cost',
    async run({ provider, request }) {
      const { content, finishReason, model, usage } = await provider.generate(request);
      ok(content.trim() !== '', 'the answer is empty');
      equal(finishReason, 'stop');
      notEqual(model, '');
      checkUsage(usage);
    },
  },
  {
    name: 'streams the words that it answers as a whole, in pieces, and ends once',
    async run({ provider, request }) {
      const parts = await partsOf(provider.stream(request));
      const texts = parts.flatMap(part => (part.type === 'text' ? [part.text] : []));
      ok(texts.length > 1, 'the answer came in one piece');
      ok(!texts.includes(''), 'a piece is empty');
      equal(texts.join(''), (await provider.generate(request)).content);
      deepEqual(
        parts.map(({ type }) => type),
        [...texts.map(() => 'text'), 'end'],
      );
    },
  },
  {
    name: 'says the same about a streamed answer as about a whole one',
    async run({ provider, request }) {
      const end = (await partsOf(provider.stream(request))).at(-1);
      ok(end?.type === 'end', 'the last piece is not the end');
      equal(end.facts.finishReason, 'stop');
      notEqual(end.facts.model, '');
      checkUsage(end.facts.usage);
    },
  },
  {
    name: 'does not begin when it is not wanted any more',
    async run({ provider, request }) {
      const reason = new DOMException('Not wanted any more', 'AbortError');
      const signal = AbortSignal.abort(reason);
      await rejects(provider.generate(request, { signal }), reason);
      await rejects(partsOf(provider.stream(request, { signal })), reason);
    },
  },
  {
    name: 'ends a stream when it is not wanted any more',
    async run({ provider, request }) {
      const reason = new DOMException('Not wanted any more', 'AbortError');
      const ending = new AbortController();
      const read = async (): Promise<void> => {
        for await (const _ of provider.stream(request, { signal: ending.signal })) ending.abort(reason);
      };
      await rejects(read(), reason);
    },
  },
  {
    name: 'answers several at once, each for itself',
    async run({ provider, request }) {
      const expected = (await provider.generate(request)).content;
      const answers = await Promise.all(Array.from({ length: 5 }, () => provider.generate(request)));
      deepEqual(
        answers.map(({ content }) => content),
        answers.map(() => expected),
      );
    },
  },
];

async function partsOf(stream: AsyncIterable<ModelPart>): Promise<readonly ModelPart[]> {
  const parts: ModelPart[] = [];
  for await (const part of stream) parts.push(part);
  return parts;
}

function checkUsage(usage: UsageStats): void {
  for (const tokens of [usage.promptTokens, usage.completionTokens]) {
    ok(tokens === undefined || (Number.isInteger(tokens) && tokens >= 0), `no number of tokens: ${tokens}`);
  }
}

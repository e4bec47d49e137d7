import { ConfigurationError } from '../errors/index.ts';
import type {
  AnswerFacts,
  LlmProvider,
  ModelAnswer,
  ModelPart,
  ModelRequest,
  ProviderCallOptions,
} from './llm-provider.ts';

/**
 * Answers without a language model, so that a service can be tried out and tested with nothing set up: with the example of
 * the prompt, or with a sentence that says that nobody was asked. Never without its label: `isOffline`, and where the
 * answer is its own, the words `[offline]` before it.
 *
 * @example
 * const llm = new LlmClient({ provider: new OfflineProvider(), model: 'none' });
 * await llm.generateCompletion('Hello, world!'); // '[offline] No language model was asked. …'
 */
export class OfflineProvider implements LlmProvider {
  readonly name = 'offline';
  readonly isOffline = true;

  async generate(request: ModelRequest, { signal }: ProviderCallOptions = {}): Promise<ModelAnswer> {
    signal?.throwIfAborted();
    return { content: answerTo(request), ...factsOf(request) };
  }

  async *stream(request: ModelRequest, { signal }: ProviderCallOptions = {}): AsyncGenerator<ModelPart> {
    for (const text of answerTo(request).match(/\S+\s*|\s+/g) ?? []) {
      signal?.throwIfAborted();
      yield { type: 'text', text };
    }
    yield { type: 'end', facts: factsOf(request) };
  }
}

function answerTo({ messages, format, example }: ModelRequest): string {
  if (example !== undefined) return example;
  if (format !== undefined) {
    throw new ConfigurationError(
      `The offline provider cannot make up an answer of the shape "${format.name}": give the prompt an example, or set OPENAI_API_KEY`,
      [{ name: 'OPENAI_API_KEY', message: 'is not set' }],
    );
  }
  const characters = messages.reduce((sum, { content }) => sum + content.length, 0);
  return `[offline] No language model was asked. The prompt has ${characters} characters; set OPENAI_API_KEY to have it answered.`;
}

function factsOf({ model }: ModelRequest): AnswerFacts {
  return { finishReason: 'stop', usage: { promptTokens: 0, completionTokens: 0 }, model };
}

import type {
  JSONSchema7,
  LanguageModelV3,
  LanguageModelV3CallOptions,
  LanguageModelV3FinishReason,
  LanguageModelV3StreamPart,
  LanguageModelV3Usage,
  SharedV3Warning,
} from '@ai-sdk/provider';
import { NetworkError } from '../../errors/index.ts';
import { type Clock, systemClock } from '../../kernel/index.ts';
import type {
  AnswerFacts,
  FinishReason,
  LlmProvider,
  Message,
  ModelAnswer,
  ModelPart,
  ModelRequest,
  ProviderCallOptions,
} from '../llm-provider.ts';
import { modelFailure } from './ai-sdk-failure.ts';

/** What a {@link AiSdkProvider} is made of. */
export interface AiSdkProviderOptions {
  /** What it is called in metrics, from a closed set, such as `anthropic`. */
  readonly name: string;
  /** Makes the SDK's object for a model: called at its first use, and then kept. */
  readonly languageModel: (model: string) => LanguageModelV3 | Promise<LanguageModelV3>;
  /** Whether a model can be told the shape of its answer by a JSON Schema; others are told in words. @default all can */
  readonly takesSchema?: ((model: string) => boolean) | undefined;
  /** Options for the provider, by its name, as the SDK documents them. @default none */
  readonly providerOptions?: LanguageModelV3CallOptions['providerOptions'];
  /** Reads dates in `Retry-After`. @default systemClock */
  readonly clock?: Clock | undefined;
}

/** How many models one provider keeps an object of. */
const maxModels = 100;

/**
 * Any provider of the AI SDK (version 6) as a {@link LlmProvider}: OpenAI, Azure, Anthropic, Google and everything else that
 * has a package for it. The SDK's own retries are not used; the guard repeats.
 *
 * @example
 * import { createAnthropic } from '@ai-sdk/anthropic';
 * const anthropic = createAnthropic({ apiKey });
 * const provider = new AiSdkProvider({ name: 'anthropic', languageModel: model => anthropic(model) });
 */
export class AiSdkProvider implements LlmProvider {
  readonly name: string;
  readonly #options: AiSdkProviderOptions;
  readonly #clock: Clock;
  readonly #models = new Map<string, Promise<LanguageModelV3>>();

  constructor(options: AiSdkProviderOptions) {
    this.name = options.name;
    this.#options = options;
    this.#clock = options.clock ?? systemClock;
  }

  async generate(request: ModelRequest, { signal }: ProviderCallOptions = {}): Promise<ModelAnswer> {
    const model = await this.#modelOf(request.model);
    try {
      const { content, response, ...facts } = await model.doGenerate(this.#callOf(request, signal));
      const text = content.map(part => (part.type === 'text' ? part.text : '')).join('');
      return { content: text, ...factsOf({ ...facts, model: response?.modelId ?? request.model, id: response?.id }) };
    } catch (error) {
      throw signal?.aborted ? signal.reason : modelFailure(this.name, error, this.#clock.now());
    }
  }

  async *stream(request: ModelRequest, { signal }: ProviderCallOptions = {}): AsyncGenerator<ModelPart> {
    const model = await this.#modelOf(request.model);
    let answering = request.model;
    let id: string | undefined;
    let warnings: readonly SharedV3Warning[] = [];
    try {
      const { stream } = await model.doStream(this.#callOf(request, signal));
      for await (const part of piecesOf(stream)) {
        if (part.type === 'text-delta' && part.delta !== '') yield { type: 'text', text: part.delta };
        else if (part.type === 'stream-start') warnings = part.warnings;
        else if (part.type === 'response-metadata') [answering, id] = [part.modelId ?? answering, part.id ?? id];
        else if (part.type === 'error') throw part.error;
        else if (part.type === 'finish') {
          // The SDK ends a stream that was cut off like one that is complete, but for the provider's own word on it.
          if (part.finishReason.raw === undefined) throw new NetworkError('The answer was cut before its end');
          yield { type: 'end', facts: factsOf({ ...part, warnings, model: answering, id }) };
          return;
        }
      }
    } catch (error) {
      throw signal?.aborted ? signal.reason : modelFailure(this.name, error, this.#clock.now());
    }
  }

  #modelOf(name: string): Promise<LanguageModelV3> {
    const known = this.#models.get(name);
    if (known !== undefined) return known;
    const made = Promise.resolve(this.#options.languageModel(name));
    if (this.#models.size >= maxModels) this.#models.clear();
    this.#models.set(name, made);
    // What could not be loaded may be installed by the next time.
    made.catch(() => this.#models.delete(name));
    return made;
  }

  #callOf(request: ModelRequest, signal: AbortSignal | undefined): LanguageModelV3CallOptions {
    const { model, format, temperature, topP, maxOutputTokens, stopSequences, seed } = request;
    const { takesSchema, providerOptions } = this.#options;
    const isTold = format !== undefined && takesSchema?.(model) === false;
    return {
      prompt: [...(isTold ? [inWords(format)] : []), ...request.messages].map(messageOf),
      ...(temperature !== undefined && { temperature }),
      ...(topP !== undefined && { topP }),
      ...(maxOutputTokens !== undefined && { maxOutputTokens }),
      ...(stopSequences !== undefined && { stopSequences: [...stopSequences] }),
      ...(seed !== undefined && { seed }),
      ...(format !== undefined &&
        !isTold && {
          responseFormat: { type: 'json', name: format.name, schema: format.schema as JSONSchema7 },
        }),
      ...(signal !== undefined && { abortSignal: signal }),
      ...(providerOptions !== undefined && { providerOptions }),
    };
  }
}

/** Leaving the loop ends the request: a reader that is only let go would keep it open. */
async function* piecesOf(
  stream: ReadableStream<LanguageModelV3StreamPart>,
): AsyncGenerator<LanguageModelV3StreamPart, void, void> {
  const reader = stream.getReader();
  try {
    for (let piece = await reader.read(); !piece.done; piece = await reader.read()) yield piece.value;
  } finally {
    reader.cancel().catch(() => {});
  }
}

function messageOf({ role, content }: Message): LanguageModelV3CallOptions['prompt'][number] {
  return role === 'system' ? { role, content } : { role, content: [{ type: 'text', text: content }] };
}

function inWords({ schema }: NonNullable<ModelRequest['format']>): Message {
  return {
    role: 'system',
    content: `Answer with JSON alone, without any words around it, valid against this JSON Schema:\n${JSON.stringify(schema)}`,
  };
}

interface SdkFacts {
  readonly finishReason: LanguageModelV3FinishReason;
  readonly usage: LanguageModelV3Usage;
  readonly warnings: readonly SharedV3Warning[];
  readonly model: string;
  readonly id: string | undefined;
}

const finishReasons: Readonly<Record<LanguageModelV3FinishReason['unified'], FinishReason>> = {
  stop: 'stop',
  length: 'length',
  'content-filter': 'content-filter',
  'tool-calls': 'other',
  error: 'other',
  other: 'other',
};

function factsOf({ finishReason, usage, warnings, model, id }: SdkFacts): AnswerFacts {
  return {
    finishReason: finishReasons[finishReason.unified],
    usage: { promptTokens: usage.inputTokens.total, completionTokens: usage.outputTokens.total },
    model,
    ...(id !== undefined && { responseId: id }),
    ...(warnings.length > 0 && { warnings: warnings.map(inOneLine) }),
  };
}

function inOneLine(warning: SharedV3Warning): string {
  if (warning.type === 'other') return warning.message;
  const { feature, details } = warning;
  return `${feature} is not supported${details === undefined ? '' : `: ${details}`}`;
}

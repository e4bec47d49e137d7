import { createHash } from 'node:crypto';
import { getRequestContext } from '../context/index.ts';
import { ArgumentError } from '../errors/index.ts';
import { type Clock, type EventSource, Events, requireInteger, systemClock } from '../kernel/index.ts';
import type { Guard, Outcome } from '../pipeline/index.ts';
import { readOutput } from './answer-output.ts';
import { ModelAnswerError } from './errors.ts';
import type { LlmEvents } from './events.ts';
import type { AnswerFacts, LlmProvider, Message, ModelAnswer, ModelParameters, ModelRequest } from './llm-provider.ts';
import type { LlmResponse, PromptResponse } from './llm-response.ts';
import { LlmStream } from './llm-stream.ts';
import { requireParameters } from './model-parameters.ts';
import { type AnswerSharing, type Prompt, type PromptContext, renderPrompt } from './prompt.ts';

/** What a {@link LlmClient} is made of. */
export interface LlmClientOptions {
  /** Who answers. */
  readonly provider: LlmProvider;
  /** The model or deployment that is asked unless a call or a prompt names another. */
  readonly model: string;
  /** The policies around every call; its cache remembers what may be remembered. @default none */
  readonly guard?: Guard | undefined;
  /** The longest conversation that is sent, in characters. @default 400_000 */
  readonly maxPromptCharacters?: number | undefined;
  /** The longest wait between two pieces of a streamed answer, and for its reader to begin, in milliseconds. @default 30_000 */
  readonly idleTimeoutMs?: number | undefined;
  /** @default systemClock */
  readonly clock?: Clock | undefined;
}

/** How one answer is asked for. */
export interface AnswerOptions extends ModelParameters {
  /** The model or deployment. @default that of the client */
  readonly model?: string | undefined;
  /** What the call is called in records and metrics, from a closed set. @default 'generate' or 'stream' */
  readonly operation?: string | undefined;
  /** Ends the call. @default none */
  readonly signal?: AbortSignal | undefined;
}

/** What is asked: one text, or a conversation. */
export type Question =
  | { readonly prompt: string; readonly system?: string | undefined; readonly messages?: undefined }
  | { readonly messages: readonly Message[]; readonly prompt?: undefined; readonly system?: undefined };

/** A question, and how its answer is asked for. */
export type GenerateOptions = Question &
  AnswerOptions & {
    /** Whether the answer is remembered and given again to the same question, and to whom. @default not at all */
    readonly cache?: AnswerSharing | undefined;
  };

/** One call, ready to be made. */
interface Asking {
  readonly request: ModelRequest;
  readonly operation: string;
  readonly key: string | undefined;
  readonly signal: AbortSignal | undefined;
}

/**
 * A language model behind one interface, whoever answers. Every call goes through the guard: deadline, retries on a
 * budget, slots, breaker, rate and time-outs are its. A streamed answer is repeated only before its first piece.
 *
 * @throws {ArgumentError} when an option cannot be used.
 * @example
 * const llm = new LlmClient({ provider: new OfflineProvider(), model: 'none' });
 * const { content, usageStats } = await llm.generate({ prompt: 'Say hello', maxOutputTokens: 20 });
 */
export class LlmClient {
  /** The name of who answers, such as `openai`. */
  readonly provider: string;
  /** The model that is asked unless a call or a prompt names another. */
  readonly model: string;
  readonly #provider: LlmProvider;
  readonly #guard: Guard | undefined;
  readonly #maxPromptCharacters: number;
  readonly #idleTimeoutMs: number;
  readonly #clock: Clock;
  readonly #events = new Events<LlmEvents>();

  constructor(options: LlmClientOptions) {
    const {
      provider,
      model,
      guard,
      maxPromptCharacters = 400_000,
      idleTimeoutMs = 30_000,
      clock = systemClock,
    } = options;
    this.provider = provider.name;
    this.model = requireModel(model);
    this.#provider = provider;
    this.#guard = guard;
    this.#maxPromptCharacters = requireInteger('maxPromptCharacters', maxPromptCharacters, 1);
    this.#idleTimeoutMs = requireInteger('idleTimeoutMs', idleTimeoutMs, 1);
    this.#clock = clock;
  }

  get events(): EventSource<LlmEvents> {
    return this.#events;
  }

  /**
   * Asks for an answer as a whole.
   *
   * @throws {RejectedError} when a policy refuses the call.
   * @throws {FailedError} when the provider cannot be reached, refuses or fails.
   * @throws {ArgumentError} when the question cannot be used.
   */
  async generate(options: GenerateOptions): Promise<LlmResponse> {
    const { value, ...outcome } = await this.#answer(this.#asking(options, 'generate'));
    return this.#responseOf(value, outcome);
  }

  /** The words of an answer, without the facts about it. Errors are those of {@link generate}. */
  async generateCompletion(prompt: string, options: AnswerOptions = {}): Promise<string> {
    return (await this.generate({ ...options, prompt })).content;
  }

  /**
   * Asks for an answer bit by bit. Resolves when its first piece is there, and until then the guard may repeat the call.
   * Errors are those of {@link generate}; while the answer is read, a stream throws that is cut, stands still, or has not
   * ended by the deadline of its request. One that nobody begins to read within `idleTimeoutMs` is given up.
   *
   * @example
   * const stream = await llm.stream({ prompt: 'Tell a story' });
   * for await (const text of stream) show(text);
   * const { usageStats } = await stream.response();
   */
  async stream(options: Question & AnswerOptions): Promise<LlmStream> {
    const { request, operation, signal } = this.#asking(options, 'stream');
    const startedMs = this.#clock.monotonic();
    const { deadlineMs } = getRequestContext();
    const begin = (ending?: AbortSignal): Promise<LlmStream> =>
      LlmStream.begin({
        parts: partSignal => this.#provider.stream(request, { signal: partSignal }),
        signal,
        beginSignal: ending,
        deadlineMs,
        idleTimeoutMs: this.#idleTimeoutMs,
        clock: this.#clock,
        finish: (content, facts) => {
          this.#tell(operation, facts, startedMs);
          return this.#responseOf({ content, ...facts }, { freshness: 'fresh', ageMs: 0 });
        },
      });
    if (this.#guard === undefined) return await begin();
    const call = { operation, repeatable: true, signal };
    return (await this.#guard.execute(call, attempt => begin(attempt.signal))).value;
  }

  /**
   * Fills in a prompt, asks, and checks the answer against the shape that the prompt wants. An answer of another shape is
   * never remembered; it is asked for again as often as the guard allows, also when it was remembered for a shape of before.
   *
   * @throws {ModelAnswerError} when no answer had the shape. All else is as for {@link generate}.
   * @example
   * const { output } = await llm.executePrompt(headlines, { count: 3, product: 'a quiet fan' });
   */
  async executePrompt<Name extends string, Output>(
    prompt: Prompt<Name, Output>,
    context: PromptContext<NoInfer<Name>>,
    options: AnswerOptions = {},
  ): Promise<PromptResponse<Output>> {
    const { name, version, output: shape, format, cache, example } = prompt;
    const asking = this.#asking(
      {
        ...prompt.parameters,
        ...options,
        model: options.model ?? prompt.model,
        cache,
        messages: renderPrompt(prompt, context),
      },
      name,
      { format, example },
      version,
    );
    // Without a shape the output is the text: then the prompt's type says so, too.
    const read = async (answer: ModelAnswer): Promise<Output> =>
      shape === undefined ? (answer.content as Output) : await readOutput(name, shape, answer);
    const respond = async ({ value, ...outcome }: Outcome<ModelAnswer>): Promise<PromptResponse<Output>> => {
      const output = await read(value);
      return { ...this.#responseOf(value, outcome), output };
    };
    const answered = await this.#answer(asking, read);
    try {
      return await respond(answered);
    } catch (error) {
      if (!(error instanceof ModelAnswerError)) throw error;
      // What has just been given fits: this was remembered when the shape asked for less.
      return await respond(await this.#answer({ ...asking, key: undefined }, read));
    }
  }

  #asking(
    options: GenerateOptions,
    operation: string,
    shape: Pick<ModelRequest, 'format' | 'example'> = {},
    version = 1,
  ): Asking {
    const { model = this.model, temperature, topP, maxOutputTokens, stopSequences, seed } = options;
    const messages = messagesOf(options);
    const characters = messages.reduce((sum, { content }) => sum + content.length, 0);
    if (characters === 0) throw new ArgumentError('Cannot ask a language model: the prompt is empty', 'prompt');
    if (characters > this.#maxPromptCharacters) {
      throw new ArgumentError(
        `Cannot ask a language model: the prompt has ${characters} characters, expected at most ${this.#maxPromptCharacters}`,
        'prompt',
      );
    }
    requireParameters(options);
    const parameters = { temperature, topP, maxOutputTokens, stopSequences, seed };
    const request: ModelRequest = { model: requireModel(model), messages, ...parameters, ...shape };
    return {
      request,
      operation: options.operation ?? operation,
      key: keyOf(this.provider, request, version, options.cache),
      signal: options.signal,
    };
  }

  /** Through the guard, when there is one. */
  async #answer(asking: Asking, check?: (answer: ModelAnswer) => Promise<unknown>): Promise<Outcome<ModelAnswer>> {
    const { request, operation, key, signal } = asking;
    const ask = async (ending: AbortSignal | undefined): Promise<ModelAnswer> => {
      const startedMs = this.#clock.monotonic();
      const answer = await this.#provider.generate(request, { signal: ending });
      this.#tell(operation, answer, startedMs);
      await check?.(answer);
      return answer;
    };
    if (this.#guard === undefined) return { value: await ask(signal), freshness: 'fresh', ageMs: 0 };
    return await this.#guard.execute({ operation, key, repeatable: true, signal }, attempt => ask(attempt.signal));
  }

  #tell(operation: string, { model, finishReason, usage }: AnswerFacts, startedMs: number): void {
    if (!this.#events.has('answered')) return;
    const durationMs = this.#clock.monotonic() - startedMs;
    this.#events.emit('answered', { provider: this.provider, model, operation, finishReason, usage, durationMs });
  }

  #responseOf(answer: ModelAnswer, { freshness, ageMs }: Omit<Outcome<unknown>, 'value'>): LlmResponse {
    const { content, usage, model, finishReason, responseId, warnings } = answer;
    return {
      content,
      metadata: {
        provider: this.provider,
        model,
        isOffline: this.#provider.isOffline ?? false,
        finishReason,
        freshness,
        ageMs,
        ...(responseId !== undefined && { responseId }),
        ...(warnings !== undefined && { warnings }),
      },
      usageStats: usage,
    };
  }
}

function messagesOf({ prompt, system, messages }: Question): readonly Message[] {
  if (messages !== undefined) return messages;
  const user: Message = { role: 'user', content: prompt };
  return system === undefined ? [user] : [{ role: 'system', content: system }, user];
}

/**
 * The same question to the same model has the same key, within those who may see each other's answers. A new version of a
 * prompt is another question, whatever its words.
 */
function keyOf(
  provider: string,
  request: ModelRequest,
  version: number,
  cache: AnswerSharing | undefined,
): string | undefined {
  if (cache === undefined) return undefined;
  const { userId } = getRequestContext();
  if (cache === 'user' && userId === undefined) return undefined;
  const hash = createHash('sha256');
  // The length keeps one part from reaching into the next: no user can be named so that a question becomes another's.
  for (const part of [cache === 'user' ? `user ${userId}` : 'everyone', provider, JSON.stringify([version, request])]) {
    hash.update(`${part.length} ${part}`);
  }
  return hash.digest('base64url');
}

function requireModel(model: string): string {
  if (model.trim() !== '') return model;
  throw new ArgumentError('Cannot ask a language model: expected the name of a model or deployment, got none', 'model');
}

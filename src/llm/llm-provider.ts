import type { z } from 'zod';

/** Who says a message: the service itself, the person who asks, or the model in an earlier answer. */
export type MessageRole = 'system' | 'user' | 'assistant';

/** One message of a conversation. */
export interface Message {
  readonly role: MessageRole;
  readonly content: string;
}

/** The shape that an answer has to have. */
export interface AnswerFormat {
  /** What the answer is called, such as `headlines`. */
  readonly name: string;
  /** As JSON Schema. */
  readonly schema: z.core.JSONSchema.BaseSchema;
}

/** What may be set for one answer. A provider that does not know one of them says so in its warnings. */
export interface ModelParameters {
  /** How freely the model chooses its words: 0 is the least. @default that of the provider */
  readonly temperature?: number | undefined;
  /** The share of probability to choose words from, above 0 and at most 1. @default that of the provider */
  readonly topP?: number | undefined;
  /** The longest answer, in tokens; one that is cut there says `length`. @default that of the provider */
  readonly maxOutputTokens?: number | undefined;
  /** Texts at which the answer ends. @default [] */
  readonly stopSequences?: readonly string[] | undefined;
  /** Makes answers repeatable, where the provider can. @default none */
  readonly seed?: number | undefined;
}

/** What a provider is asked. */
export interface ModelRequest extends ModelParameters {
  /** The model, or the deployment. */
  readonly model: string;
  readonly messages: readonly Message[];
  /** @default text */
  readonly format?: AnswerFormat | undefined;
  /** How an answer looks. The offline provider gives it back; all others ignore it. @default none */
  readonly example?: string | undefined;
}

/** Why an answer ended: it was complete, cut at the token limit, held back by the provider's filter, or something else. */
export type FinishReason = 'stop' | 'length' | 'content-filter' | 'other';

/** What an answer cost, in tokens. `undefined` where the provider did not say. */
export interface UsageStats {
  readonly promptTokens: number | undefined;
  readonly completionTokens: number | undefined;
}

/** What is known of an answer besides its words. */
export interface AnswerFacts {
  readonly finishReason: FinishReason;
  readonly usage: UsageStats;
  /** The model that answered, as the provider names it. */
  readonly model: string;
  /** The provider's id of the answer. */
  readonly responseId?: string | undefined;
  /** What the provider did not do as it was told. */
  readonly warnings?: readonly string[] | undefined;
}

/** A whole answer. */
export interface ModelAnswer extends AnswerFacts {
  readonly content: string;
}

/** A piece of an answer that comes bit by bit: words, and at its end the facts. */
export type ModelPart =
  | { readonly type: 'text'; readonly text: string }
  | { readonly type: 'end'; readonly facts: AnswerFacts };

/** How one call of a provider is made. */
export interface ProviderCallOptions {
  /** Ends the call. @default none */
  readonly signal?: AbortSignal | undefined;
}

/**
 * Somebody who answers prompts. One attempt per call: retries, limits and time-outs are the guard's. Failures are
 * `NetworkError`, `RateLimitError` and `UpstreamError` of `plinth/errors`; their messages hold no word of a prompt.
 * `llmProviderContract` of `plinth/testing` says the rest.
 */
export interface LlmProvider {
  /** From a closed set: it becomes a metric label. */
  readonly name: string;
  /** Present when no language model is asked: what it answers is made up, and says so. */
  readonly isOffline?: true;
  /** Answers as a whole. */
  generate(request: ModelRequest, options?: ProviderCallOptions): Promise<ModelAnswer>;
  /** Answers bit by bit: any number of texts, then the end. A stream that is cut throws. */
  stream(request: ModelRequest, options?: ProviderCallOptions): AsyncIterable<ModelPart>;
}

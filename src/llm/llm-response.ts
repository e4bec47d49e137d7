import type { Freshness } from '../pipeline/index.ts';
import type { FinishReason, UsageStats } from './llm-provider.ts';

/** Where an answer came from. */
export interface LlmMetadata {
  readonly provider: string;
  /** The model that answered, as the provider names it. */
  readonly model: string;
  /** Whether no language model was asked: the answer is the offline provider's. */
  readonly isOffline: boolean;
  readonly finishReason: FinishReason;
  /** `stale` when an older answer stands in while the provider cannot be asked. */
  readonly freshness: Freshness;
  /** Age of the answer in milliseconds: 0 when it was just given. */
  readonly ageMs: number;
  /** The provider's id of the answer. */
  readonly responseId?: string | undefined;
  /** What the provider did not do as it was told. */
  readonly warnings?: readonly string[] | undefined;
}

/** An answer. */
export interface LlmResponse {
  readonly content: string;
  readonly metadata: LlmMetadata;
  /** What the provider counted when it gave the answer; an answer from the cache costs nothing again. */
  readonly usageStats: UsageStats;
}

/** The answer to a prompt: its `output` has the shape that the prompt asks for; without one it is the content. */
export interface PromptResponse<Output> extends LlmResponse {
  readonly output: Output;
}

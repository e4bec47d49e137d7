import type { FinishReason, UsageStats } from './llm-provider.ts';

/** What a {@link LlmClient} tells. */
export interface LlmEvents {
  /** A provider answered; answers from the cache do not count. Holds no word of prompt or answer. */
  answered: {
    readonly provider: string;
    /** The model that answered, as the provider names it. */
    readonly model: string;
    /** The name of the prompt, or what was called. From a closed set. */
    readonly operation: string;
    readonly finishReason: FinishReason;
    readonly usage: UsageStats;
    readonly durationMs: number;
  };
}

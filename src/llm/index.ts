export { ModelAnswerError } from './errors.ts';
export type { LlmEvents } from './events.ts';
export {
  type AnswerOptions,
  type GenerateOptions,
  LlmClient,
  type LlmClientOptions,
  type Question,
} from './llm-client.ts';
export type {
  AnswerFacts,
  AnswerFormat,
  FinishReason,
  LlmProvider,
  Message,
  MessageRole,
  ModelAnswer,
  ModelParameters,
  ModelPart,
  ModelRequest,
  ProviderCallOptions,
  UsageStats,
} from './llm-provider.ts';
export type { LlmMetadata, LlmResponse, PromptResponse } from './llm-response.ts';
export { LlmStream } from './llm-stream.ts';
export { OfflineProvider } from './offline-provider.ts';
export {
  type AnswerSharing,
  definePrompt,
  type Placeholders,
  type Prompt,
  type PromptContext,
  type PromptValue,
  renderPrompt,
  type ShapedPromptOptions,
  type TextPromptOptions,
} from './prompt.ts';
export { PromptCatalog } from './prompt-catalog.ts';

export type { BatchOverview, InfrastructureBatchOptions, InfrastructureQueueOptions } from './batches.ts';
export { createInfrastructure, type InfrastructureOptions } from './create-infrastructure.ts';
export { Dependencies, type Dependency, type DependencyEvents, type DependencyOptions } from './dependencies.ts';
export { ClosingError } from './errors.ts';
export { Infrastructure, type RequestExplanation } from './infrastructure.ts';
export { type LimitEvents, type LimitOptions, Limits, type OutboundLimiter, type OutboundRate } from './limits.ts';
export type { LlmProviderName } from './open-llm.ts';

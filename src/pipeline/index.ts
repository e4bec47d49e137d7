export type { Attempt, FaultInjector, FaultTarget } from './attempt.ts';
export { CallLog, type CallLogOptions, type CallTotals } from './call-log.ts';
export type { CallOptions } from './call-options.ts';
export {
  type CallRecord,
  type CallResult,
  type Freshness,
  type Outcome,
  type StageDecision,
  type StageName,
  type StageRecord,
  stageOrder,
} from './call-record.ts';
export { Guard, type GuardEvents } from './guard.ts';
export { type PipelineBuilder, type PipelineOptions, pipeline, type RateOptions } from './pipeline.ts';
export type { CallLimiter, CallPermit, Substitute } from './policies.ts';
export {
  type HedgedGuardOptions,
  hedgedGuard,
  type PresetOptions,
  type StandardGuardOptions,
  standardGuard,
  writeGuard,
} from './presets.ts';
export type { GuardChanges, NumberOrigin, StageExplanation } from './stage-numbers.ts';

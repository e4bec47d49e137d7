export { CallLog, type CallLogOptions, type CallTotals } from './call-log.ts';
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
export { type Attempt, type CallOptions, Guard, type GuardEvents, type StageExplanation } from './guard.ts';
export { type PipelineBuilder, type PipelineOptions, pipeline } from './pipeline.ts';
export { type StandardGuardOptions, standardGuard } from './standard-guard.ts';

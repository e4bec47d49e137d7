export type {
  BatchLimiter,
  BatchOptions,
  BatchProcessorOptions,
  BatchSettings,
  WorkContext,
} from './batch-options.ts';
export { BatchProcessor } from './batch-processor.ts';
export type { BatchResult, FailedItem, ProcessedItem } from './batch-result.ts';
export type { BatchCheckpoint, OpenCheckpoint, RecordedOutcome } from './checkpoint.ts';
export { BatchFailedError, CheckpointError, type CheckpointProblem, RecordedError } from './errors.ts';
export type { BatchEnd, BatchEvents, BatchOutcome, BatchProgress, BatchState } from './events.ts';
export { FileCheckpoint, type FileCheckpointOptions } from './file-checkpoint.ts';
export { MemoryCheckpoint, type MemoryCheckpointOptions } from './memory-checkpoint.ts';
export { type ProgressBarOptions, type ProgressStream, progressBar } from './progress-bar.ts';

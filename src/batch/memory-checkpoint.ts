import { type BatchCheckpoint, type OpenCheckpoint, type RecordedOutcome, requireJob } from './checkpoint.ts';

/** How a {@link MemoryCheckpoint} is made. */
export interface MemoryCheckpointOptions {
  /** Which job this is. */
  readonly job: string;
}

/**
 * Outcomes in memory: to stop a batch and go on later in the same process, and for tests.
 *
 * @example
 * const checkpoint = new MemoryCheckpoint<string>({ job: 'labels:2026-01' });
 */
export class MemoryCheckpoint<Value> implements BatchCheckpoint<Value> {
  readonly job: string;
  readonly #outcomes = new Map<string, RecordedOutcome<Value>>();

  constructor({ job }: MemoryCheckpointOptions) {
    this.job = requireJob(job);
  }

  async open(): Promise<OpenCheckpoint<Value>> {
    const outcomes = this.#outcomes;
    return {
      size: outcomes.size,
      find: id => outcomes.get(id),
      record: async (id, _index, outcome) => void outcomes.set(id, outcome),
      close: async () => {},
    };
  }
}

import { type BatchEnd, BatchProcessor, type BatchProcessorOptions, type BatchProgress } from '../batch/index.ts';
import { type BatchDatabase, QueuedBatch, type QueuedBatchOptions } from '../batch/pg-boss/index.ts';
import { ArgumentError } from '../errors/index.ts';
import type { Clock, Ids } from '../kernel/index.ts';
import type { Logging } from '../logging/index.ts';
import type { Metrics } from '../telemetry/index.ts';
import { logBatch, logQueuedBatch } from './observers.ts';

/** How a batch processor of the process is made. */
export interface InfrastructureBatchOptions<Item, Value>
  extends Omit<BatchProcessorOptions<Item, Value>, 'clock' | 'ids'> {
  /** What is processed, such as `labels`: part of the logger's name, and a metric label. From a closed set. */
  readonly name: string;
}

/** How a queued batch of the process is made. */
export interface InfrastructureQueueOptions<Item, Value>
  extends Omit<QueuedBatchOptions<Item, Value>, 'clock' | 'database'> {
  /** What is processed: the name of the queue, of its logger, and a metric label. From a closed set. */
  readonly name: string;
}

/** A batch processor, as the console sees it. */
export interface BatchOverview {
  readonly name: string;
  readonly maxConcurrent: number;
  /** How far the batch under way is; of the last one, how it ended; `undefined` when there was none yet. */
  readonly progress: BatchProgress | BatchEnd | undefined;
}

/** What {@link Batches} are made of. */
export interface BatchesParts {
  readonly clock: Clock;
  readonly ids: Ids;
  readonly logging: Logging;
  readonly metrics: Metrics | undefined;
  readonly database: BatchDatabase;
}

/** The batch processors of the process, each seen in logs and metrics. */
export class Batches {
  readonly #parts: BatchesParts;
  readonly #all = new Map<string, { overview(): BatchOverview }>();
  readonly #queues = new Set<string>();

  constructor(parts: BatchesParts) {
    this.#parts = parts;
  }

  /** @throws {ArgumentError} when there is a batch of this name already, or an option cannot be used. */
  add<Item, Value>(options: InfrastructureBatchOptions<Item, Value>): BatchProcessor<Item, Value> {
    const { clock, ids, logging, metrics } = this.#parts;
    const { name } = options;
    this.#requireFree(name);
    const processor = new BatchProcessor<Item, Value>({ ...options, clock, ids });
    let last: BatchEnd | undefined;
    processor.events.on('ended', end => {
      last = end;
    });
    logBatch(logging, processor);
    metrics?.observeBatch(processor);
    const { maxConcurrent } = processor.settings;
    this.#all.set(name, { overview: () => ({ name, maxConcurrent, progress: processor.progress() ?? last }) });
    return processor;
  }

  /** @throws {ArgumentError} when there is a batch of this name already, or an option cannot be used. */
  addQueue<Item, Value>(options: InfrastructureQueueOptions<Item, Value>): QueuedBatch<Item, Value> {
    const { clock, logging, metrics, database } = this.#parts;
    const { name } = options;
    this.#requireFree(name);
    const batch = new QueuedBatch<Item, Value>({ ...options, database, clock });
    logQueuedBatch(logging, batch, clock);
    metrics?.observeQueuedBatch(batch);
    this.#queues.add(name);
    return batch;
  }

  list(): readonly BatchOverview[] {
    return [...this.#all.values()].map(batch => batch.overview());
  }

  #requireFree(name: string): void {
    if (!this.#all.has(name) && !this.#queues.has(name)) return;
    throw new ArgumentError(`Cannot make the batch "${name}": there is one of this name already`, 'name');
  }
}

export type { BatchDatabase, StatementRunner, TransactionRunner } from './batch-database.ts';
export { WorkerLostError } from './errors.ts';
export type { QueuedBatchEvents } from './events.ts';
export { type DeadLetter, Outbox, type OutboxEvents } from './outbox.ts';
export type { OutboxDelivery, OutboxMessage, OutboxOptions } from './outbox-options.ts';
export { type EnqueueReport, QueuedBatch, type QueueWaitOptions } from './queued-batch.ts';
export type { QueuedBatchOptions, QueuedBatchSettings } from './queued-batch-options.ts';

export { type CacheStoreSubject, cacheStoreContract } from './cache-store-contract.ts';
export { type ClockSubject, clockContract } from './clock-contract.ts';
export { type ConcurrencySlotSubject, concurrencySlotContract } from './concurrency-slot-contract.ts';
export type { ContractCase, ContractSuite } from './contract.ts';
export { type IdempotencyStoreSubject, idempotencyStoreContract } from './idempotency-store-contract.ts';
export { type LlmProviderSubject, llmProviderContract } from './llm-provider-contract.ts';
export {
  MemoryCacheStore,
  type MemoryCacheStoreOptions,
  type MemoryStoreChanges,
  type StoreHealth,
} from './memory-cache-store.ts';
export { randomContract } from './random-contract.ts';
export { type RateLimitStoreSubject, rateLimitStoreContract } from './rate-limit-store-contract.ts';
export { type Replay, type ReplayOptions, type ReplayParts, replay } from './replay.ts';
export { replayReport } from './replay-report.ts';
export type { ReplayTotals } from './replay-totals.ts';
export { type ArrivalOptions, Scheduler, type SchedulerOptions } from './scheduler.ts';
export { type SeededFaultsOptions, seededFaults } from './seeded-faults.ts';
export { seededRandom } from './seeded-random.ts';
export { type StorageStrategySubject, storageStrategyContract } from './storage-strategy-contract.ts';
export { VirtualClock, type VirtualClockOptions } from './virtual-clock.ts';

export { type Replay, type ReplayOptions, type ReplayParts, type ReplayTotals, replay } from './replay.ts';
export { type ArrivalOptions, Scheduler, type SchedulerOptions } from './scheduler.ts';
export { seededRandom } from './seeded-random.ts';
export { VirtualClock, type VirtualClockOptions } from './virtual-clock.ts';

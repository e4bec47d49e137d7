export { RedisConnection } from './connection.ts';
export type { RedisArguments } from './driver.ts';
export { RedisCommandError, RedisUnavailableError, type RedisUnavailableReason } from './errors.ts';
export type { KeyChangeCoverage, RedisEvents } from './events.ts';
export type { KeyListener, RedisKeyChanges } from './key-changes.ts';
export type { RedisStatus } from './link.ts';
export type { RedisConnectionOptions } from './options.ts';
export type { RedisOutage } from './outages.ts';
export { RedisScript, type SendCommand } from './script.ts';

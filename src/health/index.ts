export { type EventLoopCheckOptions, eventLoopCheck } from './event-loop-check.ts';
export type { HealthEvents } from './events.ts';
export type {
  CheckReport,
  HealthCheck,
  HealthCheckResult,
  HealthKind,
  HealthReport,
  HealthStatus,
} from './health-check.ts';
export {
  type HealthRegistration,
  HealthRegistry,
  type HealthRegistryOptions,
  type HealthSnapshot,
} from './health-registry.ts';

export { createServer } from './create-server.ts';
export { type ErrorHandlersOptions, type ErrorHandlingApp, setupErrorHandlers } from './error-handlers.ts';
export {
  createErrorResponse,
  type ErrorBody,
  type ErrorResponse,
  type ErrorResponseOptions,
  toErrorResponse,
} from './error-response.ts';
export { type ErrorAnswer, errorStatuses } from './error-statuses.ts';
export {
  type EventStream,
  type EventStreamOptions,
  eventStream,
  type StreamEnd,
  type StreamEvent,
  type StreamReply,
  type StreamRequest,
} from './event-stream.ts';
export type { CompletedRequest, LimitRecord, ServerEvents } from './events.ts';
export { explainCall, explainRequest } from './explain-request.ts';
export { IdempotencyError, type IdempotencyProblem } from './idempotency/errors.ts';
export {
  type IdempotencyHooks,
  type IdempotentOptions,
  type IdempotentRequest,
  idempotent,
} from './idempotency/idempotency.ts';
export { MemoryIdempotencyStore, type MemoryIdempotencyStoreOptions } from './idempotency/memory-store.ts';
export { RedisIdempotencyStore, type RedisIdempotencyStoreOptions } from './idempotency/redis-store.ts';
export { type Idempotency, type IdempotentAnswer, type IdempotentReply, idempotencyOf } from './idempotency/run.ts';
export { SqlIdempotencyStore, type SqlIdempotencyStoreOptions } from './idempotency/sql-store.ts';
export { idempotencyMigration, type StatementRunner } from './idempotency/statements.ts';
export type { ClaimOutcome, IdempotencyClaim, IdempotencyStore, KeptAnswer } from './idempotency/store.ts';
export {
  type LimitedReply,
  type LimitedRequest,
  type LimitHook,
  type LimitRequestsOptions,
  type LimitSubject,
  limitRequests,
  type RequestLimiter,
} from './limit-requests.ts';
export type {
  ListenOptions,
  ServerAddress,
  ServerHealth,
  ServerMetrics,
  ServerOptions,
  ServerTimeouts,
} from './options.ts';
export { acceptRequestId } from './request-id.ts';
export type { ServerLogger } from './request-lifecycle.ts';
export { RequestLog, type RequestLogOptions } from './request-log.ts';
export { extendRequestContext } from './request-scope.ts';
export type { RouteEntry } from './route-table.ts';
export { Server, type ServerApp, type ServerParts, type ServerRoutes } from './server.ts';
export { formatTraceparent, parseTraceparent, type TraceParent } from './traceparent.ts';

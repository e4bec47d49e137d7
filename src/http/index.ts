export {
  BaseScraper,
  type QuestionOptions,
  type RobotsRules,
  type ScraperOptions,
  type SourceFacts,
} from './base-scraper.ts';
export { CachedScraper, type CachedScraperOptions } from './cached-scraper.ts';
export { ConnectionPool, type ConnectionPoolOptions, type OriginStats, type WarmUpOptions } from './connection-pool.ts';
export type { Drift } from './contract/drift.ts';
export { ContractError, QuarantineError, type QuarantineProblem } from './contract/errors.ts';
export type { ContractEvents } from './contract/events.ts';
export { FileQuarantine, type FileQuarantineOptions } from './contract/file-quarantine.ts';
export { MemoryQuarantine, type MemoryQuarantineOptions } from './contract/memory-quarantine.ts';
export type { Quarantine, QuarantinedRecord, QuarantineStats, UnreadableReason } from './contract/quarantine.ts';
export type { RecordReader, StandardIssue, StandardResult, StandardSchema } from './contract/record-reader.ts';
export {
  type ContractAnswer,
  type ContractReplay,
  type RecordSource,
  type RecoveredRecord,
  ResponseContract,
  type ResponseContractOptions,
} from './contract/response-contract.ts';
export { type FieldShape, mergeShapes, parseShape, type Shape, type ShapeOptions, shapeOf } from './contract/shape.ts';
export type { JsonType } from './contract/value-type.ts';
export { type DestinationOptions, parseOutboundUrl } from './destinations.ts';
export { type AddressRule, ForbiddenAddressError, RobotsDisallowedError } from './errors.ts';
export { parseRetryAfter } from './failures.ts';
export { type GuardedDispatcherOptions, guardedDispatcher } from './guarded-dispatcher.ts';
export { HostPace, type HostPaceOptions } from './host-pace.ts';
export { HttpClient, type HttpClientOptions } from './http-client.ts';
export type { HttpAnswer, HttpRequest, HttpStream } from './http-request.ts';
export { isPublicAddress } from './ip-address.ts';
export { type Link, parseLinkHeader } from './link-header.ts';
export {
  type NextByOffsetOptions,
  type NextByPageOptions,
  type NextByTokenOptions,
  type NextPage,
  nextByLink,
  nextByOffset,
  nextByPage,
  nextByToken,
  type PaginateOptions,
  paginate,
} from './paginate.ts';
export { type Provenance, provenanceOf, recordedHeader } from './provenance.ts';
export { type RobotsAccess, RobotsPolicy, type RobotsPolicyOptions } from './robots-policy.ts';
export type { TlsOptions } from './tls-options.ts';

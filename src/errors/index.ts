export {
  CacheError,
  FailedError,
  NetworkError,
  RateLimitError,
  ScraperError,
  TimeoutError,
  UpstreamError,
} from './failed.ts';
export { type ErrorOptions, type ErrorRecord, PlinthError } from './plinth-error.ts';
export { RejectedError, type RejectionReason } from './rejected.ts';
export {
  ArgumentError,
  ConfigurationError,
  type ConfigurationProblem,
  DuplicateError,
  NotFoundError,
  ServiceError,
  ValidationError,
} from './service.ts';

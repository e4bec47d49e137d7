export { ConnectionPool, type ConnectionPoolOptions, type OriginStats } from './connection-pool.ts';
export { type DestinationOptions, parseOutboundUrl } from './destinations.ts';
export { type AddressRule, ForbiddenAddressError } from './errors.ts';
export { parseRetryAfter } from './failures.ts';
export { type GuardedDispatcherOptions, guardedDispatcher } from './guarded-dispatcher.ts';
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

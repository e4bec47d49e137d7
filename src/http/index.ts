export { ConnectionPool, type ConnectionPoolOptions, type OriginStats } from './connection-pool.ts';
export { parseRetryAfter } from './failures.ts';
export { HttpClient, type HttpClientOptions } from './http-client.ts';
export type { HttpAnswer, HttpRequest, HttpStream } from './http-request.ts';

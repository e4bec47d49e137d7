import {
  ConfigurationError,
  NetworkError,
  NotFoundError,
  PlinthError,
  RateLimitError,
  ServiceError,
  TimeoutError,
  UpstreamError,
} from '../../errors/index.ts';
import { StorageError } from '../errors.ts';

/** A condition of a write does not hold: somebody else was faster. */
export class ConditionFailedError extends ServiceError {
  constructor() {
    super('The object has changed meanwhile', 'CONDITION_FAILED');
  }
}

/**
 * An error of the SDK as one of ours. The SDK's own is not kept as the cause when the server has answered: it carries
 * what was signed.
 */
export function requestFailure(error: unknown): unknown {
  if (error instanceof PlinthError) return error;
  if (!(error instanceof Error)) return error;
  const status = statusOf(error);
  if (status !== undefined) return answerFailure(error.name, status, error);
  if (error.name === 'CredentialsProviderError' || error.name === 'TokenProviderError') {
    return new ConfigurationError(
      'Cannot use S3 without credentials',
      [{ name: 'credentials', message: 'Expected credentials by option or by the rules of the SDK, found none' }],
      { cause: error },
    );
  }
  const code = 'code' in error && typeof error.code === 'string' ? error.code : error.name;
  return new NetworkError(`The S3 server could not be reached, or the connection broke (${code})`, {
    cause: error,
    details: { system_code: code },
  });
}

function answerFailure(name: string, status: number, error: object): PlinthError {
  if (name === 'NoSuchKey' || (status === 404 && name === 'NotFound')) return new NotFoundError('S3 object', '');
  if (status === 412 || name === 'ConditionalRequestConflict') return new ConditionFailedError();
  const details = { s3_code: name, status, ...requestIdOf(error) };
  if (status === 429 || name === 'SlowDown') {
    return new RateLimitError(`The S3 server answered ${status} (${name})`, { details });
  }
  // A success that cannot be read is a failure like those of gateways.
  return new UpstreamError(`The S3 server answered ${status} (${name})`, status < 400 ? 502 : status, { details });
}

/** What is told to those who use the storage: what was to be done with which file, and why it failed. */
export function storageFailure(doing: string, key: string, bucket: string, error: unknown): unknown {
  if (error instanceof ConditionFailedError) {
    return new StorageError(`Cannot ${doing} "${key}": somebody else has changed it; try again`, { retryable: true });
  }
  if (!isOfTheServer(error)) return error;
  const what = key === '' ? `the bucket "${bucket}"` : `"${key}"`;
  const { retryable, retryAfterMs, details } = error;
  return new StorageError(`Cannot ${doing} ${what}: ${reasonOf(error, bucket)}`, {
    cause: error,
    retryable,
    details,
    ...(retryAfterMs === undefined ? {} : { retryAfterMs }),
  });
}

function isOfTheServer(error: unknown): error is UpstreamError | RateLimitError | NetworkError | TimeoutError {
  return (
    error instanceof UpstreamError ||
    error instanceof RateLimitError ||
    error instanceof NetworkError ||
    error instanceof TimeoutError
  );
}

function reasonOf(error: PlinthError, bucket: string): string {
  if (error instanceof TimeoutError) return `the S3 server did not answer within ${error.timeoutMs} ms`;
  const code = String(error.details['s3_code'] ?? '');
  const reason = reasons[code];
  if (reason !== undefined) return `${reason.replace('{bucket}', bucket)} (${code})`;
  return error.message.charAt(0).toLowerCase() + error.message.slice(1);
}

const wrongCredentials = 'the S3 server does not accept the credentials; check the id and the secret of the key';
const wrongRegion = 'the bucket is in another region; correct the region';

const reasons: Readonly<Record<string, string>> = Object.freeze({
  NoSuchBucket: 'the bucket "{bucket}" does not exist; create it, or correct its name and endpoint',
  InvalidAccessKeyId: wrongCredentials,
  SignatureDoesNotMatch: wrongCredentials,
  InvalidToken: wrongCredentials,
  ExpiredToken: 'the credentials have expired; give a function that renews them',
  AccessDenied: 'the credentials do not allow it; check the policy of the bucket "{bucket}"',
  RequestTimeTooSkewed: "this machine's clock differs too much from that of the S3 server; set it",
  PermanentRedirect: wrongRegion,
  AuthorizationHeaderMalformed: wrongRegion,
  QuotaExceeded: 'the bucket "{bucket}" is full',
  NotImplemented: 'the S3 server does not know this request; if it knows no conditions, set conditionalWrites to false',
});

function statusOf(error: object): number | undefined {
  const metadata = '$metadata' in error ? error.$metadata : undefined;
  if (typeof metadata !== 'object' || metadata === null || !('httpStatusCode' in metadata)) return undefined;
  return typeof metadata.httpStatusCode === 'number' ? metadata.httpStatusCode : undefined;
}

function requestIdOf(error: object): { readonly request_id?: string } {
  const metadata = '$metadata' in error ? error.$metadata : undefined;
  if (typeof metadata !== 'object' || metadata === null || !('requestId' in metadata)) return {};
  return typeof metadata.requestId === 'string' ? { request_id: metadata.requestId } : {};
}

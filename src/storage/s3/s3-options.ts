import type { S3Client } from '@aws-sdk/client-s3';
import { ArgumentError } from '../../errors/index.ts';
import {
  type Clock,
  type Ids,
  requireDuration,
  requireInteger,
  type Secret,
  systemClock,
  systemIds,
} from '../../kernel/index.ts';

/** Who we are to the server. */
export interface S3Credentials {
  readonly accessKeyId: string;
  readonly secretAccessKey: Secret;
  /** Of temporary credentials. @default none */
  readonly sessionToken?: Secret | undefined;
}

/** What requests go through, if there is one: a `Guard` of `plinth/pipeline` is such a thing. */
export interface S3RequestGuard {
  execute<Value>(
    call: { readonly operation: string; readonly repeatable: boolean; readonly signal?: AbortSignal | undefined },
    work: (attempt: { readonly signal: AbortSignal }) => Promise<Value>,
  ): Promise<{ readonly value: Value }>;
}

/** How an `S3StorageStrategy` reaches its bucket and works with it. */
export interface S3StorageStrategyOptions {
  /** The bucket. It must exist. */
  readonly bucket: string;
  /** Where the bucket is. @default 'us-east-1' */
  readonly region?: string | undefined;
  /** The address of a server that is not Amazon's, such as `https://s3.example:9000`. @default Amazon's for the region */
  readonly endpoint?: string | undefined;
  /** Whether the bucket is named in the path and not in the host name. @default true if there is an endpoint */
  readonly forcePathStyle?: boolean | undefined;
  /** Fixed ones, or what gives them whenever they are needed. @default those that the SDK finds by its own rules */
  readonly credentials?: S3Credentials | (() => Promise<S3Credentials>) | undefined;
  /** What all names in the bucket begin with, of at most 64 bytes; a `/` is put behind it. @default '' */
  readonly prefix?: string | undefined;
  /** A client of the SDK to be used as it is; it is not closed, and the options above do not count. @default one of our own */
  readonly client?: S3Client | undefined;
  /** Retries, breaker and limits around each single request. @default none */
  readonly guard?: S3RequestGuard | undefined;
  /** How often the SDK makes a request, the first time included. Leave it at 1 under a guard. @default 1 */
  readonly maxAttempts?: number | undefined;
  /** How long the answer to a request, or the next bytes of a content, may take, in milliseconds. @default 30_000 */
  readonly requestTimeoutMs?: number | undefined;
  /** How long the server may copy a content or put its parts together, in milliseconds. @default 300_000 */
  readonly assemblyTimeoutMs?: number | undefined;
  /** Size of the parts of a large upload, in bytes. There are 10,000 of them at most. @default 8_388_608 */
  readonly partBytes?: number | undefined;
  /** How many parts of one upload are under way at once. An upload holds one part more in memory. @default 2 */
  readonly partConcurrency?: number | undefined;
  /** Up to which size the server is asked to copy, in bytes; above, the content goes through this process. @default 5 GiB */
  readonly maxServerCopyBytes?: number | undefined;
  /**
   * Whether writes carry If-Match and If-None-Match, so that several processes may write the same key. Only for servers
   * that refuse such requests; then one process alone may write. @default true
   */
  readonly conditionalWrites?: boolean | undefined;
  /**
   * How long a content that was replaced stays for those who have opened it and not begun to read it, in milliseconds.
   * @default 10_000
   */
  readonly keepReplacedMs?: number | undefined;
  /**
   * How often what killed processes have left is removed, as `abortStaleUploads` does, in milliseconds; at opening too. All
   * who use the bucket share the work. 0 is never. @default 86_400_000 with a prefix; 0 without one, because other things
   * may be in the bucket
   */
  readonly sweepIntervalMs?: number | undefined;
  /** From which age on it is taken for left over, in milliseconds: longer than any upload takes. @default 86_400_000 */
  readonly staleAfterMs?: number | undefined;
  /** @default systemClock */
  readonly clock?: Clock | undefined;
  /** @default systemIds */
  readonly ids?: Ids | undefined;
}

/** The options with their defaults, checked. */
export interface S3Settings {
  readonly bucket: string;
  readonly region: string;
  readonly endpoint: string | undefined;
  readonly forcePathStyle: boolean;
  readonly credentials: S3StorageStrategyOptions['credentials'];
  readonly prefix: string;
  readonly client: S3Client | undefined;
  readonly guard: S3RequestGuard | undefined;
  readonly maxAttempts: number;
  readonly requestTimeoutMs: number;
  readonly assemblyTimeoutMs: number;
  readonly partBytes: number;
  readonly partConcurrency: number;
  readonly maxServerCopyBytes: number;
  readonly conditionalWrites: boolean;
  readonly keepReplacedMs: number;
  readonly sweepIntervalMs: number;
  readonly staleAfterMs: number;
  readonly clock: Clock;
  readonly ids: Ids;
}

/** The smallest part that S3 takes, except for the last one, and the largest. */
const minPartBytes = 5 * 1_048_576;
const maxPartBytes = 5 * 1_073_741_824;

/** What a single CopyObject copies at most. */
const maxCopyBytes = 5 * 1_073_741_824;

const dayMs = 86_400_000;

/** A key of 900 bytes, the name of its content and this fit into the 1,024 bytes of S3. */
const maxPrefixBytes = 64;

/** @throws {ArgumentError} when an option is unusable. */
export function requireS3Settings(options: S3StorageStrategyOptions): S3Settings {
  const { endpoint } = options;
  const prefix = requirePrefix(options.prefix ?? '');
  const sweepIntervalMs = options.sweepIntervalMs ?? (prefix === '' ? 0 : dayMs);
  return {
    bucket: requireBucket(options.bucket),
    region: requireText('region', options.region ?? 'us-east-1', 'the name of a region, such as eu-central-1'),
    endpoint: endpoint === undefined ? undefined : requireEndpoint(endpoint),
    forcePathStyle: options.forcePathStyle ?? endpoint !== undefined,
    credentials: requireCredentials(options.credentials),
    prefix,
    client: options.client,
    guard: options.guard,
    maxAttempts: requireInteger('maxAttempts', options.maxAttempts ?? 1, 1, 20),
    requestTimeoutMs: requireDuration('requestTimeoutMs', options.requestTimeoutMs ?? 30_000, 1),
    assemblyTimeoutMs: requireDuration('assemblyTimeoutMs', options.assemblyTimeoutMs ?? 300_000, 1),
    partBytes: requireInteger('partBytes', options.partBytes ?? 8 * 1_048_576, minPartBytes, maxPartBytes),
    partConcurrency: requireInteger('partConcurrency', options.partConcurrency ?? 2, 1, 100),
    maxServerCopyBytes: requireInteger(
      'maxServerCopyBytes',
      options.maxServerCopyBytes ?? maxCopyBytes,
      0,
      maxCopyBytes,
    ),
    conditionalWrites: options.conditionalWrites ?? true,
    keepReplacedMs: requireDuration('keepReplacedMs', options.keepReplacedMs ?? 10_000, 0),
    sweepIntervalMs: sweepIntervalMs === 0 ? 0 : requireDuration('sweepIntervalMs', sweepIntervalMs, 60_000),
    staleAfterMs: requireDuration('staleAfterMs', options.staleAfterMs ?? dayMs, 60_000),
    clock: options.clock ?? systemClock,
    ids: options.ids ?? systemIds,
  };
}

function requireBucket(bucket: string): string {
  if (typeof bucket === 'string' && /^[a-z\d][a-z\d.-]{1,61}[a-z\d]$/.test(bucket)) return bucket;
  throw refusal('bucket', bucket, '3 to 63 lower-case letters, digits, dots and hyphens, such as my-files');
}

function requireEndpoint(endpoint: string): string {
  try {
    const url = new URL(endpoint);
    const isPlain = url.username === '' && url.password === '' && url.search === '' && url.hash === '';
    if (isPlain && (url.protocol === 'https:' || url.protocol === 'http:')) return endpoint;
  } catch {
    // Said below.
  }
  // Not shown: it may hold a password.
  throw new ArgumentError(
    'Cannot use endpoint: expected an http or https address without user, password and query, such as https://s3.example',
    'endpoint',
  );
}

function requirePrefix(prefix: string): string {
  const whole = prefix === '' || prefix.endsWith('/') ? prefix : `${prefix}/`;
  const isUsable = /^(?:[\w.-]+\/)*$/.test(whole) && !/(?:^|\/)\.+\//.test(whole);
  if (isUsable && whole.length <= maxPrefixBytes) return whole;
  throw refusal(
    'prefix',
    prefix,
    `at most ${maxPrefixBytes} ASCII letters, digits, dots, hyphens, _ and / between names`,
  );
}

function requireCredentials(credentials: S3StorageStrategyOptions['credentials']): typeof credentials {
  if (credentials === undefined || typeof credentials === 'function') return credentials;
  requireText('credentials.accessKeyId', credentials.accessKeyId, 'the id of a key');
  if (typeof credentials.secretAccessKey?.reveal === 'function' && credentials.secretAccessKey.reveal() !== '') {
    return credentials;
  }
  const name = 'credentials.secretAccessKey';
  throw new ArgumentError(`Cannot use ${name}: expected a Secret that is not empty, as in new Secret('…')`, name);
}

function requireText(name: string, value: string, expected: string): string {
  if (typeof value === 'string' && value.trim() !== '') return value;
  throw refusal(name, value, expected);
}

function refusal(name: string, value: unknown, expected: string): ArgumentError {
  return new ArgumentError(`Cannot use ${name} ${JSON.stringify(value)}: expected ${expected}`, name);
}

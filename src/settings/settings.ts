import type { ConfigurationProblem } from '../errors/index.ts';
import type { Secret } from '../kernel/index.ts';

/** Where the process runs. Decides formats and strictness; `development.debug` decides level and error detail. */
export type EnvironmentName = 'development' | 'production' | 'test';

/** The five log levels, spelled as they appear in log records. */
export type LogLevelName = 'DEBUG' | 'INFO' | 'WARNING' | 'ERROR' | 'CRITICAL';

/** The service's own address, folders and sources. */
export interface ServiceSettings {
  /** Port to listen on; 0 takes any free one. */
  readonly port: number;
  /** Address to listen on. */
  readonly host: string;
  /** Folder of the embedded database and local files. */
  readonly dataDirectory: string;
  /** Folder with further recordings of the outside sources; none uses only those that come with the connectors. */
  readonly recordingsDirectory: string | undefined;
  /** Whether outside sources are played from recordings or called live. */
  readonly upstreams: 'recorded' | 'live';
}

/** The SQL database. */
export interface DatabaseSettings {
  /** Address of PostgreSQL; none uses the embedded database. */
  readonly url: Secret | undefined;
  /** Connections that are kept open. */
  readonly poolSize: number;
  /** Connections beyond {@link poolSize} that a burst may open. */
  readonly maxOverflow: number;
  /** Longest wait for a free connection, in milliseconds. */
  readonly poolTimeoutMs: number;
  /** Addresses of standby servers of the same PostgreSQL. */
  readonly replicaUrls: readonly Secret[];
  /** How far a standby server may be behind before it is left out, in milliseconds. */
  readonly maxReplicaLagMs: number;
  /** Age at which a connection is replaced, in milliseconds. */
  readonly recycleMs: number;
  /** Whether statements are prepared under names; not behind a pooler that shares connections. */
  readonly preparedStatements: boolean;
  /** Whether every statement is reported. */
  readonly echo: boolean;
}

/** Tokens for signed-in users. */
export interface AuthSettings {
  /** Key that signs tokens; none means that no tokens can be made. */
  readonly jwtSecret: Secret | undefined;
  /** Signature algorithm. */
  readonly jwtAlgorithm: 'HS256' | 'HS384' | 'HS512';
  /** Lifetime of an access token, in milliseconds. */
  readonly accessTokenTtlMs: number;
  /** Lifetime of a refresh token, in milliseconds. */
  readonly refreshTokenTtlMs: number;
}

/** Addresses of other services and the keys to outside sources. */
export interface ExternalServicesSettings {
  /** Address of Redis; none is a supported mode in which everything stays in this process. */
  readonly redisUrl: Secret | undefined;
  /** Address of the Qdrant vector store. */
  readonly qdrantUrl: string | undefined;
  /** Kafka servers as `host:port`. */
  readonly kafkaBootstrapServers: readonly string[];
  /** Key of openFDA; raises its limits. */
  readonly openFdaApiKey: Secret | undefined;
  /** Token of OncoKB. */
  readonly oncoKbApiToken: Secret | undefined;
  /** Application token of NYC Open Data; raises its limits. */
  readonly nycAppToken: Secret | undefined;
  /** A file of recommended medications that you are licensed to use. */
  readonly nccnLicensedFile: string | undefined;
}

/** The language model. */
export interface AiSettings {
  /** Who answers; `offline` is the labelled provider that needs no network. */
  readonly provider: 'openai' | 'azure' | 'offline';
  /** Key of OpenAI or Azure OpenAI. */
  readonly apiKey: Secret | undefined;
  /** Model or deployment. */
  readonly model: string;
  /** Base address of the OpenAI interface, ending in its version, without a trailing slash. */
  readonly baseUrl: string;
  /** Address of the Azure OpenAI resource. */
  readonly azureEndpoint: string | undefined;
}

/** Stored files. */
export interface StorageSettings {
  /** Address of an S3-compatible store; none uses {@link basePath}. */
  readonly url: Secret | undefined;
  /** Folder of the local store. */
  readonly basePath: string;
  /** Largest file that is accepted, in bytes. */
  readonly maxFileBytes: number;
  /** How long what is known of a file is remembered, in milliseconds; 0 asks the store each time. */
  readonly cacheTtlMs: number;
  /** How much each owner may store, in bytes; none sets no limit. */
  readonly quotaMaxBytes: number | undefined;
  /** How many files each owner may store; none sets no limit. */
  readonly quotaMaxFiles: number | undefined;
  /** What is taken of every content. */
  readonly checksum: 'poly1305' | 'sha256';
  /** Whether files are compressed. */
  readonly compressionEnabled: boolean;
  /** Extensions that are accepted, in lower case with their dot; none accepts the list of the toolkit. */
  readonly allowedExtensions: readonly string[] | undefined;
  /** Whether files are encrypted. */
  readonly encryptionEnabled: boolean;
  /** Keys as `name:base64`; the first one encrypts, all of them decrypt. */
  readonly encryptionKeys: readonly Secret[];
  /** Whether files that are not encrypted can be read although {@link encryptionEnabled} is on. */
  readonly encryptionAcceptsPlain: boolean;
  /** Address at which the service answers signed links; none signs no links. */
  readonly publicUrl: string | undefined;
  /** Secrets of signed links; the first one signs, all of them are accepted. */
  readonly signingSecrets: readonly Secret[];
}

/** Logs, metrics and traces. */
export interface MonitoringSettings {
  /** Lowest level that is logged. */
  readonly logLevel: LogLevelName;
  /** Folder of the log files. */
  readonly logDirectory: string;
  /** Whether metrics are collected. */
  readonly metricsEnabled: boolean;
  /** Whether traces are collected. */
  readonly tracingEnabled: boolean;
}

/** What browsers of other origins may do. */
export interface SecuritySettings {
  /** Origins that may call the service, or `*`. */
  readonly corsOrigins: readonly string[];
  /** Whether those origins may send credentials. */
  readonly corsAllowCredentials: boolean;
}

/** Help for developers. */
export interface DevelopmentSettings {
  /** Debug mode: level DEBUG unless a level is set, and errors with detail. */
  readonly debug: boolean;
}

/** The limit on requests to this service. */
export interface RateLimitSettings {
  /** Requests that are allowed in one window. */
  readonly requests: number;
  /** Length of the window, in milliseconds. */
  readonly windowMs: number;
}

/** The cache. */
export interface CacheSettings {
  /** Where values are kept; `hybrid` is memory in front of Redis. */
  readonly backend: 'memory' | 'redis' | 'hybrid';
  /** Lifetime of a value that is stored without one, in milliseconds. */
  readonly ttlMs: number;
  /** Entries that the memory cache holds. */
  readonly maxEntries: number;
  /** Redis as host and port, from which its address is built when none is set. */
  readonly redis: RedisHostSettings;
}

/** Redis as host and port. */
export interface RedisHostSettings {
  /** Name or address of the machine. */
  readonly host: string;
  /** Port. */
  readonly port: number;
}

/** The limits on calls from this service to others. */
export interface RateLimitingSettings {
  /** Which limiter holds back the calls. */
  readonly strategy: 'token-bucket' | 'sliding-window' | 'adaptive' | 'per-domain';
  /** Calls per second where nothing else is said. */
  readonly defaultRatePerSecond: number;
  /** Calls that may go out at once after a pause. */
  readonly burst: number;
  /** Calls per second by host name. */
  readonly perDomain: Readonly<Record<string, number>>;
}

/** Calls to outside sources. */
export interface ScraperSettings {
  /** Longest time for one attempt, in milliseconds. */
  readonly attemptTimeoutMs: number;
  /** Attempts for one call, counting the first. */
  readonly maxAttempts: number;
  /** What the service calls itself. */
  readonly userAgent: string;
}

/** Outgoing HTTP. */
export interface HttpSettings {
  /** Longest time to open a connection, in milliseconds. */
  readonly connectTimeoutMs: number;
}

/** Every value that can be set, by group. Times are milliseconds; secrets and addresses with passwords are `Secret`. */
export interface SettingsTree {
  /** Name of the application, also the `app_name` label of metrics. */
  readonly appName: string;
  /** Version of the application. */
  readonly appVersion: string;
  /** Path under which every route of the API is mounted. */
  readonly apiPrefix: string;
  /** Path of the interactive documentation of the API. */
  readonly docsUrl: string;
  /** Where the process runs. */
  readonly environment: EnvironmentName;
  readonly service: ServiceSettings;
  readonly development: DevelopmentSettings;
  readonly monitoring: MonitoringSettings;
  readonly database: DatabaseSettings;
  readonly auth: AuthSettings;
  readonly security: SecuritySettings;
  readonly rateLimit: RateLimitSettings;
  readonly cache: CacheSettings;
  readonly externalServices: ExternalServicesSettings;
  readonly rateLimiting: RateLimitingSettings;
  readonly scrapers: ScraperSettings;
  readonly http: HttpSettings;
  readonly ai: AiSettings;
  readonly storage: StorageSettings;
  /** Flags of features by name in lower case; the values that hold until a flag store says otherwise. */
  readonly featureFlags: Readonly<Record<string, boolean>>;
}

/** The settings of one process: frozen all the way down, and a value that the caller keeps. */
export interface Settings extends SettingsTree {
  /** What is allowed but probably not meant. Not enumerable. */
  readonly warnings: readonly ConfigurationProblem[];
  /** Where each value came from, by path (`cache.redis.host`). Not enumerable. */
  readonly origins: Readonly<Record<string, string>>;
}

/** Whether a type is a value of the tree rather than a group of them. */
export type IsValue<Type> = [NonNullable<Type>] extends [
  string | number | boolean | Secret | readonly (string | Secret)[],
]
  ? true
  : string extends keyof NonNullable<Type>
    ? true
    : false;

/** Any part of a tree. */
export type PartialTree<Tree> = {
  readonly [Key in keyof Tree]?: (IsValue<Tree[Key]> extends true ? Tree[Key] : PartialTree<Tree[Key]>) | undefined;
};

import { Secret } from '../kernel/index.ts';
import { host, postgresAddress, redisAddress, servers, webAddress } from './address-kinds.ts';
import type { SettingsTree } from './settings.ts';
import {
  apiKey,
  boolean,
  byName,
  choice,
  decimal,
  duration,
  form,
  integer,
  line,
  list,
  retries,
} from './value-kind.ts';
import type { VariableTree } from './variable.ts';

const ratePerSecond = decimal({ min: 0.001, max: 1_000_000 });

/** The variables of what the service depends on: database, Redis, cache, other services, outside sources. */
export const dependencyVariables: VariableTree<
  Pick<SettingsTree, 'database' | 'externalServices' | 'cache' | 'rateLimiting' | 'scrapers' | 'http' | 'ai'>
> = {
  database: {
    url: {
      name: 'DATABASE_URL',
      kind: postgresAddress,
      fallback: undefined,
      fallbackText: 'the embedded database',
      description: 'Address of PostgreSQL.',
      sample: 'postgresql://postgres:postgres@localhost:5432/health_assistant',
    },
    poolSize: {
      name: 'DATABASE_POOL_SIZE',
      otherName: 'DB_POOL_SIZE',
      kind: integer({ min: 1, max: 10_000 }),
      fallback: 10,
      description: 'Connections that are kept open.',
    },
    maxOverflow: {
      name: 'DATABASE_MAX_OVERFLOW',
      otherName: 'DB_MAX_OVERFLOW',
      kind: integer({ min: 0, max: 10_000 }),
      fallback: 20,
      description: 'Connections beyond the pool that a burst may open.',
    },
    poolTimeoutMs: {
      name: 'DATABASE_POOL_TIMEOUT',
      kind: duration(),
      fallback: 30_000,
      description: 'Longest wait for a free connection.',
    },
    replicaUrls: {
      name: 'DATABASE_REPLICA_URLS',
      kind: list(postgresAddress),
      fallback: [],
      description: 'Addresses of standby servers of the same PostgreSQL; reads that allow it go there.',
      sample: 'postgresql://postgres:postgres@replica:5432/health_assistant',
    },
    maxReplicaLagMs: {
      name: 'DATABASE_MAX_REPLICA_LAG',
      kind: duration(),
      fallback: 5_000,
      description: 'How far a standby server may be behind before it is left out.',
    },
    recycleMs: {
      name: 'DATABASE_POOL_RECYCLE',
      kind: duration(),
      fallback: 3_600_000,
      description: 'Age at which a connection is replaced.',
    },
    preparedStatements: {
      name: 'DATABASE_PREPARED_STATEMENTS',
      kind: boolean,
      fallback: true,
      description: 'Whether statements are prepared under names; not behind a pooler that shares connections.',
    },
    echo: {
      name: 'DATABASE_ECHO',
      kind: boolean,
      fallback: false,
      description: 'Whether every statement is reported.',
    },
  },
  externalServices: {
    redisUrl: {
      name: 'REDIS_URL',
      kind: redisAddress,
      fallback: ({ cache: { redis } }, isSet) =>
        isSet('cache.redis.host') || isSet('cache.redis.port')
          ? new Secret(`redis://${redis.host.includes(':') ? `[${redis.host}]` : redis.host}:${redis.port}`)
          : undefined,
      fallbackText: 'built from host and port when one of them is set, otherwise no Redis',
      description: 'Address of Redis; wins over host and port.',
      sample: 'redis://localhost:6379/0',
    },
    qdrantUrl: {
      name: 'QDRANT_URL',
      kind: webAddress(),
      fallback: undefined,
      description: 'Address of the Qdrant vector store.',
      sample: 'http://localhost:6333',
    },
    kafkaBootstrapServers: {
      name: 'KAFKA_BOOTSTRAP_SERVERS',
      kind: servers,
      fallback: [],
      description: 'Kafka servers.',
      sample: 'localhost:9092',
    },
    openFdaApiKey: {
      name: 'OPENFDA_API_KEY',
      file: 'external_services.openfda_api_key',
      kind: apiKey,
      fallback: undefined,
      description: 'Key of openFDA; raises its limits.',
    },
    oncoKbApiToken: {
      name: 'ONCOKB_API_TOKEN',
      file: 'external_services.oncokb_api_token',
      kind: apiKey,
      fallback: undefined,
      description: 'Token of OncoKB.',
    },
    nycAppToken: {
      name: 'NYC_APP_TOKEN',
      kind: apiKey,
      fallback: undefined,
      description: 'Application token of NYC Open Data; raises its limits.',
    },
    nccnLicensedFile: {
      name: 'NCCN_LICENSED_FILE',
      kind: line,
      fallback: undefined,
      description: 'A file of recommended medications that you are licensed to use; NCCN has no public one.',
      sample: './nccn-recommendations.json',
    },
  },
  cache: {
    backend: {
      name: 'MEDAUG_CACHE_BACKEND',
      kind: choice('memory', 'redis', 'hybrid'),
      fallback: tree => (tree.externalServices.redisUrl === undefined ? 'memory' : 'hybrid'),
      fallbackText: '`hybrid` with Redis, otherwise `memory`',
      description: 'Where values are kept; hybrid is memory in front of Redis.',
      sample: 'redis',
    },
    ttlMs: {
      name: 'MEDAUG_CACHE_TTL',
      file: 'cache.ttl_seconds',
      kind: duration('seconds'),
      fallback: 300_000,
      description: 'Lifetime of a value that is stored without one.',
      sample: '3600',
    },
    maxEntries: {
      name: 'MEDAUG_CACHE_MEMORY_SIZE',
      file: 'cache.memory_size',
      kind: integer({ min: 1, max: 1_000_000_000 }),
      fallback: 1_000,
      description: 'Entries that the memory cache holds.',
    },
    redis: {
      host: { name: 'MEDAUG_REDIS_HOST', kind: host, fallback: 'localhost', description: 'Machine of Redis.' },
      port: {
        name: 'MEDAUG_REDIS_PORT',
        kind: integer({ min: 1, max: 65_535 }),
        fallback: 6_379,
        description: 'Port of Redis.',
      },
    },
  },
  rateLimiting: {
    strategy: {
      name: 'MEDAUG_RATE_LIMIT_STRATEGY',
      kind: choice('token-bucket', 'sliding-window', 'adaptive', 'per-domain'),
      fallback: 'token-bucket',
      description: 'Which limiter holds back calls to other services.',
    },
    defaultRatePerSecond: {
      name: 'MEDAUG_RATE_LIMIT_DEFAULT',
      file: 'rate_limiting.default_rate',
      kind: ratePerSecond,
      fallback: 1,
      description: 'Calls per second where nothing else is said.',
      sample: '1.0',
    },
    burst: {
      name: 'MEDAUG_RATE_LIMIT_BURST',
      kind: integer({ min: 1, max: 1_000_000 }),
      fallback: 10,
      description: 'Calls that may go out at once after a pause.',
    },
    perDomain: {
      name: 'MEDAUG_RATE_LIMIT_PER_DOMAIN',
      kind: byName(/^[A-Za-z0-9.-]+$/, 'a host', ratePerSecond),
      fallback: {},
      description: 'Calls per second by host.',
      sample: 'api.fda.gov=2.0,clinicaltrials.gov=1.0',
    },
  },
  scrapers: {
    attemptTimeoutMs: {
      name: 'MEDAUG_SCRAPER_TIMEOUT',
      file: 'scrapers.timeout',
      kind: duration('seconds'),
      fallback: 30_000,
      description: 'Longest time for one attempt of a call to an outside source.',
      sample: '30',
    },
    maxAttempts: {
      name: 'MEDAUG_SCRAPER_MAX_RETRIES',
      file: 'scrapers.max_retries',
      kind: retries({ min: 0, max: 100 }),
      fallback: 4,
      description: 'Retries of such a call; the tree holds attempts, which count the first call too.',
      sample: '3',
    },
    userAgent: {
      name: 'MEDAUG_SCRAPER_USER_AGENT',
      kind: form('a user agent such as MedAug/1.0, in printable ASCII', /^[\x20-\x7e]+$/),
      fallback: tree => `${tree.appName.replace(/[^\w.-]/g, '') || 'Plinth'}/${tree.appVersion}`,
      fallbackText: 'name and version of the application, `Plinth/1.0.0`',
      description: 'What the service calls itself.',
      sample: 'MedAug/1.0',
    },
  },
  http: {
    connectTimeoutMs: {
      name: 'HTTP_CONNECT_TIMEOUT',
      kind: duration(),
      fallback: 5_000,
      description: 'Longest time to open a connection.',
    },
  },
  ai: {
    provider: {
      name: 'LLM_PROVIDER',
      kind: choice('openai', 'azure', 'offline'),
      fallback: 'openai',
      description: 'Who answers prompts; offline is the labelled provider that needs no network.',
    },
    apiKey: {
      name: 'OPENAI_API_KEY',
      kind: apiKey,
      fallback: undefined,
      description: 'Key of OpenAI or Azure OpenAI.',
      sample: 'sk-...',
    },
    model: { name: 'OPENAI_MODEL', kind: line, fallback: 'gpt-4', description: 'Model or deployment.' },
    baseUrl: {
      name: 'OPENAI_BASE_URL',
      kind: webAddress('/v1'),
      fallback: 'https://api.openai.com/v1',
      description: 'Base address of the OpenAI interface; `/v1` is added where it has no path.',
    },
    azureEndpoint: {
      name: 'AZURE_OPENAI_ENDPOINT',
      kind: webAddress(),
      fallback: undefined,
      description: 'Address of the Azure OpenAI resource; the provider azure requires it.',
      sample: 'https://example.openai.azure.com',
    },
  },
};

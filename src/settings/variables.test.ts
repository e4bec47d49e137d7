import { describe, expect, it } from 'vitest';
import { Secret } from '../kernel/index.ts';
import { listVariables, loadSettings } from './index.ts';

const random = '9Zk4vQ7wT1xR8mB3nL6pS0dF5gH2jC4yA7uE1iO8aB0=';

/** Variables that mean nothing without another one. */
const companions: Readonly<Record<string, Readonly<Record<string, string>>>> = {
  STORAGE_ENCRYPTION_ENABLED: { STORAGE_ENCRYPTION_KEYS: `a:${random}` },
  STORAGE_PUBLIC_URL: { STORAGE_SIGNING_SECRETS: random },
};

/** Each variable with a value that is not its default, and what the tree then holds. */
const samples: readonly (readonly [name: string, text: string, path: string, value: unknown])[] = [
  ['APP_NAME', 'Personal Health Assistant', 'appName', 'Personal Health Assistant'],
  ['APP_VERSION', '2.1.0-rc.1', 'appVersion', '2.1.0-rc.1'],
  ['API_PREFIX', '/api/v2/', 'apiPrefix', '/api/v2'],
  ['DOCS_URL', '/reference', 'docsUrl', '/reference'],
  ['ENVIRONMENT', 'Test', 'environment', 'test'],
  ['PORT', '0', 'service.port', 0],
  ['HOST', '::1', 'service.host', '::1'],
  ['DATA_DIR', '/var/lib/plinth', 'service.dataDirectory', '/var/lib/plinth'],
  ['PLINTH_DATA', '/srv/recordings', 'service.recordingsDirectory', '/srv/recordings'],
  ['UPSTREAMS', 'live', 'service.upstreams', 'live'],
  ['DEBUG', 'true', 'development.debug', true],
  ['LOG_LEVEL', 'warning', 'monitoring.logLevel', 'WARNING'],
  ['LOG_DIR', '/var/log/violationsentinel', 'monitoring.logDirectory', '/var/log/violationsentinel'],
  ['ENABLE_METRICS', 'false', 'monitoring.metricsEnabled', false],
  ['ENABLE_TRACING', 'off', 'monitoring.tracingEnabled', false],
  ['JWT_SECRET_KEY', 'a passphrase', 'auth.jwtSecret', new Secret('a passphrase')],
  ['JWT_ALGORITHM', 'HS512', 'auth.jwtAlgorithm', 'HS512'],
  ['JWT_ACCESS_TOKEN_EXPIRE_MINUTES', '15', 'auth.accessTokenTtlMs', 900_000],
  ['JWT_REFRESH_TOKEN_EXPIRE_DAYS', '14', 'auth.refreshTokenTtlMs', 1_209_600_000],
  [
    'SECURITY_CORS_ORIGINS',
    'http://localhost:3000, http://localhost:8080/',
    'security.corsOrigins',
    ['http://localhost:3000', 'http://localhost:8080'],
  ],
  ['SECURITY_CORS_ALLOW_CREDENTIALS', 'false', 'security.corsAllowCredentials', false],
  ['RATE_LIMIT_REQUESTS', '50', 'rateLimit.requests', 50],
  ['RATE_LIMIT_WINDOW', '30', 'rateLimit.windowMs', 30_000],
  ['DATABASE_URL', 'postgresql+asyncpg://u:p@h/ads_db', 'database.url', new Secret('postgresql://u:p@h/ads_db')],
  ['DATABASE_POOL_SIZE', '20', 'database.poolSize', 20],
  ['DB_POOL_SIZE', '5', 'database.poolSize', 5],
  ['DATABASE_MAX_OVERFLOW', '0', 'database.maxOverflow', 0],
  ['DB_MAX_OVERFLOW', '30', 'database.maxOverflow', 30],
  ['DATABASE_POOL_TIMEOUT', '1m30s', 'database.poolTimeoutMs', 90_000],
  [
    'DATABASE_REPLICA_URLS',
    'postgresql://u:p@one/x,postgresql://u:p@two/x',
    'database.replicaUrls',
    [new Secret('postgresql://u:p@one/x'), new Secret('postgresql://u:p@two/x')],
  ],
  ['DATABASE_MAX_REPLICA_LAG', '2s', 'database.maxReplicaLagMs', 2_000],
  ['DATABASE_POOL_RECYCLE', '30m', 'database.recycleMs', 1_800_000],
  ['DATABASE_PREPARED_STATEMENTS', 'off', 'database.preparedStatements', false],
  ['DATABASE_ECHO', 'yes', 'database.echo', true],
  ['REDIS_URL', 'rediss://:p@h:6380/1', 'externalServices.redisUrl', new Secret('rediss://:p@h:6380/1')],
  ['QDRANT_URL', 'http://localhost:6333/', 'externalServices.qdrantUrl', 'http://localhost:6333'],
  ['KAFKA_BOOTSTRAP_SERVERS', 'a:9092,b:9093', 'externalServices.kafkaBootstrapServers', ['a:9092', 'b:9093']],
  ['OPENFDA_API_KEY', 'k1', 'externalServices.openFdaApiKey', new Secret('k1')],
  ['ONCOKB_API_TOKEN', 'k2', 'externalServices.oncoKbApiToken', new Secret('k2')],
  ['NYC_APP_TOKEN', 'k3', 'externalServices.nycAppToken', new Secret('k3')],
  ['NCCN_LICENSED_FILE', './nccn.json', 'externalServices.nccnLicensedFile', './nccn.json'],
  ['MEDAUG_CACHE_BACKEND', 'redis', 'cache.backend', 'redis'],
  ['MEDAUG_CACHE_TTL', '3600', 'cache.ttlMs', 3_600_000],
  ['MEDAUG_CACHE_MEMORY_SIZE', '10000', 'cache.maxEntries', 10_000],
  ['MEDAUG_REDIS_HOST', 'cache.internal', 'cache.redis.host', 'cache.internal'],
  ['MEDAUG_REDIS_PORT', '6380', 'cache.redis.port', 6_380],
  ['MEDAUG_RATE_LIMIT_STRATEGY', 'sliding_window', 'rateLimiting.strategy', 'sliding-window'],
  ['MEDAUG_RATE_LIMIT_DEFAULT', '0.5', 'rateLimiting.defaultRatePerSecond', 0.5],
  ['MEDAUG_RATE_LIMIT_BURST', '20', 'rateLimiting.burst', 20],
  ['MEDAUG_RATE_LIMIT_PER_DOMAIN', 'API.fda.gov = 2.0, b=1', 'rateLimiting.perDomain', { 'api.fda.gov': 2, b: 1 }],
  ['MEDAUG_SCRAPER_TIMEOUT', '2.5', 'scrapers.attemptTimeoutMs', 2_500],
  ['MEDAUG_SCRAPER_MAX_RETRIES', '0', 'scrapers.maxAttempts', 1],
  ['MEDAUG_SCRAPER_USER_AGENT', 'MedAug/1.0', 'scrapers.userAgent', 'MedAug/1.0'],
  ['HTTP_CONNECT_TIMEOUT', '250ms', 'http.connectTimeoutMs', 250],
  ['LLM_PROVIDER', 'offline', 'ai.provider', 'offline'],
  ['OPENAI_API_KEY', 'sk-1', 'ai.apiKey', new Secret('sk-1')],
  ['OPENAI_MODEL', 'gpt-4o', 'ai.model', 'gpt-4o'],
  ['OPENAI_BASE_URL', 'https://api.openai.example', 'ai.baseUrl', 'https://api.openai.example/v1'],
  ['AZURE_OPENAI_ENDPOINT', 'https://x.openai.azure.com/', 'ai.azureEndpoint', 'https://x.openai.azure.com'],
  ['STORAGE_URL', 's3://bucket/prefix', 'storage.url', new Secret('s3://bucket/prefix')],
  ['STORAGE_BASE_PATH', './storage', 'storage.basePath', './storage'],
  ['STORAGE_MAX_FILE_BYTES', '1024', 'storage.maxFileBytes', 1_024],
  ['STORAGE_CACHE_TTL', '30m', 'storage.cacheTtlMs', 1_800_000],
  ['STORAGE_QUOTA_MAX_BYTES', '1000000', 'storage.quotaMaxBytes', 1_000_000],
  ['STORAGE_QUOTA_MAX_FILES', '20', 'storage.quotaMaxFiles', 20],
  ['STORAGE_CHECKSUM', 'SHA256', 'storage.checksum', 'sha256'],
  ['STORAGE_COMPRESSION_ENABLED', '0', 'storage.compressionEnabled', false],
  ['STORAGE_ALLOWED_EXTENSIONS', 'PDF, .Png', 'storage.allowedExtensions', ['.pdf', '.png']],
  ['STORAGE_ENCRYPTION_ENABLED', 'true', 'storage.encryptionEnabled', true],
  ['STORAGE_ENCRYPTION_KEYS', `a:${random}`, 'storage.encryptionKeys', [new Secret(`a:${random}`)]],
  ['STORAGE_ENCRYPTION_ACCEPTS_PLAIN', 'yes', 'storage.encryptionAcceptsPlain', true],
  ['STORAGE_PUBLIC_URL', 'https://files.example/files/', 'storage.publicUrl', 'https://files.example/files'],
  ['STORAGE_SIGNING_SECRETS', random, 'storage.signingSecrets', [new Secret(random)]],
];

function load(environment: Readonly<Record<string, string>>) {
  return loadSettings({ environment, envFile: false, yamlFile: false });
}

function at(tree: object, path: string): unknown {
  const value = path.split('.').reduce<unknown>((node, key) => Object(node)[key], tree);
  return value instanceof Secret ? `secret ${value.reveal()}` : value;
}

describe('variables', () => {
  it.each(samples)('%s=%s sets %s', (name, text, path, value) => {
    const settings = load({ ...companions[name], [name]: text });
    expect(at(settings, path)).toEqual(value instanceof Secret ? `secret ${value.reveal()}` : value);
    expect(at(load({}), path)).not.toEqual(at(settings, path));
    expect(settings.origins[path]).toBe('environment');
  });

  it('are all in the list above', () => {
    const names = listVariables().flatMap(({ name, otherName }) => [name, otherName ?? name]);
    expect(samples.map(([name]) => name)).toEqual([...new Set(names)]);
  });

  it('have names, paths and keys of their own', () => {
    for (const key of ['name', 'path', 'file'] as const) {
      const values = listVariables().map(variable => variable[key]);
      expect(new Set(values).size).toBe(values.length);
    }
  });

  it('have samples that can be used together', () => {
    const variables = listVariables().filter(variable => variable.sample !== undefined);
    expect(() => load(Object.fromEntries(variables.map(({ name, sample }) => [name, sample ?? ''])))).not.toThrow();
  });
});

describe('fallbacks', () => {
  it('are those of the documents, or of the rulings where the documents disagree', () => {
    const { warnings, ...settings } = load({});
    expect(warnings).toEqual([]);
    expect(settings).toMatchObject({
      appName: 'Plinth',
      appVersion: '1.0.0',
      apiPrefix: '/api/v1',
      docsUrl: '/docs',
      environment: 'development',
      rateLimit: { requests: 100, windowMs: 60_000 },
      service: { port: 8_000, host: '127.0.0.1', dataDirectory: './data', upstreams: 'recorded' },
      database: { url: undefined, poolSize: 10, maxOverflow: 20, poolTimeoutMs: 30_000, echo: false },
      auth: {
        jwtSecret: undefined,
        jwtAlgorithm: 'HS256',
        accessTokenTtlMs: 1_800_000,
        refreshTokenTtlMs: 604_800_000,
      },
      monitoring: { logLevel: 'INFO', logDirectory: './data/logs', metricsEnabled: true, tracingEnabled: true },
      development: { debug: false },
      cache: { backend: 'memory', ttlMs: 300_000, maxEntries: 1_000, redis: { host: 'localhost', port: 6_379 } },
      scrapers: { attemptTimeoutMs: 30_000, maxAttempts: 4, userAgent: 'Plinth/1.0.0' },
      ai: { provider: 'openai', model: 'gpt-4', baseUrl: 'https://api.openai.com/v1' },
      featureFlags: {},
    });
  });

  it('follow from other values', () => {
    const settings = load({ DEBUG: '1', APP_NAME: 'My app (ü)', APP_VERSION: '3', DATA_DIR: '/d/' });
    expect(settings.monitoring.logLevel).toBe('DEBUG');
    expect(settings.scrapers.userAgent).toBe('Myapp/3');
    expect(settings.storage.basePath).toBe('/d/storage');
    expect(load({ DEBUG: '1', LOG_LEVEL: 'ERROR' }).monitoring.logLevel).toBe('ERROR');
  });

  it.each([
    [{ MEDAUG_REDIS_HOST: 'localhost' }, 'redis://localhost:6379'],
    [{ MEDAUG_REDIS_PORT: '6380' }, 'redis://localhost:6380'],
    [{ MEDAUG_REDIS_HOST: '::1', MEDAUG_REDIS_PORT: '1' }, 'redis://[::1]:1'],
    [{ MEDAUG_REDIS_HOST: 'other', REDIS_URL: 'redis://winner/0' }, 'redis://winner/0'],
  ])('%j is Redis at %s', (environment, url) => {
    const { externalServices, cache } = load({ ...environment });
    expect(externalServices.redisUrl?.reveal()).toBe(url);
    expect(cache.backend).toBe('hybrid');
  });

  it.each([
    ['https://api.openai.com', 'https://api.openai.com/v1'],
    ['https://api.openai.com/v1/', 'https://api.openai.com/v1'],
    ['http://localhost:11434/openai', 'http://localhost:11434/openai'],
  ])('OPENAI_BASE_URL %s is %s', (text, baseUrl) => {
    expect(load({ OPENAI_BASE_URL: text }).ai.baseUrl).toBe(baseUrl);
  });
});

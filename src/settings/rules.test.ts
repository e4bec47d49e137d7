import { describe, expect, it } from 'vitest';
import { readSettings } from './load-settings.ts';

const key = '9Zk4vQ7wT1xR8mB3nL6pS0dF5gH2jC4yA7uE1iO8'.slice(0, 40);
const safe = { ENVIRONMENT: 'production', JWT_SECRET_KEY: key };

function read(environment: Readonly<Record<string, string>>) {
  const { settings, problems } = readSettings({ environment, envFile: false, yamlFile: false });
  return { problems, warnings: settings.warnings, settings };
}

describe('production', () => {
  it('starts with a key of its own', () => {
    expect(read(safe).problems).toEqual([]);
    expect(read({ ...safe, JWT_SECRET_KEY: key.slice(0, 32) }).problems).toEqual([]);
    expect(read(safe).settings.service.upstreams).toBe('live');
  });

  it.each([
    ['', 'found none'],
    ['your-super-secret-jwt-key-change-in-production', 'found a placeholder'],
    ['CHANGEME-CHANGEME-CHANGEME-CHANGEME', 'found a placeholder'],
    [key.slice(0, 31), 'found one of 31'],
  ])('refuses the token key %j', (secret, found) => {
    const { problems } = read({ ...safe, JWT_SECRET_KEY: secret });
    expect(problems).toHaveLength(1);
    expect(problems[0]).toMatchObject({ name: 'JWT_SECRET_KEY', message: expect.stringContaining(found) });
    if (secret !== '') expect(problems[0]?.message).not.toContain(secret);
  });

  it.each([
    ['DATABASE_URL', 'postgresql://postgres:postgres@localhost:5432/health_assistant'],
    ['DATABASE_URL', 'postgresql://user:pass@localhost:5432/deeplearn'],
    ['DATABASE_URL', 'postgresql://admin:%61dmin@db/app'],
    ['DATABASE_URL', 'postgresql://someone:someone@db/app'],
    ['DATABASE_URL', 'postgresql://someone:Password@db/app'],
    ['DATABASE_URL', 'postgresql://db/app?user=x&password=postgres'],
    ['REDIS_URL', 'redis://:redis@cache:6379'],
    ['STORAGE_URL', 's3://minioadmin:minioadmin@bucket'],
  ])('refuses %s=%s', (name, value) => {
    const { problems } = read({ ...safe, [name]: value });
    expect(problems).toEqual([
      {
        name,
        message: 'Expected a password of its own in production, found a default one (not shown)',
        origin: 'environment',
      },
    ]);
    expect(read({ [name]: value }).problems).toEqual([]);
  });

  it.each([
    'postgresql://app:k4-8fhw@db/app',
    'postgresql://postgres@db/app',
    'postgresql:///app?host=/run/postgresql',
  ])('accepts %s', value => {
    expect(read({ ...safe, DATABASE_URL: value }).problems).toEqual([]);
  });

  it('warns about debug mode and recordings', () => {
    const { problems, warnings } = read({ ...safe, DEBUG: 'true', UPSTREAMS: 'recorded' });
    expect(problems).toEqual([]);
    expect(warnings.map(warning => warning.name)).toEqual(['DEBUG', 'UPSTREAMS']);
  });
});

describe('development', () => {
  it('needs no key, and warns about one that production would refuse', () => {
    expect(read({})).toMatchObject({ problems: [], warnings: [] });
    expect(read({ JWT_SECRET_KEY: 'short' }).problems).toEqual([]);
    expect(read({ JWT_SECRET_KEY: 'short' }).warnings[0]?.name).toBe('JWT_SECRET_KEY');
  });
});

describe('files', () => {
  const random = '9Zk4vQ7wT1xR8mB3nL6pS0dF5gH2jC4yA7uE1iO8aB0=';

  it('are not encrypted without a key, and it is said how to make one', () => {
    const [problem, ...others] = read({ STORAGE_ENCRYPTION_ENABLED: 'true' }).problems;
    expect(others).toEqual([]);
    expect(problem).toMatchObject({
      name: 'STORAGE_ENCRYPTION_KEYS',
      message: expect.stringContaining('openssl rand -base64 32'),
    });
    const enabled = { STORAGE_ENCRYPTION_ENABLED: 'true', STORAGE_ENCRYPTION_KEYS: `2026a:${random},2025b:${random}` };
    expect(read(enabled)).toMatchObject({ problems: [], warnings: [] });
  });

  it('have keys of different names', () => {
    const [problem] = read({ STORAGE_ENCRYPTION_KEYS: `a:${random},a:${random.replace('9', '8')}` }).problems;
    expect(problem?.message).toContain('found two that are called a');
  });

  it('have links that are signed, or none', () => {
    const [problem] = read({ STORAGE_PUBLIC_URL: 'https://files.example' }).problems;
    expect(problem).toMatchObject({ name: 'STORAGE_SIGNING_SECRETS' });
  });

  it('warn about what has no effect', () => {
    const { warnings } = read({ STORAGE_ENCRYPTION_KEYS: `a:${random}`, STORAGE_SIGNING_SECRETS: random });
    expect(warnings.map(({ name }) => name)).toEqual(['STORAGE_ENCRYPTION_KEYS', 'STORAGE_SIGNING_SECRETS']);
    expect(JSON.stringify(warnings)).not.toContain(random);
  });

  it('may be asked for anew each time', () => {
    expect(read({ STORAGE_CACHE_TTL: '0s' }).settings.storage.cacheTtlMs).toBe(0);
  });
});

describe('values together', () => {
  it('refuses every origin together with credentials', () => {
    const [problem] = read({ SECURITY_CORS_ORIGINS: '*' }).problems;
    expect(problem).toMatchObject({ name: 'SECURITY_CORS_ORIGINS', origin: 'environment' });
    expect(read({ SECURITY_CORS_ORIGINS: '*', SECURITY_CORS_ALLOW_CREDENTIALS: 'false' }).problems).toEqual([]);
  });

  it('wants the endpoint of Azure', () => {
    expect(read({ LLM_PROVIDER: 'azure' }).problems).toMatchObject([
      { name: 'AZURE_OPENAI_ENDPOINT', origin: 'default' },
    ]);
    expect(read({ LLM_PROVIDER: 'azure', AZURE_OPENAI_ENDPOINT: 'https://x.openai.azure.com' }).problems).toEqual([]);
    expect(read({ LLM_PROVIDER: 'azure', AZURE_OPENAI_ENDPOINT: 'nonsense' }).problems).toHaveLength(1);
  });

  it('warns about a cache that has no Redis', () => {
    expect(read({ MEDAUG_CACHE_BACKEND: 'redis' }).warnings).toMatchObject([{ name: 'MEDAUG_CACHE_BACKEND' }]);
    expect(read({ MEDAUG_CACHE_BACKEND: 'redis', REDIS_URL: 'redis://h' }).warnings).toEqual([]);
  });

  it('warns about a host and port that REDIS_URL overrules', () => {
    const warned = { REDIS_URL: 'redis://a:1', MEDAUG_REDIS_HOST: 'b', MEDAUG_REDIS_PORT: '2' };
    expect(read(warned).warnings.map(warning => warning.name)).toEqual(['MEDAUG_REDIS_HOST', 'MEDAUG_REDIS_PORT']);
    expect(read({ ...warned, MEDAUG_REDIS_HOST: 'a', MEDAUG_REDIS_PORT: '1' }).warnings).toEqual([]);
  });
});

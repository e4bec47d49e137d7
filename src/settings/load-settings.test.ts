import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { inspect } from 'node:util';
import fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { ConfigurationError } from '../errors/index.ts';
import { Secret } from '../kernel/index.ts';
import { formatSettings, type LoadSettingsOptions, loadSettings } from './index.ts';

let cwd = '';
beforeEach(() => {
  cwd = mkdtempSync(join(tmpdir(), 'settings-'));
});
afterEach(() => rmSync(cwd, { recursive: true, force: true }));

function write(name: string, text: string): void {
  writeFileSync(join(cwd, name), text);
}

function load(options: LoadSettingsOptions = {}) {
  return loadSettings({ environment: {}, cwd, ...options });
}

function problemsOf(options: LoadSettingsOptions) {
  try {
    load(options);
  } catch (error) {
    if (error instanceof ConfigurationError) return error.problems;
    throw error;
  }
  return [];
}

/** The five places, from the strongest to the weakest, each with its own port. */
const levels = [
  { origin: 'explicit', port: 1 },
  { origin: 'environment', port: 2 },
  { origin: '.env', port: 3 },
  { origin: 'plinth.yaml:3', port: 4 },
  { origin: 'default', port: 8_000 },
] as const;

function loadFromLevels(set: readonly boolean[]) {
  const [explicit, environment, envFile, yamlFile] = set;
  if (envFile) write('.env', 'PORT=3\n');
  if (yamlFile) write('plinth.yaml', 'infrastructure:\n  service:\n    port: 4\n');
  const settings = load({
    explicit: explicit ? { service: { port: 1 } } : undefined,
    environment: environment ? { PORT: '2' } : {},
  });
  for (const name of ['.env', 'plinth.yaml']) rmSync(join(cwd, name), { force: true });
  return settings;
}

describe('loadSettings() precedence', () => {
  it.each(levels.map((level, index) => ({ ...level, index })))('$origin beats what comes after it', level => {
    const settings = loadFromLevels(levels.map((_, index) => index >= level.index));
    expect(settings.service.port).toBe(level.port);
    expect(settings.origins['service.port']).toBe(level.origin);
  });

  it('takes the strongest of any set of places', () => {
    fc.assert(
      fc.property(fc.array(fc.boolean(), { minLength: 4, maxLength: 4 }), set => {
        const settings = loadFromLevels(set);
        const winner = levels[set.indexOf(true)] ?? levels[4];
        expect(settings.service.port).toBe(winner.port);
        expect(settings.origins['service.port']).toBe(winner.origin);
      }),
      { numRuns: 60 },
    );
  });

  it('decides for each value on its own', () => {
    write('.env', 'PORT=3\nHOST=127.0.0.3\n');
    const { service } = load({ environment: { PORT: '2' } });
    expect(service).toMatchObject({ port: 2, host: '127.0.0.3' });
  });

  it.each(['', ' ', '\t \n'])('a blank variable (%j) is unset and lets the next place speak', blank => {
    write('.env', 'PORT=3\n');
    expect(load({ environment: { PORT: blank } }).service.port).toBe(3);
  });

  it('ignores a wrong value that a stronger place overrides', () => {
    write('.env', 'PORT=nonsense\n');
    expect(load({ environment: { PORT: '2' } }).service.port).toBe(2);
  });

  it('reads the process environment when none is given, and leaves it alone', () => {
    write('.env', 'PLINTH_DATA=from-the-file\n');
    const before = { ...process.env };
    const settings = loadSettings({ cwd });
    expect(settings.service.recordingsDirectory).toBe('from-the-file');
    expect({ ...process.env }).toEqual(before);
  });

  it('trims what it reads', () => {
    expect(load({ environment: { HOST: '  0.0.0.0\n', OPENAI_API_KEY: ' sk-1\n' } })).toMatchObject({
      service: { host: '0.0.0.0' },
    });
  });

  it('accepts undefined for every option and for parts of the tree', () => {
    const options = { explicit: { service: undefined, cache: { redis: { host: undefined } } }, yamlFile: undefined };
    expect(load({ ...options, envFile: undefined, cwd }).cache.redis.host).toBe('localhost');
  });
});

describe('loadSettings() result', () => {
  it('is frozen all the way down', () => {
    const settings = load({ explicit: { rateLimiting: { perDomain: { 'api.fda.gov': 2 } } } });
    const visit = (value: unknown): void => {
      if (typeof value !== 'object' || value === null || value instanceof Secret) return;
      expect(Object.isFrozen(value)).toBe(true);
      Reflect.ownKeys(value).forEach(key => {
        visit(Reflect.get(value, key));
      });
    };
    visit(settings);
  });

  it('does not keep or freeze what the caller gave', () => {
    const corsOrigins = ['https://a.example'];
    const settings = load({ explicit: { security: { corsOrigins } } });
    corsOrigins.push('https://b.example');
    expect(settings.security.corsOrigins).toEqual(['https://a.example']);
  });

  it('is a new value each time', () => {
    expect(load({ environment: { PORT: '1' } }).service.port).toBe(1);
    expect(load().service.port).toBe(8_000);
  });

  it('prints settings only, no origins or warnings', () => {
    expect(Object.keys(load({ environment: { PLINTH_NONE: '1' } }))).not.toContain('warnings');
  });

  it('shows no secret, however it is printed', () => {
    const planted = 'Pl4nted-sEcret-';
    const environment = {
      JWT_SECRET_KEY: `${planted}jwt-0123456789012345678901234`,
      OPENAI_API_KEY: `${planted}openai`,
      OPENFDA_API_KEY: `${planted}fda`,
      ONCOKB_API_TOKEN: `${planted}oncokb`,
      NYC_APP_TOKEN: `${planted}nyc`,
      DATABASE_URL: `postgresql://user:${planted}pg@db.example:5432/app?password=${planted}query`,
      REDIS_URL: `redis://:${planted}redis@cache.example:6379/0`,
      STORAGE_URL: `s3://key:${planted}s3@bucket/prefix`,
      STORAGE_ENCRYPTION_ENABLED: 'true',
      STORAGE_ENCRYPTION_KEYS: `a:${`${planted}file`.padEnd(43, 'x')}`,
      STORAGE_PUBLIC_URL: 'https://files.example',
      STORAGE_SIGNING_SECRETS: `${planted}links-012345678901234567890`,
    };
    const settings = load({ environment });
    const printed = [
      JSON.stringify(settings),
      inspect(settings, { depth: 20, showHidden: true }),
      formatSettings(settings),
    ];
    for (const text of printed) expect(text.toLowerCase()).not.toContain(planted.toLowerCase());
    expect(formatSettings(settings)).toContain('postgresql://user:[secret]@db.example:5432/app?password=[secret]');
    expect(settings.database.url?.reveal()).toBe(environment.DATABASE_URL);
  });

  it.each([
    ['JWT_SECRET_KEY', 'planted\u0001secret'],
    ['OPENAI_API_KEY', 'planted secret'],
    ['DATABASE_URL', 'planted secret'],
    ['DATABASE_URL', 'postgresql://user:planted#x@host/name'],
    ['DATABASE_URL', 'mysql://user:planted@host/name'],
    ['DATABASE_URL', 'postgresql://user:planted%zz@host/name'],
    ['REDIS_URL', 'http://:planted@host'],
    ['STORAGE_URL', 's3:planted'],
    ['STORAGE_ENCRYPTION_KEYS', 'a:planted'],
    ['STORAGE_SIGNING_SECRETS', 'planted'],
    ['QDRANT_URL', 'http://user:planted@host'],
    ['SECURITY_CORS_ORIGINS', 'http://user:planted@host'],
  ])('a wrong %s is not quoted', (name, value) => {
    const [problem, ...others] = problemsOf({ environment: { [name]: value } });
    expect(others).toEqual([]);
    expect(problem).toMatchObject({ name, origin: 'environment' });
    expect(problem?.message).toMatch(/^Expected .+, found .*not shown/);
    expect(problem?.message).not.toContain('planted');
  });
});

describe('loadSettings() errors', () => {
  it('names every problem at once, each with its place', () => {
    write('.env', 'MEDAUG_CACHE_TTL=soon\n');
    write('plinth.yaml', 'infrastructure:\n  scrapers:\n    max_retries: -1\n');
    const load3 = () => load({ environment: { PORT: 'eighty' } });
    expect(load3).toThrow(ConfigurationError);
    expect(problemsOf({ environment: { PORT: 'eighty' } })).toEqual([
      { name: 'PORT', message: 'Expected a whole number from 0 to 65535, found "eighty"', origin: 'environment' },
      {
        name: 'MEDAUG_CACHE_TTL',
        message: expect.stringMatching(/^Expected a duration in seconds.*, found "soon"$/),
        origin: '.env',
      },
      {
        name: 'infrastructure.scrapers.max_retries',
        message: expect.stringMatching(/^Expected a whole number of retries.*, found "-1"$/),
        origin: 'plinth.yaml:3',
      },
    ]);
    expect(load3).toThrow(/^The configuration has 3 problems\n {2}- .*\n {2}- .*\n {2}- .*$/);
  });

  it.each(['-1', '1.5', 'NaN', 'Infinity', '0x1F', '1e3', '65536', '8_000', '８０', '1 2', '9'.repeat(400)])(
    'PORT=%s is refused',
    value => {
      expect(problemsOf({ environment: { PORT: value } })).toHaveLength(1);
    },
  );

  it.each([
    '-1',
    '0',
    'NaN',
    'Infinity',
    '0x1F',
    '1e3',
    '30 s',
    '5 minutes',
    '9'.repeat(400),
    `${'9'.repeat(400)}d`,
    '.',
    's',
  ])('MEDAUG_CACHE_TTL=%s is refused', value => {
    expect(problemsOf({ environment: { MEDAUG_CACHE_TTL: value } })).toHaveLength(1);
  });

  it('wants a unit where the variable is our own', () => {
    expect(problemsOf({ environment: { HTTP_CONNECT_TIMEOUT: '5' } })[0]?.message).toContain('with its unit');
    expect(load({ environment: { HTTP_CONNECT_TIMEOUT: '1m30s' } }).http.connectTimeoutMs).toBe(90_000);
  });

  it('checks values from code in the unit of the tree', () => {
    const explicit = { service: { port: Number.NaN }, cache: { ttlMs: 0 }, scrapers: { maxAttempts: 0 } };
    expect(problemsOf({ explicit }).map(({ name, origin }) => [name, origin])).toEqual([
      ['service.port', 'explicit'],
      ['cache.ttlMs', 'explicit'],
      ['scrapers.maxAttempts', 'explicit'],
    ]);
  });

  it('refuses unknown keys and wrong shapes from code', () => {
    // What JSON or JavaScript callers can hand in past the types.
    const explicit = JSON.parse('{"service":{"prot":1},"cache":[],"database":{"url":"x"},"__proto__":{"port":1}}');
    expect(problemsOf({ explicit })).toEqual([
      { name: 'service.prot', message: 'Unknown key; did you mean port?', origin: 'explicit' },
      { name: 'cache', message: 'Expected a map, found a list', origin: 'explicit' },
      { name: '__proto__', message: expect.stringMatching(/^Unknown key/), origin: 'explicit' },
      { name: 'database.url', message: expect.stringContaining('not shown'), origin: 'explicit' },
    ]);
  });

  it('keeps line breaks of input out of its lines', () => {
    const explicit = JSON.parse('{"a\\nforged: line":1}');
    expect(problemsOf({ explicit })[0]?.name).toBe('"a\\nforged: line"');
    expect(problemsOf({ environment: { PORT: '1\nforged' } })[0]?.message).toContain('"1\\nforged"');
  });
});

describe('loadSettings() warnings', () => {
  it('guesses what an unknown variable with our prefix was meant to be', () => {
    write('.env', 'MEDAUG_CACH_TTL=1\n');
    const environment = {
      PLINTH_DTA: 'x',
      MEDAUG_SOMETHING_ELSE: 'x',
      FEATURE_FLAG_lower: 'true',
      OTHERS: 'x',
      PLINTH_REQUIRE_SERVERS: '1',
    };
    expect(load({ environment }).warnings).toEqual([
      { name: 'PLINTH_DTA', message: 'Unknown variable; did you mean PLINTH_DATA?', origin: 'environment' },
      { name: 'MEDAUG_SOMETHING_ELSE', message: 'Unknown variable', origin: 'environment' },
      { name: 'FEATURE_FLAG_lower', message: 'Unknown variable', origin: 'environment' },
      { name: 'MEDAUG_CACH_TTL', message: 'Unknown variable; did you mean MEDAUG_CACHE_TTL?', origin: '.env' },
    ]);
  });

  it.each([
    [{ DATABASE_POOL_SIZE: '20', DB_POOL_SIZE: '5' }, 20, ['DB_POOL_SIZE']],
    [{ DATABASE_POOL_SIZE: '5', DB_POOL_SIZE: '5' }, 5, []],
    [{ DB_POOL_SIZE: '5' }, 5, []],
  ])('%j gives a pool of %d', (environment, poolSize, warned) => {
    const settings = load({ environment });
    expect(settings.database.poolSize).toBe(poolSize);
    expect(settings.warnings.map(warning => warning.name)).toEqual(warned);
  });

  it('warns about two names in two places too, where the stronger place wins', () => {
    write('.env', 'DATABASE_MAX_OVERFLOW=1\n');
    const settings = load({ environment: { DB_MAX_OVERFLOW: '2' } });
    expect(settings.database.maxOverflow).toBe(2);
    expect(settings.warnings).toEqual([
      {
        name: 'DATABASE_MAX_OVERFLOW',
        message: 'Not used ("1"): DB_MAX_OVERFLOW is set too ("2", from environment)',
        origin: '.env',
      },
    ]);
  });
});

describe('loadSettings() feature flags', () => {
  it('finds each flag on its own, in any place', () => {
    write('.env', 'FEATURE_FLAG_NEW_UI=off\nFEATURE_FLAG_BETA=1\n');
    write('plinth.yaml', 'infrastructure:\n  feature_flags:\n    new_ui: true\n    dark_mode: yes\n');
    const settings = load({
      environment: { FEATURE_FLAG_NEW_UI: 'TRUE' },
      explicit: { featureFlags: { preview: false } },
    });
    expect(settings.featureFlags).toEqual({ new_ui: true, beta: true, dark_mode: true, preview: false });
    expect(settings.origins['featureFlags.new_ui']).toBe('environment');
    expect(settings.origins['featureFlags.beta']).toBe('.env');
  });

  it('says what is wrong with a flag', () => {
    write('plinth.yaml', 'infrastructure:\n  feature_flags:\n    New-UI: true\n');
    expect(problemsOf({ environment: { FEATURE_FLAG_BETA: 'maybe' } })).toEqual([
      {
        name: 'infrastructure.feature_flags.New-UI',
        message: expect.stringContaining('new_dashboard'),
        origin: 'plinth.yaml:3',
      },
      { name: 'FEATURE_FLAG_BETA', message: expect.stringContaining('found "maybe"'), origin: 'environment' },
    ]);
  });
});

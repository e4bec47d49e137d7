import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { validateEnvironment } from './index.ts';
import { type LoadSettingsOptions, readSettings } from './load-settings.ts';

let cwd = '';
beforeEach(() => {
  cwd = mkdtempSync(join(tmpdir(), 'settings-'));
});
afterEach(() => rmSync(cwd, { recursive: true, force: true }));

function read(options: LoadSettingsOptions = {}) {
  return readSettings({ environment: {}, cwd, ...options });
}

function readEnv(text: string | Uint8Array) {
  writeFileSync(join(cwd, '.env'), text);
  return read();
}

function readYaml(text: string | Uint8Array) {
  writeFileSync(join(cwd, 'plinth.yaml'), text);
  return read();
}

describe('the env file', () => {
  it('may have a byte order mark, CRLF, comments, export, quotes and several lines', () => {
    const lines = [
      'PORT=9000 # a comment',
      '# PORT=1',
      '',
      '  export HOST = "0.0.0.0"',
      "APP_NAME='My # app'",
      'JWT_SECRET_KEY="first',
      'second = line"',
      'LOG_DIR=`./l`',
      'DATA_DIR=',
    ];
    const { settings, problems } = readEnv(`\uFEFF${lines.join('\r\n')}`);
    expect(problems.map(problem => problem.name)).toEqual(['JWT_SECRET_KEY']);
    expect(settings).toMatchObject({
      service: { port: 9_000, host: '0.0.0.0', dataDirectory: './data' },
      appName: 'My # app',
    });
    expect(settings.monitoring.logDirectory).toBe('./l');
  });

  it('says which lines make no sense, without their text, and reads the others', () => {
    const { settings, problems } = readEnv('PORT=9000\nhunter2\n=5\n1A=2\nHOST=0.0.0.0\nAPP_NAME="hunter2\n');
    expect(problems).toEqual([
      { name: '.env', message: 'Line 2: expected NAME=value', origin: '.env' },
      { name: '.env', message: 'Line 3: expected NAME=value', origin: '.env' },
      { name: '.env', message: 'Line 4: expected NAME=value', origin: '.env' },
      { name: '.env', message: 'Line 6: the quote that opens the value of APP_NAME is never closed', origin: '.env' },
    ]);
    expect(settings.service).toMatchObject({ port: 9_000, host: '0.0.0.0' });
  });

  it('can be another one, or none', () => {
    writeFileSync(join(cwd, '.env'), 'PORT=1');
    writeFileSync(join(cwd, 'test.env'), 'PORT=2');
    expect(read({ envFile: 'test.env' }).settings.origins['service.port']).toBe('test.env');
    expect(read({ envFile: join(cwd, 'test.env') }).settings.service.port).toBe(2);
    expect(read({ envFile: false }).settings.service.port).toBe(8_000);
  });
});

describe('the YAML file', () => {
  it('holds the keys of the documents', () => {
    const { settings, problems } = readYaml(`
infrastructure:
  cache:
    backend: hybrid
    memory_size: 500
    redis:
      host: redis.internal
      port: 6380
    ttl_seconds: 3600
  rate_limiting:
    strategy: adaptive
    default_rate: 1.5
    per_domain:
      api.fda.gov: 2.0
      clinicaltrials.gov: 1.0
  scrapers:
    timeout: 20
    max_retries: 2
    user_agent: "MedAug/1.0"
`);
    expect(problems).toEqual([]);
    expect(settings.cache).toEqual({
      backend: 'hybrid',
      maxEntries: 500,
      ttlMs: 3_600_000,
      redis: { host: 'redis.internal', port: 6_380 },
    });
    expect(settings.rateLimiting).toEqual({
      strategy: 'adaptive',
      defaultRatePerSecond: 1.5,
      burst: 10,
      perDomain: { 'api.fda.gov': 2, 'clinicaltrials.gov': 1 },
    });
    expect(settings.scrapers).toEqual({ attemptTimeoutMs: 20_000, maxAttempts: 3, userAgent: 'MedAug/1.0' });
    expect(settings.origins['cache.redis.port']).toBe('plinth.yaml:8');
  });

  it('may use lists, anchors, duration texts, and leave things empty', () => {
    const { settings, problems } = readYaml(`infrastructure:
  app_version: 1.0
  cache: { ttl_seconds: &ttl 5m }
  storage: { cache_ttl: *ttl }
  security:
    cors_origins: [https://a.example, "https://b.example"]
  http:
  ai: { model: ~ }
`);
    expect(problems).toEqual([]);
    expect(settings.appVersion).toBe('1.0');
    expect([settings.cache.ttlMs, settings.storage.cacheTtlMs]).toEqual([300_000, 300_000]);
    expect(settings.security.corsOrigins).toEqual(['https://a.example', 'https://b.example']);
    expect(settings.ai.model).toBe('gpt-4');
  });

  it.each([
    ['', undefined],
    ['# nothing\n', undefined],
    ['infrastructure:\n', undefined],
    ['- 1\n', 'plinth.yaml: Expected a map, found a list (from plinth.yaml)'],
    ['hunter2', 'plinth.yaml: Expected a map, found a single value (from plinth.yaml)'],
    ['infrastructure: []', 'infrastructure: Expected a map, found a list (from plinth.yaml:1)'],
    ['cache: {}', 'cache: Unknown key; known here: infrastructure (from plinth.yaml:1)'],
    ['infrastucture: {}', 'infrastucture: Unknown key; did you mean infrastructure? (from plinth.yaml:1)'],
    [
      'infrastructure:\n  cache:\n    memory_sise: 1\n',
      'infrastructure.cache.memory_sise: Unknown key; did you mean memory_size? (from plinth.yaml:3)',
    ],
    [
      'infrastructure:\n  cache:\n    redis:\n      hunter2: 1\n',
      'infrastructure.cache.redis.hunter2: Unknown key; known here: host, port (from plinth.yaml:4)',
    ],
    [
      'infrastructure:\n  http: {}\n  http: {}\n',
      'infrastructure: Expected YAML, found a mistake: Map keys must be unique (from plinth.yaml:3)',
    ],
    [
      'infrastructure:\n\thttp: {}\n',
      'infrastructure: Expected YAML, found a mistake: Tabs are not allowed as indentation (from plinth.yaml:2)',
    ],
    [
      'infrastructure:\n  ? [a]\n  : 1\n',
      'infrastructure: Expected YAML, found a mistake: With stringKeys, all keys must be strings (from plinth.yaml:2)',
    ],
    [
      'infrastructure:\n  service:\n    port: [[1]]\n',
      'infrastructure.service.port: Expected a value, or a flat list or map of values (from plinth.yaml:3)',
    ],
    [
      'infrastructure:\n  service:\n    port: {a: 1}\n',
      'infrastructure.service.port: Expected a whole number from 0 to 65535, found a map (from plinth.yaml:3)',
    ],
    [
      'infrastructure:\n  service:\n    port: 0x1F\n',
      'infrastructure.service.port: Expected a whole number from 0 to 65535, found "0x1F" (from plinth.yaml:3)',
    ],
    [
      'infrastructure:\n  service:\n    port: *hunter2\n',
      'infrastructure.service.port: Expected a value, or a flat list or map of values (from plinth.yaml:3)',
    ],
    ['infrastructure: &all\n  cache: *all\n', 'infrastructure.cache.cache: Unknown key; known here: backend'],
    ['infrastructure: |hunter2\n', 'Block scalar header includes extra characters (from plinth.yaml:1)'],
    ['infrastructure: !hunter2! 1\n', 'The … tag has no suffix (from plinth.yaml:1)'],
    ['infrastructure:\n  auth: {jwt_secret: !hunter2}\n', 'Unresolved tag (from plinth.yaml:2)'],
    ['infrastructure: {}\n---\ninfrastructure: {}\n', 'Source contains multiple documents'],
    ['infrastructure:\n  __proto__: {port: 1}\n', 'infrastructure.__proto__: Unknown key'],
    ['infrastructure:\n  service: {port: "\\q"}\n', 'Invalid escape sequence'],
  ])('%j: %s', (text, expected) => {
    writeFileSync(join(cwd, 'plinth.yaml'), text);
    const { errors } = validateEnvironment({
      environment: { LLM_PROVIDER: 'offline', DATABASE_URL: 'postgresql://h/d' },
      cwd,
    });
    if (expected === undefined) expect(errors).toEqual([]);
    else {
      expect(errors[0]).toContain(expected);
      if (!text.includes('hunter2: 1')) expect(errors.join()).not.toContain('hunter2');
    }
  });

  it('is not blown up by nested anchors', () => {
    const names = [...'abcdefgh'];
    const nested = names.map(
      (name, index) => `${name}: &${name} [${Array(9).fill(index === 0 ? 'x' : `*${names[index - 1]}`)}]`,
    );
    const { problems } = readYaml(`infrastructure:\n  security: { cors_origins: *h }\n${nested.join('\n')}\n`);
    expect(problems.map(problem => problem.name)).toEqual([...names, 'infrastructure.security.cors_origins']);
  });
});

describe.each(['.env', 'plinth.yaml'])('%s', name => {
  const option = name === '.env' ? 'envFile' : 'yamlFile';
  const problem = (message: string) => [{ name, message, origin: name }];

  it('is not needed, unless it was named', () => {
    expect(read().problems).toEqual([]);
    expect(read({ [option]: name }).problems).toEqual(problem('Expected a file, found nothing there'));
  });

  it('may not be a directory', () => {
    mkdirSync(join(cwd, name));
    expect(read().problems).toEqual(problem('Expected a file, found a directory'));
  });

  it('may not be a device', () => {
    symlinkSync('/dev/zero', join(cwd, name));
    expect(read().problems).toEqual(problem('Expected a file, found a device'));
  });

  it('must be readable', () => {
    symlinkSync(name, join(cwd, name));
    expect(read().problems).toEqual(problem('Cannot be read (ELOOP)'));
  });

  it.each([
    ['zero bytes', Buffer.from('PORT=1\0')],
    ['UTF-16', Buffer.from('\uFEFFPORT=1', 'utf16le')],
    ['an image', Buffer.from([0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a])],
  ])('may not be binary: %s', (_, bytes) => {
    writeFileSync(join(cwd, name), bytes);
    expect(read().problems).toEqual(problem('Expected UTF-8 text, found binary data'));
  });

  it('may not be huge', () => {
    writeFileSync(join(cwd, name), '#'.repeat(1_048_577));
    expect(read().problems).toEqual(problem('Expected at most 1048576 bytes, found 1048577'));
  });
});

import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { parseEnv } from 'node:util';
import { describe, expect, it } from 'vitest';
import { ConfigurationError } from '../errors/index.ts';
import {
  describeSettings,
  formatSettings,
  loadConfig,
  loadSettings,
  toAppConfig,
  toRequiredConfig,
  validateEnvironment,
  validateRequiredConfig,
} from './index.ts';

const nothing = { environment: {}, envFile: false, yamlFile: false } as const;
const environment = {
  DATABASE_URL: 'postgresql://app:s3cr3t-word@db:5432/app',
  DB_POOL_SIZE: '7',
  OPENAI_API_KEY: 'sk-planted',
  FEATURE_FLAG_NEW_UI: 'true',
};
const something = { ...nothing, environment };

describe('describeSettings()', () => {
  it('gives every setting its value, origin, default and meaning', () => {
    const rows = describeSettings(loadSettings(something));
    expect(rows.find(row => row.path === 'database.url')).toEqual({
      path: 'database.url',
      variable: 'DATABASE_URL',
      value: 'postgresql://app:[secret]@db:5432/app',
      origin: 'environment',
      default: 'the embedded database',
      description: 'Address of PostgreSQL.',
    });
    expect(rows.find(row => row.path === 'ai.apiKey')).toMatchObject({ value: '[secret]', origin: 'environment' });
    expect(rows.find(row => row.path === 'auth.accessTokenTtlMs')).toMatchObject({ value: '30m', default: '30m' });
    expect(rows.find(row => row.path === 'featureFlags.new_ui')).toMatchObject({ value: 'true', default: 'none' });
    expect(rows.every(row => row.description.endsWith('.'))).toBe(true);
  });
});

describe('formatSettings()', () => {
  it('aligns its columns', () => {
    const [head = '', ...lines] = formatSettings(loadSettings(nothing)).trimEnd().split('\n');
    const column = head.indexOf('Origin');
    expect(lines.every(line => line.slice(column).startsWith('default '))).toBe(true);
  });
});

describe('views', () => {
  it('loadConfig() is the database and the model', () => {
    const config = loadConfig(something);
    expect(config).toMatchObject({ database: { poolSize: 7 }, llm: { provider: 'openai', model: 'gpt-4' } });
    expect(config.database.url?.reveal()).toBe(environment.DATABASE_URL);
    expect(config.llm.apiKey?.reveal()).toBe('sk-planted');
    expect(() => loadConfig({ ...nothing, environment: { PORT: 'x' } })).toThrow(ConfigurationError);
  });

  it('validateRequiredConfig() names what is missing', () => {
    expect(validateRequiredConfig(loadSettings(nothing))).toEqual(['databaseUrl', 'openaiApiKey']);
    expect(validateRequiredConfig(loadSettings(something))).toEqual([]);
    expect(toRequiredConfig(loadSettings(nothing))).toEqual({ logLevel: 'INFO' });
  });

  it('toAppConfig() is what an application connects to and serves', () => {
    const config = toAppConfig(loadSettings(something));
    expect(config.featureFlags).toEqual({ new_ui: true });
    expect(config.apiConfig).toMatchObject({ prefix: '/api/v1', docsUrl: '/docs', port: 8_000 });
    expect(config.llmConfig).toMatchObject({ provider: 'openai', endpoint: 'https://api.openai.com/v1' });
    const azure = { LLM_PROVIDER: 'azure', AZURE_OPENAI_ENDPOINT: 'https://x.openai.azure.com' };
    expect(toAppConfig(loadSettings({ ...nothing, environment: azure })).llmConfig.endpoint).toBe(
      'https://x.openai.azure.com',
    );
  });
});

describe('validateEnvironment()', () => {
  it('names what a deployment misses', () => {
    expect(validateEnvironment(nothing)).toEqual({
      isValid: false,
      errors: ['LLM API key not configured'],
      warnings: [],
      database: 'embedded',
    });
    expect(validateEnvironment(something)).toEqual({ isValid: true, errors: [], warnings: [], database: 'server' });
  });

  it('takes the embedded database for what it is: supported, and worth a warning in production', () => {
    const check = (stage: string) =>
      validateEnvironment({ ...nothing, environment: { ENVIRONMENT: stage, LLM_PROVIDER: 'offline' } });
    expect(check('development')).toEqual({ isValid: true, errors: [], warnings: [], database: 'embedded' });
    const { errors, warnings, database } = check('production');
    expect(warnings).toContainEqual(expect.stringMatching(/^DATABASE_URL not configured: the embedded database/));
    expect(errors).not.toContainEqual(expect.stringMatching(/^DATABASE_URL/));
    expect(database).toBe('embedded');
  });

  it('needs no key for the offline provider', () => {
    const { errors } = validateEnvironment({ ...nothing, environment: { LLM_PROVIDER: 'offline' } });
    expect(errors).toEqual([]);
  });

  it('reports what cannot be used instead of throwing', () => {
    const status = validateEnvironment({
      ...something,
      environment: { ...environment, DATABASE_URL: 'x', PLINTH_X: '1' },
    });
    expect(status.isValid).toBe(false);
    expect(status.errors).toEqual([expect.stringMatching(/^DATABASE_URL: Expected .*\(from environment\)$/)]);
    expect(status.warnings).toEqual(['PLINTH_X: Unknown variable (from environment)']);
  });
});

describe('documents', () => {
  const root = new URL('../../', import.meta.url);

  it('say what the table says', () => {
    const arguments_ = ['--conditions=plinth-source', '--import', 'tsx', 'tools/settings-table.ts', '--check'];
    expect(() => execFileSync(process.execPath, arguments_, { cwd: fileURLToPath(root), stdio: 'pipe' })).not.toThrow();
  });

  it('.env.example can be used with every line uncommented', () => {
    const text = readFileSync(new URL('.env.example', root), 'utf8').replace(/^#(?=[A-Z])/gm, '');
    const variables = parseEnv(text);
    expect(Object.keys(variables).length).toBeGreaterThan(50);
    expect(() => loadSettings({ ...nothing, environment: variables })).not.toThrow();
  });
});

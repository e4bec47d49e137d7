import type { ConfigurationProblem } from '../errors/index.ts';
import type { Secret } from '../kernel/index.ts';
import { type LoadSettingsOptions, loadSettings, readSettings } from './load-settings.ts';
import type { AiSettings, LogLevelName, RateLimitSettings, Settings } from './settings.ts';

/** The smallest view: the database and the language model. */
export interface CoreConfig {
  readonly database: { readonly url: Secret | undefined; readonly poolSize: number };
  readonly llm: Pick<AiSettings, 'provider' | 'apiKey' | 'model'>;
}

/**
 * Loads the settings and answers the smallest view of them.
 *
 * @throws {ConfigurationError} with every problem at once.
 * @example
 * loadConfig().database.poolSize; // 10
 */
export function loadConfig(options: LoadSettingsOptions = {}): CoreConfig {
  const { database, ai } = loadSettings(options);
  return {
    database: { url: database.url, poolSize: database.poolSize },
    llm: { provider: ai.provider, apiKey: ai.apiKey, model: ai.model },
  };
}

/** The view that lists what a deployment has to set. */
export interface RequiredConfig {
  readonly databaseUrl: Secret | undefined;
  readonly openaiApiKey: Secret | undefined;
  readonly logLevel: LogLevelName;
}

/** The settings as flat values. */
export function toRequiredConfig({ database, ai, monitoring }: Settings): RequiredConfig {
  return { databaseUrl: database.url, openaiApiKey: ai.apiKey, logLevel: monitoring.logLevel };
}

/**
 * The required keys that have no value.
 *
 * @example
 * validateRequiredConfig(loadSettings({ environment: {} })); // ['databaseUrl', 'openaiApiKey']
 */
export function validateRequiredConfig(settings: Settings): readonly ('databaseUrl' | 'openaiApiKey')[] {
  const config = toRequiredConfig(settings);
  return (['databaseUrl', 'openaiApiKey'] as const).filter(key => config[key] === undefined);
}

/** The language model of {@link AppConfig}. */
export interface LlmConfig {
  readonly provider: AiSettings['provider'];
  readonly apiKey: Secret | undefined;
  readonly model: string;
  /** Where it is called: the Azure resource, or the base address of the OpenAI interface. */
  readonly endpoint: string | undefined;
}

/** The API of {@link AppConfig}. */
export interface ApiConfig {
  readonly host: string;
  readonly port: number;
  readonly prefix: string;
  readonly docsUrl: string;
  readonly rateLimit: RateLimitSettings;
}

/** The view for an application: what it connects to, what it serves, which features are on. */
export interface AppConfig {
  readonly databaseUrl: Secret | undefined;
  readonly llmConfig: LlmConfig;
  readonly apiConfig: ApiConfig;
  readonly featureFlags: Readonly<Record<string, boolean>>;
}

/** The settings as an application sees them. */
export function toAppConfig(settings: Settings): AppConfig {
  const { ai, service, apiPrefix, docsUrl, rateLimit } = settings;
  const endpoint = ai.provider === 'azure' ? ai.azureEndpoint : ai.provider === 'openai' ? ai.baseUrl : undefined;
  return {
    databaseUrl: settings.database.url,
    llmConfig: { provider: ai.provider, apiKey: ai.apiKey, model: ai.model, endpoint },
    apiConfig: { host: service.host, port: service.port, prefix: apiPrefix, docsUrl, rateLimit },
    featureFlags: settings.featureFlags,
  };
}

/** Whether the environment holds what a deployment needs. */
export interface EnvironmentStatus {
  readonly isValid: boolean;
  /** What keeps the environment from being valid. */
  readonly errors: readonly string[];
  /** What is allowed but probably not meant. */
  readonly warnings: readonly string[];
  /** Where the data goes: to the PostgreSQL of `DATABASE_URL`, or without one to the database within this process. */
  readonly database: 'server' | 'embedded';
}

/**
 * Checks the environment without starting anything: every value must be usable, and the language model must be
 * configured. Without an address the embedded database stands in, which is said, and warned of in production. Never throws
 * for what it finds.
 *
 * @example
 * validateEnvironment({ environment: {} }).errors; // ['LLM API key not configured']
 */
export function validateEnvironment(options: LoadSettingsOptions = {}): EnvironmentStatus {
  const { settings, problems } = readSettings(options);
  return environmentStatus(settings, problems);
}

/**
 * The same of settings that were loaded already.
 *
 * @param problems What was wrong when they were read. @default []
 */
export function environmentStatus(
  settings: Settings,
  problems: readonly ConfigurationProblem[] = [],
): EnvironmentStatus {
  const isMissing = (path: string): boolean => settings.origins[path] === 'default';
  const isEmbedded = isMissing('database.url');
  const errors = [
    ...(settings.ai.provider !== 'offline' && isMissing('ai.apiKey') ? ['LLM API key not configured'] : []),
    ...problems.map(inOneLine),
  ];
  const warnings = [
    ...(isEmbedded && settings.environment === 'production' ? [embeddedInProduction] : []),
    ...settings.warnings.map(inOneLine),
  ];
  return { isValid: errors.length === 0, errors, warnings, database: isEmbedded ? 'embedded' : 'server' };
}

const embeddedInProduction =
  'DATABASE_URL not configured: the embedded database serves this process alone, with one connection, and is as safe as its disk';

function inOneLine({ name, message, origin }: ConfigurationProblem): string {
  return `${name}: ${message}${origin === undefined ? '' : ` (from ${origin})`}`;
}

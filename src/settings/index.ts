export { describeFallback, describeSettings, formatSettings, type SettingDescription } from './describe-settings.ts';
export { type LoadSettingsOptions, loadSettings } from './load-settings.ts';
export type {
  AiSettings,
  AuthSettings,
  CacheSettings,
  DatabaseSettings,
  DevelopmentSettings,
  EnvironmentName,
  ExternalServicesSettings,
  HttpSettings,
  LogLevelName,
  MonitoringSettings,
  PartialTree,
  RateLimitingSettings,
  RateLimitSettings,
  RedisHostSettings,
  ScraperSettings,
  SecuritySettings,
  ServiceSettings,
  Settings,
  SettingsTree,
  StorageSettings,
} from './settings.ts';
export type { RawValue, ValueKind } from './value-kind.ts';
export type { ListedVariable, Variable } from './variable.ts';
export { listVariables } from './variables.ts';
export {
  type ApiConfig,
  type AppConfig,
  type CoreConfig,
  type EnvironmentStatus,
  environmentStatus,
  type LlmConfig,
  loadConfig,
  type RequiredConfig,
  toAppConfig,
  toRequiredConfig,
  validateEnvironment,
  validateRequiredConfig,
} from './views.ts';

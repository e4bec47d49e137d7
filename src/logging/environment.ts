import { ArgumentError, ConfigurationError } from '../errors/index.ts';
import { type LogLevel, logLevels, toLogLevel } from './levels.ts';

/** What the environment says about logging, where the caller of `setupLogging` says nothing. */
export interface LoggingEnvironment {
  /** LOG_LEVEL, else DEBUG with DEBUG=true, else INFO. Throws `ConfigurationError` for an unknown name. */
  level(): LogLevel;
  readonly directory: string;
  readonly environment: string;
}

/** Reads LOG_LEVEL, LOG_DIR, ENVIRONMENT and DEBUG. An empty variable is an absent one. */
export function readLoggingEnvironment(variables: NodeJS.ProcessEnv = process.env): LoggingEnvironment {
  return {
    level: () => levelOf(variables['LOG_LEVEL'] || (variables['DEBUG'] === 'true' ? 'DEBUG' : 'INFO')),
    directory: variables['LOG_DIR'] || './logs',
    environment: variables['ENVIRONMENT'] || 'development',
  };
}

function levelOf(text: string): LogLevel {
  try {
    return toLogLevel(text, 'LOG_LEVEL');
  } catch (error) {
    if (!(error instanceof ArgumentError)) throw error;
    const message = `"${text}" is no log level; use one of ${logLevels.join(', ')}`;
    throw new ConfigurationError('The log level cannot be used', [
      { name: 'LOG_LEVEL', message, origin: 'environment' },
    ]);
  }
}

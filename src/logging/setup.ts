import { type Logging, LogSystem } from './log-system.ts';
import { BoundLogger, type Logger } from './logger.ts';
import type { LoggingOptions } from './options.ts';

/** Options of {@link setupLogging} that a second, private logging has no use for. */
export interface SetupLoggingOptions extends LoggingOptions {
  /** Whether an uncaught exception or rejection is logged as CRITICAL before Node ends the process as it always does. @default true */
  readonly logCrashes?: boolean | undefined;
}

// The only state of a module in Plinth: a logger is named at the top of a file, long before main() has read a setting,
// and must find what main() set up without every constructor in between handing it on.
const installed: { system: LogSystem | undefined } = { system: undefined };

/**
 * Sets up the logging of this process; call it once, at the start. Loggers from {@link getLogger}, those made before
 * too, write here from now on. Called again it replaces: the earlier logging is flushed and closed.
 *
 * Throws `ConfigurationError` when the directory cannot be written or LOG_LEVEL is unknown, and `ArgumentError` for an
 * unusable option.
 *
 * @example
 * await using logging = setupLogging({ environment: 'production', directory: '/var/log/orders' });
 */
export function setupLogging(options: SetupLoggingOptions = {}): Logging {
  const system = new InstalledLogging(options);
  const earlier = installed.system;
  installed.system = system;
  void earlier?.close();
  return system;
}

/**
 * Logging without anything global: for tests, and for a composition root that hands loggers on.
 *
 * @example
 * const lines: string[] = [];
 * const logging = createLogging({ files: false, format: 'json', mode: 'line', console: { write: line => lines.push(line) } });
 * logging.getLogger('api').info('Ready');
 */
export function createLogging(options: LoggingOptions = {}): Logging {
  return new LogSystem(options);
}

/**
 * A logger by its dotted name. It may be had at any time: each line goes to the logging that is set up when it comes,
 * and nowhere before there is any.
 *
 * @example
 * const logger = getLogger('api.orders');
 * logger.info('Order created', { order: 'order-1' });
 */
export function getLogger(name: string): Logger {
  return new BoundLogger(installed, name, {});
}

class InstalledLogging extends LogSystem {
  readonly #onCrash: ((error: unknown, origin: string) => void) | undefined;

  constructor(options: SetupLoggingOptions) {
    super(options);
    if (options.logCrashes === false) return;
    const logger = this.getLogger('process');
    // A monitor sees the crash and changes nothing about it: message, exit code and handlers stay Node's.
    this.#onCrash = (error, origin) => {
      logger.critical(origin === 'unhandledRejection' ? 'Unhandled rejection' : 'Uncaught exception', { error });
      this.flush();
    };
    process.on('uncaughtExceptionMonitor', this.#onCrash);
  }

  override async close(): Promise<void> {
    if (installed.system === this) installed.system = undefined;
    if (this.#onCrash !== undefined) process.off('uncaughtExceptionMonitor', this.#onCrash);
    await super.close();
  }
}

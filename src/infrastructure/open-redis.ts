import { ConfigurationError } from '../errors/index.ts';
import type { HealthRegistry } from '../health/index.ts';
import type { Clock, Random } from '../kernel/index.ts';
import { type Logging, logEvents } from '../logging/index.ts';
import { RedisConnection } from '../redis/index.ts';
import type { Settings } from '../settings/index.ts';

/** Makes the connection that all shared state goes by; none without an address, which is a supported mode. */
export function makeRedis(settings: Settings, clock: Clock, random: Random): RedisConnection | undefined {
  const { appName, externalServices } = settings;
  const { redisUrl } = externalServices;
  if (redisUrl === undefined) return undefined;
  // Services that share a server must not share their limits.
  const keyPrefix = `${appName.toLowerCase().replaceAll(/[^a-z0-9]+/g, '-')}:`;
  return new RedisConnection({ url: redisUrl, keyPrefix, clock, random });
}

/** Writes what becomes of the connection into the logs, and asks it for readiness: without Redis the service is degraded. */
export function watchRedis(redis: RedisConnection, logging: Logging, health: HealthRegistry): void {
  logEvents(redis.events, logging.getLogger('redis'), {
    ready: ({ awayMs, forgot }) => ({
      message: forgot ? 'Redis is there; it is another server than before' : 'Redis is there',
      fields: { away: awayMs / 1_000 },
    }),
    away: ({ error }) => ({ level: 'WARNING', message: 'Redis is away', fields: { error } }),
    'connect-failed': ({ attempt, retryInMs, error }) => ({
      level: attempt === 2 ? 'WARNING' : 'DEBUG',
      message: 'Redis cannot be reached',
      fields: { attempt, retry_in: retryInMs / 1_000, error },
    }),
  });
  health.register({
    name: 'redis',
    critical: false,
    async check() {
      try {
        await redis.ping();
        return { status: 'up' };
      } catch {
        return { status: 'degraded', message: 'Redis is away: limits go by their rules for that' };
      }
    },
  });
}

/**
 * Begins to connect, and waits for the first attempt. That Redis is away does not stop the start.
 *
 * @throws {ConfigurationError} when the package for it is not installed.
 */
export async function connectRedis(redis: Pick<RedisConnection, 'connect'>): Promise<void> {
  try {
    await redis.connect();
  } catch (error) {
    if (error instanceof ConfigurationError) throw error;
  }
}

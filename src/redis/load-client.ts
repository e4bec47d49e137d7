import { ConfigurationError } from '../errors/index.ts';

/** The vendor's module. */
export type RedisClientModule = typeof import('@redis/client');

/** Loads the optional package at the moment it is needed, so that those who use no Redis need not have it. */
export async function loadRedisClient(
  load: () => Promise<RedisClientModule | { default: RedisClientModule }> = () => import('@redis/client'),
): Promise<RedisClientModule> {
  try {
    const module = await load();
    return 'createClient' in module ? module : module.default;
  } catch (cause) {
    throw new ConfigurationError(
      'Cannot use Redis without the package @redis/client',
      [
        {
          name: '@redis/client',
          message: 'Not installed. Install it with "npm install @redis/client@6", or give no address of a Redis',
        },
      ],
      { cause },
    );
  }
}

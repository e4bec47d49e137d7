import { ArgumentError } from '../errors/index.ts';
import { Secret } from '../kernel/index.ts';

/** Where a Redis is and who we are there. */
export interface RedisAddress {
  readonly host: string;
  readonly port: number;
  readonly tls: boolean;
  readonly database: number;
  readonly username: string | undefined;
  readonly password: Secret | undefined;
}

/**
 * Reads `redis://user:password@host:6379/0`, or `rediss://` for TLS.
 *
 * @throws {ArgumentError} without any part of the address but its scheme: the rest may be a password.
 */
export function readAddress(url: string | Secret): RedisAddress {
  const text = url instanceof Secret ? url.reveal() : url;
  const parsed = URL.canParse(text) ? new URL(text) : undefined;
  if (parsed === undefined || (parsed.protocol !== 'redis:' && parsed.protocol !== 'rediss:') || !parsed.hostname) {
    throw refusal('an address such as redis://localhost:6379 or rediss://user:password@host:6379/0');
  }
  const database = parsed.pathname.length > 1 ? Number(parsed.pathname.slice(1)) : 0;
  if (!Number.isSafeInteger(database) || database < 0) throw refusal('a number of a database behind the last slash');
  const password = decoded(parsed.password);
  return {
    host: parsed.hostname.replace(/^\[(.*)\]$/, '$1'),
    port: parsed.port === '' ? 6379 : Number(parsed.port),
    tls: parsed.protocol === 'rediss:',
    database,
    username: decoded(parsed.username) || undefined,
    password: password === '' ? undefined : new Secret(password),
  };
}

function decoded(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    throw refusal('user name and password with their special characters percent-encoded');
  }
}

function refusal(expected: string): ArgumentError {
  return new ArgumentError(`Cannot use url: expected ${expected}; what was given is not shown`, 'url');
}

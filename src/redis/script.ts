import { createHash } from 'node:crypto';
import type { RedisArguments } from './driver.ts';
import { RedisCommandError } from './errors.ts';

/** Sends a command; a cluster is asked at the node of the key. */
export type SendCommand = (words: RedisArguments, key?: string) => Promise<unknown>;

/**
 * A Lua script that runs on the server as one step. Made by `RedisConnection.script`.
 *
 * It is sent by its hash, in one trip. A server that does not know it (a new one, or after `SCRIPT FLUSH`) has not run
 * it, so it is then sent as text, which also makes the server remember it.
 */
export class RedisScript {
  readonly #source: string;
  readonly #hash: string;
  readonly #send: SendCommand;

  constructor(source: string, send: SendCommand) {
    this.#source = source;
    this.#hash = createHash('sha1').update(source).digest('hex');
    this.#send = send;
  }

  /**
   * Runs it. On a cluster, all keys must be of one slot: give them the same `{tag}`.
   *
   * @throws {RedisUnavailableError} when no answer came in time.
   * @throws {RedisCommandError} when the script failed.
   * @example
   * const increase = redis.script("return redis.call('INCRBY', KEYS[1], ARGV[1])");
   * const total = await increase.run([redis.key('visits')], ['2']);
   */
  run(keys: readonly string[], args: RedisArguments = []): Promise<unknown> {
    const rest = [String(keys.length), ...keys, ...args];
    const [key] = keys;
    return this.#send(['EVALSHA', this.#hash, ...rest], key).catch((error: unknown) => {
      if (!(error instanceof RedisCommandError && error.message.includes('NOSCRIPT'))) throw error;
      return this.#send(['EVAL', this.#source, ...rest], key);
    });
  }
}

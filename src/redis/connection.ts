import { RejectedError } from '../errors/index.ts';
import { type Clock, type EventSource, Events, systemClock, systemRandom } from '../kernel/index.ts';
import { readAddress } from './address.ts';
import { openCluster } from './cluster-driver.ts';
import { CommandLane } from './command-lane.ts';
import type { OpenDriver, RedisArguments } from './driver.ts';
import type { RedisEvents } from './events.ts';
import { KeyChanges, type RedisKeyChanges } from './key-changes.ts';
import { RedisLink, type RedisStatus } from './link.ts';
import { loadRedisClient } from './load-client.ts';
import { type RedisConnectionOptions, type RedisTimings, timingsOf } from './options.ts';
import type { RedisOutage } from './outages.ts';
import { scanNode } from './scan.ts';
import { RedisScript } from './script.ts';
import { openServer } from './server-driver.ts';
import { withTimeLimit } from './time-limit.ts';

/**
 * One connection to Redis that may be shared by every room. It connects with the first command, connects again for ever,
 * and never makes a caller wait: without a connection a command fails at once, and one without an answer fails after
 * `commandTimeoutMs`. After `timeoutsUntilAway` time-outs in a row commands fail at once too, while a probe asks whether
 * the server answers again. While the very first attempt to connect is under way a command waits for it, at most
 * `commandTimeoutMs`.
 *
 * A command that timed out may have been carried out all the same.
 *
 * @example
 * await using redis = new RedisConnection({ url: 'redis://localhost:6379', keyPrefix: 'shop:' });
 * await redis.command(['SET', redis.key('greeting'), 'hello']);
 */
export class RedisConnection implements AsyncDisposable {
  /** What it is called in events and errors. */
  readonly name: string;
  /** Whether it is a Redis Cluster. */
  readonly cluster: boolean;
  readonly #keyPrefix: string;
  readonly #timings: RedisTimings;
  readonly #clock: Clock;
  readonly #events: Events<RedisEvents> = new Events<RedisEvents>();
  readonly #lane: CommandLane;
  readonly #link: RedisLink;
  readonly #changes: KeyChanges;

  /** @throws {ArgumentError} for an address or a number that cannot be used; the address itself is not shown. */
  constructor(options: RedisConnectionOptions) {
    const { name = 'redis', keyPrefix = '', cluster = false, clock = systemClock, random = systemRandom } = options;
    this.name = name;
    this.cluster = cluster;
    this.#keyPrefix = keyPrefix;
    this.#timings = timingsOf(options);
    this.#clock = clock;
    const address = readAddress(options.url);
    const { commandTimeoutMs, maxInFlight, timeoutsUntilAway, beatMs } = this.#timings;
    const open = cluster ? openCluster : openServer;
    const load = async (): Promise<OpenDriver> => {
      const module = await loadRedisClient();
      return (options, hooks) => open(module, options, hooks);
    };
    const events = this.#events;
    this.#changes = new KeyChanges({ name, channel: this.key('changes'), beatMs, clock, events });
    const changes = this.#changes;
    this.#link = new RedisLink({ name, address, timings: this.#timings, load, changes, clock, random, events });
    this.#lane = new CommandLane({
      name,
      commandTimeoutMs,
      maxInFlight,
      clock,
      onTimeout: inRow => {
        if (inRow >= timeoutsUntilAway) this.#link.stopAsking();
      },
      onAnswer: () => this.#link.answered(),
    });
  }

  /** Whether commands are carried out. A cluster is `ready` also while some of its nodes are away. */
  get status(): RedisStatus {
    return this.#link.status;
  }

  /** What there is to listen to. */
  get events(): EventSource<RedisEvents> {
    return this.#events;
  }

  /**
   * Counts the servers that were met, by their run id: when it changes, what the last server held may be lost. 0 before
   * the first connection.
   */
  get generation(): number {
    return this.#link.generation;
  }

  /** The last times in which Redis was away from this process, oldest first; the last one may still go on. */
  get outages(): readonly RedisOutage[] {
    return this.#link.outages;
  }

  /** Changes to keys by others, as they happen. */
  get changes(): RedisKeyChanges {
    return this.#changes;
  }

  /**
   * Milliseconds since 1970 by the clock of the server, of a cluster by that of its first master; `undefined` before the
   * first connection. Exact to half of the time that a short question takes.
   */
  get serverTimeMs(): number | undefined {
    return this.#changes.serverTime();
  }

  /** How long after Redis has come back it may take until this connection is ready again, in milliseconds. */
  get recoveryMs(): number {
    const { connectTimeoutMs, maxReconnectDelayMs, probeIntervalMs, commandTimeoutMs } = this.#timings;
    return connectTimeoutMs + maxReconnectDelayMs + probeIntervalMs + commandTimeoutMs;
  }

  /**
   * A key with the prefix of this connection. What stands in `{…}` decides the slot on a cluster.
   *
   * @example
   * redis.key('session', `{${userId}}`, 'basket'); // 'shop:session:{7}:basket'
   */
  key(...parts: readonly string[]): string {
    return this.#keyPrefix + parts.join(':');
  }

  /**
   * Connects now, instead of with the first command. Fails when the first attempt does; attempts go on all the same.
   *
   * @throws {RedisUnavailableError} when the first attempt failed.
   * @throws {ConfigurationError} when the package `@redis/client` is not installed.
   */
  async connect(): Promise<void> {
    if (this.status === 'closed') throw this.#refusal();
    await this.#link.start();
    if (this.status !== 'ready') throw this.#link.unavailable();
  }

  /**
   * Carries out a command.
   *
   * @param key The key that decides the node of a cluster; by default the first word after the command's name.
   * @throws {RedisUnavailableError} at once without a connection, and after `commandTimeoutMs` without an answer.
   * @throws {RedisCommandError} when Redis answers with an error.
   * @throws {RejectedError} with reason `full` when `maxInFlight` commands wait for their answers, `closed` after close.
   * @example
   * const greeting = await redis.command(['GET', redis.key('greeting')]);
   */
  command(words: RedisArguments, key?: string): Promise<unknown> {
    const { driver } = this.#link;
    if (driver !== undefined) return this.#lane.send(driver, words, key ?? words[1]?.toString(), false);
    return this.#commandOnceConnected(words, key, false);
  }

  /**
   * As {@link command}, but what would be text in the answer is given as bytes.
   *
   * @example
   * const picture = await redis.commandForBytes(['GET', redis.key('picture')]);
   */
  commandForBytes(words: RedisArguments, key?: string): Promise<unknown> {
    const { driver } = this.#link;
    if (driver !== undefined) return this.#lane.send(driver, words, key ?? words[1]?.toString(), true);
    return this.#commandOnceConnected(words, key, true);
  }

  /**
   * The keys that begin with a prefix, in portions, on all masters of a cluster. The prefix of this connection is not set
   * before it. A key that comes or goes meanwhile may be missed, and one may be given twice.
   *
   * @example
   * for await (const keys of redis.scan(redis.key('session:'))) console.log(keys.length);
   */
  async *scan(prefix: string): AsyncGenerator<readonly string[], void, undefined> {
    if (this.#link.driver === undefined) await this.command(['PING']);
    const { driver } = this.#link;
    if (driver === undefined) throw this.#refusal();
    for (const node of driver.nodes()) {
      yield* scanNode(words => this.#lane.send(node, words, undefined, false), prefix);
    }
  }

  /**
   * A Lua script of this connection.
   *
   * @example
   * const increase = redis.script("return redis.call('INCRBY', KEYS[1], ARGV[1])");
   */
  script(source: string): RedisScript {
    return new RedisScript(source, (words, key) => this.command(words, key));
  }

  /** How long an answer takes, in milliseconds. Fails as {@link command} does. */
  async ping(): Promise<number> {
    const startedMs = this.#clock.monotonic();
    await this.command(['PING']);
    return this.#clock.monotonic() - startedMs;
  }

  /** Waits for the answers that are due, no longer than `commandTimeoutMs`, then disconnects for good. */
  async close(): Promise<void> {
    if (this.status === 'closed') return;
    const driver = this.#link.close();
    if (driver !== undefined) {
      await this.#inTime(driver.close()).catch(() => undefined);
      driver.destroy();
    }
    if (this.#events.has('closed')) this.#events.emit('closed', { name: this.name });
  }

  /** As {@link close}. */
  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  /** A command for which there is no connection: it waits for the first attempt, and fails at once after that. */
  async #commandOnceConnected(words: RedisArguments, key: string | undefined, asBytes: boolean): Promise<unknown> {
    if (this.status !== 'connecting') throw this.#refusal();
    // To load the package takes this process's own time, at most once: it is no part of the time that Redis is given.
    await loadRedisClient();
    await this.#inTime(this.#link.start());
    const { driver } = this.#link;
    if (driver !== undefined) return this.#lane.send(driver, words, key ?? words[1]?.toString(), asBytes);
    throw this.#refusal();
  }

  #inTime<T>(work: Promise<T>): Promise<T> {
    return withTimeLimit(this.#clock, this.#timings.commandTimeoutMs, work, () => this.#link.unavailable('timed-out'));
  }

  /** Why a command is not sent. */
  #refusal(): Error {
    if (this.status !== 'closed') return this.#link.unavailable();
    return new RejectedError(`Cannot ask Redis "${this.name}": its connection was closed`, 'closed');
  }
}

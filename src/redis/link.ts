import { ConfigurationError } from '../errors/index.ts';
import type { Clock, Events, Random, Timer } from '../kernel/index.ts';
import type { RedisAddress } from './address.ts';
import type { DriverHooks, OpenDriver, RedisDriver, ServerIdentity } from './driver.ts';
import { RedisUnavailableError, type RedisUnavailableReason } from './errors.ts';
import type { RedisEvents } from './events.ts';
import type { KeyChanges } from './key-changes.ts';
import type { RedisTimings } from './options.ts';
import { OutageLog, type RedisOutage } from './outages.ts';
import { withTimeLimit } from './time-limit.ts';

/** `connecting`: not connected yet. `away`: was connected, commands fail at once. `closed`: by its owner. */
export type RedisStatus = 'connecting' | 'ready' | 'away' | 'closed';

/** What a {@link RedisLink} is made of. */
export interface RedisLinkOptions {
  readonly name: string;
  readonly address: RedisAddress;
  readonly timings: RedisTimings;
  /** Gives the way to connect, when the optional package is there. */
  readonly load: () => Promise<OpenDriver>;
  readonly changes: KeyChanges;
  readonly clock: Clock;
  readonly random: Random;
  readonly events: Events<RedisEvents>;
}

/** The wait after the first attempt that failed, in milliseconds; doubled after each further one. */
const firstReconnectDelayMs = 50;

/** A server that leaves so many probes unanswered is connected to anew: the network may have lost the connection. */
const probesUntilReconnect = 20;

/** Keeps a connection up: makes the first, makes another when it breaks, and asks a silent server until it answers. */
export class RedisLink {
  readonly #options: RedisLinkOptions;
  readonly #outages: OutageLog = new OutageLog();
  #status: RedisStatus = 'connecting';
  #driver: RedisDriver | undefined;
  // The driver of the attempt under way, which `close` must reach.
  #opening: RedisDriver | undefined;
  #started: Promise<void> | undefined;
  #reconnectTimer: Timer | undefined;
  #failedAttempts = 0;
  #runId = '';
  #generation = 0;
  #probeTimer: Timer | undefined;
  #probes = 0;

  constructor(options: RedisLinkOptions) {
    this.#options = options;
  }

  get status(): RedisStatus {
    return this.#status;
  }

  get generation(): number {
    return this.#generation;
  }

  get outages(): readonly RedisOutage[] {
    return this.#outages.list;
  }

  /** The connection to send by, while there is one that answers. */
  get driver(): RedisDriver | undefined {
    return this.#status === 'ready' ? this.#driver : undefined;
  }

  /** Begins to connect, once; resolves when the first attempt has ended, one way or the other. */
  start(): Promise<void> {
    this.#started ??= this.#attempt();
    return this.#started;
  }

  /** Tells that the server gives no answers: from now on it is only asked whether it does again. */
  stopAsking(): void {
    const driver = this.#driver;
    if (this.#status !== 'ready' || driver === undefined) return;
    this.#becomeAway(this.unavailable('not-answering'));
    this.#probes = 0;
    this.#probeTimer = this.#options.clock.setRepeatingTimer(this.#options.timings.probeIntervalMs, () =>
      this.#probe(driver),
    );
  }

  /** Tells that an answer came. */
  answered(): void {
    if (this.#probeTimer === undefined) return;
    this.#endProbing();
    this.#becomeReady(undefined);
  }

  /** Disconnects for good; gives the connection that has to be closed. */
  close(): RedisDriver | undefined {
    const driver = this.#driver;
    this.#status = 'closed';
    this.#driver = undefined;
    this.#reconnectTimer?.cancel();
    this.#endProbing();
    this.#options.changes.close();
    this.#opening?.destroy();
    return driver;
  }

  /** An error that says what state the connection is in. */
  unavailable(reason?: RedisUnavailableReason, cause?: unknown): RedisUnavailableError {
    const found = reason ?? (this.#driver === undefined ? 'not-connected' : 'not-answering');
    const { name, address } = this.#options;
    const what = found === 'not-answering' ? 'it does not answer' : 'there is no connection';
    const message = `Redis "${name}" at ${address.host}:${address.port} is away: ${what}`;
    return new RedisUnavailableError(message, found, cause === undefined ? {} : { cause });
  }

  async #attempt(): Promise<void> {
    try {
      const open = await this.#options.load();
      if (this.#status !== 'closed') await this.#connect(open);
    } catch (error) {
      if (error instanceof ConfigurationError) throw error;
      if (this.#status === 'closed') return;
      this.#outages.begin(this.#options.clock.monotonic());
      this.#connectLater(error);
    }
  }

  async #connect(open: OpenDriver): Promise<void> {
    const { address, name, timings, clock, changes } = this.#options;
    const { connectTimeoutMs } = timings;
    const nodeReconnectMs = (): number => this.#reconnectDelayMs(1);
    const options = { address, name, connectTimeoutMs, nodeReconnectMs };
    const { driver, opened } = open(
      options,
      this.#hooksFor(() => driver),
    );
    this.#opening = driver;
    changes.attach(driver);
    try {
      const identified = opened.then(() => Promise.all([driver.identify(), changes.settled()])).then(([who]) => who);
      const identity = await withTimeLimit(clock, connectTimeoutMs, identified, () => this.unavailable('timed-out'));
      if (this.#status === 'closed') return driver.destroy();
      this.#driver = driver;
      this.#failedAttempts = 0;
      changes.begin();
      this.#becomeReady(identity);
    } catch (error) {
      changes.detach(driver);
      driver.destroy();
      throw error;
    } finally {
      this.#opening = undefined;
    }
  }

  /** What a driver reports counts only while it is the one in use: until then, its opening fails by itself. */
  #hooksFor(driver: () => RedisDriver): DriverHooks {
    const isCurrent = (): boolean => this.#driver !== undefined && this.#driver === driver();
    return {
      lost: error => {
        if (isCurrent()) this.#lose(error);
      },
      nodeLost: () => {
        if (isCurrent()) this.#outages.begin(this.#options.clock.monotonic());
      },
      nodeReady: node => {
        this.#options.changes.nodeReady(node);
        if (isCurrent()) void this.#identifyAgain(driver());
      },
      changed: key => this.#options.changes.changed(key),
    };
  }

  /** A node of a cluster is there again, or is new: whatever it held before may be lost. */
  async #identifyAgain(driver: RedisDriver): Promise<void> {
    try {
      const identity = await driver.identify();
      if (this.#driver === driver && this.#status === 'ready') this.#becomeReady(identity);
    } catch {
      // It went away again; it will be asked when it comes back.
    }
  }

  #lose(cause: unknown): void {
    const driver = this.#driver;
    this.#driver = undefined;
    this.#endProbing();
    if (driver !== undefined) {
      this.#options.changes.detach(driver);
      driver.destroy();
    }
    const error = this.unavailable('connection-lost', cause);
    if (this.#status === 'ready') this.#becomeAway(error);
    this.#connectLater(error);
  }

  #connectLater(cause: unknown): void {
    const { clock, events, name } = this.#options;
    this.#failedAttempts += 1;
    const retryInMs = this.#reconnectDelayMs(this.#failedAttempts);
    this.#reconnectTimer = clock.setTimer(retryInMs, () => void this.#attempt().catch(() => undefined));
    if (this.#failedAttempts > 1 && events.has('connect-failed')) {
      const error = this.unavailable('not-connected', cause);
      events.emit('connect-failed', { name, attempt: this.#failedAttempts, retryInMs, error });
    }
  }

  /** Doubled each time; at least half of it, so that nobody hammers, and the rest random, so that processes spread. */
  #reconnectDelayMs(attempt: number): number {
    const longestMs = Math.min(firstReconnectDelayMs * 2 ** (attempt - 1), this.#options.timings.maxReconnectDelayMs);
    return (longestMs * (1 + this.#options.random.next())) / 2;
  }

  /** @param identity Who answers now; `undefined` when it is the same connection as before. */
  #becomeReady(identity: ServerIdentity | undefined): void {
    const { clock, events, name } = this.#options;
    const nowMs = clock.monotonic();
    const isOther = identity !== undefined && identity.runId !== this.#runId;
    const forgot = isOther && this.#generation > 0;
    if (isOther) {
      this.#runId = identity.runId;
      this.#generation += 1;
    }
    // Both ends of the uptime are cut to whole seconds, so that it may seem a second longer than it is.
    const bornAtMs = forgot ? nowMs - Math.max(0, identity.uptimeSeconds - 1) * 1_000 : undefined;
    const wasReady = this.#status === 'ready';
    const awayMs = this.#outages.end(nowMs, bornAtMs);
    this.#status = 'ready';
    if ((forgot || !wasReady) && events.has('ready')) {
      events.emit('ready', { name, generation: this.#generation, forgot, awayMs });
    }
  }

  #becomeAway(error: RedisUnavailableError): void {
    const { clock, events, name } = this.#options;
    this.#status = 'away';
    this.#outages.begin(clock.monotonic());
    if (events.has('away')) events.emit('away', { name, error });
  }

  #probe(driver: RedisDriver): void {
    this.#probes += 1;
    if (this.#probes > probesUntilReconnect) this.#lose(this.unavailable('not-answering'));
    // One is enough: its answer comes as soon as the server works again.
    if (this.#probes > 1) return;
    const heard = (): void => {
      if (this.#driver === driver) this.answered();
    };
    driver.send(['PING'], undefined, false).then(heard, error => driver.isReply(error) && heard());
  }

  #endProbing(): void {
    this.#probeTimer?.cancel();
    this.#probeTimer = undefined;
  }
}

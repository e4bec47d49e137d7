import { type Clock, type Events, type Ids, systemIds, type Timer } from '../kernel/index.ts';
import { ChangeEchoes } from './change-echoes.ts';
import type { RedisDriver, RedisNode } from './driver.ts';
import type { KeyChangeCoverage, RedisEvents } from './events.ts';
import { PrefixRoutes } from './prefix-routes.ts';
import { ServerClock } from './server-clock.ts';

/** Who wants to hear of changes to keys. */
export interface KeyListener {
  /** This key was changed, deleted or has expired. */
  changed(key: string): void;
  /** Every key may have changed, or changes may have been missed: nothing that was read before can be relied on. */
  allChanged(): void;
}

/** What a {@link RedisConnection} hears of changes to keys by others. */
export interface RedisKeyChanges {
  /**
   * How changes are heard of at present. `tracking`: all, whoever makes them; `announcements`: those that were announced,
   * because the server refuses to track; `none`: nothing, because nobody listens, or the server refuses that too.
   */
  readonly coverage: KeyChangeCoverage;
  /** Why the coverage is not `tracking`. */
  readonly reason: string | undefined;
  /**
   * All changes up to this moment of the monotonic clock, in milliseconds, have been told. It moves on by itself, once in
   * `beatMs`, while the server answers; on a cluster, while all its masters do. -Infinity while nothing is heard.
   */
  readonly heardUntilMs: number;
  /** How often `allChanged` was told: what was read before its last change may be outdated. */
  readonly generation: number;
  /**
   * Begins to listen to keys that begin with a prefix. What this connection itself changes is not told, unless a script
   * did it. Call what it gives to stop.
   *
   * @param owner Who listens: it is not told of what it announces itself.
   */
  listen(prefix: string, listener: KeyListener, owner?: object): () => void;
  /**
   * Tells of keys that were changed through this connection: the other listeners of this connection, and, where the coverage
   * is `announcements`, other processes.
   */
  announce(keys: readonly string[], owner?: object): void;
}

/** A listener, and who listens. */
interface OwnedListener {
  readonly listener: KeyListener;
  readonly owner: object | undefined;
}

/** What {@link KeyChanges} are made of. */
export interface KeyChangesOptions {
  readonly name: string;
  /** The channel of the announcements. */
  readonly channel: string;
  readonly beatMs: number;
  readonly clock: Clock;
  readonly ids?: Ids | undefined;
  readonly events: Events<RedisEvents>;
}

/** How many keys go into one announcement. */
const maxAnnouncedKeys = 500;

/** After so many milliseconds without a beat the clock of the server is asked for anew, if anybody needs it. */
const clockAgeMs = 60_000;

/** Hears of changed keys on the connection of a {@link RedisConnection}, makes sure of it with beats, and tells listeners. */
export class KeyChanges implements RedisKeyChanges {
  readonly #options: KeyChangesOptions;
  readonly #sender: string;
  readonly #routes: PrefixRoutes<OwnedListener> = new PrefixRoutes<OwnedListener>();
  // What the echoes of all processes begin with: they are nobody's keys.
  readonly #echoPrefix: string;
  readonly #echoes: ChangeEchoes;
  readonly #serverClock: ServerClock = new ServerClock();
  readonly #pending: Set<Promise<void>> = new Set<Promise<void>>();
  // A stable function, because the driver recognises a listener by it.
  readonly #onMessage: (message: string) => void;
  #tracked: readonly string[] = [];
  #isRetracking = false;
  #isLive = false;
  #isClosed = false;
  #found: KeyChangeCoverage = 'tracking';
  #foundReason: string | undefined;
  #driver: RedisDriver | undefined;
  #beatUnderWay: RedisDriver | undefined;
  #beatTimer: Timer | undefined;
  #coverage: KeyChangeCoverage = 'none';
  #reason: string | undefined = 'Nobody listens';
  #heardUntilMs = Number.NEGATIVE_INFINITY;
  #generation = 0;

  constructor(options: KeyChangesOptions) {
    this.#options = options;
    this.#sender = (options.ids ?? systemIds).next();
    this.#echoPrefix = `${options.channel}:echo:`;
    this.#echoes = new ChangeEchoes(`${this.#echoPrefix}${this.#sender}:`);
    this.#onMessage = message => this.#announced(message);
  }

  get coverage(): KeyChangeCoverage {
    return this.#coverage;
  }

  get reason(): string | undefined {
    return this.#reason;
  }

  get heardUntilMs(): number {
    return this.#heardUntilMs;
  }

  get generation(): number {
    return this.#generation;
  }

  listen(prefix: string, listener: KeyListener, owner?: object): () => void {
    const { clock, beatMs } = this.#options;
    // Of its own, so that one listener may listen twice.
    const entry: OwnedListener = { listener, owner };
    this.#routes.add(prefix, entry);
    if (!this.#isClosed) this.#beatTimer ??= clock.setRepeatingTimer(beatMs, () => this.beat());
    if (!this.#tracked.some(tracked => prefix.startsWith(tracked))) this.#retrackSoon();
    return () => {
      this.#routes.remove(prefix, entry);
      if (this.#routes.isEmpty) this.#stop();
    };
  }

  announce(keys: readonly string[], owner?: object): void {
    for (const key of keys) {
      for (const heard of this.#routes.of(key)) {
        if (owner === undefined || heard.owner !== owner) guarded(() => heard.listener.changed(key));
      }
    }
    const driver = this.#driver;
    if (this.#coverage !== 'announcements' || driver === undefined) return;
    for (let start = 0; start < keys.length; start += maxAnnouncedKeys) {
      const message = JSON.stringify([this.#sender, ...keys.slice(start, start + maxAnnouncedKeys)]);
      driver.send(['PUBLISH', this.#options.channel, message], undefined, false).catch(ignored);
    }
  }

  /** Milliseconds since 1970 by the clock of the server, `undefined` before it has told. */
  serverTime(): number | undefined {
    const nowMs = this.#options.clock.monotonic();
    if (nowMs - this.#serverClock.measuredAtMs > clockAgeMs) this.beat();
    return this.#serverClock.at(nowMs);
  }

  /** A connection is being made. Its nodes are reported by {@link nodeReady}. */
  attach(driver: RedisDriver): void {
    this.#driver = driver;
    this.#isLive = false;
    this.#found = 'tracking';
    this.#foundReason = undefined;
  }

  /** A server has been connected to: what is sent to it now comes before everything else. */
  nodeReady(node: RedisNode): void {
    if (this.#tracked.length > 0) this.#begin(node, false);
    if (this.#isLive) this.missed();
  }

  /** Resolves when it is clear on all servers how changes are heard of, and what time they have. */
  async settled(): Promise<void> {
    await this.beat();
    while (this.#pending.size > 0) await Promise.all(this.#pending);
  }

  /** The connection will be used from now on. */
  begin(): void {
    this.#isLive = true;
    this.#echoes.reset();
    this.missed();
    void this.beat();
  }

  /** The connection has ended. */
  detach(driver: RedisDriver): void {
    if (this.#driver === driver) this.#driver = undefined;
  }

  /** Changes may have been missed, or every key has changed. */
  missed(): void {
    this.#generation += 1;
    for (const { listener } of [...this.#routes.all()]) guarded(() => listener.allChanged());
  }

  /** The server says that a key has changed; `undefined`: all of them. */
  changed(key: string | undefined): void {
    if (key === undefined) this.missed();
    else if (key.startsWith(this.#echoPrefix)) this.#heardEcho(key);
    else for (const { listener } of this.#routes.of(key)) guarded(() => listener.changed(key));
  }

  /**
   * Asks the servers for the time. Their answers come after all changes that they have told of before: what happened until
   * the question was sent has been heard. Does nothing while an earlier question is open.
   */
  async beat(): Promise<void> {
    const driver = this.#driver;
    if (driver === undefined || this.#beatUnderWay === driver) return;
    this.#beatUnderWay = driver;
    const { clock } = this.#options;
    const sentMs = clock.monotonic();
    const wasLive = this.#isLive;
    try {
      const hasEcho = wasLive && this.#sendEcho(driver, sentMs);
      const time = await driver.beat();
      this.#serverClock.measured(time, sentMs, clock.monotonic());
      const isHeard = wasLive && !hasEcho && this.#coverage !== 'none';
      if (isHeard && this.#driver === driver) this.#heardUntilMs = sentMs;
    } catch {
      // No answer, no news: those who listen see that the moment until which all is heard does not move.
    } finally {
      if (this.#beatUnderWay === driver) this.#beatUnderWay = undefined;
    }
  }

  /** Whether it is an echo, and not the answer of the server, that says what has been heard. */
  #sendEcho(driver: RedisDriver, sentMs: number): boolean {
    const [node, ...others] = driver.nodes();
    const isPossible = this.#coverage === 'tracking' && others.length === 0 && !this.#echoes.isRefused;
    if (node === undefined || !isPossible) return false;
    const { look, write } = this.#echoes.send(sentMs);
    node.send(look, undefined, false).catch(ignored);
    node.send(write, undefined, false).catch((error: unknown) => {
      if (node.isReply(error)) this.#echoes.refused();
    });
    return true;
  }

  #heardEcho(key: string): void {
    const echo = this.#echoes.heard(key);
    if (echo === undefined) return;
    if (echo.isGap) this.missed();
    if (this.#coverage === 'tracking') this.#heardUntilMs = echo.heardUntilMs;
  }

  /** Ends for good. */
  close(): void {
    this.#isClosed = true;
    this.#beatTimer?.cancel();
    this.#beatTimer = undefined;
    this.#driver = undefined;
    this.#cover('none', 'The connection was closed');
  }

  /** Everything that is listened to in one turn is asked for at once. */
  #retrackSoon(): void {
    if (this.#isRetracking) return;
    this.#isRetracking = true;
    queueMicrotask(() => {
      this.#isRetracking = false;
      this.#retrack();
    });
  }

  /** Other prefixes than before: what happens between the end of the old tracking and the new one is not heard. */
  #retrack(): void {
    if (this.#routes.isEmpty) return;
    const wasTracking = this.#tracked.length > 0;
    this.#tracked = this.#routes.covering([this.#echoes.prefix]);
    this.#found = 'tracking';
    this.#foundReason = undefined;
    const driver = this.#driver;
    if (driver === undefined) {
      this.#cover('none', 'There is no connection yet');
      return;
    }
    this.#echoes.reset();
    for (const node of driver.nodes()) this.#begin(node, wasTracking);
    this.missed();
    void this.beat();
  }

  #begin(node: RedisNode, again: boolean): void {
    const work = this.#hear(node, again).finally(() => this.#pending.delete(work));
    this.#pending.add(work);
  }

  /** Its first command is on its way when it returns. */
  async #hear(node: RedisNode, again: boolean): Promise<void> {
    if (again) node.send(['CLIENT', 'TRACKING', 'OFF'], undefined, false).catch(ignored);
    let refusal: unknown;
    try {
      await node.send(trackingOf(this.#tracked), undefined, false);
      return this.#foundOut('tracking', undefined);
    } catch (error) {
      // A connection that was lost is made again, and comes back here.
      if (!node.isReply(error)) return;
      refusal = error;
    }
    try {
      await node.subscribe(this.#options.channel, this.#onMessage);
      this.#foundOut('announcements', `The server refuses to track: ${textOf(refusal)}`);
      // What was read before the subscription was there may have been changed unheard.
      this.missed();
    } catch (error) {
      if (!node.isReply(error)) return;
      this.#foundOut('none', `The server refuses to track: ${textOf(refusal)}; and to subscribe: ${textOf(error)}`);
    }
  }

  /** On a cluster the least that one of its nodes grants is what counts. */
  #foundOut(coverage: KeyChangeCoverage, reason: string | undefined): void {
    if (this.#routes.isEmpty) return;
    if (ranks[coverage] < ranks[this.#found]) {
      this.#found = coverage;
      this.#foundReason = reason;
    }
    this.#cover(this.#found, this.#foundReason);
  }

  #cover(coverage: KeyChangeCoverage, reason: string | undefined): void {
    const { name, events } = this.#options;
    const isOther = coverage !== this.#coverage || reason !== this.#reason;
    this.#coverage = coverage;
    this.#reason = reason;
    if (coverage === 'none') this.#heardUntilMs = Number.NEGATIVE_INFINITY;
    if (isOther && events.has('coverage')) events.emit('coverage', { name, coverage, reason });
  }

  #stop(): void {
    this.#beatTimer?.cancel();
    this.#beatTimer = undefined;
    this.#tracked = [];
    for (const node of this.#driver?.nodes() ?? []) {
      node.send(['CLIENT', 'TRACKING', 'OFF'], undefined, false).catch(ignored);
    }
    this.#cover('none', 'Nobody listens');
  }

  #announced(message: string): void {
    const [sender, ...keys] = readAnnouncement(message);
    if (sender === this.#sender) return;
    for (const key of keys) this.changed(key);
  }
}

const ranks: Readonly<Record<KeyChangeCoverage, number>> = { none: 0, announcements: 1, tracking: 2 };

function trackingOf(prefixes: readonly string[]): readonly string[] {
  const words = ['CLIENT', 'TRACKING', 'ON', 'BCAST', 'NOLOOP'];
  return prefixes.includes('') ? words : [...words, ...prefixes.flatMap(prefix => ['PREFIX', prefix])];
}

function readAnnouncement(message: string): readonly string[] {
  try {
    const words: unknown = JSON.parse(message);
    return Array.isArray(words) ? words.filter(word => typeof word === 'string') : [];
  } catch {
    return [];
  }
}

function textOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}

function ignored(): void {}

/** A listener that throws must not disturb the others, least of all the reading of the connection. */
function guarded(tell: () => void): void {
  try {
    tell();
  } catch (error) {
    process.emitWarning(error instanceof Error ? error : String(error), 'KeyListenerWarning');
  }
}

import { ArgumentError, type FailedError } from '../errors/index.ts';
import { type Clock, requireDuration, requireInteger, SingleFlight, systemClock } from '../kernel/index.ts';
import { RobotsDisallowedError } from './errors.ts';
import type { Connections } from './http-client.ts';
import { fetchRobots, type RobotsAnswer } from './robots-fetch.ts';
import { type CrawlerRules, readRobots } from './robots-rules.ts';

/** How a {@link RobotsPolicy} asks, and how long it relies on the answers. */
export interface RobotsPolicyOptions {
  /** The connections, whose rules about addresses hold for robots.txt and its redirects. They outlive the policy. */
  readonly pool: Connections;
  /** Who we say we are. What is before the first character that is no letter, `-` or `_` is looked for in the files. @default 'plinth' */
  readonly userAgent?: string | undefined;
  /** How long a file is relied on, in milliseconds; a day at most. @default 86_400_000 */
  readonly ttlMs?: number | undefined;
  /** How long an origin that could not be asked is not asked again, in milliseconds. @default 60_000 */
  readonly unreachableTtlMs?: number | undefined;
  /** From when on an origin that can never be asked counts as one without a file, in milliseconds. @default 2_592_000_000 (30 days) */
  readonly unreachableLimitMs?: number | undefined;
  /** How long asking may take with all redirects, in milliseconds. @default 10_000 */
  readonly timeoutMs?: number | undefined;
  /** How much of a file is read, in bytes; 500 KiB at least. What is beyond is left out. @default 512_000 */
  readonly maxBytes?: number | undefined;
  /** How many origins are remembered. @default 1_000 */
  readonly maxOrigins?: number | undefined;
  /** @default systemClock */
  readonly clock?: Clock | undefined;
}

/** Whether an address may be fetched, and what else the site asks for. */
export interface RobotsAccess {
  readonly allowed: boolean;
  /** The rule that decided, such as `Disallow: /search`; absent when none did. */
  readonly rule?: string;
  /** How long the site wants us to wait between two requests, in milliseconds (`Crawl-delay`, not in the RFC). */
  readonly crawlDelayMs?: number;
  /** The sitemaps that the file names. */
  readonly sitemaps: readonly string[];
  /** Where this comes from: a file, an answer that there is none, or no answer. */
  readonly source: 'rules' | 'none' | 'unreachable';
  /** How long ago that was, in milliseconds. */
  readonly ageMs: number;
  /** Why the origin could not be asked the last time; with an older file that still holds, too. */
  readonly failure?: FailedError;
}

/** What is remembered of an origin. */
interface Origin {
  /** What the file said, or that there is none; `undefined` when that is not known. */
  readonly rules: CrawlerRules | 'none' | undefined;
  /** When that was answered, or was asked for in vain, on the monotonic clock. */
  readonly answeredMs: number;
  readonly askAgainMs: number;
  readonly failure: FailedError | undefined;
  /** Since when it cannot be asked. */
  readonly unreachableSinceMs: number | undefined;
}

const dayMs = 86_400_000;

/** How much of the files of all origins is kept, in characters. */
const maxKeptCharacters = 16_777_216;

/**
 * What sites ask of crawlers, by RFC 9309: each origin is asked for its robots.txt once a day, however many ask at once.
 *
 * A 4xx answer means that everything is allowed. A failure means that nothing is (5xx, 429, no answer), unless an older
 * file is known: that one holds until there is an answer again.
 *
 * @example
 * const robots = new RobotsPolicy({ pool, userAgent: 'plinth/1.0 (+https://example.org/crawler)' });
 * await robots.require('https://www.example.com/guidelines');
 */
export class RobotsPolicy {
  readonly #pool: Connections;
  readonly #userAgent: string;
  readonly #token: string;
  readonly #ttlMs: number;
  readonly #unreachableTtlMs: number;
  readonly #unreachableLimitMs: number;
  readonly #timeoutMs: number;
  readonly #maxBytes: number;
  readonly #maxOrigins: number;
  readonly #clock: Clock;
  /** The one that was asked about longest ago comes first. */
  readonly #origins = new Map<string, Origin>();
  readonly #flights = new SingleFlight<string, Origin>();

  constructor(options: RobotsPolicyOptions) {
    this.#pool = options.pool;
    this.#userAgent = options.userAgent ?? 'plinth';
    this.#token = requireToken(this.#userAgent);
    this.#ttlMs = requireDuration('ttlMs', options.ttlMs ?? dayMs, 0, dayMs);
    this.#unreachableTtlMs = requireDuration('unreachableTtlMs', options.unreachableTtlMs ?? 60_000, 0, dayMs);
    this.#unreachableLimitMs = requireDuration('unreachableLimitMs', options.unreachableLimitMs ?? 30 * dayMs, 0);
    this.#timeoutMs = requireDuration('timeoutMs', options.timeoutMs ?? 10_000, 1);
    this.#maxBytes = requireInteger('maxBytes', options.maxBytes ?? 512_000, 512_000);
    this.#maxOrigins = requireInteger('maxOrigins', options.maxOrigins ?? 1_000, 1);
    this.#clock = options.clock ?? systemClock;
  }

  /**
   * Whether an address may be fetched. `/robots.txt` always may.
   *
   * @throws {ForbiddenAddressError} when the pool must not ask the origin.
   * @throws {ArgumentError} for what is no http or https address.
   */
  async check(url: string | URL, options: { readonly signal?: AbortSignal | undefined } = {}): Promise<RobotsAccess> {
    const { origin, pathname, search } = requireUrl(url);
    const known = await this.#load(origin, options.signal);
    const nowMs = this.#clock.monotonic();
    const { rules, failure, unreachableSinceMs = nowMs } = known;
    const ageMs = nowMs - known.answeredMs;
    const because = failure === undefined ? {} : { failure };
    if (rules === 'none') return { allowed: true, sitemaps: [], source: 'none', ageMs };
    const isFile = pathname === '/robots.txt';
    if (rules === undefined) {
      const allowed = isFile || nowMs - unreachableSinceMs >= this.#unreachableLimitMs;
      return { allowed, sitemaps: [], source: 'unreachable', ageMs, ...because };
    }
    const { crawlDelayMs, sitemaps } = rules;
    const rule = isFile ? undefined : rules.ruleFor(pathname + search);
    return {
      allowed: !rule?.startsWith('Disallow'),
      ...(rule === undefined ? {} : { rule }),
      ...(crawlDelayMs === undefined ? {} : { crawlDelayMs }),
      sitemaps,
      source: 'rules',
      ageMs,
      ...because,
    };
  }

  /** As {@link check}, for those who only go on when they may. @throws {RobotsDisallowedError} when they may not. */
  async require(url: string | URL, options: { readonly signal?: AbortSignal | undefined } = {}): Promise<RobotsAccess> {
    const access = await this.check(url, options);
    if (access.allowed) return access;
    throw new RobotsDisallowedError(requireUrl(url), access.rule, access.failure);
  }

  #load(origin: string, signal: AbortSignal | undefined): Promise<Origin> | Origin {
    const known = this.#origins.get(origin);
    if (known === undefined || this.#clock.monotonic() >= known.askAgainMs) {
      return this.#flights.run(origin, ended => this.#ask(origin, known, ended), signal);
    }
    this.#origins.delete(origin);
    this.#origins.set(origin, known);
    return known;
  }

  async #ask(origin: string, known: Origin | undefined, signal: AbortSignal): Promise<Origin> {
    const answer = await fetchRobots(
      {
        origin,
        pool: this.#pool,
        userAgent: this.#userAgent,
        maxBytes: this.#maxBytes,
        timeoutMs: this.#timeoutMs,
        clock: this.#clock,
      },
      signal,
    );
    const learned = this.#learn(answer, known);
    this.#origins.delete(origin);
    this.#origins.set(origin, learned);
    this.#forget();
    return learned;
  }

  #learn(answer: RobotsAnswer, known: Origin | undefined): Origin {
    const nowMs = this.#clock.monotonic();
    if (answer.kind !== 'unreachable') {
      return {
        rules: answer.kind === 'none' ? 'none' : readRobots(answer.text, this.#token),
        answeredMs: nowMs,
        askAgainMs: nowMs + this.#ttlMs,
        failure: undefined,
        unreachableSinceMs: undefined,
      };
    }
    const older = known?.rules === 'none' ? undefined : known;
    return {
      rules: older?.rules,
      answeredMs: older?.rules === undefined ? nowMs : older.answeredMs,
      askAgainMs: nowMs + this.#unreachableTtlMs,
      failure: answer.failure,
      unreachableSinceMs: known?.unreachableSinceMs ?? nowMs,
    };
  }

  #forget(): void {
    let characters = 0;
    for (const { rules } of this.#origins.values()) characters += charactersOf(rules);
    for (const [origin, { rules }] of this.#origins) {
      const isTooMuch = this.#origins.size > this.#maxOrigins || characters > maxKeptCharacters;
      if (!isTooMuch || this.#origins.size === 1) return;
      characters -= charactersOf(rules);
      this.#origins.delete(origin);
    }
  }
}

function charactersOf(rules: Origin['rules']): number {
  return typeof rules === 'object' ? rules.characters : 0;
}

function requireToken(userAgent: string): string {
  const token = /^[a-z_-]+/i.exec(userAgent)?.[0];
  if (token !== undefined) return token.toLowerCase();
  throw new ArgumentError(
    `Cannot use userAgent: expected a product token of letters, "-" or "_" first, as in "plinth/1.0", got "${userAgent}"`,
    'userAgent',
  );
}

function requireUrl(address: string | URL): URL {
  const url = URL.canParse(String(address)) ? new URL(address) : undefined;
  if (url !== undefined && /^https?:$/.test(url.protocol)) return url;
  throw new ArgumentError('Cannot check this address: expected a complete http or https address', 'url');
}

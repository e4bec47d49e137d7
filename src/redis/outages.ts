/** A time in which Redis was away from this process. All times are of the monotonic clock, in milliseconds. */
export interface RedisOutage {
  /** When it was noticed; the last answer came before. */
  readonly lostAtMs: number;
  /** When commands were carried out again; `undefined` while it lasts. */
  readonly backAtMs: number | undefined;
  /**
   * Set when another server answered afterwards than before, which may hold nothing of what the last one held: no later
   * than this it had begun to run.
   */
  readonly bornAtMs: number | undefined;
}

/** How many outages are kept apart. */
const maxOutages = 8;

/** Keeps the last outages. When there are too many, the two oldest become one that covers both. */
export class OutageLog {
  #past: readonly RedisOutage[] = [];
  #lostAtMs: number | undefined;

  /** Oldest first; the last one may still go on. */
  get list(): readonly RedisOutage[] {
    if (this.#lostAtMs === undefined) return this.#past;
    return [...this.#past, { lostAtMs: this.#lostAtMs, backAtMs: undefined, bornAtMs: undefined }];
  }

  /** An outage begins, unless one goes on already. */
  begin(nowMs: number): void {
    this.#lostAtMs ??= nowMs;
  }

  /** The outage ends. Says how long it was; 0 when there was none. */
  end(nowMs: number, bornAtMs: number | undefined): number {
    const lostAtMs = this.#lostAtMs ?? nowMs;
    if (this.#lostAtMs === undefined && bornAtMs === undefined) return 0;
    this.#lostAtMs = undefined;
    const all = [...this.#past, { lostAtMs, backAtMs: nowMs, bornAtMs }];
    const [first, second, ...rest] = all;
    this.#past =
      first === undefined || second === undefined || all.length <= maxOutages
        ? all
        : [{ ...second, lostAtMs: first.lostAtMs, bornAtMs: second.bornAtMs ?? first.bornAtMs }, ...rest];
    return nowMs - lostAtMs;
  }
}

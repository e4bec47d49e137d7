import type { RedisArguments } from './driver.ts';

/** How many echoes are awaited; older ones are lost. */
const maxAwaited = 8;

/** What an echo says. */
export interface HeardEcho {
  /** All changes up to this moment of the monotonic clock, in milliseconds, have been told by now. */
  readonly heardUntilMs: number;
  /** Whether an earlier echo was not heard, so that other changes may not have been heard either. */
  readonly isGap: boolean;
}

/**
 * Makes sure that what a server tells of changes arrives. With every beat a key of this process's own is written that
 * expires at once; Redis tells of that like of any change, and in their order. Where an echo is missing, changes may be
 * missing, although the connection answers.
 *
 * An expiry is told to everybody who tracks, also to the connection that wrote the key, which would not hear of the write.
 */
export class ChangeEchoes {
  /** What their keys begin with. */
  readonly prefix: string;
  #next = 0;
  #awaited: { readonly number: number; readonly sentMs: number }[] = [];
  #hasLost = false;
  #isRefused = false;

  constructor(prefix: string) {
    this.prefix = prefix;
  }

  /** Whether the server lets their keys be written. */
  get isRefused(): boolean {
    return this.#isRefused;
  }

  /** A connection is used from now on: of echoes before nothing is expected. */
  reset(): void {
    this.#awaited = [];
    this.#hasLost = false;
    this.#isRefused = false;
  }

  /** The server does not let their keys be written. */
  refused(): void {
    this.#awaited = [];
    this.#isRefused = true;
  }

  /** What is to be sent with a beat, in this order: the look makes sure that the one before has expired by now. */
  send(sentMs: number): { readonly look: RedisArguments; readonly write: RedisArguments } {
    const number = this.#next;
    this.#next += 1;
    this.#awaited.push({ number, sentMs });
    if (this.#awaited.length > maxAwaited) {
      this.#awaited.shift();
      this.#hasLost = true;
    }
    return { look: ['GET', this.#key(number - 1)], write: ['SET', this.#key(number), '', 'PX', '1'] };
  }

  /** The server tells of a key: what that means, if it is an echo that is awaited. */
  heard(key: string): HeardEcho | undefined {
    if (!key.startsWith(this.prefix)) return undefined;
    const number = Number(key.slice(this.prefix.length));
    const index = this.#awaited.findIndex(echo => echo.number === number);
    const echo = this.#awaited[index];
    if (echo === undefined) return undefined;
    const isGap = this.#hasLost || index > 0;
    this.#awaited = this.#awaited.slice(index + 1);
    this.#hasLost = false;
    return { heardUntilMs: echo.sentMs, isGap };
  }

  #key(number: number): string {
    return `${this.prefix}${number}`;
  }
}

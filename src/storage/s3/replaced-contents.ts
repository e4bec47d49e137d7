import type { Clock, Timer } from '../../kernel/index.ts';
import type { S3Requests } from './s3-requests.ts';

/**
 * Contents that were replaced. They stay for a while: whoever has read the entry before may not have asked for the content
 * yet. What a killed process leaves of them is left for the sweep.
 */
export class ReplacedContents {
  readonly #keepMs: number;
  readonly #clock: Clock;
  readonly #leaving = new Map<string, Timer>();

  constructor(keepMs: number, clock: Clock) {
    this.#keepMs = keepMs;
    this.#clock = clock;
  }

  async add(requests: S3Requests, name: string): Promise<void> {
    if (this.#keepMs === 0) return await requests.discardContent(name);
    const timer = this.#clock.setTimer(this.#keepMs, () => {
      this.#leaving.delete(name);
      void requests.discardContent(name);
    });
    this.#leaving.set(name, timer);
  }

  /** Deletes those that still stay. */
  async clear(requests: S3Requests): Promise<void> {
    const names = [...this.#leaving.keys()];
    for (const timer of this.#leaving.values()) timer.cancel();
    this.#leaving.clear();
    await Promise.all(names.map(name => requests.discardContent(name)));
  }
}

/** Lets those who change the same key do it one after the other. */
export class KeyLocks {
  readonly #tails = new Map<string, Promise<void>>();

  /** Runs the work when everybody who asked for the key before is done, however they ended. */
  async run<Result>(key: string, work: () => Promise<Result>): Promise<Result> {
    const before = this.#tails.get(key);
    const running = before === undefined ? work() : before.then(work);
    const tail = running.then(
      () => undefined,
      () => undefined,
    );
    this.#tails.set(key, tail);
    try {
      return await running;
    } finally {
      if (this.#tails.get(key) === tail) this.#tails.delete(key);
    }
  }

  /** As {@link run}, for several keys: everybody takes them in the same order, so that no two wait for each other. */
  async runAll<Result>(keys: readonly string[], work: () => Promise<Result>): Promise<Result> {
    const [first, ...others] = [...new Set(keys)].sort();
    return first === undefined ? await work() : await this.run(first, () => this.runAll(others, work));
  }
}

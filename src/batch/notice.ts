/** Wakes everybody who waits for something to change. */
export class Notice {
  #waiting: (() => void)[] = [];

  /** Resolves when {@link tell} is called. */
  wait(): Promise<void> {
    return new Promise(resolve => this.#waiting.push(resolve));
  }

  tell(): void {
    if (this.#waiting.length === 0) return;
    const waiting = this.#waiting;
    this.#waiting = [];
    for (const wake of waiting) wake();
  }
}

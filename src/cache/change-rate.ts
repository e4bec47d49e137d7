/** From how many observations on all counts are halved, so that what was seen long ago fades. */
const fadeAt = 4_000;

/** Intervals are told apart by the 2nd root of 2: what is in one class is within a fifth of its mean. */
const classesPerDoubling = 2;

/**
 * How often something changes, from looks at it at irregular intervals of which each says only whether it has changed since
 * the one before. Changes are taken for a Poisson process, so that an interval `t` is without one with the probability
 * `exp(-rate * t)`; the estimate is the rate that makes what was seen most likely, with the correction against the bias of
 * few looks: Cho and Garcia-Molina, "Estimating Frequency of Change", ACM TOIT 3(3), 2003, sections 4.2 and 5.
 */
export class ChangeRate {
  /** Sum and number of the intervals that ended in a change, by class of length. */
  readonly #changed = new Map<number, { sumMs: number; count: number }>();
  #unchangedMs = 0;
  #unchanged = 0;
  #changes = 0;
  #observations = 0;

  /** How many looks there were. */
  get observations(): number {
    return this.#observations;
  }

  /** One look: the time since the one before, and whether there was a change in it. */
  observe(intervalMs: number, hasChanged: boolean): void {
    if (!(intervalMs > 0)) return;
    this.#observations += 1;
    if (hasChanged) {
      const key = Math.floor(Math.log2(intervalMs) * classesPerDoubling);
      const { sumMs = 0, count = 0 } = this.#changed.get(key) ?? {};
      this.#changed.set(key, { sumMs: sumMs + intervalMs, count: count + 1 });
      this.#changes += 1;
    } else {
      this.#unchangedMs += intervalMs;
      this.#unchanged += 1;
    }
    if (this.#changes + this.#unchanged >= fadeAt) this.#fade();
  }

  /** Changes per millisecond; `undefined` before the first look. */
  perMs(): number | undefined {
    const looks = this.#changes + this.#unchanged;
    if (looks === 0) return undefined;
    const classes = [...this.#changed.values()];
    const totalMs = classes.reduce((sum, { sumMs }) => sum + sumMs, this.#unchangedMs);
    // Half a look more without a change: else no change would mean never, and nothing but changes always. Where none was
    // seen, half a change is counted too: it may have been about to come.
    const meanMs = totalMs / looks;
    if (this.#changes === 0) classes.push({ sumMs: meanMs / 2, count: 0.5 });
    return rate(classes, this.#unchangedMs + meanMs / 2);
  }

  #fade(): void {
    for (const [key, { sumMs, count }] of this.#changed) this.#changed.set(key, { sumMs: sumMs / 2, count: count / 2 });
    this.#unchangedMs /= 2;
    this.#unchanged /= 2;
    this.#changes /= 2;
  }
}

/**
 * The rate at which the expected time before the changes of all changed intervals balances the time without a change:
 * `sum(t / (exp(rate * t) - 1)) = unchangedMs`. The left side falls with the rate, so the root is found by halving.
 */
function rate(changed: readonly { readonly sumMs: number; readonly count: number }[], unchangedMs: number): number {
  const excess = (perMs: number): number =>
    changed.reduce((sum, { sumMs, count }) => sum + sumMs / Math.expm1((perMs * sumMs) / count), -unchangedMs);
  let low = 1e-15;
  let high = 1e3;
  for (let step = 0; step < 80; step += 1) {
    const middle = Math.sqrt(low * high);
    if (excess(middle) > 0) low = middle;
    else high = middle;
  }
  return Math.sqrt(low * high);
}

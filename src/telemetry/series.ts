/** The part of a vendor's metric that a {@link Series} needs. */
interface Labelled<Child> {
  labels(...values: string[]): Child;
}

/** How a {@link Series} is bounded. */
export interface SeriesOptions {
  /** Values of the first labels, which are the same for the whole process. */
  readonly fixed: readonly string[];
  /** How many sets of label values are kept apart. */
  readonly maxSets: number;
  /** Told of every observation beyond them. */
  readonly onOverflow: () => void;
}

/**
 * One metric with a bound on its label sets. The first `maxSets` sets of values are kept as they are; what comes after
 * is counted under `other`, because every set costs memory here and in Prometheus for ever.
 */
export class Series<Child> {
  readonly #metric: Labelled<Child>;
  readonly #options: SeriesOptions;
  readonly #children = new Map<string, Child>();
  #other: Child | undefined;

  constructor(metric: Labelled<Child>, options: SeriesOptions) {
    this.#metric = metric;
    this.#options = options;
  }

  /** The counter, gauge or histogram for these label values. */
  of(...values: string[]): Child {
    const key = values.join('\u0000');
    const known = this.#children.get(key);
    if (known !== undefined) return known;
    const { fixed, maxSets, onOverflow } = this.#options;
    if (this.#children.size >= maxSets) {
      onOverflow();
      this.#other ??= this.#metric.labels(...fixed, ...values.map(() => 'other'));
      return this.#other;
    }
    const child = this.#metric.labels(...fixed, ...values);
    this.#children.set(key, child);
    return child;
  }
}

import { type EventSource, Events, isAbortError } from '../kernel/index.ts';

/** How a {@link Fallback} is made. */
export interface FallbackOptions<Substitute> {
  /** Gives the substitute. What it throws goes to the caller. */
  readonly substitute: (error: unknown) => Substitute | Promise<Substitute>;
  /** Whether this error is covered. @default every error but an abort */
  readonly shouldSubstitute?: ((error: unknown) => boolean) | undefined;
  /** What is covered, for people and metrics. From a closed set. @default 'fallback' */
  readonly name?: string | undefined;
}

/** What a {@link Fallback} tells. */
export interface FallbackEvents {
  /** A failure was covered. */
  substituted: { readonly name: string; readonly error: unknown };
}

/** What one call may say to its fallback. */
export interface FallbackCallOptions {
  /** The caller's signal: who has left needs no substitute. */
  readonly signal?: AbortSignal | undefined;
}

/**
 * Gives a substitute when the work fails, so that an outage ends in something smaller and not in an error.
 *
 * @example
 * const fallback = new Fallback({ substitute: () => [] });
 * const advice = await fallback.execute(() => fetchRecommendations(user));
 */
export class Fallback<Substitute> {
  readonly name: string;
  readonly #substitute: (error: unknown) => Substitute | Promise<Substitute>;
  readonly #shouldSubstitute: (error: unknown) => boolean;
  readonly #events = new Events<FallbackEvents>();

  constructor(options: FallbackOptions<Substitute>) {
    this.name = options.name ?? 'fallback';
    this.#substitute = options.substitute;
    this.#shouldSubstitute = options.shouldSubstitute ?? (error => !isAbortError(error));
  }

  get events(): EventSource<FallbackEvents> {
    return this.#events;
  }

  /** Runs the work, and gives its value or the substitute. */
  async execute<Value>(work: () => Promise<Value>, options?: FallbackCallOptions): Promise<Value | Substitute> {
    try {
      return await work();
    } catch (error) {
      if (options?.signal?.aborted || !this.#shouldSubstitute(error)) throw error;
      const value = await this.#substitute(error);
      if (this.#events.has('substituted')) this.#events.emit('substituted', { name: this.name, error });
      return value;
    }
  }

  /** The same function with a substitute behind it. */
  protect<Args extends unknown[], Value>(
    work: (...args: Args) => Promise<Value>,
  ): (...args: Args) => Promise<Value | Substitute> {
    return (...args) => this.execute(() => work(...args));
  }
}

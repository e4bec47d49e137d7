import { abortReason, type Clock, type Timer } from '../kernel/index.ts';

/** What a {@link HedgedCall} needs. */
export interface HedgedCallOptions<Value> {
  readonly work: (signal: AbortSignal) => Promise<Value>;
  readonly signal: AbortSignal | undefined;
  /** How long each attempt is alone before the next is begun, in milliseconds. */
  readonly delayMs: number;
  readonly maxHedges: number;
  readonly clock: Clock;
  mayHedge(): boolean;
  onHedged(attempt: number): void;
  onSuccess(attempt: number): void;
}

/** The attempts of one call: the first success ends all of them, as does the failure of the last one under way. */
export class HedgedCall<Value> {
  readonly #options: HedgedCallOptions<Value>;
  readonly #controllers: AbortController[] = [];
  readonly #settled: Promise<Value>;
  readonly #onAbort = (): void => this.#end(() => this.#reject(abortReason(this.#options.signal)));
  #resolve: (value: Value) => void = () => {};
  #reject: (error: unknown) => void = () => {};
  #timer: Timer | undefined;
  #underWay = 0;
  #isOver = false;
  #firstFailure: { readonly error: unknown } | undefined;

  constructor(options: HedgedCallOptions<Value>) {
    this.#options = options;
    this.#settled = new Promise<Value>((resolve, reject) => {
      this.#resolve = resolve;
      this.#reject = reject;
    });
  }

  /** Begins the first attempt. */
  start(): Promise<Value> {
    this.#options.signal?.addEventListener('abort', this.#onAbort, { once: true });
    this.#attempt();
    return this.#settled;
  }

  #attempt(): void {
    const { work, clock, delayMs, maxHedges } = this.#options;
    const controller = new AbortController();
    const attempt = this.#controllers.push(controller);
    this.#underWay += 1;
    if (attempt <= maxHedges) {
      this.#timer = clock.setTimer(delayMs, () => this.#hedge(attempt + 1), { keepsProcessAlive: true });
    }
    new Promise<Value>(resolve => resolve(work(controller.signal))).then(
      value => this.#succeed(attempt, value),
      error => this.#fail(error),
    );
  }

  #hedge(attempt: number): void {
    this.#timer = undefined;
    if (!this.#options.mayHedge()) return;
    this.#options.onHedged(attempt);
    this.#attempt();
  }

  #succeed(attempt: number, value: Value): void {
    if (this.#isOver) return;
    this.#options.onSuccess(attempt);
    this.#end(() => this.#resolve(value), attempt);
  }

  #fail(error: unknown): void {
    if (this.#isOver) return;
    this.#firstFailure ??= { error };
    this.#underWay -= 1;
    const { error: first } = this.#firstFailure;
    if (this.#underWay === 0) this.#end(() => this.#reject(first));
  }

  /** Settles the call, and only then tells the attempts that are still under way. */
  #end(settle: () => void, winner?: number): void {
    if (this.#isOver) return;
    this.#isOver = true;
    this.#timer?.cancel();
    this.#options.signal?.removeEventListener('abort', this.#onAbort);
    settle();
    const losers = this.#controllers.filter((_controller, index) => index + 1 !== winner);
    if (losers.length === 0) return;
    const reason = this.#options.signal?.aborted
      ? abortReason(this.#options.signal)
      : new DOMException('Another attempt of the same call was faster', 'AbortError');
    for (const loser of losers) loser.abort(reason);
  }
}

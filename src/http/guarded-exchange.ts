import { type Dispatcher, errors } from 'undici';
import { ArgumentError, type FailedError } from '../errors/index.ts';
import type { Clock } from '../kernel/index.ts';
import type { Attempt, CallOptions, Guard } from '../pipeline/index.ts';
import { statusError, transportError } from './failures.ts';
import { flattened } from './headers.ts';
import { HeldResponse, type RawHeaders } from './held-response.ts';

/** What a {@link GuardedExchange} is made of. */
export interface ExchangeParts {
  readonly guard: Guard;
  readonly call: Pick<CallOptions, 'operation' | 'repeatable'>;
  /** The request in messages: without its query. */
  readonly where: string;
  readonly handler: Dispatcher.DispatchHandler;
  /** Sends the request once. */
  readonly send: (handler: Dispatcher.DispatchHandler) => void;
  readonly clock: Clock;
}

/**
 * One request of somebody else's client on its way through a guard. The client sees one request: what it is given is the
 * response of the attempt that counts, from its headers on, or the error that ended the last one.
 */
export class GuardedExchange implements Dispatcher.DispatchController {
  readonly #parts: ExchangeParts;
  readonly #abort = new AbortController();
  /** Failures of attempts, with the response that each one stands for. */
  readonly #failed = new Map<unknown, HeldResponse>();
  /** Failures of attempts, with the error as the client knows it. */
  readonly #errors = new Map<unknown, unknown>();
  readonly #succeeded = new Set<HeldResponse>();
  #given: HeldResponse | undefined;
  #isSettled = false;
  #isPaused = false;
  #reason: Error | null = null;

  constructor(parts: ExchangeParts) {
    this.#parts = parts;
  }

  /** Begins. Everything that comes of it is told to the handler. */
  start(): void {
    const { guard, call, handler } = this.#parts;
    handler.onRequestStart?.(this, {});
    guard
      .execute({ ...call, signal: this.#abort.signal }, attempt => this.#attempt(attempt))
      .then(
        ({ value }) => this.#give(value),
        error => this.#fail(error),
      );
  }

  get aborted(): boolean {
    return this.#reason !== null;
  }

  get paused(): boolean {
    return this.#isPaused;
  }

  get reason(): Error | null {
    return this.#reason;
  }

  get rawHeaders(): RawHeaders {
    return this.#given?.rawHeaders ?? null;
  }

  get rawTrailers(): RawHeaders {
    return this.#given?.rawTrailers ?? null;
  }

  abort(reason: Error | undefined): void {
    if (this.#reason !== null) return;
    this.#reason = reason ?? new errors.RequestAbortedError();
    this.#abort.abort(this.#reason);
    this.#given?.abort(this.#reason);
  }

  pause(): void {
    this.#isPaused = true;
    this.#given?.pause();
  }

  resume(): void {
    this.#isPaused = false;
    this.#given?.resume();
  }

  async #attempt(attempt: Attempt): Promise<HeldResponse> {
    if (attempt.attempt > 1) this.#forget();
    const { send, where, clock } = this.#parts;
    const response = new HeldResponse();
    const { signal } = attempt;
    const onAbort = (): void => response.abort(asError(signal.reason));
    signal.addEventListener('abort', onAbort, { once: true });
    try {
      send(response);
      await response.begun;
    } catch (error) {
      const failure = transportError(where, error);
      this.#errors.set(failure, error);
      throw failure;
    } finally {
      signal.removeEventListener('abort', onAbort);
    }
    if (this.#isSettled) response.discard();
    const failure = failureOf(response, where, clock);
    if (failure === undefined) {
      this.#succeeded.add(response);
      return response;
    }
    this.#failed.set(failure, response);
    throw failure;
  }

  /** A response that stood for a failure is not wanted any more once the request is sent again. */
  #forget(): void {
    for (const failed of this.#failed.values()) failed.discard();
    this.#failed.clear();
  }

  /** One response is given on, or none: the others, of attempts side by side, are not wanted, nor are those to come. */
  #settle(): void {
    this.#isSettled = true;
    for (const response of [...this.#succeeded, ...this.#failed.values()]) {
      if (response !== this.#given) response.discard();
    }
  }

  #give(value: unknown): void {
    if (!(value instanceof HeldResponse)) {
      const message = 'Cannot give a substitute for a response: expected a guard without a fallback';
      this.#end(new ArgumentError(message, 'guard'));
      return;
    }
    this.#given = value;
    this.#settle();
    if (this.#reason !== null) value.abort(this.#reason);
    value.giveTo(this.#parts.handler, this);
  }

  #fail(error: unknown): void {
    const response = this.#failed.get(error);
    // The client knows better what a status means to it.
    if (response !== undefined && this.#reason === null) this.#give(response);
    else this.#end(this.#errors.get(error) ?? error);
  }

  #end(error: unknown): void {
    this.#settle();
    this.#parts.handler.onResponseError?.(this, asError(error));
  }
}

/** The failure that a response stands for: "too many requests", or trouble of the other side. */
function failureOf({ status, headers }: HeldResponse, where: string, clock: Clock): FailedError | undefined {
  if (status !== 429 && status < 500) return undefined;
  return statusError(where, { status, headers: flattened(headers), body: '' }, clock);
}

function asError(reason: unknown): Error {
  return reason instanceof Error ? reason : new errors.RequestAbortedError(String(reason));
}

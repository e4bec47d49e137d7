import type { IncomingHttpHeaders } from 'node:http';
import type { Dispatcher } from 'undici';

type Controller = Dispatcher.DispatchController;
type Handler = Dispatcher.DispatchHandler;

/** Headers as they were sent. */
export type RawHeaders = Exclude<Controller['rawHeaders'], undefined>;

/** How much of a response that nobody wants is read, so that its connection can be used again, in bytes. */
const maxDiscardedBytes = 65_536;

/** Who a response is given to. */
interface Receiver {
  readonly handler: Handler;
  readonly controller: Controller;
}

/**
 * The response to one attempt. It stands still once its headers have come, until it is given on or discarded: nothing of
 * its body is kept meanwhile, beyond what was on its way already.
 */
export class HeldResponse implements Handler {
  /** Fulfilled when the headers have come; rejected when nothing comes. */
  readonly begun: Promise<void>;
  status = 0;
  headers: IncomingHttpHeaders = {};
  #statusMessage: string | undefined;
  #resolve!: () => void;
  #reject!: (error: unknown) => void;
  #source: Controller | undefined;
  #receiver: Receiver | undefined;
  #early: ((receiver: Receiver) => void)[] = [];
  #hasBegun = false;
  #hasEnded = false;
  #isDiscarded = false;
  #discardedBytes = 0;
  #abortedWith: Error | undefined;

  constructor() {
    this.begun = new Promise((resolve, reject) => {
      this.#resolve = resolve;
      this.#reject = reject;
    });
  }

  get rawHeaders(): RawHeaders {
    return this.#source?.rawHeaders ?? null;
  }

  get rawTrailers(): RawHeaders {
    return this.#source?.rawTrailers ?? null;
  }

  /** Gives everything to the receiver, from the beginning on. */
  giveTo(handler: Handler, controller: Controller): void {
    const receiver = { handler, controller };
    this.#receiver = receiver;
    try {
      handler.onResponseStart?.(controller, this.status, this.headers, this.#statusMessage);
      for (const event of this.#early.splice(0)) event(receiver);
    } catch (error) {
      const reason = error as Error;
      if (this.#hasEnded) handler.onResponseError?.(controller, reason);
      else this.abort(reason);
    }
    if (!controller.paused) this.resume();
  }

  /** Nobody is going to read it. */
  discard(): void {
    if (this.#isDiscarded) return;
    this.#isDiscarded = true;
    this.#early = [];
    this.resume();
  }

  /** Ends it, at whatever point it is. */
  abort(reason: Error): void {
    if (this.#hasEnded) return;
    this.#abortedWith = reason;
    this.#source?.abort(reason);
    // Without a connection there is nobody to say that it is over.
    if (!this.#hasBegun) this.#reject(reason);
  }

  pause(): void {
    this.#source?.pause();
  }

  resume(): void {
    if (!this.#hasEnded) this.#source?.resume();
  }

  onRequestStart(source: Controller): void {
    this.#source = source;
    if (this.#abortedWith !== undefined) source.abort(this.#abortedWith);
  }

  onResponseStart(source: Controller, status: number, headers: IncomingHttpHeaders, statusMessage?: string): void {
    // What comes before the response itself (103 and its kin) may belong to an attempt that is not the one in the end.
    if (status < 200) return;
    this.#hasBegun = true;
    this.status = status;
    this.headers = headers;
    this.#statusMessage = statusMessage;
    source.pause();
    this.#resolve();
  }

  onResponseData(source: Controller, chunk: Buffer): void {
    if (this.#isDiscarded) {
      this.#discardedBytes += chunk.byteLength;
      if (this.#discardedBytes > maxDiscardedBytes) source.abort(new DOMException('Not wanted', 'AbortError'));
    } else if (this.#receiver === undefined) {
      this.#early.push(receiver => receiver.handler.onResponseData?.(receiver.controller, chunk));
    } else this.#receiver.handler.onResponseData?.(this.#receiver.controller, chunk);
  }

  onResponseEnd(_source: Controller, trailers: IncomingHttpHeaders): void {
    this.#hasEnded = true;
    this.#finish(({ handler, controller }) => handler.onResponseEnd?.(controller, trailers));
  }

  onResponseError(_source: Controller, error: Error): void {
    this.#hasEnded = true;
    if (!this.#hasBegun) this.#reject(error);
    else this.#finish(({ handler, controller }) => handler.onResponseError?.(controller, error));
  }

  #finish(event: (receiver: Receiver) => void): void {
    if (this.#isDiscarded) return;
    if (this.#receiver === undefined) this.#early.push(event);
    else event(this.#receiver);
  }
}

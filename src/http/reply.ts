import type { IncomingHttpHeaders } from 'node:http';
import type { Dispatcher } from 'undici';
import { abortReason, type DeadlineQueue, type QueuedDeadline } from '../kernel/index.ts';
import type { Attempt } from '../pipeline/index.ts';
import { tooLarge } from './body.ts';
import { flattened } from './headers.ts';

type Controller = Dispatcher.DispatchController;

/** How much of a body is kept before somebody reads it, in bytes: then the other side has to wait. */
const maxWaitingBytes = 65_536;

/** How much of a body that nobody wants is read, so that its connection can be used again, in bytes. */
const maxDiscardedBytes = 65_536;

/** What is done with a body: it waits for its reader, is read piece by piece, collected as a whole, or forgotten. */
type Mode = 'waiting' | 'pieces' | 'whole' | 'discarded';

/**
 * The reply to one request, from its headers on. Its body is read in one way, once. Without a stream of the platform
 * between, because a small body has mostly come as a whole before anybody could wait for it.
 */
export class Reply implements Dispatcher.DispatchHandler, QueuedDeadline {
  /** Fulfilled when the headers have come; rejected when they do not. */
  readonly begun: Promise<void>;
  status = 0;
  /** Names in lower case, several of one name joined. */
  headers: Record<string, string> = {};
  #resolve: (() => void) | undefined = undefined;
  #reject: ((error: unknown) => void) | undefined = undefined;
  #controller: Controller | undefined = undefined;
  #signal: AbortSignal | undefined = undefined;
  #attempt: Pick<Attempt, 'signal'> | undefined = undefined;
  #queue: DeadlineQueue | undefined = undefined;
  // Of the queue of those who wait for their reply.
  dueMs = 0;
  previous: QueuedDeadline | undefined = undefined;
  next: QueuedDeadline | undefined = undefined;
  #mode: Mode = 'waiting';
  #chunks: Buffer[] = [];
  /** In {@link #chunks}; what was discarded counts as well. */
  #bytes = 0;
  #maxBytes = 0;
  #where = '';
  #hasBegun = false;
  #hasEnded = false;
  #error: unknown = undefined;
  #wake: (() => void) | undefined = undefined;

  constructor() {
    this.begun = new Promise((resolve, reject) => {
      this.#resolve = resolve;
      this.#reject = reject;
    });
  }

  /** Ends it with its attempt, which is asked for its signal once the queue has found that the reply takes long. */
  endWithAttempt(attempt: Pick<Attempt, 'signal'>, queue: DeadlineQueue): void {
    if (this.#hasEnded) return;
    this.#attempt = attempt;
    this.#queue = queue;
    queue.add(this);
  }

  /** The reply takes long. */
  expire(): void {
    this.#queue = undefined;
    if (this.#attempt !== undefined) this.endBy(this.#attempt.signal);
  }

  /** Ends it when the signal is aborted. */
  endBy(signal: AbortSignal): void {
    if (signal.aborted) this.abort(abortReason(signal));
    else if (!this.#hasEnded) {
      this.#signal?.removeEventListener('abort', this);
      this.#signal = signal;
      signal.addEventListener('abort', this, { once: true });
    }
  }

  /** An abort of the signal. */
  handleEvent(): void {
    this.abort(abortReason(this.#signal));
  }

  /** Ends it, at whatever point it is. */
  abort(reason: unknown): void {
    if (this.#hasEnded) return;
    this.#end(reason);
    this.#controller?.abort(toError(reason));
  }

  /**
   * The body as a whole: at once, if it has come already.
   *
   * @throws {ScraperError} when it is larger than the limit. Its connection is closed then.
   */
  whole(maxBytes: number, where: string): Buffer | Promise<Buffer> {
    this.#mode = 'whole';
    this.#maxBytes = maxBytes;
    this.#where = where;
    if (this.#bytes > maxBytes) {
      this.#chunks = [];
      if (this.#hasEnded) throw tooLarge(where, maxBytes);
      this.abort(tooLarge(where, maxBytes));
    }
    return this.#hasEnded ? this.#joined() : this.#later();
  }

  async #later(): Promise<Buffer> {
    this.#controller?.resume();
    while (!this.#hasEnded) await this.#more();
    return this.#joined();
  }

  #joined(): Buffer {
    if (this.#error !== undefined) throw this.#error;
    const [first] = this.#chunks;
    return first !== undefined && this.#chunks.length === 1 ? first : Buffer.concat(this.#chunks);
  }

  /** The body piece by piece. Whoever leaves early closes the connection. */
  async *pieces(): AsyncGenerator<Buffer> {
    this.#mode = 'pieces';
    try {
      for (;;) {
        const chunk = this.#chunks.shift();
        if (chunk !== undefined) {
          this.#bytes -= chunk.byteLength;
          yield chunk;
        } else if (this.#error !== undefined) throw this.#error;
        else if (this.#hasEnded) return;
        else {
          this.#controller?.resume();
          // What the connection had kept back comes at once.
          if (this.#chunks.length === 0 && !this.#hasEnded) await this.#more();
        }
      }
    } finally {
      this.close();
    }
  }

  /** Nobody is going to read it: fulfilled when its connection can be used again, or is closed. */
  async discard(): Promise<void> {
    this.#mode = 'discarded';
    this.#chunks = [];
    this.#controller?.resume();
    while (!this.#hasEnded) await this.#more();
  }

  /** Nobody is going to read it, and there may be much of it. */
  close(): void {
    this.#chunks = [];
    this.abort(new DOMException('Not wanted', 'AbortError'));
  }

  #more(): Promise<void> {
    return new Promise(resolve => {
      this.#wake = resolve;
    });
  }

  onRequestStart(controller: Controller): void {
    this.#controller = controller;
    if (this.#hasEnded) controller.abort(toError(this.#error));
  }

  onResponseStart(_controller: Controller, status: number, headers: IncomingHttpHeaders): void {
    // 103 and its kin come before the response itself.
    if (status < 200) return;
    this.#hasBegun = true;
    this.status = status;
    this.headers = flattened(headers);
    this.#resolve?.();
  }

  onResponseData(controller: Controller, chunk: Buffer): void {
    if (this.#hasEnded) return;
    this.#bytes += chunk.byteLength;
    if (this.#mode === 'discarded') {
      if (this.#bytes > maxDiscardedBytes) this.close();
      return;
    }
    if (this.#mode === 'whole' && this.#bytes > this.#maxBytes) {
      this.#chunks = [];
      this.abort(tooLarge(this.#where, this.#maxBytes));
      return;
    }
    this.#chunks.push(chunk);
    if (this.#mode === 'pieces') this.#awaken();
    if (this.#mode !== 'whole' && this.#bytes > maxWaitingBytes) controller.pause();
  }

  onResponseEnd(): void {
    this.#end(undefined);
  }

  onResponseError(_controller: Controller, error: Error): void {
    this.#end(error);
  }

  #end(error: unknown): void {
    if (this.#hasEnded) return;
    this.#hasEnded = true;
    this.#error = error;
    this.#queue?.remove(this);
    this.#signal?.removeEventListener('abort', this);
    if (!this.#hasBegun) this.#reject?.(error);
    this.#awaken();
  }

  #awaken(): void {
    const wake = this.#wake;
    this.#wake = undefined;
    wake?.();
  }
}

function toError(reason: unknown): Error {
  return reason instanceof Error ? reason : new DOMException(String(reason), 'AbortError');
}

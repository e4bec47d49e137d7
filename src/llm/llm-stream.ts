import { ArgumentError, NetworkError, TimeoutError } from '../errors/index.ts';
import { type Clock, formatDuration, type Timer, untilAborted } from '../kernel/index.ts';
import type { AnswerFacts, ModelPart } from './llm-provider.ts';
import type { LlmResponse } from './llm-response.ts';

/** What a {@link LlmStream} is made of. */
export interface LlmStreamParts {
  readonly parts: (signal: AbortSignal) => AsyncIterable<ModelPart>;
  /** The caller's. */
  readonly signal: AbortSignal | undefined;
  /** Ends the stream as long as its first piece has not come. */
  readonly beginSignal: AbortSignal | undefined;
  /** When the request that it is for has to be over, on the monotonic clock. */
  readonly deadlineMs: number | undefined;
  readonly idleTimeoutMs: number;
  readonly clock: Clock;
  /** Called once, at the end of the answer. */
  readonly finish: (content: string, facts: AnswerFacts) => LlmResponse;
}

/**
 * An answer that comes bit by bit. It is read once, by `for await` or by {@link response}; leaving the loop ends the call,
 * and so do the deadline of the request and a reader who does not come.
 */
export class LlmStream implements AsyncIterable<string> {
  readonly #source: LlmStreamParts;
  readonly #ending = new AbortController();
  readonly #parts: AsyncIterator<ModelPart>;
  readonly #endByCaller = (): void => this.#end(this.#source.signal?.reason);
  #deadline: Timer | undefined;
  /** Runs while a piece is waited for, and while the reader of the first one is. */
  #idle: Timer | undefined;
  #first: IteratorResult<ModelPart> | undefined;
  #content = '';
  #response: LlmResponse | undefined;
  #isTaken = false;

  constructor(source: LlmStreamParts) {
    this.#source = source;
    this.#parts = source.parts(this.#ending.signal)[Symbol.asyncIterator]();
  }

  /** Begins an answer: there when its first piece is. */
  static async begin(source: LlmStreamParts): Promise<LlmStream> {
    const { signal, beginSignal } = source;
    signal?.throwIfAborted();
    beginSignal?.throwIfAborted();
    const stream = new LlmStream(source);
    await stream.#begin(signal, beginSignal);
    return stream;
  }

  /** The words as they come. */
  async *[Symbol.asyncIterator](): AsyncGenerator<string, void, void> {
    if (this.#isTaken) {
      throw new ArgumentError('Cannot read a streamed answer twice: ask response() for the whole of it', 'stream');
    }
    this.#isTaken = true;
    this.#idle?.cancel();
    try {
      this.#ending.signal.throwIfAborted();
      for (let part = this.#first; part !== undefined && part.done !== true; part = await this.#next()) {
        if (part.value.type === 'end') {
          this.#response = this.#source.finish(this.#content, part.value.facts);
          return;
        }
        this.#content += part.value.text;
        yield part.value.text;
      }
      throw new NetworkError('The answer was cut before its end', { details: { characters: this.#content.length } });
    } finally {
      this.#close();
    }
  }

  /**
   * The whole answer: what has been read, and the rest of it.
   *
   * @throws {ArgumentError} while somebody else is still reading, or after reading was given up.
   */
  async response(): Promise<LlmResponse> {
    if (!this.#isTaken) {
      for await (const _ of this);
    }
    if (this.#response !== undefined) return this.#response;
    throw new ArgumentError('Cannot tell the whole answer: it was not read to its end', 'stream');
  }

  /** Ends the call; what has been read stays. */
  [Symbol.asyncDispose](): Promise<void> {
    this.#isTaken = true;
    this.#close();
    return Promise.resolve();
  }

  async #begin(signal: AbortSignal | undefined, beginSignal: AbortSignal | undefined): Promise<void> {
    const endByAttempt = (): void => this.#end(beginSignal?.reason);
    signal?.addEventListener('abort', this.#endByCaller, { once: true });
    beginSignal?.addEventListener('abort', endByAttempt, { once: true });
    try {
      // How long the first piece may take is the guard's to say, where there is one.
      if (beginSignal === undefined) {
        this.#endAtDeadline();
        this.#first = await this.#next();
      } else {
        this.#first = await this.#wait();
        this.#endAtDeadline();
      }
      this.#endAfterIdling('Nobody read the answer');
    } catch (error) {
      this.#close();
      throw error;
    } finally {
      beginSignal?.removeEventListener('abort', endByAttempt);
    }
  }

  /** The next piece, unless it lets us wait too long. */
  async #next(): Promise<IteratorResult<ModelPart>> {
    this.#endAfterIdling('The answer stood still');
    try {
      return await this.#wait();
    } finally {
      this.#idle?.cancel();
    }
  }

  #endAfterIdling(what: string): void {
    const { clock, idleTimeoutMs } = this.#source;
    this.#idle = clock.setTimer(idleTimeoutMs, () => {
      this.#end(new TimeoutError(`${what} for ${formatDuration(idleTimeoutMs)}`, idleTimeoutMs));
    });
  }

  #endAtDeadline(): void {
    const { clock, deadlineMs } = this.#source;
    if (deadlineMs === undefined) return;
    const leftMs = Math.max(0, deadlineMs - clock.monotonic());
    this.#deadline = clock.setTimer(leftMs, () => {
      this.#end(new TimeoutError('The answer had not ended by the deadline of its request', leftMs));
    });
  }

  /** A provider that does not listen is not waited for. */
  #wait(): Promise<IteratorResult<ModelPart>> {
    return untilAborted(this.#parts.next(), this.#ending.signal);
  }

  /** Also when nobody is reading: whoever comes later is told why. */
  #end(reason: unknown): void {
    this.#ending.abort(reason);
    this.#close();
  }

  #close(): void {
    this.#source.signal?.removeEventListener('abort', this.#endByCaller);
    this.#deadline?.cancel();
    this.#idle?.cancel();
    if (this.#response === undefined) this.#ending.abort();
    void Promise.resolve(this.#parts.return?.()).catch(() => {});
  }
}

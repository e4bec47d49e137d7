import { ArgumentError, NetworkError, TimeoutError } from '../errors/index.ts';
import { type Clock, formatDuration, untilAborted } from '../kernel/index.ts';
import type { AnswerFacts, ModelPart } from './llm-provider.ts';
import type { LlmResponse } from './llm-response.ts';

/** What a {@link LlmStream} is made of. */
export interface LlmStreamParts {
  readonly parts: (signal: AbortSignal) => AsyncIterable<ModelPart>;
  /** The caller's. */
  readonly signal: AbortSignal | undefined;
  /** Ends the stream as long as its first piece has not come. */
  readonly beginSignal: AbortSignal | undefined;
  readonly idleTimeoutMs: number;
  readonly clock: Clock;
  /** Called once, at the end of the answer. */
  readonly finish: (content: string, facts: AnswerFacts) => LlmResponse;
}

/**
 * An answer that comes bit by bit. It is read once, by `for await` or by {@link response}; leaving the loop ends the call.
 */
export class LlmStream implements AsyncIterable<string> {
  readonly #source: LlmStreamParts;
  readonly #ending = new AbortController();
  readonly #parts: AsyncIterator<ModelPart>;
  readonly #endByCaller = (): void => this.#ending.abort(this.#source.signal?.reason);
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
    try {
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
    const endByAttempt = (): void => this.#ending.abort(beginSignal?.reason);
    signal?.addEventListener('abort', this.#endByCaller, { once: true });
    beginSignal?.addEventListener('abort', endByAttempt, { once: true });
    try {
      // How long the first piece may take is the guard's to say, where there is one.
      this.#first = beginSignal === undefined ? await this.#next() : await this.#wait();
    } catch (error) {
      this.#close();
      throw error;
    } finally {
      beginSignal?.removeEventListener('abort', endByAttempt);
    }
  }

  /** The next piece, unless it lets us wait too long. */
  async #next(): Promise<IteratorResult<ModelPart>> {
    const { clock, idleTimeoutMs } = this.#source;
    const timer = clock.setTimer(idleTimeoutMs, () => {
      const waited = formatDuration(idleTimeoutMs);
      this.#ending.abort(new TimeoutError(`The answer stood still for ${waited}`, idleTimeoutMs));
    });
    try {
      return await this.#wait();
    } finally {
      timer.cancel();
    }
  }

  /** A provider that does not listen is not waited for. */
  #wait(): Promise<IteratorResult<ModelPart>> {
    return untilAborted(this.#parts.next(), this.#ending.signal);
  }

  #close(): void {
    this.#source.signal?.removeEventListener('abort', this.#endByCaller);
    if (this.#response === undefined) this.#ending.abort();
    void Promise.resolve(this.#parts.return?.()).catch(() => {});
  }
}

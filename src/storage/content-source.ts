import { IncomingMessage } from 'node:http';
import { Readable } from 'node:stream';
import { ValidationError } from '../errors/index.ts';
import { abortReason, untilAborted } from '../kernel/index.ts';

/** What a file may be given as. Chunks must not be changed after they were given; text is written as UTF-8. */
export type FileContent = string | Uint8Array | Blob | AsyncIterable<Uint8Array | string>;

/** Chunks below this size are put together, in bytes: each costs something on its way. */
const smallBytes = 16_384;

/**
 * Any content as chunks of bytes that are not tiny. Leaves the source when it ends early, and does not wait for a source
 * that hangs when the signal aborts.
 */
export async function* chunksOf(
  content: FileContent,
  signal: AbortSignal | undefined,
): AsyncGenerator<Uint8Array, void> {
  if (typeof content === 'string' || content instanceof Uint8Array) {
    if (content.length > 0) yield bytesOf(content);
    return;
  }
  const source = content instanceof Blob ? content.stream() : content;
  if (typeof source !== 'object' || source === null || !(Symbol.asyncIterator in source)) throw unusable(source);
  if (source instanceof Readable && source.readableEnded) throw spent();
  const utf8 = new Utf8Chunks();
  let small: Uint8Array[] = [];
  let smallSum = 0;
  for await (const item of abortable(source, signal)) {
    const chunk = utf8.bytesOf(item);
    if (chunk.byteLength + smallSum < smallBytes) {
      // A copy: a thousand small views may hold a thousand large buffers.
      small.push(Uint8Array.prototype.slice.call(chunk));
      smallSum += chunk.byteLength;
      continue;
    }
    if (smallSum > 0) yield Buffer.concat(small);
    small = [];
    smallSum = 0;
    yield chunk;
  }
  const last = utf8.end();
  if (smallSum + last.byteLength > 0) yield Buffer.concat([...small, last]);
}

/**
 * Hears of what happens to a stream before anybody reads it: what fails without a listener ends the process. Whoever reads
 * it later is told all the same.
 */
export function listenTo(content: FileContent): void {
  if (content instanceof Readable) content.on('error', () => undefined);
}

/**
 * Lets go of a source that nobody will read to its end: what it holds open is closed. Why it was left is what counts. The
 * body of a request is its server's: destroyed, it would take the connection along, by which the refusal is answered.
 */
export async function leave(content: FileContent): Promise<void> {
  try {
    if (content instanceof IncomingMessage) return;
    if (content instanceof Readable) content.destroy();
    else if (content instanceof ReadableStream) await (content.locked ? undefined : content.cancel());
    else if (typeof content === 'object' && content !== null && Symbol.asyncIterator in content) {
      await content[Symbol.asyncIterator]().return?.();
    }
  } catch {}
}

/** What a source gives, until the signal aborts: then it is left, and not waited for. */
export function abortable<Item>(source: AsyncIterable<Item>, signal: AbortSignal | undefined): AsyncIterable<Item> {
  return signal === undefined ? source : { [Symbol.asyncIterator]: () => abortableIterator(source, signal) };
}

function abortableIterator<Item>(source: AsyncIterable<Item>, signal: AbortSignal): AsyncIterator<Item> {
  const iterator = source[Symbol.asyncIterator]();
  const leaveIterator = (): void => {
    // Not waited for: it may be what hangs.
    void Promise.resolve(iterator.return?.()).catch(() => undefined);
  };
  return {
    async next() {
      try {
        if (signal.aborted) throw abortReason(signal);
        return await untilAborted(iterator.next(), signal);
      } catch (error) {
        if (signal.aborted) leaveIterator();
        throw error;
      }
    },
    async return() {
      leaveIterator();
      return { done: true, value: undefined };
    },
  };
}

function bytesOf(chunk: unknown): Uint8Array {
  if (typeof chunk === 'string') return Buffer.from(chunk);
  if (chunk instanceof Uint8Array) return chunk;
  throw unusable(chunk);
}

/** Turns chunks of text into UTF-8, though a character may begin in one and end in the next. */
class Utf8Chunks {
  /** The first half of a surrogate pair. */
  #half = '';

  bytesOf(chunk: unknown): Uint8Array {
    if (typeof chunk !== 'string') {
      const bytes = bytesOf(chunk);
      return this.#half === '' ? bytes : Buffer.concat([this.end(), bytes]);
    }
    const text = this.#half + chunk;
    const last = text.charCodeAt(text.length - 1);
    const isHalf = last >= 0xd800 && last <= 0xdbff;
    this.#half = isHalf ? text.slice(-1) : '';
    return Buffer.from(isHalf ? text.slice(0, -1) : text);
  }

  /** What the text ends with, if that is half a character. */
  end(): Uint8Array {
    const half = this.#half;
    this.#half = '';
    return Buffer.from(half);
  }
}

function unusable(content: unknown): ValidationError {
  const found = content === null ? 'null' : typeof content;
  return new ValidationError(`Cannot store content of type ${found}: expected text, bytes, or a stream of these`, {
    content: 'Expected text, bytes, or a stream of these',
  });
}

function spent(): ValidationError {
  return new ValidationError('Cannot store a stream that has ended: somebody has read it before', {
    content: 'Expected a stream that has not been read',
  });
}

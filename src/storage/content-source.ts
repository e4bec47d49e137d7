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
  let small: Uint8Array[] = [];
  let smallSum = 0;
  for await (const item of abortable(source, signal)) {
    const chunk = bytesOf(item);
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
  if (smallSum > 0) yield Buffer.concat(small);
}

function abortable<Item>(source: AsyncIterable<Item>, signal: AbortSignal | undefined): AsyncIterable<Item> {
  return signal === undefined ? source : { [Symbol.asyncIterator]: () => abortableIterator(source, signal) };
}

function abortableIterator<Item>(source: AsyncIterable<Item>, signal: AbortSignal): AsyncIterator<Item> {
  const iterator = source[Symbol.asyncIterator]();
  const leave = (): void => {
    // Not waited for: it may be what hangs.
    void Promise.resolve(iterator.return?.()).catch(() => undefined);
  };
  return {
    async next() {
      try {
        if (signal.aborted) throw abortReason(signal);
        return await untilAborted(iterator.next(), signal);
      } catch (error) {
        if (signal.aborted) leave();
        throw error;
      }
    },
    async return() {
      leave();
      return { done: true, value: undefined };
    },
  };
}

function bytesOf(chunk: unknown): Uint8Array {
  if (typeof chunk === 'string') return Buffer.from(chunk);
  if (chunk instanceof Uint8Array) return chunk;
  throw unusable(chunk);
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

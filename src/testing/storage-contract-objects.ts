import { ok } from 'node:assert/strict';
import { systemIds } from '../kernel/index.ts';
import type { ObjectInfo, StorageStrategy } from '../storage/index.ts';

export function newKey(): string {
  return `contract/${systemIds.next()}`;
}

export function many<Result>(count: number, make: (index: number) => Result): Result[] {
  return Array.from({ length: count }, (_, index) => make(index));
}

/** Bytes that are different at every place that a mistake could take for another. */
export function pattern(bytes: number): Buffer {
  const block = Buffer.from(Uint32Array.from({ length: 25_013 }, (_, index) => index * 2_654_435_761).buffer);
  return Buffer.alloc(bytes, block);
}

export async function* chunks(parts: Iterable<Uint8Array>): AsyncGenerator<Uint8Array> {
  yield* parts;
}

export function* slices(whole: Buffer, bytes: number): Generator<Uint8Array> {
  for (let start = 0; start < whole.length; start += bytes) yield whole.subarray(start, start + bytes);
}

export async function write(
  strategy: StorageStrategy,
  key: string,
  parts: Iterable<Uint8Array>,
  metadata: string,
): Promise<ObjectInfo> {
  return await strategy.put(key, chunks(parts), { finish: () => metadata });
}

export async function opened(
  strategy: StorageStrategy,
  key: string,
): Promise<NonNullable<Awaited<ReturnType<StorageStrategy['open']>>>> {
  const found = await strategy.open(key);
  ok(found !== undefined, `There is nothing under ${key}`);
  return found;
}

export async function bytesOf(content: AsyncIterable<Uint8Array>): Promise<Buffer> {
  const parts: Uint8Array[] = [];
  for await (const part of content) parts.push(part);
  return Buffer.concat(parts);
}

/** Chunks that stay as they are, taken one by one as they come. */
export async function* copies(content: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array> {
  for await (const part of content) yield Uint8Array.prototype.slice.call(part);
}

export async function text(strategy: StorageStrategy, key: string): Promise<string | undefined> {
  await using found = await strategy.open(key);
  return found === undefined ? undefined : (await bytesOf(found.read())).toString();
}

export async function listed(strategy: StorageStrategy, prefix: string): Promise<readonly string[]> {
  return (await strategy.list({ prefix, limit: 1_000 })).keys;
}

export function inOrder(keys: readonly string[]): readonly string[] {
  return [...keys].sort((one, other) => Buffer.compare(Buffer.from(one), Buffer.from(other)));
}

export async function failureOf(work: Promise<unknown>): Promise<unknown> {
  return await work.then(
    () => undefined,
    (error: unknown) => error,
  );
}

import type { KeyPage, StorageStrategy } from './storage-strategy.ts';

/** How many keys are asked for at once. */
export const pageSize = 1_000;

/** How many files are looked at at once. */
const concurrency = 16;

/** All keys of a store, in their order; the last page says that there are no more. */
export async function* keyPages(
  strategy: StorageStrategy,
  signal: AbortSignal | undefined,
): AsyncGenerator<KeyPage, void> {
  for (let after: string | undefined; ; ) {
    const page = await strategy.list({ after, limit: pageSize, signal });
    yield page;
    after = page.keys.at(-1);
    if (!page.more || after === undefined) return;
  }
}

/** What some work gives for each key, in their order; some of it is done at the same time. */
export async function* forEachKey<Result>(
  keys: readonly string[],
  work: (key: string) => Promise<Result>,
): AsyncGenerator<Result, void> {
  for (let start = 0; start < keys.length; start += concurrency) {
    yield* await Promise.all(keys.slice(start, start + concurrency).map(key => work(key)));
  }
}

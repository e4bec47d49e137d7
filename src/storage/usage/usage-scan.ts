import { CorruptFileError } from '../errors.ts';
import { forEachKey, keyPages } from '../key-pages.ts';
import type { StorageStrategy } from '../storage-strategy.ts';
import { countedFileOf } from '../stored-file.ts';
import type { CountedFile, UsagePage } from './usage-tally.ts';

/** All files as they are counted. Damaged ones are told, and count for nothing. */
export async function* usagePages(
  strategy: StorageStrategy,
  damaged: (error: CorruptFileError) => void,
  signal: AbortSignal,
): AsyncGenerator<UsagePage, void> {
  const countedFile = async (key: string): Promise<CountedFile | undefined> => {
    try {
      await using object = await strategy.open(key, { signal });
      return object && countedFileOf(object.info);
    } catch (error) {
      if (!(error instanceof CorruptFileError)) throw error;
      damaged(error);
      return undefined;
    }
  };
  for await (const { keys, more } of keyPages(strategy, signal)) {
    const files: CountedFile[] = [];
    for await (const file of forEachKey(keys, countedFile)) if (file !== undefined) files.push(file);
    yield { files, last: more ? keys.at(-1) : undefined };
  }
}

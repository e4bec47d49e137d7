import { CorruptFileError } from './errors.ts';
import type { FileChanges } from './file-changes.ts';
import type { FileCallOptions } from './options.ts';
import type { ObjectInfo, StorageStrategy, StrategyCallOptions } from './storage-strategy.ts';
import { countedFileOf, requireDescriptor } from './stored-file.ts';
import { maxAttempts, tooBusy } from './strategy-calls.ts';

/** A file that was deleted, as far as it was known: of a damaged one it is not known whose it was, nor how long. */
export interface RemovedFile {
  readonly owner: string | undefined;
  readonly bytes: number;
}

/** Deletes files. */
export class FileRemover {
  readonly #strategy: StorageStrategy;
  readonly #changes: FileChanges;

  constructor(strategy: StorageStrategy, changes: FileChanges) {
    this.#strategy = strategy;
    this.#changes = changes;
  }

  /** Deletes what stands there, if it is the owner's. Without an owner also what is damaged. */
  async remove(key: string, options: FileCallOptions): Promise<RemovedFile | undefined> {
    for (let attempt = 0; attempt < maxAttempts; attempt += 1) {
      const info = await this.#find(key, options);
      if (info === undefined) return undefined;
      if (info === 'damaged') return (await this.#removeDamaged(key, options)) ? nobodys : undefined;
      if (options.owner !== undefined && requireDescriptor(info).owner !== options.owner) return undefined;
      if (!(await this.removeVersion(info, options))) continue;
      const { owner, bytes } = countedFileOf(info);
      return { owner, bytes };
    }
    throw tooBusy(key);
  }

  /** Deletes a file if it is still the one that was seen; says whether it was. */
  async removeVersion(info: ObjectInfo, { signal }: StrategyCallOptions): Promise<boolean> {
    const { key, version } = info;
    return await this.#changes.run(key, { signal }, async change => {
      change.from(info, () => undefined);
      const isGone = await this.#strategy.delete(key, { version, signal });
      change.done(isGone ? undefined : info);
      return isGone;
    });
  }

  async #find(key: string, options: FileCallOptions): Promise<ObjectInfo | 'damaged' | undefined> {
    try {
      await using object = await this.#strategy.open(key, options);
      return object?.info;
    } catch (error) {
      if (error instanceof CorruptFileError && options.owner === undefined) return 'damaged';
      throw error;
    }
  }

  async #removeDamaged(key: string, { signal }: StrategyCallOptions): Promise<boolean> {
    return await this.#changes.run(key, { signal }, async change => {
      change.from(undefined, () => undefined);
      const isGone = await this.#strategy.delete(key, { signal });
      // It was counted if it was whole then, and nobody knows for what.
      if (isGone) change.lost();
      else change.done(undefined);
      return isGone;
    });
  }
}

const nobodys: RemovedFile = Object.freeze({ owner: undefined, bytes: 0 });

import { NotFoundError, PlinthError } from '../errors/index.ts';
import type { Descriptor } from './descriptor.ts';
import type { FileCipher } from './encryption/file-cipher.ts';
import { CorruptFileError } from './errors.ts';
import { forEachKey } from './key-pages.ts';
import type { OpenObject, StorageStrategy, StrategyCallOptions } from './storage-strategy.ts';
import { requireDescriptor, type StoredFile, storedFileOf } from './stored-file.ts';

/** An open file whose description was checked. */
export interface FoundFile {
  readonly object: OpenObject;
  readonly descriptor: Descriptor;
  readonly dataKey: Buffer | undefined;
}

/** Finds files of an owner; those of others do not exist. */
export class FileFinder {
  readonly #strategy: StorageStrategy;
  readonly #cipher: FileCipher;

  constructor(strategy: StorageStrategy, cipher: FileCipher) {
    this.#strategy = strategy;
    this.#cipher = cipher;
  }

  /** Opens a file. The caller closes its object. */
  async open(key: string, owner: string | undefined, options: StrategyCallOptions): Promise<FoundFile | undefined> {
    const object = await this.#strategy.open(key, options);
    if (object === undefined) return undefined;
    try {
      const descriptor = requireDescriptor(object.info);
      const dataKey = this.#cipher.open(key, descriptor);
      if (owner === undefined || descriptor.owner === owner) return { object, descriptor, dataKey };
    } catch (error) {
      await object.close();
      throw error;
    }
    await object.close();
    return undefined;
  }

  /** @throws {NotFoundError} when there is none, or it is another owner's. */
  async require(key: string, owner: string | undefined, options: StrategyCallOptions): Promise<FoundFile> {
    const found = await this.open(key, owner, options);
    if (found === undefined) throw new NotFoundError('File', key);
    return found;
  }

  /** What is known of a file, if there is one. */
  async find(
    key: string,
    owner: string | undefined,
    options: StrategyCallOptions,
  ): Promise<{ readonly file: StoredFile; readonly descriptor: Descriptor } | undefined> {
    const found = await this.open(key, owner, options);
    if (found === undefined) return undefined;
    await found.object.close();
    return { file: storedFileOf(found.object.info, found.descriptor), descriptor: found.descriptor };
  }

  /** The files of many keys, in their order; those that are gone are left out, and damaged ones are told. */
  async *findAll(
    keys: readonly string[],
    owner: string | undefined,
    options: StrategyCallOptions,
    damaged: (error: CorruptFileError) => void,
  ): AsyncGenerator<StoredFile, void> {
    const find = (key: string): Promise<{ readonly file: StoredFile } | undefined> =>
      this.find(key, owner, options).catch((error: unknown) => {
        if (!(error instanceof CorruptFileError)) throw error;
        damaged(error);
        return undefined;
      });
    for await (const found of forEachKey(keys, find)) if (found !== undefined) yield found.file;
  }
}

/** The code of an error, for those who count. */
export function errorCode(error: unknown): string {
  if (error instanceof PlinthError) return error.code;
  return error instanceof Error ? error.name : 'UNKNOWN';
}

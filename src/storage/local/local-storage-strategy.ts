import { constants } from 'node:fs';
import { type FileHandle, open, realpath, unlink } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { ArgumentError, RejectedError } from '../../errors/index.ts';
import {
  type Clock,
  type Ids,
  makeDirectory,
  requireDuration,
  systemClock,
  systemIds,
  type Timer,
} from '../../kernel/index.ts';
import { KeyLocks } from '../key-locks.ts';
import { isStorageKey, requireStorageKey } from '../storage-key.ts';
import type {
  CopyOptions,
  KeyPage,
  ListOptions,
  ObjectInfo,
  OpenObject,
  PutOptions,
  StorageStrategy,
  StrategyCallOptions,
} from '../storage-strategy.ts';
import { maxAttempts, Passing, passing, passingContent, requireMetadata, tooBusy } from '../strategy-calls.ts';
import { writeBlocks } from './block-files.ts';
import { contentOffset, type Envelope, hasOlder, infoOf, replaceEnvelope, writeEnvelope } from './local-envelope.ts';
import { LocalFolder } from './local-folder.ts';
import {
  currentOf,
  endDeletion,
  idOf,
  linked,
  OpenFile,
  ownFolder,
  removed,
  renamed,
  requireEnvelope,
  storageFailure,
} from './local-object.ts';
import { leavingName, sweepTemporaryFiles, temporaryPrefix } from './temporary-files.ts';

/** How a {@link LocalStorageStrategy} keeps files. */
export interface LocalStorageStrategyOptions {
  /** The folder. It is made if it does not exist; nothing else should be in it. */
  readonly directory: string;
  /**
   * Whether a write is on the disk before it is answered (fsync of the file and its folder), so that it survives a power
   * cut. Without it only crashes of the process are survived. @default true
   */
  readonly sync?: boolean | undefined;
  /**
   * After how long without a write a temporary file is taken for left over, in milliseconds. Those of processes that are
   * certainly dead are deleted at once. @default 86_400_000
   */
  readonly temporaryMaxAgeMs?: number | undefined;
  /** How often temporary files are looked after, in milliseconds, besides at opening. @default 3_600_000 */
  readonly sweepIntervalMs?: number | undefined;
  /** @default systemClock */
  readonly clock?: Clock | undefined;
  /** @default systemIds */
  readonly ids?: Ids | undefined;
}

/** What there is once the folder was opened. */
interface OpenedFolder {
  readonly objects: LocalFolder;
  readonly temporary: string;
  readonly prefix: string;
}

/**
 * Files in a folder. A write goes to a temporary file in the same file system, with the metadata in its header, and takes
 * its place in one rename: others see the old file or the new one, content and metadata together.
 *
 * Several processes may use the folder: no reader ever sees half a file, and a deletion of one version takes no other. But
 * `finish` of {@link PutOptions} is only certain to have seen what is replaced, and `updateMetadata` to keep what others
 * have changed, when no other process changes the same key in the same millisecond.
 *
 * A page of a list costs as much time and memory as the folders that it looks into have entries, because their order is not
 * that of the keys: keep to some ten thousand files in each folder.
 *
 * @throws {ArgumentError} when an option is unusable.
 * @example
 * const strategy = new LocalStorageStrategy({ directory: './data/storage' });
 */
export class LocalStorageStrategy implements StorageStrategy {
  readonly #directory: string;
  readonly #syncs: boolean;
  readonly #temporaryMaxAgeMs: number;
  readonly #sweepIntervalMs: number;
  readonly #clock: Clock;
  readonly #ids: Ids;
  readonly #locks = new KeyLocks();
  readonly #inUse = new Set<string>();
  #opening: Promise<OpenedFolder> | undefined;
  #sweeper: Timer | undefined;
  #isClosed = false;

  constructor(options: LocalStorageStrategyOptions) {
    if (typeof options.directory !== 'string' || options.directory === '') {
      throw new ArgumentError('Cannot use directory: expected the path of a folder, got nothing', 'directory');
    }
    this.#directory = resolve(options.directory);
    this.#syncs = options.sync ?? true;
    this.#temporaryMaxAgeMs = requireDuration('temporaryMaxAgeMs', options.temporaryMaxAgeMs ?? 86_400_000, 1_000);
    this.#sweepIntervalMs = requireDuration('sweepIntervalMs', options.sweepIntervalMs ?? 3_600_000, 1_000);
    this.#clock = options.clock ?? systemClock;
    this.#ids = options.ids ?? systemIds;
  }

  async put(key: string, content: AsyncIterable<Uint8Array>, options: PutOptions): Promise<ObjectInfo> {
    requireStorageKey(key);
    return await this.#withTemporary('write', key, options, async (file, place) => {
      const bytes = await writeBlocks(file, passingContent(content, options.signal), contentOffset);
      if (bytes === 0) await file.truncate(contentOffset);
      // The bulk of it now: while the key is locked only the header is left.
      if (this.#syncs) await file.datasync();
      return await this.#commit(key, file, place, bytes, current => options.finish(current, bytes), options.signal);
    });
  }

  async open(key: string, options: StrategyCallOptions = {}): Promise<OpenObject | undefined> {
    requireStorageKey(key);
    return await this.#guard('open', key, options, async ({ objects }) => {
      const file = await objects.open(key);
      if (file === undefined) return undefined;
      try {
        return new OpenFile(file, await requireEnvelope(file, key));
      } catch (error) {
        await file.close();
        throw error;
      }
    });
  }

  async copy(from: string, to: string, options: CopyOptions): Promise<ObjectInfo | undefined> {
    requireStorageKey(from);
    requireStorageKey(to);
    await using source = await this.open(from, options);
    if (source === undefined) return undefined;
    const { info } = source;
    return await this.#withTemporary('copy', to, options, async (file, place) => {
      await writeBlocks(file, passingContent(source.read(), options.signal), contentOffset);
      if (info.bytes === 0) await file.truncate(contentOffset);
      if (this.#syncs) await file.datasync();
      return await this.#commit(to, file, place, info.bytes, current => options.finish(info, current), options.signal);
    });
  }

  async updateMetadata(
    key: string,
    change: (current: ObjectInfo) => string | undefined | Promise<string | undefined>,
    options: StrategyCallOptions = {},
  ): Promise<ObjectInfo | undefined> {
    requireStorageKey(key);
    return await this.#guard('change', key, options, ({ objects }) =>
      this.#locks.run(key, async () => {
        const file = await objects.open(key, 'change');
        if (file === undefined) return undefined;
        try {
          const envelope = await requireEnvelope(file, key);
          const metadata = await passing(() => change(infoOf(envelope)));
          if (metadata === undefined && !(await hasOlder(file, envelope))) return infoOf(envelope);
          const changed =
            metadata === undefined
              ? envelope
              : { ...envelope, metadata: requireMetadata(metadata), generation: envelope.generation + 1 };
          await replaceEnvelope(file, changed, async () => {
            if (this.#syncs) await file.datasync();
          });
          return infoOf(changed);
        } finally {
          await file.close();
        }
      }),
    );
  }

  async delete(
    key: string,
    options: StrategyCallOptions & { readonly version?: string | undefined } = {},
  ): Promise<boolean> {
    requireStorageKey(key);
    const { version } = options;
    return await this.#guard('delete', key, options, folder =>
      this.#locks.run(key, async () => {
        const { objects } = folder;
        const file = await objects.open(key);
        if (file === undefined) return false;
        try {
          if (version !== undefined) {
            if (infoOf(await requireEnvelope(file, key)).version !== version) return false;
            // Other processes take a file that nobody has touched for long for left over, also while it is on its way out.
            const nowSeconds = this.#clock.now() / 1_000;
            await file.utimes(nowSeconds, nowSeconds);
          }
        } finally {
          await file.close();
        }
        const path = objects.pathOf(key);
        if (!(await (version === undefined ? removed(path) : this.#deleteVersion(folder, path, version)))) return false;
        await objects.syncParent(key);
        await objects.prune(key);
        return true;
      }),
    );
  }

  async list({ prefix = '', after, limit, signal }: ListOptions): Promise<KeyPage> {
    return await this.#guard('list', prefix, { signal }, async ({ objects }) => {
      const keys: string[] = [];
      for await (const key of objects.keys(prefix, after)) {
        signal?.throwIfAborted();
        // What others have put there, such as the file system, is no file of the store.
        if (!isStorageKey(key)) continue;
        if (keys.length === limit) return { keys, more: true };
        keys.push(key);
      }
      return { keys, more: false };
    });
  }

  /** Deletes what dead processes have left, as it happens at opening and from time to time. Gives how many files. */
  async sweep(): Promise<number> {
    return await this.#guard('sweep', '', {}, folder => this.#sweep(folder));
  }

  async close(): Promise<void> {
    this.#isClosed = true;
    await this.#opening?.catch(() => undefined);
    this.#sweeper?.cancel();
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  /** Gives the temporary file its metadata and its place. */
  async #commit(
    key: string,
    file: FileHandle,
    temporary: string,
    bytes: number,
    finish: (current: ObjectInfo | undefined) => string | Promise<string>,
    signal: AbortSignal | undefined,
  ): Promise<ObjectInfo> {
    const { objects } = await this.#folder();
    const path = objects.pathOf(key);
    const id = idOf(this.#ids.next());
    return await this.#locks.run(key, async () => {
      for (let attempt = 0; attempt < maxAttempts; attempt += 1) {
        const current = await currentOf(objects, key);
        const metadata = requireMetadata(await passing(() => finish(current)));
        signal?.throwIfAborted();
        const envelope: Envelope = { id, generation: 0, bytes, key, metadata };
        await writeEnvelope(file, envelope);
        if (this.#syncs) await file.sync();
        await objects.makeParents(key);
        if (current === undefined ? await linked(temporary, path) : await renamed(temporary, path)) {
          await objects.syncParent(key);
          return infoOf(envelope);
        }
      }
      throw tooBusy(key);
    });
  }

  async #deleteVersion({ objects, temporary, prefix }: OpenedFolder, path: string, version: string): Promise<boolean> {
    const name = leavingName(prefix, this.#ids.next(), version);
    const taken = join(temporary, name);
    this.#inUse.add(name);
    try {
      return (await renamed(path, taken)) && (await endDeletion(objects, taken, version));
    } finally {
      this.#inUse.delete(name);
    }
  }

  async #withTemporary<Result>(
    doing: string,
    key: string,
    options: StrategyCallOptions,
    work: (file: FileHandle, path: string) => Promise<Result>,
  ): Promise<Result> {
    return await this.#guard(doing, key, options, async ({ temporary, prefix }) => {
      const name = prefix + this.#ids.next();
      const path = join(temporary, name);
      this.#inUse.add(name);
      try {
        const { O_RDWR, O_CREAT, O_EXCL, O_NOFOLLOW } = constants;
        const file = await open(path, O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW, 0o600);
        try {
          return await work(file, path);
        } finally {
          await file.close();
        }
      } finally {
        await unlink(path).catch(() => undefined);
        this.#inUse.delete(name);
      }
    });
  }

  /** Opens the folder first, and says of failures of the system what was to be done. */
  async #guard<Result>(
    doing: string,
    key: string,
    { signal }: StrategyCallOptions,
    work: (folder: OpenedFolder) => Promise<Result>,
  ): Promise<Result> {
    signal?.throwIfAborted();
    if (this.#isClosed) throw new RejectedError('Cannot use the storage: it was closed', 'closed');
    try {
      return await work(await this.#folder());
    } catch (error) {
      if (error instanceof Passing) throw error.reason;
      if (signal?.aborted && error === signal.reason) throw error;
      throw storageFailure(doing, key, error);
    }
  }

  #folder(): Promise<OpenedFolder> {
    this.#opening ??= this.#open().catch((error: unknown) => {
      this.#opening = undefined;
      throw error;
    });
    return this.#opening;
  }

  async #open(): Promise<OpenedFolder> {
    makeDirectory(this.#directory);
    const root = await realpath(this.#directory);
    const temporary = await ownFolder(join(root, 'temporary'));
    const objects = new LocalFolder(await ownFolder(join(root, 'objects')), this.#syncs);
    const folder = { objects, temporary, prefix: temporaryPrefix() };
    await this.#sweep(folder);
    this.#sweeper = this.#clock.setRepeatingTimer(this.#sweepIntervalMs, () => {
      void this.#sweep(folder).catch(() => undefined);
    });
    return folder;
  }

  async #sweep({ objects, temporary }: OpenedFolder): Promise<number> {
    return await sweepTemporaryFiles(temporary, {
      oldestMs: this.#clock.now() - this.#temporaryMaxAgeMs,
      isInUse: name => this.#inUse.has(name),
      endDeletion: (path, version) => endDeletion(objects, path, version),
    });
  }
}

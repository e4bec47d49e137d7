import { existsSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { type Clock, makeDirectory } from '../kernel/index.ts';
import { inspectFolder, unusable } from './cluster-folder.ts';
import { type EngineWorker, startEngineWorker } from './engine-worker.ts';
import { type ConnectionLostError, DatabaseFolderError } from './errors.ts';
import { acquireFolderLock, type FolderLock } from './folder-lock.ts';

/** How an {@link EmbeddedEngine} is started. */
export interface EmbeddedEngineOptions {
  /** The folder that holds everything of the database. @default in memory */
  readonly directory?: string | undefined;
  /** The clock of the folder's lock. */
  readonly clock: Clock;
  /** Called once when the engine dies without having been closed. */
  readonly onFailure: (error: ConnectionLostError) => void;
  /** Gives up starting. @default never */
  readonly signal?: AbortSignal | undefined;
}

/** PGlite in a worker thread, alone on its folder. */
export class EmbeddedEngine {
  readonly #worker: EngineWorker;
  readonly #lock: FolderLock | undefined;

  constructor(worker: EngineWorker, lock: FolderLock | undefined) {
    this.#worker = worker;
    this.#lock = lock;
  }

  /** Carries bytes of the PostgreSQL protocol to the engine and its answer back. */
  exchange(bytes: Uint8Array<ArrayBuffer>): Promise<Uint8Array> {
    return this.#worker.exchange(bytes);
  }

  /** Shuts the database down cleanly, ends the worker and gives the folder back. */
  async close(): Promise<void> {
    try {
      await this.#worker.close();
    } finally {
      this.#lock?.release();
    }
  }

  /** Ends the worker in the middle of whatever it does; the next start recovers, as after a crash. */
  async terminate(): Promise<void> {
    await this.#worker.terminate();
    this.#lock?.release();
  }
}

/**
 * Locks the folder, creates the cluster when there is none yet, and starts the engine.
 *
 * @throws {DatabaseLockedError} when the folder is in use.
 * @throws {DatabaseFolderError} when the folder cannot be used.
 */
export async function startEmbeddedEngine(options: EmbeddedEngineOptions): Promise<EmbeddedEngine> {
  const { clock, onFailure, signal } = options;
  if (options.directory === undefined) {
    return new EmbeddedEngine(await startEngineWorker({ directory: undefined }, onFailure, signal), undefined);
  }
  const directory = resolve(options.directory);
  const lock = await lockFolder(directory, clock, signal);
  try {
    return new EmbeddedEngine(await startOnFolder(directory, onFailure, signal), lock);
  } catch (error) {
    lock.release();
    throw error;
  }
}

async function lockFolder(directory: string, clock: Clock, signal?: AbortSignal): Promise<FolderLock> {
  try {
    makeDirectory(directory);
    return await acquireFolderLock(join(directory, 'lock'), directory, { clock, signal });
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException;
    if (code === undefined || !/^E[A-Z]+$/.test(code)) throw error;
    throw new DatabaseFolderError(`The database folder ${directory} cannot be written: ${message}`, directory, {
      cause: error,
    });
  }
}

async function startOnFolder(
  directory: string,
  onFailure: EmbeddedEngineOptions['onFailure'],
  signal?: AbortSignal,
): Promise<EngineWorker> {
  const { cluster, draft } = inspectFolder(directory);
  try {
    return await startEngineWorker({ directory: cluster, draft }, onFailure, signal);
  } catch (error) {
    signal?.throwIfAborted();
    const reason = existsSync(cluster)
      ? 'the database in it could not be opened and may be damaged'
      : 'a database could not be created in it';
    throw unusable(directory, reason, error);
  }
}

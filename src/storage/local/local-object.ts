import { createHash } from 'node:crypto';
import { type FileHandle, link, lstat, mkdir, realpath, rename, unlink } from 'node:fs/promises';
import { PlinthError } from '../../errors/index.ts';
import { CorruptFileError, StorageError } from '../errors.ts';
import type { ByteRange, ObjectInfo, OpenObject, ReadOptions } from '../storage-strategy.ts';
import { maxAttempts, tooBusy } from '../strategy-calls.ts';
import { readBlocks } from './block-files.ts';
import { contentOffset, type Envelope, infoOf, readEnvelope } from './local-envelope.ts';
import { codeOf, type LocalFolder, readEnvelopeAt } from './local-folder.ts';

/** An object that is being read. */
export class OpenFile implements OpenObject {
  readonly info: ObjectInfo;
  readonly #file: FileHandle;
  #closing: Promise<void> | undefined;

  constructor(file: FileHandle, envelope: Envelope) {
    this.#file = file;
    this.info = infoOf(envelope);
  }

  async *read(
    { start, end }: ByteRange = { start: 0, end: this.info.bytes },
    { reusesMemory = false }: ReadOptions = {},
  ): AsyncGenerator<Uint8Array, void> {
    const stop = Math.min(end, this.info.bytes);
    let left = stop - start;
    try {
      for await (const block of readBlocks(this.#file, contentOffset + start, contentOffset + stop, reusesMemory)) {
        left -= block.byteLength;
        yield block;
      }
    } catch (error) {
      throw storageFailure('read', this.info.key, error);
    }
    if (left > 0) throw new CorruptFileError(this.info.key, `its last ${left} bytes are missing`);
  }

  close(): Promise<void> {
    this.#closing ??= this.#file.close();
    return this.#closing;
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }
}

/** An error of the system as an error of the store; ours stay what they are. */
export function storageFailure(doing: string, key: string, error: unknown): unknown {
  if (error instanceof PlinthError) return error;
  const code = codeOf(error);
  if (code === undefined) return error;
  const what = key === '' ? 'the storage' : `"${key}"`;
  const reason = reasons[code] ?? 'the system refused it';
  const retryable = code === 'EMFILE' || code === 'ENFILE' || code === 'EAGAIN' || code === 'EBUSY';
  return new StorageError(`Cannot ${doing} ${what}: ${reason} (${code})`, {
    cause: error,
    retryable,
    details: { system_code: code },
  });
}

const reasons: Readonly<Record<string, string>> = Object.freeze({
  ENOENT: 'the folder of the store is not there any more; put it back, or restart',
  ENOSPC: 'the disk is full',
  EDQUOT: "the user's share of the disk is used up",
  EROFS: 'the file system cannot be written to',
  EACCES: 'the process may not do that in this folder',
  EPERM: 'the process may not do that in this folder, or its file system knows no hard links',
  ENOTSUP: 'the file system knows no hard links',
  EMFILE: 'too many files are open',
  EIO: 'the disk reports an error',
});

/** The envelope of an open file, checked. */
export async function requireEnvelope(file: FileHandle, key: string): Promise<Envelope> {
  const envelope = await readEnvelope(file);
  if (envelope === undefined) throw new CorruptFileError(key, 'its header cannot be read');
  if (envelope.key !== key) throw new CorruptFileError(key, `it was stored as "${envelope.key}"`);
  const { size } = await file.stat();
  const expected = contentOffset + envelope.bytes;
  if (size !== expected) throw new CorruptFileError(key, `it has ${size} bytes, where ${expected} were written`);
  return envelope;
}

/** What stands under a key. What cannot be read still stands there, so that it can be replaced. */
export async function currentOf(folder: LocalFolder, key: string): Promise<ObjectInfo | undefined> {
  const file = await folder.open(key);
  if (file === undefined) return undefined;
  try {
    const envelope = await readEnvelope(file);
    if (envelope !== undefined) return infoOf(envelope);
    const { size } = await file.stat();
    return { key, version: 'damaged', bytes: Math.max(0, size - contentOffset), metadata: '' };
  } finally {
    await file.close();
  }
}

/** Gives the file its name if nobody has it; says whether it did. */
export async function linked(temporary: string, path: string): Promise<boolean> {
  return await unlessCode(link(temporary, path), ['EEXIST', 'ENOENT']);
}

/** Puts the file in the place of another; says whether its folder was there. */
export async function renamed(temporary: string, path: string): Promise<boolean> {
  return await unlessCode(rename(temporary, path), ['ENOENT']);
}

/** Deletes a file; says whether it was there. */
export async function removed(path: string): Promise<boolean> {
  return await unlessCode(unlink(path), ['ENOENT']);
}

/**
 * Ends the deletion of one version, whose file was taken out of its place first: between a look at a file and a call that
 * changes it, another process may have put its own there. That one goes back, unless a newer one stands there by now.
 * Says whether it was the version that was meant.
 */
export async function endDeletion(folder: LocalFolder, taken: string, version: string): Promise<boolean> {
  const envelope = await readEnvelopeAt(taken);
  const isMeant = envelope === undefined || infoOf(envelope).version === version;
  if (!isMeant) await putBack(folder, taken, envelope.key);
  await unlink(taken);
  return isMeant;
}

async function putBack(folder: LocalFolder, taken: string, key: string): Promise<void> {
  for (let attempt = 0; attempt < maxAttempts; attempt += 1) {
    await folder.makeParents(key);
    if ((await linked(taken, folder.pathOf(key))) || (await currentOf(folder, key)) !== undefined) {
      return await folder.syncParent(key);
    }
  }
  throw tooBusy(key);
}

/** 16 bytes in hex out of any identifier. */
export function idOf(identifier: string): string {
  return createHash('sha256').update(identifier).digest('hex').slice(0, 32);
}

/** Makes a folder that nobody else may look into, and refuses a link in its place. */
export async function ownFolder(path: string): Promise<string> {
  await unlessCode(mkdir(path, { mode: 0o700 }), ['EEXIST']);
  if ((await lstat(path)).isDirectory()) return await realpath(path);
  throw new StorageError(`Cannot use the storage: ${path} is not a folder. Take it away, or use another directory`);
}

async function unlessCode(work: Promise<unknown>, codes: readonly string[]): Promise<boolean> {
  try {
    await work;
    return true;
  } catch (error) {
    if (codes.includes(codeOf(error) ?? '')) return false;
    throw error;
  }
}

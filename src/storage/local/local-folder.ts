import type { Dirent } from 'node:fs';
import { constants } from 'node:fs';
import { type FileHandle, mkdir, open, readdir, realpath, rmdir } from 'node:fs/promises';
import { join } from 'node:path';
import { StorageError } from '../errors.ts';
import { maxAttempts, tooBusy } from '../strategy-calls.ts';
import { type Envelope, readEnvelope } from './local-envelope.ts';
import { type LocalName, localPathOf, parseLocalName } from './local-path.ts';

/** The folder that the objects are in. It keeps to real folders of its own: links are not followed. */
export class LocalFolder {
  /** Without links. */
  readonly root: string;
  readonly #syncs: boolean;

  constructor(root: string, syncs: boolean) {
    this.root = root;
    this.#syncs = syncs;
  }

  /** Where the object of a key is, or would be. */
  pathOf(key: string): string {
    return join(this.root, ...localPathOf(key));
  }

  /**
   * Opens the file of a key for reading, or for changing it where it stands.
   *
   * @throws {StorageError} when there is something else than a file, or a folder above it is a link.
   */
  async open(key: string, access: 'read' | 'change' = 'read'): Promise<FileHandle | undefined> {
    const parts = localPathOf(key);
    if ((await this.#stateOf(parts.slice(0, -1))) === 'missing') return undefined;
    const mode = access === 'read' ? constants.O_RDONLY : constants.O_RDWR;
    const path = join(this.root, ...parts);
    const file = await open(path, mode | constants.O_NOFOLLOW | constants.O_NONBLOCK).catch((error: unknown) => {
      if (isMissing(error)) return undefined;
      if (codeOf(error) === 'ELOOP') throw foreign(path);
      throw error;
    });
    if (file === undefined) return undefined;
    if ((await file.stat()).isFile()) return file;
    await file.close();
    throw foreign(path);
  }

  /** Makes the folders above the file of a key. */
  async makeParents(key: string): Promise<void> {
    const parents = localPathOf(key).slice(0, -1);
    for (let attempt = 0; attempt < maxAttempts; attempt += 1) {
      if ((await this.#stateOf(parents)) === 'there' || (await this.#makeEach(parents))) return;
    }
    throw tooBusy(key);
  }

  /** Says whether each was made, or was there: an empty one may be taken away before the next one is in it. */
  async #makeEach(folders: readonly string[]): Promise<boolean> {
    for (let depth = 1; depth <= folders.length; depth += 1) {
      const path = folders.slice(0, depth);
      const outcome = await mkdir(join(this.root, ...path), { mode: 0o700 }).then(
        () => 'made',
        (error: unknown) => {
          if (codeOf(error) === 'EEXIST') return 'there';
          if (codeOf(error) === 'ENOENT' && depth > 1) return 'missing';
          throw error;
        },
      );
      if (outcome === 'missing') return false;
      await this.#stateOf(path);
      if (outcome === 'made') await this.sync(path.slice(0, -1));
    }
    return true;
  }

  /** Takes away the folders above a file that was deleted, as far as they are empty. */
  async prune(key: string): Promise<void> {
    const parents = localPathOf(key).slice(0, -1);
    for (let depth = parents.length; depth > 0; depth -= 1) {
      const isGone = await rmdir(join(this.root, ...parents.slice(0, depth))).then(
        () => true,
        () => false,
      );
      if (!isGone) return;
    }
  }

  /** Makes sure that what was changed in the folder above a key survives a power cut. */
  async syncParent(key: string): Promise<void> {
    await this.sync(localPathOf(key).slice(0, -1));
  }

  async sync(parts: readonly string[]): Promise<void> {
    if (!this.#syncs) return;
    const folder = await open(join(this.root, ...parts), constants.O_RDONLY).catch((error: unknown) => {
      // It was empty and somebody has taken it away, or the system does not open folders.
      if (codeOf(error) === 'ENOENT' || codeOf(error) === 'EISDIR' || codeOf(error) === 'EPERM') return undefined;
      throw error;
    });
    try {
      await folder?.sync();
    } finally {
      await folder?.close();
    }
  }

  /** The keys in the order of their bytes, beginning behind one of them. */
  async *keys(prefix: string, after: string | undefined): AsyncGenerator<string, void> {
    yield* this.#walk([], '', prefix, after === undefined ? undefined : Buffer.from(after));
  }

  async *#walk(
    parts: readonly string[],
    base: string,
    prefix: string,
    after: Buffer | undefined,
  ): AsyncGenerator<string, void> {
    for (const { key, bytes, name, isFolder } of await this.#entries(parts, base)) {
      if (!(isFolder ? key.startsWith(prefix) || prefix.startsWith(key) : key.startsWith(prefix))) continue;
      if (after !== undefined && Buffer.compare(bytes, after) <= 0) {
        const isAbove = isFolder && after.subarray(0, bytes.length).equals(bytes);
        if (!isAbove) continue;
      }
      if (isFolder) yield* this.#walk([...parts, name], key, prefix, after);
      else yield key;
    }
  }

  /** What is in a folder; the key of a folder ends with `/`, so that the order is that of the keys below it. */
  async #entries(parts: readonly string[], base: string): Promise<readonly Entry[]> {
    const entries: Entry[] = [];
    for (const entry of await this.#namesIn(parts)) {
      const parsed = parseLocalName(entry.name);
      // A link is neither a file nor a folder here.
      if (parsed === undefined || !(parsed.isFolder ? entry.isDirectory() : entry.isFile())) continue;
      const segment = parsed.segment ?? (await this.#cutSegment([...parts, entry.name], parsed));
      if (segment === undefined) continue;
      const key = base + segment + (parsed.isFolder ? '/' : '');
      entries.push({ key, bytes: Buffer.from(key), name: entry.name, isFolder: parsed.isFolder });
    }
    return entries.sort((one, other) => Buffer.compare(one.bytes, other.bytes));
  }

  /** The segment whose name was too long to be kept whole, from the header of the file or of any file below the folder. */
  async #cutSegment(parts: readonly string[], { isFolder }: LocalName): Promise<string | undefined> {
    const depth = parts.length - 1;
    const path = join(this.root, ...parts);
    if (!isFolder) return (await readEnvelopeAt(path))?.key.split('/')[depth];
    return (await this.#anyKey(parts))?.split('/')[depth];
  }

  async #anyKey(parts: readonly string[]): Promise<string | undefined> {
    for (const entry of await this.#namesIn(parts)) {
      if (parseLocalName(entry.name) === undefined) continue;
      const key = entry.isFile()
        ? (await readEnvelopeAt(join(this.root, ...parts, entry.name)))?.key
        : entry.isDirectory()
          ? await this.#anyKey([...parts, entry.name])
          : undefined;
      if (key !== undefined) return key;
    }
    return undefined;
  }

  /** A folder that somebody has taken away meanwhile has nothing in it. */
  async #namesIn(parts: readonly string[]): Promise<readonly Dirent[]> {
    return await readdir(join(this.root, ...parts), { withFileTypes: true }).catch((error: unknown) => {
      if (isMissing(error)) return [];
      throw error;
    });
  }

  /** @throws {StorageError} when one of the folders is a link or lies elsewhere. */
  async #stateOf(parts: readonly string[]): Promise<'there' | 'missing'> {
    if (parts.length === 0) return 'there';
    const path = join(this.root, ...parts);
    const real = await realpath(path).catch((error: unknown) => {
      if (isMissing(error)) return undefined;
      if (codeOf(error) === 'ELOOP') throw foreign(path);
      throw error;
    });
    if (real === undefined) return 'missing';
    if (real !== path) throw foreign(path);
    return 'there';
  }
}

interface Entry {
  readonly key: string;
  readonly bytes: Buffer;
  readonly name: string;
  readonly isFolder: boolean;
}

/** The envelope of the file at a path; `undefined` when it is gone, or none can be read. */
export async function readEnvelopeAt(path: string): Promise<Envelope | undefined> {
  const file = await open(path, constants.O_RDONLY | constants.O_NOFOLLOW).catch((error: unknown) => {
    if (isMissing(error) || codeOf(error) === 'ELOOP') return undefined;
    throw error;
  });
  try {
    return file === undefined ? undefined : await readEnvelope(file);
  } finally {
    await file?.close();
  }
}

function foreign(path: string): StorageError {
  return new StorageError(
    `Something in the folder of the store is not what the store has made: ${path} is a link or no plain file. ` +
      'Links are not followed. Take it away',
  );
}

function isMissing(error: unknown): boolean {
  const code = codeOf(error);
  return code === 'ENOENT' || code === 'ENOTDIR';
}

/** The system's code of an error, such as `ENOENT`; those of the platform's own errors are numbers and mean nothing here. */
export function codeOf(error: unknown): string | undefined {
  if (!(error instanceof Error && 'code' in error && typeof error.code === 'string')) return undefined;
  // Node knows no name for EDQUOT on Linux, where it is 122.
  return 'errno' in error && error.errno === -122 ? 'EDQUOT' : error.code;
}

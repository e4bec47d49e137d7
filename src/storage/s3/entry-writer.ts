import { ConfigurationError, NotFoundError, RateLimitError, UpstreamError } from '../../errors/index.ts';
import type { Ids } from '../../kernel/index.ts';
import { CorruptFileError } from '../errors.ts';
import type { KeyLocks } from '../key-locks.ts';
import type { ObjectInfo } from '../storage-strategy.ts';
import { maxAttempts, passing, requireMetadata, tooBusy } from '../strategy-calls.ts';
import type { ReplacedContents } from './replaced-contents.ts';
import { type Entry, type EntryNames, type FoundEntry, infoOf, infoOfFound } from './s3-entry.ts';
import { ConditionFailedError } from './s3-failure.ts';
import type { S3Requests } from './s3-requests.ts';
import { StagedContent } from './staged-content.ts';

/** What all writers of a strategy share. */
export interface EntryWriterParts {
  readonly ids: Ids;
  readonly names: EntryNames;
  readonly locks: KeyLocks;
  /** The contents that are being written. */
  readonly inUse: Set<string>;
  readonly replaced: ReplacedContents;
}

/** Changes entries: one writer after the other in this process, and on conditions that other processes keep, too. */
export class EntryWriter {
  readonly #requests: S3Requests;
  readonly #ids: Ids;
  readonly #names: EntryNames;
  readonly #locks: KeyLocks;
  readonly #inUse: Set<string>;
  readonly #replaced: ReplacedContents;

  constructor(requests: S3Requests, { ids, names, locks, inUse, replaced }: EntryWriterParts) {
    this.#requests = requests;
    this.#ids = ids;
    this.#names = names;
    this.#locks = locks;
    this.#inUse = inUse;
    this.#replaced = replaced;
  }

  /** A place for the next content of a key. */
  stage(key: string): StagedContent {
    const id = this.#ids.next();
    return new StagedContent(this.#requests, this.#inUse, { key, id, name: this.#names.content(key, id) });
  }

  /** Makes a content that was written the content of its key. */
  async commit(
    staged: StagedContent,
    finish: (current: ObjectInfo | undefined) => string | Promise<string>,
    signal: AbortSignal | undefined,
  ): Promise<ObjectInfo> {
    const { key, id: contentId, bytes = 0 } = staged;
    return await this.#locks.run(key, async () => {
      for (let attempt = 0; attempt < maxAttempts; attempt += 1) {
        const found = await this.#requests.readEntry(key, signal);
        const metadata = requireMetadata(await passing(() => finish(infoOfFound(key, found))));
        signal?.throwIfAborted();
        const entry: Entry = { key, contentId, revision: this.#ids.next(), bytes, metadata };
        if (await this.#name(staged, entry, found)) {
          const replaced = this.#contentOf(found);
          if (replaced !== undefined) await this.#replaced.add(this.#requests, replaced);
          return infoOf(entry);
        }
      }
      throw tooBusy(key);
    });
  }

  /** `undefined` when there is no such entry. */
  async changeMetadata(
    key: string,
    change: (current: ObjectInfo) => string | undefined | Promise<string | undefined>,
    signal: AbortSignal | undefined,
  ): Promise<ObjectInfo | undefined> {
    return await this.#locks.run(key, async () => {
      for (let attempt = 0; attempt < maxAttempts; attempt += 1) {
        const found = await this.#requests.readEntry(key, signal);
        if (found === undefined) return undefined;
        const entry = requireEntry(key, found);
        const metadata = await passing(() => change(infoOf(entry)));
        if (metadata === undefined) return infoOf(entry);
        signal?.throwIfAborted();
        const changed = { ...entry, metadata: requireMetadata(metadata), revision: this.#ids.next() };
        if (await this.#replace(changed, found)) return infoOf(changed);
      }
      throw tooBusy(key);
    });
  }

  /** Says whether it was there. */
  async remove(
    key: string,
    { version, signal }: { readonly version?: string | undefined; readonly signal?: AbortSignal | undefined },
  ): Promise<boolean> {
    return await this.#locks.run(key, async () => {
      let hasTried = false;
      for (let attempt = 0; attempt < maxAttempts; attempt += 1) {
        const found = await this.#requests.readEntry(key, signal);
        // An answer may have been lost and the request made again: then it was ours that has deleted it.
        if (found === undefined) return hasTried;
        if (version !== undefined && found.entry?.revision !== version) return false;
        signal?.throwIfAborted();
        hasTried = true;
        if (await holds(this.#requests.deleteEntry(key, found))) {
          const deleted = this.#contentOf(found);
          if (deleted !== undefined) await this.#requests.discardContent(deleted);
          return true;
        }
      }
      throw tooBusy(key);
    });
  }

  /** Gives a content to an entry: from then on it stays, unless it is certain that the entry was not written. */
  async #name(staged: StagedContent, entry: Entry, found: FoundEntry | undefined): Promise<boolean> {
    staged.isKept = true;
    try {
      staged.isKept = await this.#replace(entry, found);
    } catch (error) {
      staged.isKept = !isRefusal(error);
      throw error;
    }
    return staged.isKept;
  }

  /** Puts an entry in the place of the one that was found; says whether that was still there. */
  async #replace(entry: Entry, found: FoundEntry | undefined): Promise<boolean> {
    try {
      await this.#requests.writeEntry(entry, found);
      return true;
    } catch (error) {
      if (isRefusal(error)) throw error;
      // It may have been done all the same: an answer got lost, of this request or of one that was made before it.
      const current = await this.#requests.readEntry(entry.key).catch(() => {
        throw error;
      });
      if (current?.entry?.revision === entry.revision) return true;
      // Amazon does not find what was deleted since, rather than to say that it is another one.
      if (error instanceof ConditionFailedError || error instanceof NotFoundError) return false;
      throw error;
    }
  }

  #contentOf(found: FoundEntry | undefined): string | undefined {
    return found?.entry && this.#names.content(found.entry.key, found.entry.contentId);
  }
}

/** @throws {CorruptFileError} when what stands under the key is no entry. */
export function requireEntry(key: string, { entry }: FoundEntry): Entry {
  if (entry === undefined) throw new CorruptFileError(key, 'its entry cannot be read');
  return entry;
}

/** Whether a request was made, and not refused because what it depends on has changed. */
export async function holds(request: Promise<unknown>): Promise<boolean> {
  try {
    await request;
    return true;
  } catch (error) {
    if (error instanceof ConditionFailedError || error instanceof NotFoundError) return false;
    throw error;
  }
}

/** Whether an error says for certain that nothing was done. */
function isRefusal(error: unknown): boolean {
  if (error instanceof RateLimitError || error instanceof ConfigurationError) return true;
  return error instanceof UpstreamError && error.status < 500;
}

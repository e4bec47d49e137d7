import { NotFoundError, ValidationError } from '../errors/index.ts';
import type { FileType } from './content/file-types.ts';
import { type Descriptor, encodeDescriptor, type FileMetadata, requireUserMetadata } from './descriptor.ts';
import { FileTooLargeError } from './errors.ts';
import type { FileRemover } from './file-remover.ts';
import type { FileWriterParts } from './file-writer.ts';
import { KeyLocks } from './key-locks.ts';
import type { CopyFileOptions, FileCallOptions } from './options.ts';
import { requireReplaceable, standingOf } from './standing-file.ts';
import { extensionOf, requireStorageKey } from './storage-key.ts';
import type { ObjectInfo, StrategyCallOptions } from './storage-strategy.ts';
import { countedFileOf, requireDescriptor, type StoredFile, storedFileOf } from './stored-file.ts';
import { maxAttempts, tooBusy } from './strategy-calls.ts';

/** A file that was copied. */
interface CopiedFile {
  readonly file: StoredFile;
  readonly source: ObjectInfo;
  readonly copy: ObjectInfo;
  /** Whether something stood in the place of the copy. */
  readonly hasReplaced: boolean;
}

/** Makes something of files that are stored: copies, other keys, other metadata. */
export class FileEditor {
  readonly #parts: FileWriterParts;
  readonly #remover: FileRemover;
  readonly #moves = new KeyLocks();

  constructor(parts: FileWriterParts, remover: FileRemover) {
    this.#parts = parts;
    this.#remover = remover;
  }

  async copy(from: string, to: string, options: CopyFileOptions): Promise<StoredFile> {
    const { file } = await this.#copy(from, to, options, false);
    return file;
  }

  /** Copies, and deletes what was copied. What is not there any more then was not moved: somebody else had it. */
  async move(from: string, to: string, options: CopyFileOptions): Promise<StoredFile> {
    return await this.#moves.runAll([from, to], async () => {
      for (let attempt = 0; attempt < maxAttempts; attempt += 1) {
        const { file, source, copy, hasReplaced } = await this.#copy(from, to, options, true);
        if (await this.#remover.removeVersion(source, options)) return file;
        // What it has replaced may be the copy that another process has just made of the same source: then this is the last.
        if (!hasReplaced) await this.#remover.removeVersion(copy, {});
      }
      throw tooBusy(from);
    });
  }

  async setMetadata(key: string, metadata: FileMetadata, options: FileCallOptions): Promise<StoredFile> {
    const { cipher } = this.#parts;
    const accepted = requireUserMetadata(metadata);
    const changed = await this.#describe(key, options, descriptor => {
      if (options.owner !== undefined && descriptor.owner !== options.owner) throw new NotFoundError('File', key);
      return cipher.seal(key, { ...descriptor, metadata: accepted }, cipher.open(key, descriptor));
    });
    if (changed === undefined) throw new NotFoundError('File', key);
    return storedFileOf(changed.info, changed.descriptor);
  }

  /** Wraps the data key of a file under the current key; gives the name of the key before, if it was another. */
  async rewrap(key: string, options: StrategyCallOptions): Promise<string | undefined> {
    const { cipher } = this.#parts;
    let previousKeyId: string | undefined;
    await this.#describe(key, options, descriptor => {
      const keyId = descriptor.encryption?.keyId;
      previousKeyId = keyId === cipher.currentKeyId ? undefined : keyId;
      return previousKeyId === undefined ? undefined : cipher.seal(key, descriptor, cipher.open(key, descriptor));
    });
    return previousKeyId;
  }

  /** Changes the description of a file alone, or leaves it. `undefined` when there is no such file. */
  async #describe(
    key: string,
    { signal }: StrategyCallOptions,
    change: (descriptor: Descriptor) => Descriptor | undefined,
  ): Promise<{ readonly info: ObjectInfo; readonly descriptor: Descriptor } | undefined> {
    const { strategy, changes } = this.#parts;
    let descriptor: Descriptor | undefined;
    const info = await changes.run(key, { signal }, async running => {
      const changed = await strategy.updateMetadata(
        key,
        current =>
          running.from(current, () => {
            const standing = requireDescriptor(current);
            const next = change(standing);
            descriptor = next ?? standing;
            return next && encodeDescriptor(next);
          }),
        { signal },
      );
      running.done(changed);
      return changed;
    });
    return info && descriptor && { info, descriptor };
  }

  async #copy(from: string, to: string, options: CopyFileOptions, isMove: boolean): Promise<CopiedFile> {
    const { finder, strategy, ledger, changes, types } = this.#parts;
    requireStorageKey(from);
    const type = types.require(requireStorageKey(to), undefined);
    const { signal } = options;
    const found = await finder.find(from, options.owner, options);
    if (found === undefined) throw new NotFoundError('File', from);
    const { owner, bytes } = found.file;
    const target = { key: to, owner, ifAbsent: options.ifAbsent ?? false };
    const replaced = isMove || !ledger.hasQuotas ? undefined : await finder.find(to, owner, options);
    const reservation = await ledger.reserve({ key: to, owner, standing: replaced?.file, bytes, isMove, signal });
    return await changes.run(to, { signal, reservation }, async change => {
      let copied: (Omit<CopiedFile, 'file' | 'copy'> & { readonly descriptor: Descriptor }) | undefined;
      const decide = (source: ObjectInfo, current: ObjectInfo | undefined): string => {
        const descriptor = this.#describeCopy(source, type, options.owner, target);
        const standing = standingOf(current);
        if (standing !== undefined) requireReplaceable(standing.descriptor, target);
        reservation?.fit(descriptor.bytes, current && countedFileOf(current));
        copied = { source, descriptor, hasReplaced: current !== undefined };
        return encodeDescriptor(descriptor);
      };
      const copy = await strategy.copy(from, to, {
        signal,
        finish: (source, current) => change.from(current, () => decide(source, current)),
      });
      if (copy === undefined || copied === undefined) throw new NotFoundError('File', from);
      change.done(copy);
      const { descriptor, ...rest } = copied;
      return { ...rest, file: storedFileOf(copy, descriptor), copy };
    });
  }

  #describeCopy(
    source: ObjectInfo,
    type: FileType,
    owner: string | undefined,
    target: { readonly key: string; readonly owner: string | undefined },
  ): Descriptor {
    const { cipher, clock, maxFileBytes } = this.#parts;
    const descriptor = requireDescriptor(source);
    const isChanged = descriptor.owner !== target.owner || (owner !== undefined && descriptor.owner !== owner);
    if (isChanged) throw new NotFoundError('File', source.key);
    if (descriptor.bytes > maxFileBytes) throw new FileTooLargeError(maxFileBytes);
    if (descriptor.contentType !== type.contentType) {
      throw new ValidationError(
        `Cannot give a file of the type ${descriptor.contentType} the extension ${extensionOf(target.key)}`,
        { to: `Expected an extension of ${descriptor.contentType}` },
      );
    }
    const createdAtMs = Math.floor(clock.now());
    const plain = { ...descriptor, createdAtMs, idempotency: undefined };
    const dataKey = cipher.open(source.key, descriptor);
    return dataKey === undefined ? plain : cipher.seal(target.key, plain, dataKey);
  }
}

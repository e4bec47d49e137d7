/** What a strategy knows of an object without reading its content. */
export interface ObjectInfo {
  readonly key: string;
  /** Changes whenever content or metadata change; two writes of the same bytes have different versions. */
  readonly version: string;
  /** Length of the content in bytes. */
  readonly bytes: number;
  /** The text that was written with the content. */
  readonly metadata: string;
}

/** Part of a content, as `slice` takes it. */
export interface ByteRange {
  /** First byte, counted from 0. */
  readonly start: number;
  /** The byte after the last one. What lies behind the end of the content is left out. */
  readonly end: number;
}

/** What every call of a strategy may be given. */
export interface StrategyCallOptions {
  /** Gives up, and leaves nothing behind. @default none */
  readonly signal?: AbortSignal | undefined;
}

/** How a content is read. */
export interface ReadOptions {
  /**
   * Whether a chunk need only stay as it is until the next one is asked for: memory may be used again then, or not.
   * @default false
   */
  readonly reusesMemory?: boolean | undefined;
}

/** An object as it was when it was opened: what others write later does not mix with it. */
export interface OpenObject extends AsyncDisposable {
  readonly info: ObjectInfo;
  /**
   * The content or a part of it, in chunks that the caller may keep unless he says otherwise. To be called once.
   *
   * @throws {StorageError} while it is read, when the version that was opened is not there any more.
   */
  read(range?: ByteRange, options?: ReadOptions): AsyncIterable<Uint8Array>;
  /** Lets go of it, read or not. May be called twice. */
  close(): Promise<void>;
}

/** How an object is written. */
export interface PutOptions extends StrategyCallOptions {
  /**
   * Asked once the content has ended, with what stands under the key at that moment: gives the metadata, or throws, and
   * then nothing is changed. If somebody else changes the key meanwhile it is asked again. Between the last answer and the
   * change nobody else who uses the same strategy object changes the key.
   */
  readonly finish: (current: ObjectInfo | undefined, bytes: number) => string | Promise<string>;
}

/** How an object is copied. */
export interface CopyOptions extends StrategyCallOptions {
  /** As in {@link PutOptions}: gives the metadata of the copy, or throws. */
  readonly finish: (source: ObjectInfo, current: ObjectInfo | undefined) => string | Promise<string>;
}

/** Which keys are listed. */
export interface ListOptions extends StrategyCallOptions {
  /** What the keys begin with; it need not end at a `/`. @default '' */
  readonly prefix?: string | undefined;
  /** Only keys behind this one. It need not exist. @default none */
  readonly after?: string | undefined;
  /** How many keys at most, 1 to 1,000. */
  readonly limit: number;
}

/** Some keys, in the order of their UTF-8 bytes. */
export interface KeyPage {
  readonly keys: readonly string[];
  /** Whether there are more behind the last one. */
  readonly more: boolean;
}

/** What a URL that a store signs itself is good for. */
export interface DirectUrlOptions {
  readonly expiresInMs: number;
  /** The content type that the store shall answer with. */
  readonly contentType: string;
  /** The name under which browsers save the file. */
  readonly filename: string;
}

/**
 * Where objects are kept: a folder, a bucket. A strategy knows keys, bytes and one line of metadata; names, types, sizes,
 * quotas, compression and encryption are the affair of `FileStorageManager`. To write one, run `storageStrategyContract`
 * of `plinth/testing` against it.
 *
 * Keys have passed `requireStorageKey`: relative, in Unicode NFC, segments of up to 255 bytes separated by `/`, no control
 * characters, 900 bytes in all. Keys that differ in case are different keys, and so are `a` and `a/b`. Metadata is printable
 * ASCII of up to 2,000 characters. Whatever fails in a store rejects with a `StorageError`.
 */
export interface StorageStrategy extends AsyncDisposable {
  /**
   * Writes content and metadata in one step: others see what was there before, or all of it. When the content fails, the
   * signal aborts or the process dies, what was there before stands. Chunks must not be changed after they were given.
   */
  put(key: string, content: AsyncIterable<Uint8Array>, options: PutOptions): Promise<ObjectInfo>;
  /** Opens the object of a key, if there is one. */
  open(key: string, options?: StrategyCallOptions): Promise<OpenObject | undefined>;
  /** Copies content under another key, in one step as {@link put}. `undefined` when there is nothing to copy. */
  copy(from: string, to: string, options: CopyOptions): Promise<ObjectInfo | undefined>;
  /**
   * Replaces the metadata alone, without rewriting the content where the store can. `change` gives the new metadata, or
   * `undefined` to leave it; asked again if somebody else was faster. `undefined` when there is no such object.
   */
  updateMetadata(
    key: string,
    change: (current: ObjectInfo) => string | undefined | Promise<string | undefined>,
    options?: StrategyCallOptions,
  ): Promise<ObjectInfo | undefined>;
  /** Deletes an object, only in this version if one is given; says whether it was there. */
  delete(key: string, options?: StrategyCallOptions & { readonly version?: string | undefined }): Promise<boolean>;
  /** Lists keys. One that comes or goes meanwhile may be missed, any other may not. */
  list(options: ListOptions): Promise<KeyPage>;
  /** A URL under which the store itself gives the content, byte for byte as it is kept; if it can do that. */
  signUrl?(key: string, options: DirectUrlOptions): Promise<string>;
  /** Lets go of what the strategy has opened itself. May be called twice. */
  close(): Promise<void>;
}

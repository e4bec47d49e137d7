/** What a `FileStorageManager` tells. Reads are not told one by one. */
export interface StorageEvents {
  /** A file was written, or an upload was repeated and found to be there already. */
  readonly saved: {
    readonly key: string;
    readonly owner: string | undefined;
    readonly bytes: number;
    readonly storedBytes: number;
    readonly durationMs: number;
    readonly replaced: boolean;
    readonly repeated: boolean;
  };
  /** An upload was not accepted, or failed; nothing of it is left. */
  readonly refused: {
    readonly filename: string;
    readonly owner: string | undefined;
    /** The code of the error, such as `VALIDATION_ERROR`. */
    readonly code: string;
    readonly error: unknown;
  };
  /** The application keeps other metadata with a file. */
  readonly described: { readonly key: string; readonly owner: string | undefined };
  /** A file was deleted. Of a damaged one the owner is not told, and no length. */
  readonly deleted: { readonly key: string; readonly owner: string | undefined; readonly bytes: number };
  /** A file has the content of another one now. */
  readonly copied: { readonly from: string; readonly to: string; readonly moved: boolean };
  /** A file was read, and is not what was written. */
  readonly corrupt: { readonly key: string; readonly error: unknown };
  /** The data key of a file was wrapped anew. */
  readonly rewrapped: { readonly key: string; readonly keyId: string; readonly previousKeyId: string };
}

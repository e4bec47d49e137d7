import type { S3Requests } from './s3-requests.ts';

/** A content that no entry names yet. It is deleted again unless it was, or may have been, given to one. */
export class StagedContent implements AsyncDisposable {
  readonly key: string;
  readonly id: string;
  readonly name: string;
  readonly #requests: S3Requests;
  readonly #inUse: Set<string>;
  /** Its length, once it is in the bucket. */
  bytes: number | undefined = undefined;
  /** Whether an entry names it, or whether nobody can say. */
  isKept = false;

  constructor(
    requests: S3Requests,
    inUse: Set<string>,
    { key, id, name }: { readonly key: string; readonly id: string; readonly name: string },
  ) {
    this.#requests = requests;
    this.#inUse = inUse;
    this.key = key;
    this.id = id;
    this.name = name;
    inUse.add(name);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (this.bytes !== undefined && !this.isKept) await this.#requests.discardContent(this.name);
    this.#inUse.delete(this.name);
  }
}

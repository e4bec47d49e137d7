import { Writable } from 'node:stream';

/** Takes the body of one response, and keeps it once it is complete, unless it is too large or was deleted meanwhile. */
export class ResponseWriter extends Writable {
  readonly #maxBytes: number;
  readonly #keep: (writer: ResponseWriter) => Promise<void>;
  #chunks: Uint8Array[] = [];
  #bytes = 0;
  #isDropped = false;

  constructor(maxBytes: number, keep: (writer: ResponseWriter) => Promise<void>) {
    super();
    this.#maxBytes = maxBytes;
    this.#keep = keep;
  }

  /** Whether nothing is to be kept. */
  get isDropped(): boolean {
    return this.#isDropped;
  }

  /** The body. */
  get body(): Uint8Array {
    const body = new Uint8Array(this.#bytes);
    let offset = 0;
    for (const chunk of this.#chunks) {
      body.set(chunk, offset);
      offset += chunk.byteLength;
    }
    return body;
  }

  /** Nothing is kept, whatever still comes: whoever writes need not know. */
  drop(): void {
    this.#isDropped = true;
    this.#chunks = [];
  }

  override _write(chunk: Uint8Array, _encoding: string, done: () => void): void {
    this.#bytes += chunk.byteLength;
    if (this.#bytes > this.#maxBytes) this.drop();
    else if (!this.#isDropped) this.#chunks.push(chunk);
    done();
  }

  override _final(done: () => void): void {
    const kept = this.#isDropped ? Promise.resolve() : this.#keep(this);
    // Whoever reads the response does not care whether it could be kept, and an error that nobody listens to ends the process.
    kept.then(
      () => done(),
      () => done(),
    );
  }
}

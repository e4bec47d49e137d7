import type { Clock } from '../kernel/index.ts';
import type { StoredFile } from './stored-file.ts';

/** How many files are remembered at most. */
const maxFiles = 1_000;

/**
 * Remembers what is known of files for a time: those that were asked for last. What is read while something changes is not
 * remembered, because nobody can say from which side of the change it is.
 */
export class InfoMemory {
  readonly #ttlMs: number;
  readonly #clock: Clock;
  readonly #files = new Map<string, { readonly file: StoredFile; readonly untilMs: number }>();
  #changes = 0;

  /** With a `ttlMs` of 0 it remembers nothing. */
  constructor(ttlMs: number, clock: Clock) {
    this.#ttlMs = ttlMs;
    this.#clock = clock;
  }

  /** The file, if it is remembered; otherwise what `find` gives. */
  async through(key: string, find: () => Promise<StoredFile | undefined>): Promise<StoredFile | undefined> {
    if (this.#ttlMs === 0) return await find();
    const known = this.#files.get(key);
    if (known !== undefined && known.untilMs > this.#clock.monotonic()) {
      this.#keep(key, known);
      return copyOf(known.file);
    }
    const changes = this.#changes;
    const askedMs = this.#clock.monotonic();
    const file = await find();
    if (file !== undefined && changes === this.#changes) {
      this.#keep(key, { file: copyOf(file), untilMs: askedMs + this.#ttlMs });
    }
    return file;
  }

  /** To be told of every change, when it has been made or may have been. */
  forget(key: string): void {
    this.#changes += 1;
    this.#files.delete(key);
  }

  #keep(key: string, entry: { readonly file: StoredFile; readonly untilMs: number }): void {
    this.#files.delete(key);
    this.#files.set(key, entry);
    if (this.#files.size <= maxFiles) return;
    for (const oldest of this.#files.keys()) {
      this.#files.delete(oldest);
      return;
    }
  }
}

/** Everybody gets an object of his own; only the metadata are the same, and frozen. */
function copyOf(file: StoredFile): StoredFile {
  return { ...file, createdAt: new Date(file.createdAt) };
}

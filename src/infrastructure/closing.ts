import { RejectedError } from '../errors/index.ts';

/** Something that has to be closed. */
interface Closeable {
  close(): Promise<void> | void;
}

/** Something that was opened and must be closed. */
interface Opened extends Closeable {
  readonly name: string;
}

/**
 * What has been opened, in order. Closing runs in the reverse order and goes on when one part fails, so that nothing
 * is left open because something else broke. Once it has begun, nothing can be opened any more.
 */
export class ClosingOrder {
  readonly #opened: Opened[] = [];
  #isClosing = false;
  #closing: Promise<readonly unknown[]> | undefined;

  /**
   * Remembers how to close something that has just been opened.
   *
   * @throws {RejectedError} when closing has begun: it would stay open for ever.
   */
  add(name: string, close: () => Promise<void> | void): void {
    this.#requireOpen(name);
    this.#opened.push({ name, close });
  }

  /** Keeps a part that was opened, to be closed in its turn, and gives it back. Errors are those of {@link add}. */
  keep<Part extends Closeable>(name: string, part: Part): Part {
    this.add(name, () => part.close());
    return part;
  }

  /** Opens a part and keeps it. When closing began meanwhile, it is closed at once. Errors are those of {@link add}. */
  async open<Part extends Closeable>(name: string, opening: () => Promise<Part>): Promise<Part> {
    this.#requireOpen(name);
    const part = await opening();
    if (!this.#isClosing) return this.keep(name, part);
    await part.close();
    throw closedError(name);
  }

  /** The names in the order in which they will be closed. */
  get order(): readonly string[] {
    return this.#opened.map(({ name }) => name).reverse();
  }

  /** Closes everything, once. Gives back the errors on the way. */
  close(): Promise<readonly unknown[]> {
    this.#isClosing = true;
    this.#closing ??= this.#closeAll();
    return this.#closing;
  }

  #requireOpen(name: string): void {
    if (this.#isClosing) throw closedError(name);
  }

  async #closeAll(): Promise<readonly unknown[]> {
    const errors: unknown[] = [];
    for (const part of this.#opened.toReversed()) {
      try {
        await part.close();
      } catch (error) {
        errors.push(error);
      }
    }
    return errors;
  }
}

function closedError(name: string): RejectedError {
  return new RejectedError(`Cannot open "${name}": the infrastructure is closed, or about to be`, 'closed');
}

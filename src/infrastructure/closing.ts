/** Something that was opened and must be closed. */
interface Opened {
  readonly name: string;
  readonly close: () => Promise<void> | void;
}

/**
 * What has been opened, in order. Closing runs in the reverse order and goes on when one part fails, so that nothing
 * is left open because something else broke.
 */
export class ClosingOrder {
  readonly #opened: Opened[] = [];
  #closing: Promise<readonly unknown[]> | undefined;

  /** Remembers how to close something that has just been opened. */
  add(name: string, close: () => Promise<void> | void): void {
    this.#opened.push({ name, close });
  }

  /** Keeps a part that was opened, to be closed in its turn, and gives it back. */
  keep<Part extends { close(): Promise<void> | void }>(name: string, part: Part): Part {
    this.add(name, () => part.close());
    return part;
  }

  /** The names in the order in which they will be closed. */
  get order(): readonly string[] {
    return this.#opened.map(({ name }) => name).reverse();
  }

  /** Closes everything, once. Gives back the errors on the way. */
  close(): Promise<readonly unknown[]> {
    this.#closing ??= this.#closeAll();
    return this.#closing;
  }

  async #closeAll(): Promise<readonly unknown[]> {
    const errors: unknown[] = [];
    for (const { close } of this.#opened.toReversed()) {
      try {
        await close();
      } catch (error) {
        errors.push(error);
      }
    }
    return errors;
  }
}

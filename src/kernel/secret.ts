import { inspect } from 'node:util';

const hidden = '[secret]';

/**
 * A value that must not be shown. It prints as `[secret]` in logs, JSON, templates and debuggers; only {@link reveal}
 * gives it away, so that every use can be found by searching for one word.
 *
 * @example
 * const key = new Secret('sk-123');
 * `${key}`; // '[secret]'
 * key.reveal(); // 'sk-123'
 */
export class Secret {
  readonly #value: string;

  static {
    // Not written as a method: its name would be computed, which declarations cannot say.
    Object.defineProperty(Secret.prototype, inspect.custom, { value: () => hidden });
  }

  constructor(value: string) {
    this.#value = value;
  }

  /** The value itself. */
  reveal(): string {
    return this.#value;
  }

  toString(): string {
    return hidden;
  }

  toJSON(): string {
    return hidden;
  }
}

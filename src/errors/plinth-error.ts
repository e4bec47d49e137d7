/** What every error of the toolkit may carry besides its message. */
export interface ErrorOptions {
  /** The error that led to this one. */
  readonly cause?: unknown;
  /** Whether the same call may succeed if it is made again. @default depends on the class */
  readonly retryable?: boolean;
  /** How long to wait before the call is made again, in milliseconds. @default none */
  readonly retryAfterMs?: number;
  /** Facts about the error: identifiers, sizes, names. Never secrets or parameters. @default {} */
  readonly details?: Readonly<Record<string, unknown>>;
}

/**
 * The base of every error that Plinth throws. `code` is stable and meant for programs, `message` is meant for people,
 * and everything worth knowing is a field: nothing has to be parsed out of the message.
 *
 * Errors know nothing of HTTP: the server room alone maps codes to statuses.
 *
 * @example
 * try {
 *   await client.getJson('/drug/drugsfda.json');
 * } catch (error) {
 *   if (error instanceof PlinthError && error.retryable) await clock.sleep(error.retryAfterMs ?? 1_000);
 * }
 */
export class PlinthError extends Error {
  /** Stable identifier in capitals, such as `NOT_FOUND`. */
  readonly code: string;
  /** Whether the same call may succeed if it is made again. */
  readonly retryable: boolean;
  /** How long to wait before the call is made again, in milliseconds. */
  readonly retryAfterMs: number | undefined;
  /** Facts about the error. */
  readonly details: Readonly<Record<string, unknown>>;

  constructor(message: string, code: string, options: ErrorOptions = {}) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause });
    this.name = new.target.name;
    this.code = code;
    this.retryable = options.retryable ?? false;
    this.retryAfterMs = options.retryAfterMs;
    this.details = Object.freeze({ ...options.details });
  }

  /** The error as plain data for logs and wires: no stack and no cause. */
  toJSON(): ErrorRecord {
    return {
      name: this.name,
      code: this.code,
      message: this.message,
      retryable: this.retryable,
      ...(this.retryAfterMs === undefined ? {} : { retryAfterMs: this.retryAfterMs }),
      ...(Object.keys(this.details).length === 0 ? {} : { details: this.details }),
    };
  }
}

/** An error as plain data. */
export interface ErrorRecord {
  readonly name: string;
  readonly code: string;
  readonly message: string;
  readonly retryable: boolean;
  readonly retryAfterMs?: number;
  readonly details?: Readonly<Record<string, unknown>>;
}

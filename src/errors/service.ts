import { type ErrorOptions, PlinthError } from './plinth-error.ts';

/** A service could not do what it was asked to. The more precise errors of this file extend it. */
export class ServiceError extends PlinthError {
  constructor(message: string, code = 'SERVICE_ERROR', options: ErrorOptions = {}) {
    super(message, code, options);
  }
}

/**
 * The thing asked for does not exist, or the caller may not know that it does.
 *
 * @example
 * throw new NotFoundError('User', 'user-456');
 */
export class NotFoundError extends ServiceError {
  /** What kind of thing, such as `User`. */
  readonly resourceType: string;
  /** Its identifier as it was asked for. */
  readonly resourceId: string;

  constructor(resourceType: string, resourceId: string | number, options: ErrorOptions = {}) {
    super(`${resourceType} not found`, 'NOT_FOUND', {
      ...options,
      details: { resource_type: resourceType, resource_id: String(resourceId), ...options.details },
    });
    this.resourceType = resourceType;
    this.resourceId = String(resourceId);
  }
}

/**
 * Input was understood but is not acceptable.
 *
 * @example
 * throw new ValidationError('Invalid user data', { email: 'Invalid email format' });
 */
export class ValidationError extends ServiceError {
  /** What is wrong, by field. */
  readonly fieldErrors: Readonly<Record<string, string>>;

  constructor(message: string, fieldErrors: Readonly<Record<string, string>> = {}, options: ErrorOptions = {}) {
    super(message, 'VALIDATION_ERROR', {
      ...options,
      details: { field_errors: { ...fieldErrors }, ...options.details },
    });
    this.fieldErrors = Object.freeze({ ...fieldErrors });
  }
}

/**
 * A thing with the same unique field exists already. The value is kept out of the message and the details, because it
 * may be personal; it is a field for the code that catches the error.
 *
 * @example
 * throw new DuplicateError('User', 'email', 'user@example.com');
 */
export class DuplicateError extends ServiceError {
  /** What kind of thing, such as `User`. */
  readonly resourceType: string;
  /** The field that must be unique. */
  readonly field: string;

  /** The value that exists already. Not enumerable, so that it does not reach logs. */
  declare readonly value: unknown;

  constructor(resourceType: string, field: string, value?: unknown, options: ErrorOptions = {}) {
    super(`${resourceType} with this ${field} exists already`, 'DUPLICATE', {
      ...options,
      details: { resource_type: resourceType, field, ...options.details },
    });
    this.resourceType = resourceType;
    this.field = field;
    Object.defineProperty(this, 'value', { value, enumerable: false });
  }
}

/** One thing that is wrong with the configuration. */
export interface ConfigurationProblem {
  /** The variable or path that holds the value. */
  readonly name: string;
  /** What was expected, and what was found, in one sentence. */
  readonly message: string;
  /** Where the value came from: `environment`, `.env`, a file's path, `default`, `explicit`. */
  readonly origin?: string;
}

/** The configuration cannot be used. Carries every problem at once, not only the first. */
export class ConfigurationError extends PlinthError {
  /** All problems found. */
  readonly problems: readonly ConfigurationProblem[];

  constructor(message: string, problems: readonly ConfigurationProblem[] = [], options: ErrorOptions = {}) {
    const lines = problems.map(
      problem => `  - ${problem.name}: ${problem.message}${problem.origin ? ` (from ${problem.origin})` : ''}`,
    );
    super([message, ...lines].join('\n'), 'CONFIGURATION_ERROR', options);
    this.problems = Object.freeze([...problems]);
  }
}

/** An argument or option is unusable: a mistake of the programmer, found at construction. */
export class ArgumentError extends PlinthError {
  /** The option or argument. */
  readonly argument: string;

  constructor(message: string, argument: string, options: ErrorOptions = {}) {
    super(message, 'INVALID_ARGUMENT', options);
    this.argument = argument;
  }
}

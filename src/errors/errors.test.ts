import { inspect } from 'node:util';
import { describe, expect, it } from 'vitest';
import * as door from './index.ts';
import {
  ArgumentError,
  CacheError,
  ConfigurationError,
  DuplicateError,
  type ErrorOptions,
  FailedError,
  NetworkError,
  NotFoundError,
  PlinthError,
  RateLimitError,
  RejectedError,
  type RejectionReason,
  ScraperError,
  ServiceError,
  TimeoutError,
  UpstreamError,
  ValidationError,
} from './index.ts';

interface Example {
  readonly name: string;
  readonly code: string;
  readonly family: typeof FailedError | typeof RejectedError | typeof ServiceError | typeof PlinthError;
  readonly retryable: boolean;
  readonly make: (options?: ErrorOptions) => PlinthError;
}

const examples: readonly Example[] = [
  {
    name: 'PlinthError',
    code: 'SOME_CODE',
    family: PlinthError,
    retryable: false,
    make: options => new PlinthError('m', 'SOME_CODE', options),
  },
  {
    name: 'RejectedError',
    code: 'CIRCUIT_OPEN',
    family: RejectedError,
    retryable: false,
    make: options => new RejectedError('m', 'open', options),
  },
  {
    name: 'FailedError',
    code: 'DEPENDENCY_FAILED',
    family: FailedError,
    retryable: false,
    make: options => new FailedError('m', undefined, options),
  },
  {
    name: 'NetworkError',
    code: 'NETWORK_ERROR',
    family: FailedError,
    retryable: true,
    make: options => new NetworkError('m', options),
  },
  {
    name: 'TimeoutError',
    code: 'TIMEOUT',
    family: FailedError,
    retryable: true,
    make: options => new TimeoutError('m', 5, options),
  },
  {
    name: 'RateLimitError',
    code: 'RATE_LIMITED',
    family: FailedError,
    retryable: true,
    make: options => new RateLimitError('m', options),
  },
  {
    name: 'UpstreamError',
    code: 'UPSTREAM_ERROR',
    family: FailedError,
    retryable: false,
    make: options => new UpstreamError('m', 501, options),
  },
  {
    name: 'ScraperError',
    code: 'SCRAPER_ERROR',
    family: FailedError,
    retryable: false,
    make: options => new ScraperError('m', options),
  },
  {
    name: 'CacheError',
    code: 'CACHE_ERROR',
    family: FailedError,
    retryable: true,
    make: options => new CacheError('m', options),
  },
  {
    name: 'ServiceError',
    code: 'SERVICE_ERROR',
    family: ServiceError,
    retryable: false,
    make: options => new ServiceError('m', undefined, options),
  },
  {
    name: 'NotFoundError',
    code: 'NOT_FOUND',
    family: ServiceError,
    retryable: false,
    make: options => new NotFoundError('User', 7, options),
  },
  {
    name: 'ValidationError',
    code: 'VALIDATION_ERROR',
    family: ServiceError,
    retryable: false,
    make: options => new ValidationError('m', {}, options),
  },
  {
    name: 'DuplicateError',
    code: 'DUPLICATE',
    family: ServiceError,
    retryable: false,
    make: options => new DuplicateError('User', 'email', 'a@b.c', options),
  },
  {
    name: 'ConfigurationError',
    code: 'CONFIGURATION_ERROR',
    family: PlinthError,
    retryable: false,
    make: options => new ConfigurationError('m', [], options),
  },
  {
    name: 'ArgumentError',
    code: 'INVALID_ARGUMENT',
    family: PlinthError,
    retryable: false,
    make: options => new ArgumentError('m', 'x', options),
  },
];

describe('errors', () => {
  it('are all in the table of this test', () => {
    const classes = Object.entries(door).filter(([, value]) => typeof value === 'function');
    expect(examples.map(({ name }) => name).sort()).toEqual(classes.map(([name]) => name).sort());
  });

  it.each(examples)('$name has its code, name and family, and keeps its cause', ({ name, code, family, make }) => {
    const cause = new TypeError('the reason');
    const error = make({ cause });
    expect(error).toBeInstanceOf(PlinthError);
    expect(error).toBeInstanceOf(family);
    expect(error).toMatchObject({ name, code, cause });
    expect(String(error)).toBe(`${name}: ${error.message}`);
    if (error instanceof RejectedError) expect(error.stack).toBe(String(error));
    else expect(error.stack).toContain('errors.test.ts');
    expect('cause' in make()).toBe(false);
  });

  it.each(examples)('$name says whether a retry may help, and lets the thrower decide', ({ retryable, make }) => {
    expect(make().retryable).toBe(retryable);
    expect(make({ retryable: true }).retryable).toBe(true);
    expect(make({ retryable: false, retryAfterMs: 5 })).toMatchObject({ retryable: false, retryAfterMs: 5 });
  });

  it.each(examples)('$name is plain data in JSON: no stack, no cause', ({ name, code, retryable, make }) => {
    const error = make({ cause: new TypeError('inner'), retryAfterMs: 9, details: { rows: 3 } });
    const text = JSON.stringify(error);
    const record = JSON.parse(text);
    expect(record).toMatchObject({ name, code, message: error.message, retryable, retryAfterMs: 9 });
    expect(record.details).toMatchObject({ rows: 3 });
    expect(Object.keys(record).sort()).toEqual(['code', 'details', 'message', 'name', 'retryAfterMs', 'retryable']);
    expect(text).not.toMatch(/inner|errors\.test/);
  });

  it.each(examples)('$name has frozen details of its own', ({ make }) => {
    const details = { rows: 3 };
    const error = make({ details });
    details.rows = 4;
    expect(error.details).toMatchObject({ rows: 3 });
    expect(Object.isFrozen(error.details)).toBe(true);
  });

  it('leaves out of the JSON what it does not have', () => {
    expect(new FailedError('m').toJSON()).toEqual({
      name: 'FailedError',
      code: 'DEPENDENCY_FAILED',
      message: 'm',
      retryable: false,
    });
  });

  it('gives a subclass its own name', () => {
    class LedgerError extends ServiceError {}
    expect(new LedgerError('m').name).toBe('LedgerError');
  });
});

describe('RejectedError', () => {
  it.each<[RejectionReason, string]>([
    ['open', 'CIRCUIT_OPEN'],
    ['full', 'CAPACITY_FULL'],
    ['limited', 'LIMIT_EXCEEDED'],
    ['over-budget', 'RETRY_BUDGET_EXHAUSTED'],
    ['out-of-time', 'DEADLINE_EXCEEDED'],
    ['closed', 'CLOSED'],
  ])('with reason %s has the code %s and is no failure of theirs', (reason, code) => {
    const error = new RejectedError('m', reason);
    expect(error).toMatchObject({ reason, code });
    expect(error).not.toBeInstanceOf(FailedError);
  });
});

describe('UpstreamError', () => {
  it.each([
    [400, false],
    [404, false],
    [500, true],
    [501, false],
    [502, true],
    [503, true],
    [504, true],
    [505, false],
  ])('with status %i is retryable: %s', (status, retryable) => {
    expect(new UpstreamError('m', status)).toMatchObject({ status, retryable });
  });
});

describe('NotFoundError', () => {
  it('names the thing in fields, and keeps the identifier out of the message', () => {
    const error = new NotFoundError('User', 'user-456');
    expect(error.message).toBe('User not found');
    expect(error).toMatchObject({ resourceType: 'User', resourceId: 'user-456' });
    expect(error.details).toEqual({ resource_type: 'User', resource_id: 'user-456' });
    expect(new NotFoundError('User', 0).resourceId).toBe('0');
  });
});

describe('ValidationError', () => {
  it('holds a frozen copy of what is wrong, by field', () => {
    const fields = { email: 'Invalid email format' };
    const error = new ValidationError('Invalid user data', fields);
    fields.email = 'changed';
    expect(error.fieldErrors).toEqual({ email: 'Invalid email format' });
    expect(Object.isFrozen(error.fieldErrors)).toBe(true);
    expect(error.toJSON().details).toEqual({ field_errors: { email: 'Invalid email format' } });
  });
});

describe('DuplicateError', () => {
  it('has its value for code, and hides it from JSON, inspection, templates and copies', () => {
    const error = new DuplicateError('User', 'email', 'user@example.com');
    expect(error.value).toBe('user@example.com');
    const views = [JSON.stringify(error), inspect(error, { depth: 9 }), `${error}`, error.stack, inspect({ ...error })];
    for (const view of views) expect(view).not.toContain('user@example.com');
    expect(error.toJSON().details).toEqual({ resource_type: 'User', field: 'email' });
  });
});

describe('ConfigurationError', () => {
  it('lists every problem, with where the value came from', () => {
    const problems = [
      { name: 'PORT', message: 'expected a port, got "x"', origin: '.env' },
      { name: 'DATABASE_URL', message: 'is missing' },
    ];
    const error = new ConfigurationError('The configuration cannot be used', problems);
    expect(error.message.split('\n')).toEqual([
      'The configuration cannot be used',
      '  - PORT: expected a port, got "x" (from .env)',
      '  - DATABASE_URL: is missing',
    ]);
    expect(error.problems).toEqual(problems);
    problems.pop();
    expect(error.problems).toHaveLength(2);
    expect(Object.isFrozen(error.problems)).toBe(true);
  });
});

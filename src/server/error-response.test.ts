import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { z } from 'zod';
import { StillReferencedError, VersionConflictError } from '../crud/index.ts';
import {
  AcquireTimeoutError,
  ConnectionLostError,
  InvalidValueError,
  TooManyConnectionsError,
} from '../database/index.ts';
import {
  ArgumentError,
  CacheError,
  ConfigurationError,
  DuplicateError,
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
} from '../errors/index.ts';
import { serializeErrorBody } from './error-response.ts';
import { createErrorResponse, errorStatuses, toErrorResponse } from './index.ts';

describe('createErrorResponse()', () => {
  it('has exactly the shape of the documents', () => {
    const response = createErrorResponse({
      message: 'Resource not found',
      errorCode: 'NOT_FOUND',
      statusCode: 404,
      details: { resource_type: 'User', resource_id: 'user-456' },
      requestId: 'req-123',
    });
    expect(response.status).toBe(404);
    expect(serializeErrorBody(response.body)).toBe(
      '{"success":false,"error":"Resource not found","error_code":"NOT_FOUND","details":{"request_id":"req-123","resource_type":"User","resource_id":"user-456"}}',
    );
  });

  it.each([
    [1, '1'],
    [1_000, '1'],
    [1_001, '2'],
    [0, '1'],
    [90_000, '90'],
  ])('writes Retry-After of %d ms as %s', (retryAfterMs, seconds) => {
    const { headers } = createErrorResponse({ message: 'Wait', errorCode: 'LIMIT_EXCEEDED', retryAfterMs });
    expect(headers['retry-after']).toBe(seconds);
  });
});

describe('toErrorResponse()', () => {
  it.each<[unknown, number, string]>([
    [new NotFoundError('User', 'user-456'), 404, 'NOT_FOUND'],
    [new ValidationError('Invalid user data', { email: 'Invalid email format' }), 422, 'VALIDATION_ERROR'],
    [new DuplicateError('User', 'email', 'user@example.com'), 409, 'DUPLICATE'],
    [new StillReferencedError('User', 'campaigns'), 409, 'STILL_REFERENCED'],
    [new VersionConflictError('User', 7, 3), 412, 'VERSION_CONFLICT'],
    [new ServiceError('General service error'), 500, 'SERVICE_ERROR'],
    [new ServiceError('Odd', 'ODD_CODE'), 500, 'ODD_CODE'],
    [new FailedError('x'), 502, 'DEPENDENCY_FAILED'],
    [new FailedError('x', 'DATABASE_ERROR'), 502, 'DATABASE_ERROR'],
    [new InvalidValueError('x'), 422, 'INVALID_VALUE'],
    [new ConnectionLostError('x'), 503, 'CONNECTION_LOST'],
    [new TooManyConnectionsError('x'), 503, 'TOO_MANY_CONNECTIONS'],
    [new NetworkError('x'), 502, 'NETWORK_ERROR'],
    [new UpstreamError('x', 404), 502, 'UPSTREAM_ERROR'],
    [new RateLimitError('x'), 502, 'RATE_LIMITED'],
    [new ScraperError('x'), 502, 'SCRAPER_ERROR'],
    [new CacheError('x'), 502, 'CACHE_ERROR'],
    [new TimeoutError('x', 100), 504, 'TIMEOUT'],
    [new ConfigurationError('x'), 500, 'INTERNAL_ERROR'],
    [new ArgumentError('x', 'y'), 500, 'INTERNAL_ERROR'],
    [new PlinthError('x', 'WHATEVER'), 500, 'INTERNAL_ERROR'],
    [new TypeError('x'), 500, 'INTERNAL_ERROR'],
    [Object.assign(new TypeError('x'), { statusCode: 418 }), 400, 'BAD_REQUEST'],
    [Object.assign(new TypeError('x'), { statusCode: 404 }), 404, 'NOT_FOUND'],
    [Object.assign(new TypeError('x'), { statusCode: 409 }), 409, 'CONFLICT'],
    [Object.assign(new TypeError('x'), { statusCode: 503 }), 503, 'SERVICE_UNAVAILABLE'],
    ['thrown text', 500, 'INTERNAL_ERROR'],
    [null, 500, 'INTERNAL_ERROR'],
    [undefined, 500, 'INTERNAL_ERROR'],
  ])('answers %s with %d %s', (error, status, code) => {
    const response = toErrorResponse(error, 'req-123');
    expect(response.status).toBe(status);
    expect(response.body).toMatchObject({ success: false, error_code: code, details: { request_id: 'req-123' } });
    expect(response.body.error).not.toBe('');
  });

  it.each<[RejectionReason, number]>([
    ['open', 503],
    ['full', 503],
    ['limited', 429],
    ['over-budget', 503],
    ['out-of-time', 503],
    ['closed', 503],
  ])('answers a refusal because of %s with %d and a time to wait', (reason, status) => {
    const known = toErrorResponse(new RejectedError('The circuit is open', reason, { retryAfterMs: 2_500 }), undefined);
    expect(known.status).toBe(status);
    expect(known.headers['retry-after']).toBe('3');
    expect(toErrorResponse(new RejectedError('No time known', reason), undefined).headers['retry-after']).toBe('1');
  });

  it('lets a client come again when the database is away, unless what it asked for may have been done', () => {
    expect(toErrorResponse(new ConnectionLostError('x'), 'r').headers['retry-after']).toBe('1');
    expect(toErrorResponse(new TooManyConnectionsError('x'), 'r').headers['retry-after']).toBe('1');
    const unknown = new ConnectionLostError('x', { outcomeUnknown: true });
    expect(toErrorResponse(unknown, 'r').headers['retry-after']).toBeUndefined();
  });

  it('gives the facts that were written for the client', () => {
    expect(
      toErrorResponse(new ValidationError('Invalid user data', { email: 'Invalid email format' }), 'req-123').body,
    ).toEqual({
      success: false,
      error: 'Invalid user data',
      error_code: 'VALIDATION_ERROR',
      details: { request_id: 'req-123', field_errors: { email: 'Invalid email format' } },
    });
  });

  it('keeps the value of a duplicate to itself', () => {
    expect(JSON.stringify(toErrorResponse(new DuplicateError('User', 'email', 'a@b.example'), 'r').body)).not.toContain(
      'a@b',
    );
  });

  it('shows nothing of what whoever runs the service can do about a full pool', () => {
    const error = new AcquireTimeoutError('No database connection became free within 50 ms', 50, 'Raise poolSize');
    const { status, body } = toErrorResponse(error, 'req-123');
    expect(status).toBe(503);
    expect(serializeErrorBody(body)).not.toContain('poolSize');
  });

  it('shows nothing of a failed dependency or an unknown error', () => {
    const secret = 'SELECT * FROM users WHERE id = 1 at /srv/app/db.ts:12 postgres://admin:hunter2@db';
    const details = { sql: secret };
    const errors: unknown[] = [
      new FailedError(secret, 'DEPENDENCY_FAILED', { details }),
      new FailedError(secret, 'DATABASE_ERROR', { details }),
      new FailedError(secret, 'NOT_FOUND', { details }),
      new NetworkError(secret, { details }),
      new UpstreamError(secret, 500, { details }),
      new TimeoutError(secret, 10, { details }),
      new ConfigurationError(secret, [{ name: 'DATABASE_URL', message: secret }]),
      new ArgumentError(secret, secret),
      new NotFoundError('User', 1, { cause: new TypeError(secret) }),
      new TypeError(secret),
      Object.assign(new TypeError(secret), { statusCode: 400 }),
      secret,
      { message: secret },
    ];
    for (const error of errors) {
      const text = serializeErrorBody(toErrorResponse(error, 'req-123').body);
      expect(text).not.toContain('SELECT');
      expect(text).not.toContain('hunter2');
      expect(text).not.toContain('/srv');
    }
  });

  it('names what is wrong by field, and not without end', () => {
    const issue = (instancePath: string, message: string) => ({ instancePath, message });
    const error = (validation: object[]) =>
      Object.assign(new TypeError('invalid'), { validation, validationContext: 'body' });
    const details = (validation: object[]) => toErrorResponse(error(validation), 'r').body.details;
    expect(
      details([issue('/', 'Required'), issue('/address/city', 'Too short'), issue('/address/city', 'No digits')]),
    ).toEqual({
      request_id: 'r',
      field_errors: { body: 'Required', 'address.city': 'Too short; No digits' },
    });
    const many = details(Array.from({ length: 10_000 }, (_, index) => issue(`/items/${index}`, 'Wrong')));
    expect(Object.keys(many['field_errors'] as object)).toHaveLength(100);
    expect(JSON.stringify(details([issue('/__proto__', 'Wrong')]))).toContain('"__proto__":"Wrong"');
    expect(details([issue('/name', 'x'.repeat(3_000))])['field_errors']).toEqual({ name: 'x'.repeat(500) });
    const ours = Object.fromEntries(Array.from({ length: 200 }, (_, index) => [`f${index}`, 'x'.repeat(3_000)]));
    const { field_errors } = toErrorResponse(new ValidationError('invalid', ours), 'r').body.details;
    expect(Object.keys(field_errors as object)).toHaveLength(100);
    expect(field_errors).toMatchObject({ f0: 'x'.repeat(500) });
  });

  it('says what is wrong with the one alternative of a union that is meant', () => {
    const schema = z.object({ one: z.union([z.object({ names: z.array(z.string()).max(1) }), z.string().max(3)]) });
    const wrong = (value: unknown): unknown => {
      const issues = schema.safeParse({ one: value }).error?.issues ?? [];
      const validation = issues.map(({ code, path, message, ...params }) => ({
        keyword: code,
        instancePath: `/${path.join('/')}`,
        message,
        params,
      }));
      const error = Object.assign(new TypeError('invalid'), { validation });
      return toErrorResponse(error, 'r').body.details['field_errors'];
    };
    expect(wrong({ names: ['a', 'b'] })).toEqual({ 'one.names': 'Too big: expected array to have <=1 items' });
    expect(wrong({})).toEqual({ 'one.names': 'Invalid input: expected array, received undefined' });
    expect(wrong(5)).toEqual({ one: 'Invalid input' });
  });

  it('answers whatever is thrown, as JSON, with a status of the table', () => {
    const statuses = new Set(Object.values(errorStatuses).map(answer => answer.status));
    fc.assert(
      fc.property(
        fc.oneof(
          fc.anything(),
          fc.object().map(fields => Object.assign(new TypeError('x'), fields)),
        ),
        error => {
          const response = toErrorResponse(error, 'req-123');
          expect(statuses.has(response.status)).toBe(true);
          expect(JSON.parse(serializeErrorBody(response.body))).toMatchObject({ success: false });
        },
      ),
    );
  });
});

describe('serializeErrorBody()', () => {
  it('leaves out facts that are no JSON', () => {
    const { body } = toErrorResponse(new ServiceError('Odd', 'ODD', { details: { big: 1n } }), 'req-123');
    expect(JSON.parse(serializeErrorBody(body))).toEqual({
      success: false,
      error: 'Odd',
      error_code: 'ODD',
      details: { request_id: 'req-123' },
    });
  });
});

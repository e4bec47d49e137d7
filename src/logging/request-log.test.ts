import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { runWithRequestContext } from '../context/index.ts';
import { Events } from '../kernel/index.ts';
import { VirtualClock } from '../testing/index.ts';
import {
  getLogger,
  type Logging,
  logAudit,
  logError,
  logEvents,
  logRequest,
  logSecurityEvent,
  logStreams,
  setupLogging,
} from './index.ts';

let logging: Logging;
let lines: string[] = [];
const records = (): Record<string, unknown>[] => lines.map(line => JSON.parse(line));

beforeEach(() => {
  lines = [];
  logging = setupLogging({
    level: 'INFO',
    environment: 'production',
    files: false,
    mode: 'line',
    clock: new VirtualClock(),
    console: { write: line => lines.push(line) },
  });
});

afterEach(() => logging.close());

describe('logRequest', () => {
  it('writes the sample of the document', () => {
    logRequest({
      requestId: 'req-123',
      method: 'POST',
      url: '/api/users',
      statusCode: 201,
      durationSeconds: 0.15,
      userId: 'user-123',
    });
    expect(records()[0]).toMatchObject({
      level: 'INFO',
      logger_name: 'api.request',
      module: 'request-log.test',
      request_id: 'req-123',
      user_id: 'user-123',
      method: 'POST',
      url: '/api/users',
      status_code: 201,
      duration: 0.15,
    });
  });

  it('warns of slow requests, from a threshold, and of failures on our side', () => {
    const record = { method: 'GET', url: '/', statusCode: 200 };
    logRequest({ ...record, durationSeconds: 0.999 });
    logRequest({ ...record, durationSeconds: 1 });
    logRequest({ ...record, durationSeconds: 0.2 }, { slowRequestMs: 200 });
    logRequest({ ...record, statusCode: 503 });
    expect(records().map(({ level, message, slow }) => [level, message, slow])).toEqual([
      ['INFO', 'Request completed', undefined],
      ['WARNING', 'Slow request', true],
      ['WARNING', 'Slow request', true],
      ['WARNING', 'Request completed', undefined],
    ]);
  });

  it('repeats no id that the context knows', () => {
    runWithRequestContext({ requestId: 'req-123' }, () =>
      logRequest({ requestId: 'req-123', method: 'GET', url: '/', statusCode: 200 }),
    );
    expect(records()[0]).toMatchObject({ request_id: 'req-123' });
    expect(lines[0]).not.toContain('request_id_');
  });
});

describe('logError, logSecurityEvent and logAudit', () => {
  it('write errors with context and user', () => {
    logError(new TypeError('Failed'), { context: { operation: 'user_creation' }, userId: 'user-123' });
    logError('just text');
    expect(records()).toMatchObject([
      {
        level: 'ERROR',
        logger_name: 'errors',
        message: 'Failed',
        user_id: 'user-123',
        error_type: 'TypeError',
        context: { operation: 'user_creation' },
        error: { stack: expect.any(String) },
      },
      { message: 'just text', error_type: 'string' },
    ]);
  });

  it('have loggers of their own', () => {
    logSecurityEvent({ event: 'login_failed', userId: 'user-123', address: '192.0.2.7' });
    logAudit({ actor: 'user-123', action: 'flag.update', target: 'flag:new_dashboard', reason: 'Roll-out' });
    expect(records()).toMatchObject([
      { level: 'WARNING', logger_name: 'security', event: 'login_failed', address: '192.0.2.7', user_id: 'user-123' },
      {
        level: 'INFO',
        logger_name: 'audit',
        actor: 'user-123',
        action: 'flag.update',
        target: 'flag:new_dashboard',
        outcome: 'success',
        reason: 'Roll-out',
      },
    ]);
  });
});

describe('logEvents', () => {
  it('logs the events of a room until it is told to stop', () => {
    const events = new Events<{ opened: { name: string }; closed: { name: string } }>();
    const subscription = logEvents(events, getLogger(logStreams.breakers), {
      opened: ({ name }) => ({ level: 'WARNING', message: 'Breaker opened', fields: { breaker: name } }),
      closed: ({ name }) => (name === 'quiet' ? undefined : { message: 'Breaker closed' }),
    });
    events.emit('opened', { name: 'fda' });
    events.emit('closed', { name: 'quiet' });
    events.emit('closed', { name: 'fda' });
    subscription.unsubscribe();
    events.emit('opened', { name: 'fda' });
    expect(events.has('opened')).toBe(false);
    expect(records().map(({ level, message, logger_name }) => [level, message, logger_name])).toEqual([
      ['WARNING', 'Breaker opened', 'resilience.breaker'],
      ['INFO', 'Breaker closed', 'resilience.breaker'],
    ]);
  });

  it('has a name for each of the eight streams', () => {
    expect(new Set(Object.values(logStreams)).size).toBe(8);
  });
});

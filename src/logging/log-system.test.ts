import { describe, expect, it } from 'vitest';
import { runWithRequestContext } from '../context/index.ts';
import { ArgumentError, ConfigurationError } from '../errors/index.ts';
import { capture } from './capture.fixture.ts';
import { createLogging, type LoggingEvents, type LogLevel, logLevels } from './index.ts';

const request = { requestId: 'abc-123', userId: 'user123' };

describe('the JSON record', () => {
  it('has the fields of the document, in its order, and then the extras', async () => {
    const { logging, clock, lines } = capture();
    await clock.advance(123.456);
    function _make_request(): void {
      const logger = logging.getLogger('api.nyc_data_client').child({ source: 'nyc' });
      runWithRequestContext(request, () => logger.info('API request successful', { duration: 0.456, records: 10 }));
    }
    _make_request();
    const line = lines[0]?.replace(/"line_number":\d+/, '"line_number":123').replace('<anonymous>', '_make_request');
    expect(line).toBe(
      '{"timestamp":"2026-01-15T23:00:00.123456Z","level":"INFO","logger_name":"api.nyc_data_client",' +
        '"function_name":"_make_request","line_number":123,"module":"log-system.test","request_id":"abc-123",' +
        '"user_id":"user123","message":"API request successful","source":"nyc","duration":0.456,"records":10}',
    );
  });

  it('says null where nothing is known', () => {
    const { logging, records } = capture({ callSitesPerSecond: 0 });
    logging.getLogger('app').info('Ready');
    expect(records()[0]).toMatchObject({
      function_name: null,
      line_number: null,
      module: null,
      request_id: null,
      user_id: null,
    });
  });

  it('takes the context of the request on every line, across async calls, with opaque ids', async () => {
    const { logging, records } = capture();
    const logger = logging.getLogger('app');
    const handle = async (requestId: string): Promise<void> => {
      logger.info('first');
      await null;
      logger.info('second', { requestId });
    };
    await Promise.all(
      ['req-123', 'abc-123', 'user-123'].map(id => runWithRequestContext({ requestId: id }, () => handle(id))),
    );
    logger.info('outside');
    const seconds = records().filter(record => record['message'] === 'second');
    expect(seconds.map(record => record['request_id'])).toEqual(seconds.map(record => record['requestId']));
    expect(records().at(-1)?.['request_id']).toBeNull();
  });

  it('lets no extra take the place of a record field', () => {
    const { logging, records, lines } = capture();
    const fields = { timestamp: 1, level: 2, logger_name: 3, function_name: 4, line_number: 5, module: 6, message: 7 };
    const ids = { request_id: 'other', user_id: 'other' };
    runWithRequestContext(request, () =>
      logging
        .getLogger('app')
        .child({ level: 'bound' })
        .info('Text', { ...fields, ...ids }),
    );
    expect(records()[0]).toMatchObject({
      level: 'INFO',
      logger_name: 'app',
      message: 'Text',
      request_id: 'abc-123',
      user_id: 'user123',
      timestamp_: 1,
      level_: 2,
      logger_name_: 3,
      function_name_: 4,
      line_number_: 5,
      module_: 6,
      message_: 7,
      request_id_: 'other',
      user_id_: 'other',
    });
    expect(lines[0]?.match(/"level_":/g)).toHaveLength(1);
  });

  it('takes request_id and user_id from the fields where the context does not know them', () => {
    const { logging, records } = capture();
    logging.getLogger('app').info('Processing request', { user_id: '123', action: 'create' });
    logging.getLogger('app').child({ request_id: 'req-123' }).info('Bound', { a: 1 });
    expect(records()[0]).toMatchObject({ user_id: '123', action: 'create' });
    expect(records()[0]).not.toHaveProperty('user_id_');
    expect(records()[1]).toMatchObject({ request_id: 'req-123', a: 1 });
  });

  it('writes a field of the call once, in place of the bound one', () => {
    const { logging, lines } = capture({ callSitesPerSecond: 0 });
    logging.getLogger('app').child({ a: 1, b: 2 }).child({ b: 3 }).info('Text', { a: 4 });
    expect(lines[0]).toMatch(/"message":"Text","a":4,"b":3}$/);
  });

  it('is valid JSON whatever the fields hold', () => {
    const { logging, records } = capture();
    const odd = {
      '': 1,
      'a"b': '\n"\\\u0000\ud800',
      big: 2n,
      none: undefined,
      inf: Number.POSITIVE_INFINITY,
      serializers: 1,
      formatters: { log: 1 },
    };
    logging
      .getLogger('app')
      .child(odd)
      .info('"quoted"\n\u2028', { ...odd, nested: { f: () => 1 } });
    expect(records()).toHaveLength(1);
    expect(records()[0]).toMatchObject({
      message: '"quoted"\n\u2028',
      '': 1,
      serializers: 1,
      formatters: { log: 1 },
      inf: null,
    });
  });

  it('never throws at who logs', () => {
    const { logging, lines } = capture();
    const logger = logging.getLogger('app');
    const hostile = {
      get broken(): string {
        throw new TypeError('no');
      },
    };
    logger.info('a', hostile);
    logger.child(hostile).info('b');
    logger.info('c', new Proxy({}, { ownKeys: () => ['a', 'a'] }));
    // What callers without types may do.
    for (const fields of [null, 'text', 7, [1]]) Reflect.apply(logger.info, logger, ['d', fields]);
    for (const message of [undefined, null, {}, Symbol('s'), new TypeError('e')])
      Reflect.apply(logger.info, logger, [message]);
    expect(lines).toHaveLength(12);
  });

  it('adds stack and causes of an error', () => {
    const { logging, records } = capture();
    logging.getLogger('app').error('Failed', { error: new TypeError('outer', { cause: new RangeError('inner') }) });
    expect(records()[0]).toMatchObject({
      level: 'ERROR',
      error: {
        name: 'TypeError',
        message: 'outer',
        stack: expect.stringContaining('log-system.test'),
        cause: { message: 'inner', stack: expect.any(String) },
      },
    });
  });

  it('hides paths in the syntax of pino', () => {
    const { logging, records } = capture({ redactPaths: ['user.address.street', 'items[*].note', 'plain'] });
    const logger = logging.getLogger('app').child({ user: { name: 'bob', address: { street: 'Elm', city: 'X' } } });
    logger.info('Text', { items: [{ note: 'n', id: 1 }], plain: 'p', other: 'o' });
    expect(records()[0]).toMatchObject({
      user: { name: 'bob', address: { street: '[redacted]', city: 'X' } },
      items: [{ note: '[redacted]', id: 1 }],
      plain: '[redacted]',
      other: 'o',
    });
    expect(() => capture({ redactPaths: ['a..b['] })).toThrow(ArgumentError);
  });

  it('hides nothing when told so', () => {
    const { logging, records } = capture({ redact: false });
    logging.getLogger('app').info('password=hunter2', { token: 'abc' });
    expect(records()[0]).toMatchObject({ message: 'password=hunter2', token: 'abc' });
  });
});

describe('the development line', () => {
  const line = (message: string, fields?: Record<string, unknown>): string => {
    const { logging, lines } = capture({ format: 'text' });
    runWithRequestContext(request, () => logging.getLogger('api.nyc_data_client').info(message, fields));
    return lines[0]?.replace(/log-system\.test\.ts:\d+ +(?=\[)/, 'nyc_data_client.py:123        ') ?? '';
  };

  it('is that of the document, character for character', () => {
    expect(line('API request successful')).toBe(
      '2026-01-15 23:00:00 | INFO     | api.nyc_data_client  | nyc_data_client.py:123        [abc-123] | API request successful',
    );
  });

  it('pads the line number to ten, and says - for no request', () => {
    const { logging, lines } = capture({ format: 'text' });
    logging.getLogger('app').critical('Text');
    expect(lines[0]).toMatch(
      /^2026-01-15 23:00:00 \| CRITICAL \| app {17} \| log-system\.test\.ts:(?=\d+ +\[)[\d ]{10} \[-\] \| Text$/,
    );
  });

  it('has the extras behind the message and stacks below', () => {
    const error = new TypeError('outer', { cause: new RangeError('inner') });
    const [first, ...below] = line('Text', { duration: 0.456, note: 'a b', list: [1], error }).split('\n');
    expect(first).toMatch(/ \| Text duration=0\.456 note="a b" list=\[1\] error="TypeError: outer"$/);
    expect(below[0]).toBe('    TypeError: outer');
    expect(below.join('\n')).toContain('    Caused by: RangeError: inner');
    expect(below.every(part => part.startsWith('    '))).toBe(true);
  });

  it('cannot be forged by a message, a name or an id', () => {
    const { logging, lines } = capture({ format: 'text' });
    const forged = '\n2026-01-15 23:00:00 | INFO\u001b[31m\u202e';
    runWithRequestContext({ requestId: forged }, () =>
      logging.getLogger(`a${forged}`).info(forged, { [forged]: forged }),
    );
    expect(lines).toHaveLength(1);
    expect(lines[0]).not.toMatch(/[\p{Cc}\u202e]/u);
  });
});

describe('levels', () => {
  it('writes those at and above the level, under their names', () => {
    const { logging, records } = capture({ level: 'DEBUG' });
    const logger = logging.getLogger('app');
    logger.debug('m');
    logger.info('m');
    logger.warning('m');
    logger.error('m');
    logger.critical('m');
    for (const level of logLevels) logger.log(level, 'm');
    expect(records().map(record => record['level'])).toEqual([...logLevels, ...logLevels]);
  });

  it('hold for a subtree, and can be changed while running', () => {
    const { logging, records } = capture({ level: 'WARNING', levels: { api: 'DEBUG', 'api.loud': 'ERROR' } });
    const names = ['app', 'api', 'api.nyc', 'apix', 'api.loud', 'api.loud.x'];
    const loggers = names.map(name => logging.getLogger(name).child({}));
    const enabled = (level: LogLevel): string[] =>
      loggers.filter(logger => logger.isEnabled(level)).map(logger => logger.name);
    expect(enabled('DEBUG')).toEqual(['api', 'api.nyc']);
    expect(enabled('WARNING')).toEqual(['app', 'api', 'api.nyc', 'apix']);
    const changes: LoggingEvents['levelChanged'][] = [];
    logging.events.on('levelChanged', event => changes.push(event));
    logging.setLevel('DEBUG', 'api.loud');
    logging.setLevel('CRITICAL');
    expect(enabled('DEBUG')).toEqual(['api', 'api.nyc', 'api.loud', 'api.loud.x']);
    expect(enabled('ERROR')).not.toContain('app');
    expect(changes).toEqual([
      { level: 'DEBUG', loggerName: 'api.loud' },
      { level: 'CRITICAL', loggerName: undefined },
    ]);
    for (const logger of loggers) logger.info('m');
    expect(records()).toHaveLength(4);
    expect(logging.state).toMatchObject({
      status: 'ok',
      level: 'CRITICAL',
      levels: { api: 'DEBUG', 'api.loud': 'DEBUG' },
    });
  });

  it('refuses names that do not exist, and other unusable options', () => {
    const unusable = [
      { level: 'TRACE' },
      { levels: { api: 'warn' } },
      { mode: 'async' },
      { format: 'xml' },
      { maxFileBytes: 1 },
      { keepFiles: 0 },
      { keepDays: 1.5 },
    ];
    for (const options of unusable)
      expect(() => Reflect.apply(createLogging, undefined, [{ files: false, ...options }])).toThrow(ArgumentError);
    expect(() => Reflect.apply(capture().logging.setLevel, capture().logging, ['loud'])).toThrow(
      'use one of DEBUG, INFO, WARNING, ERROR, CRITICAL',
    );
  });
});

describe('defaults', () => {
  it('come from LOG_LEVEL, LOG_DIR, ENVIRONMENT and DEBUG', () => {
    const names = ['LOG_LEVEL', 'LOG_DIR', 'ENVIRONMENT', 'DEBUG'];
    const before = names.map(name => process.env[name]);
    const state = (variables: Record<string, string>): unknown => {
      for (const name of names) process.env[name] = variables[name] ?? '';
      return createLogging({ files: false, console: false }).state;
    };
    try {
      expect(state({})).toMatchObject({ level: 'INFO', format: 'text', mode: 'line' });
      expect(state({ ENVIRONMENT: 'production', LOG_LEVEL: 'warning' })).toMatchObject({
        level: 'WARNING',
        format: 'json',
        mode: 'buffered',
      });
      expect(state({ DEBUG: 'true' })).toMatchObject({ level: 'DEBUG' });
      expect(() => state({ LOG_LEVEL: 'LOUD' })).toThrow(ConfigurationError);
    } finally {
      names.forEach((name, index) => {
        if (before[index] === undefined) delete process.env[name];
        else process.env[name] = before[index];
      });
    }
  });

  it('find the caller of every line in development, and of important ones always', () => {
    const development = capture({ environment: 'development', format: 'json' });
    for (let index = 0; index < 3_000; index += 1) development.logging.getLogger('app').debug('m');
    expect(development.records().every(record => record['module'] === 'log-system.test')).toBe(true);
    const production = capture({ callSitesPerSecond: 5 });
    for (let index = 0; index < 20; index += 1) production.logging.getLogger('app').info('m');
    for (let index = 0; index < 20; index += 1) production.logging.getLogger('app').warning('m');
    const found = production.records().filter(record => record['module'] !== null);
    expect(found.map(record => record['level']).filter(level => level === 'INFO')).toHaveLength(5);
    expect(found.map(record => record['level']).filter(level => level === 'WARNING')).toHaveLength(20);
  });
});

describe('closing', () => {
  it('writes what is buffered, twice does no harm, and later lines are forgotten', async () => {
    const { logging, lines } = capture({ mode: 'buffered' });
    const logger = logging.getLogger('app');
    logger.info('before');
    expect(lines).toHaveLength(0);
    await logging.close();
    await logging[Symbol.asyncDispose]();
    logger.error('after');
    expect(lines).toHaveLength(1);
    expect(logging.state.status).toBe('closed');
  });

  it('leaves no listener behind', async () => {
    const before = process.listenerCount('exit');
    const { logging } = capture({ mode: 'buffered' });
    expect(process.listenerCount('exit')).toBe(before + 1);
    await logging.close();
    expect(process.listenerCount('exit')).toBe(before);
  });
});

import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { runWithRequestContext } from '../context/index.ts';
import { Secret } from '../kernel/index.ts';
import { createLogging, logExceptions } from './index.ts';
import { made } from './redaction-corpus.fixture.ts';

const key = `ghp_${made(36)}`;
const password = 'hunter2-planted';

/** Every place in which a secret can reach a line. */
const places: Readonly<Record<string, (logger: ReturnType<ReturnType<typeof createLogging>['getLogger']>) => void>> = {
  message: logger => logger.info(`key ${key} password=${password}`),
  field: logger => logger.info('m', { password, note: key }),
  'nested field': logger => logger.info('m', { a: { b: { c: { client_secret: password, note: `x ${key}` } } } }),
  array: logger => logger.info('m', { list: [key, [{ token: password }]] }),
  'error message': logger => logger.error('m', { error: new TypeError(`password=${password} ${key}`) }),
  'error cause': logger =>
    logger.error('m', { error: new TypeError('m', { cause: { authorization: password, inner: new TypeError(key) } }) }),
  'error fact': logger =>
    logger.error('m', {
      error: Object.assign(new TypeError('m'), { request: { headers: { 'X-Api-Key': password } } }),
    }),
  headers: logger =>
    logger.info('m', { headers: new Headers({ authorization: `Bearer ${key}`, cookie: `sid=${password}` }) }),
  'header object': logger =>
    logger.info('m', { headers: { Authorization: `Basic ${password}`, 'set-cookie': [`sid=${password}`] } }),
  url: logger =>
    logger.info('m', {
      url: new URL(`https://bob:${password}@example.org/?access_token=${key}`),
      text: `https://bob:${password}@example.org/`,
    }),
  map: logger =>
    logger.info('m', {
      map: new Map([
        ['apiKey', password],
        ['other', key],
      ]),
    }),
  'key of a map': logger => logger.info('m', { map: new Map([[key, 1]]), [key]: 1 }),
  set: logger => logger.info('m', { set: new Set([key]) }),
  secret: logger => logger.info('m', { secret: new Secret(password), other: new Secret(key) }),
  toJSON: logger => logger.info('m', { body: { toJSON: () => ({ password, key }) } }),
  json: logger => logger.info('m', { body: JSON.stringify({ password, inner: JSON.stringify({ token: password }) }) }),
  'user id': logger => runWithRequestContext({ userId: key, requestId: `token=${password}` }, () => logger.info('m')),
  'user id field': logger => logger.info('m', { user_id: key, request_id: key }),
  'bound field': logger => logger.child({ apiKey: password, note: key, deep: { password } }).info('m', { a: 1 }),
  decorator: logger =>
    logExceptions({ logger, reraise: false })(() => {
      throw new TypeError(`password=${password}`);
    })(),
};

describe.each(['json', 'text'] as const)('a planted secret, in format %s', format => {
  it.each(Object.keys(places))('appears in no sink: %s', async place => {
    const directory = mkdtempSync(join(tmpdir(), 'plinth-logs-'));
    let output = '';
    const write = (text: string): void => {
      output += text;
    };
    const logging = createLogging({ directory, format, level: 'DEBUG', environment: 'production', console: { write } });
    for (const name of ['api', 'model', 'database', `api.${key}`]) places[place]?.(logging.getLogger(name));
    logging.getLogger('api').error('And one for error.log');
    await logging.close();
    const files = readdirSync(directory).map(name => readFileSync(join(directory, name), 'utf8'));
    rmSync(directory, { recursive: true });
    expect(files.every(content => content !== '')).toBe(true);
    for (const text of [output, ...files]) {
      expect(text).not.toContain(password);
      expect(text).not.toContain(key);
    }
    expect(output).toMatch(/\[redacted\]|\[secret\]/);
  });
});

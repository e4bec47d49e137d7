import { gzipSync } from 'node:zlib';
import { describe, expect, it } from 'vitest';
import { z } from 'zod';
import { createServer, type ErrorBody } from './index.ts';

async function open() {
  const server = await createServer({ docsUrl: false, bodyLimitBytes: 1_000 });
  await server.register(async api => {
    api.post('/names', { schema: { body: z.object({ name: z.string() }) } }, async ({ body }) => body);
    const schema = { body: z.union([z.string(), z.array(z.string())]), consumes: ['application/json', 'text/plain'] };
    api.post('/lines', { schema }, async ({ body }) => ({ body }));
    api.post('/reports', { bodyLimit: 3_000 }, async () => ({ done: true }));
    api.post('/bare', async () => ({ done: true }));
  });
  return server;
}

const json = 'application/json';

const notText = 'expected application/json in UTF-8';

describe('the body of a request', () => {
  it.each<[string, string, string | Buffer, string]>([
    ['/names', json, '{"name":"Zoë"}', '{"name":"Zoë"}'],
    ['/names', `${json}; charset=UTF-8`, '{"name":"Zoë"}', '{"name":"Zoë"}'],
    ['/names', `${json};charset="utf-8"`, '{"name":"\u{1F600}"}', '{"name":"\u{1F600}"}'],
    ['/lines', json, '["a"]', '{"body":["a"]}'],
    ['/lines', 'text/plain', 'a\nZoë', '{"body":"a\\nZoë"}'],
  ])('%s of the type %s is read', async (path, type, payload, expected) => {
    await using server = await open();
    const answer = await server.app.inject({
      method: 'POST',
      url: `/api/v1${path}`,
      headers: { 'content-type': type },
      payload,
    });
    expect([answer.statusCode, answer.body]).toEqual([200, expected]);
  });

  it.each<[string, string, string | Buffer, number, string]>([
    ['/names', json, Buffer.from('{"name":"Zo\xeb"}', 'latin1'), 400, 'INVALID_ENCODING'],
    ['/lines', 'text/plain', Buffer.from('Zo\xeb', 'latin1'), 400, 'INVALID_ENCODING'],
    ['/names', `${json}; charset=utf-16`, '{"name":"Zoe"}', 415, 'UNSUPPORTED_MEDIA_TYPE'],
    ['/names', `${json}; charset=latin1`, '{"name":"Zoe"}', 415, 'UNSUPPORTED_MEDIA_TYPE'],
    ['/names', 'text/plain', '{"name":"Zoe"}', 415, 'UNSUPPORTED_MEDIA_TYPE'],
    ['/bare', 'text/plain', 'x', 415, 'UNSUPPORTED_MEDIA_TYPE'],
    ['/names', 'application/xml', '<name/>', 415, 'UNSUPPORTED_MEDIA_TYPE'],
    ['/names', json, '{"name":', 400, 'INVALID_JSON'],
    ['/names', json, '', 400, 'INVALID_JSON'],
    ['/names', json, '{"__proto__":{"name":"x"}}', 400, 'INVALID_JSON'],
  ])('%s of the type %s is refused when it is %s', async (path, type, payload, status, code) => {
    await using server = await open();
    const answer = await server.app.inject({
      method: 'POST',
      url: `/api/v1${path}`,
      headers: { 'content-type': type },
      payload,
    });
    expect([answer.statusCode, answer.json()]).toEqual([status, expect.objectContaining({ error_code: code })]);
  });

  it.each<[string, Record<string, string>, string | Buffer, number, string]>([
    ['/names', { 'content-type': 'application/x-www-form-urlencoded' }, 'name=Zoe', 415, notText],
    ['/names', { 'content-type': `${json}; charset=latin1` }, '{"name":"Zoe"}', 415, notText],
    ['/names', {}, '{"name":"Zoe"}', 415, notText],
    ['/lines', { 'content-type': 'text/html' }, 'a', 415, 'expected application/json or text/plain in UTF-8'],
    ['/names', { 'content-type': 'nonsense' }, '{}', 415, 'expected one such as application/json'],
    ['/names', { 'content-type': json, 'content-encoding': 'gzip' }, gzipSync('{"name":"Zoe"}'), 415, 'uncompressed'],
    ['/names', { 'content-type': json, 'content-encoding': 'gzip' }, '{"name":"Zoe"}', 415, 'uncompressed'],
    ['/names', { 'content-type': json }, '', 400, 'The body is empty'],
    ['/names', { 'content-type': json }, '{"name":', 400, 'The body is not valid JSON'],
    ['/names', { 'content-type': json }, '{"a":{"__proto__":1}}', 400, 'a key that is not allowed: "__proto__"'],
    ['/names', { 'content-type': json }, '{"constructor":{"prototype":1}}', 400, 'a key that is not allowed'],
    ['/names', { 'content-type': json }, `{"name":"${'x'.repeat(2_000)}"}`, 413, 'larger than 1000 bytes'],
    ['/reports', { 'content-type': json }, `{"name":"${'x'.repeat(4_000)}"}`, 413, 'larger than 3000 bytes'],
  ])('%s with %j is refused with how to mend it', async (path, headers, payload, status, words) => {
    await using server = await open();
    const answer = await server.app.inject({ method: 'POST', url: `/api/v1${path}`, headers, payload });
    expect([answer.statusCode, answer.json<ErrorBody>().error]).toEqual([status, expect.stringContaining(words)]);
    if (status === 413)
      expect(answer.json()).toMatchObject({ details: { limit_bytes: path === '/names' ? 1_000 : 3_000 } });
  });

  it('is taken as it is when its coding is identity', async () => {
    await using server = await open();
    const headers = { 'content-type': json, 'content-encoding': 'Identity' };
    const answer = await server.app.inject({
      method: 'POST',
      url: '/api/v1/names',
      headers,
      payload: '{"name":"Zoe"}',
    });
    expect(answer.body).toBe('{"name":"Zoe"}');
  });

  it('is not what an unknown route is refused for', async () => {
    await using server = await open();
    for (const type of ['text/plain', 'application/xml', json]) {
      const headers = { 'content-type': type };
      const answer = await server.app.inject({ method: 'POST', url: '/api/v1/nowhere', headers, payload: '{' });
      expect([type, answer.statusCode]).toEqual([type, 404]);
    }
  });
});

import { describe, expect, it } from 'vitest';
import { z } from 'zod';
import { createServer } from './index.ts';

async function open() {
  const server = await createServer({ docsUrl: false });
  await server.register(async api => {
    api.post('/names', { schema: { body: z.object({ name: z.string() }) } }, async ({ body }) => body);
    const schema = { body: z.union([z.string(), z.array(z.string())]), consumes: ['application/json', 'text/plain'] };
    api.post('/lines', { schema }, async ({ body }) => ({ body }));
    api.post('/bare', async () => ({ done: true }));
  });
  return server;
}

const json = 'application/json';

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
});

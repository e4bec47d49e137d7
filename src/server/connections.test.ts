import { connect } from 'node:net';
import fc from 'fast-check';
import { afterEach, describe, expect, it } from 'vitest';
import { createServer, type ErrorBody, type Server, type ServerOptions } from './index.ts';

const opened: Server[] = [];

afterEach(async () => {
  for (const server of opened.splice(0)) await server.close();
});

async function listening(options: ServerOptions = {}): Promise<{ server: Server; port: number }> {
  const server = await createServer({ docsUrl: false, drainTimeoutMs: 200, ...options });
  opened.push(server);
  await server.register(async api => {
    api.get('/things/:id', async asked => ({ id: (asked.params as { id: string }).id }));
    api.post('/echo', async asked => asked.body);
  });
  const { port } = await server.listen({ port: 0 });
  return { server, port };
}

interface RawAnswer {
  readonly status: number | undefined;
  readonly headers: string;
  readonly text: string;
}

/** Sends bytes and reads until the server closes the connection. */
function converse(port: number, bytes: string | Buffer): Promise<RawAnswer> {
  return new Promise((resolve, reject) => {
    const chunks: Buffer[] = [];
    const socket = connect(port, '127.0.0.1');
    socket.on('connect', () => socket.write(bytes));
    socket.on('data', chunk => chunks.push(chunk));
    // A reset after the answer is the server's way to stop reading garbage.
    socket.on('error', error => (chunks.length > 0 ? undefined : reject(error)));
    socket.on('close', () => {
      const [headers = '', text = ''] = Buffer.concat(chunks).toString('latin1').split('\r\n\r\n', 2);
      const status = /^HTTP\/1\.1 (\d{3})/.exec(headers)?.[1];
      resolve({ status: status === undefined ? undefined : Number(status), headers: headers.toLowerCase(), text });
    });
  });
}

const get = (target: string, ...headers: string[]): string =>
  [`GET ${target} HTTP/1.1`, ...headers, 'Connection: close', '', ''].join('\r\n');

describe('what is no proper request', () => {
  it.each<[string, string | Buffer, number]>([
    ['no HTTP at all', 'hello world\r\n\r\n', 400],
    ['binary noise', Buffer.from([0x16, 0x03, 0x01, 0x00, 0xff, 0x0d, 0x0a]), 400],
    ['a null byte in the path', get('/api/v1/things/\0', 'Host: a'), 400],
    ['an encoded null byte', get('/api/v1/things/%00', 'Host: a'), 400],
    ['broken percent-encoding', get('/api/v1/things/%zz', 'Host: a'), 400],
    ['overlong UTF-8', get('/api/v1/things/%c0%80', 'Host: a'), 400],
    ['no host', get('/health/live'), 400],
    ['two hosts', get('/health/live', 'Host: a', 'Host: a'), 400],
    ['an empty host', get('/health/live', 'Host: '), 400],
    ['a host with user information', get('/health/live', 'Host: user@a'), 400],
    ['a host with a path', get('/health/live', 'Host: a/b'), 400],
    ['a list of hosts', get('/health/live', 'Host: a, b'), 400],
    ['two lengths', 'POST /api/v1/echo HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nab', 400],
    [
      'a length and chunks',
      'POST /api/v1/echo HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n',
      400,
    ],
    ['a space before the colon', 'GET / HTTP/1.1\r\nHost : a\r\n\r\n', 400],
    ['large headers', get('/health/live', 'Host: a', `X-Large: ${'x'.repeat(20_000)}`), 431],
    ['an unknown expectation', get('/health/live', 'Host: a', 'Expect: miracles'), 417],
    ['an unknown route', get('/nowhere', 'Host: a'), 404],
    ['a star', get('*', 'Host: a'), 400],
    ['an empty transfer encoding', get('/health/live', 'Host: a', 'Transfer-Encoding: '), 400],
  ])('answers %s in the one shape', async (_, bytes, status) => {
    const { port } = await listening();
    const answer = await converse(port, bytes);
    expect(answer.status).toBe(status);
    expect(answer.headers).toContain('content-type: application/json; charset=utf-8');
    expect(answer.headers).toContain('x-content-type-options: nosniff');
    expect(answer.headers).toContain('cache-control: no-store');
    const body = JSON.parse(answer.text) as ErrorBody;
    expect(body).toMatchObject({ success: false, details: { request_id: expect.any(String) } });
    expect(Object.keys(body)).toEqual(['success', 'error', 'error_code', 'details']);
    expect(answer.text).not.toMatch(/node_modules|\.js|HPE_|FST_|Parse Error|at /);
  });

  it('answers a proper request on the same server', async () => {
    const { port } = await listening();
    expect((await converse(port, get('/health/live', 'Host: [::1]:8000'))).status).toBe(200);
    expect((await converse(port, 'GET /health/live HTTP/1.0\r\n\r\n')).status).toBe(200);
  });

  it('closes connections whose headers or body come too slowly', async () => {
    const timeouts = { headersTimeoutMs: 100, requestTimeoutMs: 200, connectionsCheckingIntervalMs: 50 };
    const { port } = await listening({ timeouts });
    const [headers, body] = await Promise.all([
      converse(port, 'GET / HTTP/1.1\r\nHost: a\r\nX-Slow: '),
      converse(
        port,
        'POST /api/v1/echo HTTP/1.1\r\nHost: a\r\nContent-Type: application/json\r\nContent-Length: 100\r\n\r\n{"a',
      ),
    ]);
    for (const answer of [headers, body]) {
      expect(answer.status).toBe(408);
      expect(JSON.parse(answer.text)).toMatchObject({ success: false, error_code: 'REQUEST_TIMEOUT' });
    }
    expect((await converse(port, get('/health/live', 'Host: a'))).status).toBe(200);
  });

  it('survives whatever is sent', async () => {
    const { port } = await listening();
    const piece = fc.constantFrom(
      'GET ',
      '/',
      '/api/v1/things/',
      ' HTTP/1.1',
      '\r\n',
      'Host: a',
      ': ',
      '\0',
      '%',
      'x'.repeat(300),
      '\r\n\r\n',
      'é',
    );
    await fc.assert(
      fc.asyncProperty(fc.array(fc.oneof(piece, fc.string({ maxLength: 20 })), { maxLength: 12 }), async pieces => {
        const answer = await converse(port, `${pieces.join('')}\r\n\r\n\0\r\n\r\n`);
        expect(answer.status === undefined || answer.status < 500).toBe(true);
      }),
      { numRuns: 60 },
    );
    expect((await converse(port, get('/health/live', 'Host: a'))).status).toBe(200);
  });
});

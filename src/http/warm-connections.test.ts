import { once } from 'node:events';
import { createServer, type ServerResponse } from 'node:http';
import { createServer as createSecureServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import { describe, expect, it } from 'vitest';
import { NetworkError, RejectedError } from '../errors/index.ts';
import { pipeline } from '../pipeline/index.ts';
import { VirtualClock } from '../testing/index.ts';
import { ConnectionPool, ForbiddenAddressError } from './index.ts';
import { testCertificate } from './test-certificates.fixture.ts';
import { turn, useTestServer } from './test-server.fixture.ts';

describe('a pool that is warmed up', () => {
  const local = useTestServer();
  const ask = (pool: ConnectionPool, baseUrl = local.origin): Promise<unknown> =>
    pool.client({ baseUrl, guard: pipeline('local').build() }).json({ path: '/' });

  it('has its connections open before the first request, which uses them', async () => {
    await using pool = new ConnectionPool();
    await pool.warmUp(local.origin, { connections: 3 });
    expect(pool.stats()).toEqual([
      {
        origin: local.origin,
        requests: 0,
        errors: 0,
        active: 0,
        connected: 3,
        free: 3,
        running: 0,
        pending: 0,
        queued: 0,
      },
    ]);
    await Promise.all([1, 2, 3].map(() => ask(pool)));
    expect([local.connections, local.seen.length]).toEqual([3, 3]);
    await turn();
    expect(pool.stats()[0]).toMatchObject({ requests: 3, connected: 3, free: 3 });
  });

  it('opens only what is missing', async () => {
    await using pool = new ConnectionPool();
    await ask(pool);
    await Promise.all([
      pool.warmUp(local.origin, { connections: 3 }),
      pool.warmUp(`${local.origin}/path`, { connections: 4 }),
    ]);
    await pool.warmUp(new URL(local.origin));
    for (let count = 0; count < 20; count += 1) await turn();
    expect(local.connections).toBe(4);
    expect(pool.stats()[0]).toMatchObject({ connected: 4, free: 4 });
  });

  it('does not use one that the other side has closed meanwhile', async () => {
    await using pool = new ConnectionPool();
    await pool.warmUp(local.origin, { connections: 2 });
    while (local.sockets.size < 2) await turn();
    for (const socket of local.sockets) socket.destroy();
    while ((pool.stats()[0]?.connected ?? 0) > 0) await turn();
    await ask(pool);
    expect(local.connections).toBe(3);
  });

  it('closes what nobody uses', async () => {
    const clock = new VirtualClock();
    await using pool = new ConnectionPool({ keepAliveMs: 5_000, clock });
    await pool.warmUp(local.origin, { connections: 2 });
    await clock.advance(4_999);
    await turn();
    expect(pool.stats()[0]).toMatchObject({ connected: 2 });
    await clock.advance(1);
    while (local.sockets.size > 0) await turn();
    expect(pool.stats()[0]).toMatchObject({ connected: 0 });
    expect(clock.pendingTimers).toBe(0);
  });

  it('closes with its pool, and opens nothing afterwards', async () => {
    const pool = new ConnectionPool();
    await pool.warmUp(local.origin, { connections: 2 });
    const late = expect(pool.warmUp(local.origin, { connections: 3 })).rejects.toThrow(RejectedError);
    await pool.close();
    await late;
    while (local.sockets.size > 0) await turn();
    await expect(pool.warmUp(local.origin)).rejects.toMatchObject({ reason: 'closed' });
  });

  it('speaks TLS before it is needed, too', async () => {
    const certificate = testCertificate('local', { hosts: ['127.0.0.1'] });
    let handshakes = 0;
    const server = createSecureServer(certificate, (_request, response) => response.end('{}'));
    server.on('secureConnection', () => {
      handshakes += 1;
    });
    await once(server.listen(0, '127.0.0.1'), 'listening');
    const origin = `https://127.0.0.1:${(server.address() as AddressInfo).port}`;
    const pool = new ConnectionPool({ tls: { ca: certificate.cert } });
    await pool.warmUp(origin, { connections: 2 });
    await Promise.all([ask(pool, origin), ask(pool, origin)]);
    expect(handshakes).toBe(2);
    await using distrustful = new ConnectionPool();
    await expect(distrustful.warmUp(origin)).rejects.toMatchObject({
      name: 'NetworkError',
      retryable: false,
      message: `${origin} could not be reached: its certificate is signed by itself (DEPTH_ZERO_SELF_SIGNED_CERT)`,
    });
    await pool.close();
    await once(server.close(), 'close');
  });

  it('says what went wrong', async () => {
    const closed = createServer();
    await once(closed.listen(0, '127.0.0.1'), 'listening');
    const { port } = closed.address() as AddressInfo;
    await once(closed.close(), 'close');
    await using pool = new ConnectionPool({ maxConnections: 4 });
    await expect(pool.warmUp(`http://127.0.0.1:${port}`)).rejects.toThrow(NetworkError);
    await using outside = new ConnectionPool({ publicOnly: true });
    await expect(outside.warmUp(local.origin)).rejects.toThrow(ForbiddenAddressError);
    expect(local.connections).toBe(0);
    for (const connections of [0, 5, 1.5, Number.NaN]) {
      await expect(pool.warmUp(local.origin, { connections })).rejects.toMatchObject({ argument: 'connections' });
    }
    for (const origin of ['', 'example.org', 'ftp://example.org', 'file:///etc']) {
      await expect(pool.warmUp(origin)).rejects.toMatchObject({ argument: 'origin' });
    }
  });
});

describe('the numbers of a pool', () => {
  const local = useTestServer();

  it.each([1, 2])('say who waits for what, with %d connections at most', async maxConnections => {
    await using pool = new ConnectionPool({ maxConnections });
    const held: ServerResponse[] = [];
    local.answer = (_request, response) => held.push(response);
    const client = pool.client({ baseUrl: local.origin, guard: pipeline('local').build() });
    const controller = new AbortController();
    const left = expect(client.json({ path: '/', signal: controller.signal })).rejects.toThrow('left');
    const requests = [1, 2, 3].map(() => client.json({ path: '/' }));
    while (held.length < maxConnections) await turn();
    expect(pool.stats()[0]).toMatchObject({
      requests: 4,
      active: 4,
      errors: 0,
      connected: maxConnections,
      free: 0,
      running: maxConnections,
      pending: 4 - maxConnections,
      queued: 4 - maxConnections,
    });
    controller.abort(new TypeError('left'));
    await left;
    local.answer = (_request, response) => response.end('{}');
    for (const response of held) response.end('{}');
    await Promise.all(requests);
    await turn();
    expect(pool.stats()[0]).toMatchObject({ requests: 4, active: 0, errors: 1, running: 0, pending: 0, queued: 0 });
  });
});

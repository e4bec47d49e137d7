import { Agent, type IncomingMessage, request } from 'node:http';
import { connect } from 'node:net';
import { afterEach, describe, expect, it } from 'vitest';
import { HealthRegistry } from '../health/index.ts';
import { VirtualClock } from '../testing/index.ts';
import { createServer, type Server, type ServerEvents } from './index.ts';

const agents: Agent[] = [];

afterEach(() => {
  for (const agent of agents.splice(0)) agent.destroy();
});

function ask(
  url: string,
  agent: Agent,
): Promise<{ status: number | undefined; connection: string | undefined; text: string }> {
  return new Promise((resolve, reject) => {
    const asked = request(url, { agent }, (answer: IncomingMessage) => {
      let text = '';
      answer.setEncoding('latin1');
      answer.on('data', chunk => {
        text += chunk;
      });
      answer.on('end', () => resolve({ status: answer.statusCode, connection: answer.headers.connection, text }));
      answer.on('error', reject);
    });
    asked.on('error', reject);
    asked.end();
  });
}

/** A server with a route that answers when it is told to. */
async function gated(options: { readonly drainTimeoutMs?: number; readonly readyOffDelayMs?: number } = {}) {
  const clock = new VirtualClock();
  const health = new HealthRegistry({ clock });
  const server = await createServer({ docsUrl: false, clock, health, drainTimeoutMs: 5_000, ...options });
  const events: string[] = [];
  server.events.on('drain-started', event => events.push(`drain-started ${event.activeRequests}`));
  server.events.on('closed', (event: ServerEvents['closed']) => events.push(`closed ${event.abandonedRequests}`));
  let open = (): void => {};
  let entered = (): void => {};
  const gate = new Promise<void>(resolve => {
    open = resolve;
  });
  const inside = new Promise<void>(resolve => {
    entered = resolve;
  });
  await server.register(async api => {
    api.get('/gated', async () => {
      entered();
      await gate;
      return 'x'.repeat(2_000_000);
    });
    api.get('/quick', async () => 'quick');
  });
  const { url, port } = await server.listen({ port: 0 });
  const agent = new Agent({ keepAlive: true });
  agents.push(agent);
  return { agent, clock, events, health, inside, open, port, server, url: `${url}/api/v1` };
}

function refused(port: number): Promise<boolean> {
  return new Promise(resolve => {
    const socket = connect(port, '127.0.0.1');
    socket.on('connect', () => {
      socket.destroy();
      resolve(false);
    });
    socket.on('error', () => resolve(true));
  });
}

describe('Server.close()', () => {
  it('lets requests finish, whole, while it accepts no further connections', async () => {
    const { agent, clock, events, health, inside, open, port, server, url } = await gated();
    const asking = ask(`${url}/gated`, agent);
    await inside;
    const silent = connect(port, '127.0.0.1');
    const silentEnded = new Promise<void>(resolve => silent.on('close', () => resolve()));
    await new Promise(resolve => server.app.server.once('connection', resolve));
    const closing = server.close();
    expect(server.close()).toBe(closing);
    expect(health.accepting).toBe(false);
    expect(await refused(port)).toBe(true);
    await silentEnded;
    expect(server.activeRequests).toBe(1);
    open();
    const answer = await asking;
    expect([answer.status, answer.connection, answer.text.length]).toEqual([200, 'close', 2_000_000]);
    await closing;
    expect(events).toEqual(['drain-started 1', 'closed 0']);
    expect(clock.pendingTimers).toBe(0);
  });

  it('answers what still comes on open connections, and closes them', async () => {
    const { inside, open, port, server, agent, url } = await gated();
    const asking = ask(`${url}/gated`, agent);
    await inside;
    const quick = 'GET /api/v1/quick HTTP/1.1\r\nHost: a\r\n\r\n';
    const socket = connect(port, '127.0.0.1');
    let text = '';
    const answered = new Promise<void>(resolve => socket.once('data', () => resolve()));
    socket.on('data', chunk => {
      text += chunk.toString('latin1');
    });
    const ended = new Promise<void>(resolve => socket.on('close', () => resolve()));
    socket.write(quick);
    await answered;
    expect(text.toLowerCase()).toContain('connection: keep-alive');
    const closing = server.close();
    socket.write(quick);
    await ended;
    expect(text.match(/HTTP\/1\.1 200/g)).toHaveLength(2);
    expect(text.toLowerCase()).toContain('connection: close');
    open();
    await asking;
    await closing;
  });

  it('cuts off what does not end in time', async () => {
    const { agent, clock, events, inside, server, url } = await gated({ drainTimeoutMs: 3_000 });
    const asking = ask(`${url}/gated`, agent).catch((error: NodeJS.ErrnoException) => error.code);
    await inside;
    const closing = server.close();
    await clock.advance(2_999);
    expect(server.activeRequests).toBe(1);
    await clock.advance(1);
    expect(await asking).toBe('ECONNRESET');
    await closing;
    expect(events).toEqual(['drain-started 1', 'closed 1']);
  });

  it('says that it is not ready before it stops accepting', async () => {
    const { agent, clock, events, server, url } = await gated({ readyOffDelayMs: 1_000 });
    const root = url.replace('/api/v1', '');
    const closing = server.close();
    const ready = await ask(`${root}/health/ready`, agent);
    expect([ready.status, ready.text]).toEqual([503, '{"status":"down","checks":{}}']);
    expect((await ask(`${url}/quick`, agent)).status).toBe(200);
    expect(events).toEqual([]);
    await clock.advance(1_000);
    await closing;
    expect(events).toEqual(['drain-started 0', 'closed 0']);
  });

  it('does not wait for a client that does not go on with its request', async () => {
    const { events, port, server } = await gated();
    const socket = connect(port, '127.0.0.1');
    socket.on('error', () => {});
    const arrived = new Promise(resolve => server.app.server.once('connection', resolve));
    await new Promise<void>(resolve => socket.write('GET / HTTP/1.1\r\nHost: a\r\nX-Half: ', () => resolve()));
    await arrived;
    await server.close();
    expect(events).toEqual(['drain-started 0', 'closed 0']);
  });

  it('answers a request that was on its way on an idle connection, however long that takes', async () => {
    const { inside, open, port, server } = await gated();
    const socket = connect(port, '127.0.0.1');
    let text = '';
    socket.on('data', chunk => {
      text += chunk.toString('latin1');
    });
    const ended = new Promise<void>(resolve => socket.on('close', () => resolve()));
    const silent = connect(port, '127.0.0.1');
    const silentEnded = new Promise<void>(resolve => silent.on('close', () => resolve()));
    let arrivals = 0;
    await new Promise<void>(resolve => server.app.server.on('connection', () => ++arrivals === 2 && resolve()));
    const closing = server.close();
    socket.write('GET /api/v1/gated HTTP/1.1\r\nHost: a\r\n\r\n');
    await inside;
    await silentEnded;
    open();
    await ended;
    await closing;
    expect(text).toMatch(/^HTTP\/1\.1 200/);
    expect(text.length).toBeGreaterThan(2_000_000);
  });

  it('closes idle connections', async () => {
    const { agent, server, url } = await gated();
    expect((await ask(`${url}/quick`, agent)).status).toBe(200);
    await server.close();
  });

  it('closes a server that never listened', async () => {
    const server: Server = await createServer({ docsUrl: false });
    await server.close();
    await server[Symbol.asyncDispose]();
  });
});

import { get, type IncomingMessage } from 'node:http';
import { connect } from 'node:net';
import { afterEach, describe, expect, it } from 'vitest';
import { VirtualClock } from '../testing/index.ts';
import {
  type CompletedRequest,
  createServer,
  type EventStream,
  type EventStreamOptions,
  eventStream,
  type Server,
} from './index.ts';

const opened: Server[] = [];

afterEach(async () => {
  for (const server of opened.splice(0)) await server.close();
});

async function streaming(options: EventStreamOptions = {}) {
  const clock = new VirtualClock();
  const server = await createServer({ docsUrl: false, clock, slowRequestMs: 1 });
  opened.push(server);
  let started: (stream: EventStream) => void = () => {};
  const stream = new Promise<EventStream>(resolve => {
    started = resolve;
  });
  await server.register(async api => {
    api.get('/events', (request, reply) => {
      started(eventStream(request, reply, options));
    });
  });
  const completed = new Promise<CompletedRequest>(resolve => server.events.on('request-completed', resolve));
  const { url, port } = await server.listen({ port: 0 });
  return { clock, completed, port, server, stream, url: `${url}/api/v1/events` };
}

interface Listening {
  readonly response: IncomingMessage;
  readonly text: () => string;
  readonly ended: Promise<void>;
  /** Resolves when the text contains this. */
  readonly until: (part: string) => Promise<void>;
}

function listen(url: string, headers: Record<string, string> = {}): Promise<Listening> {
  return new Promise(resolve => {
    get(url, { headers, agent: false }, response => {
      let text = '';
      let check = (): void => {};
      response.setEncoding('utf8');
      response.on('data', chunk => {
        text += chunk;
        check();
      });
      response.on('error', () => {});
      resolve({
        response,
        text: () => text,
        ended: new Promise(end => response.on('close', () => end())),
        until: part =>
          new Promise(found => {
            check = () => {
              if (text.includes(part)) found();
            };
            check();
          }),
      });
    });
  });
}

const ended = (stream: EventStream): Promise<void> =>
  new Promise(resolve =>
    stream.signal.aborted ? resolve() : stream.signal.addEventListener('abort', () => resolve()),
  );

describe('eventStream()', () => {
  it('sends events in the wire format, with the headers of every answer', async () => {
    const { stream, url } = await streaming();
    const [source, client] = await Promise.all([
      stream,
      listen(url, { 'last-event-id': '41', 'x-request-id': 'req-123' }),
    ]);
    expect(source.lastEventId).toBe('41');
    expect(source.send({ event: 'change', id: '42', retryMs: 1_500, data: { state: 'open' } })).toBe(true);
    expect(source.send({ data: 'first\r\nsecond\rthird\nfourth' })).toBe(true);
    source.close();
    source.close();
    await client.ended;
    expect(client.text()).toBe(
      'event: change\nid: 42\nretry: 1500\ndata: {"state":"open"}\n\ndata: first\ndata: second\ndata: third\ndata: fourth\n\n',
    );
    expect(client.response.headers).toMatchObject({
      'content-type': 'text/event-stream; charset=utf-8',
      'cache-control': 'no-store, no-transform',
      'x-content-type-options': 'nosniff',
      'x-request-id': 'req-123',
    });
    expect(source.end).toBe('closed');
    expect(source.send({ data: 'too late' })).toBe(false);
  });

  it('refuses types and ids that would break the format', async () => {
    const { stream, url } = await streaming();
    const [source] = await Promise.all([stream, listen(url)]);
    expect(() => source.send({ data: '', event: 'a\nb' })).toThrow('event has a line break');
    expect(() => source.send({ data: '', id: 'a\0' })).toThrow('id has a line break or a null byte');
  });

  it('sends a comment every fifteen seconds', async () => {
    const { clock, stream, url } = await streaming();
    const [source, client] = await Promise.all([stream, listen(url)]);
    await clock.advance(45_000);
    await client.until(':\n\n:\n\n:\n\n');
    source.close();
    await client.ended;
    expect(client.text()).toBe(':\n\n:\n\n:\n\n');
    expect(clock.pendingTimers).toBe(0);
  });

  it('cleans up when the client leaves', async () => {
    const { clock, completed, stream, url } = await streaming();
    const [source, client] = await Promise.all([stream, listen(url)]);
    await clock.advance(60_000);
    client.response.destroy();
    await ended(source);
    expect(source.end).toBe('left');
    expect(source.send({ data: 'nobody' })).toBe(false);
    expect(clock.pendingTimers).toBe(0);
    expect(await completed).toMatchObject({ status: 200, slow: false, durationMs: 60_000 });
  });

  it('drops a client that does not read', async () => {
    const { port, stream } = await streaming({ maxBufferedBytes: 100_000 });
    const socket = connect(port, '127.0.0.1');
    socket.pause();
    socket.on('error', () => {});
    socket.write('GET /api/v1/events HTTP/1.1\r\nHost: a\r\n\r\n');
    const source = await stream;
    const data = 'x'.repeat(50_000);
    let sent = 0;
    while (source.send({ data }) && sent < 1_000) {
      sent += 1;
      await new Promise(resolve => setImmediate(resolve));
    }
    expect(source.end).toBe('too-slow');
    expect(source.signal.aborted).toBe(true);
    socket.destroy();
  });

  it('ends with the server, which does not wait for it', async () => {
    const { clock, server, stream, url } = await streaming();
    const [source, client] = await Promise.all([stream, listen(url)]);
    await server.close();
    await client.ended;
    expect(source.end).toBe('server-closing');
    expect(client.response.complete).toBe(true);
    expect(clock.pendingTimers).toBe(0);
  });
});

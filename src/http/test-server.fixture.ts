import { once } from 'node:events';
import { createServer, type IncomingMessage, type RequestListener, type Server } from 'node:http';
import type { AddressInfo, Socket } from 'node:net';
import { afterEach, beforeEach } from 'vitest';
import { ConnectionPool, type ConnectionPoolOptions } from './index.ts';

/** One turn of the event loop. */
export const turn = (): Promise<void> => new Promise(resolve => setImmediate(resolve));

/** A body to its end, as text. */
export async function textOf(body: AsyncIterable<Uint8Array>): Promise<string> {
  const chunks: Uint8Array[] = [];
  for await (const chunk of body) chunks.push(chunk);
  return Buffer.concat(chunks).toString();
}

/** A server on loopback and a pool of connections to it, new for each test. */
export class TestServer {
  readonly #fresh: () => RequestListener;
  #server: Server | undefined;
  #pool: ConnectionPool | undefined;
  /** How requests are answered. */
  answer: RequestListener;
  /** The requests that came. */
  seen: IncomingMessage[] = [];
  /** The connections that are open. */
  readonly sockets = new Set<Socket>();
  /** How many connections there were. */
  connections = 0;

  constructor(fresh: () => RequestListener) {
    this.#fresh = fresh;
    this.answer = fresh();
  }

  get server(): Server {
    if (this.#server === undefined) throw new RangeError('The server of the test is not there yet');
    return this.#server;
  }

  get pool(): ConnectionPool {
    if (this.#pool === undefined) throw new RangeError('The pool of the test is not there yet');
    return this.#pool;
  }

  get origin(): string {
    return `http://127.0.0.1:${(this.server.address() as AddressInfo).port}`;
  }

  /** Another answer for each request; the last one for all that follow. */
  answerInTurn(...answers: readonly RequestListener[]): void {
    this.answer = (request, response) => answers[Math.min(this.seen.length, answers.length) - 1]?.(request, response);
  }

  async open(poolOptions: ConnectionPoolOptions): Promise<void> {
    this.answer = this.#fresh();
    this.seen = [];
    this.connections = 0;
    const server = createServer((request, response) => {
      this.seen.push(request);
      this.answer(request, response);
      server.emit('seen');
    });
    server.on('connection', socket => {
      this.connections += 1;
      this.sockets.add(socket);
      socket.once('close', () => this.sockets.delete(socket));
    });
    await once(server.listen(0, '127.0.0.1'), 'listening');
    this.#server = server;
    this.#pool = new ConnectionPool(poolOptions);
  }

  async close(): Promise<void> {
    await this.pool.close();
    await turn();
    this.server.closeAllConnections();
    await once(this.server.close(), 'close');
  }
}

/** Registers a server for each test of the suite around it. */
export function useTestServer(
  fresh: () => RequestListener = () => (_request, response) => response.end('{}'),
  poolOptions: ConnectionPoolOptions = {},
): TestServer {
  const local = new TestServer(fresh);
  beforeEach(() => local.open(poolOptions));
  afterEach(() => local.close());
  return local;
}

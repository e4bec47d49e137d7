import type { Socket } from 'node:net';
import type { buildConnector } from 'undici';
import { RejectedError } from '../errors/index.ts';
import type { Clock, Timer } from '../kernel/index.ts';

type Target = Parameters<buildConnector.connector>[0];

/** What {@link WarmConnections} is made of. */
export interface WarmConnectionsOptions {
  readonly connect: buildConnector.connector;
  /** How long a connection waits for its first request, in milliseconds. */
  readonly keepAliveMs: number;
  readonly clock: Clock;
}

/** Connections that were opened before anybody needs them. The first who would open one is given one of these. */
export class WarmConnections {
  readonly #options: WarmConnectionsOptions;
  readonly #waiting = new Map<string, Map<Socket, Timer>>();
  readonly #opening = new Map<string, number>();
  #isClosed = false;

  constructor(options: WarmConnectionsOptions) {
    this.#options = options;
  }

  /** Gives a connection that waits, or opens one. */
  connector(): buildConnector.connector {
    return (target, callback) => {
      const socket = this.#take(keyOf(target));
      if (socket === undefined) this.#options.connect(target, callback);
      // undici does not expect an answer while it is still asking.
      else queueMicrotask(() => callback(null, socket));
    };
  }

  /** How many connections to an origin wait for their first request. */
  count(origin: URL): number {
    return this.#waiting.get(keyOf(targetOf(origin)))?.size ?? 0;
  }

  /** How many wait or are just being opened. */
  countWithOpening(origin: URL): number {
    return this.count(origin) + (this.#opening.get(keyOf(targetOf(origin))) ?? 0);
  }

  /** Opens one connection. */
  async open(origin: URL): Promise<void> {
    const target = targetOf(origin);
    const key = keyOf(target);
    this.#opening.set(key, (this.#opening.get(key) ?? 0) + 1);
    try {
      this.#keep(key, await this.#connected(target));
    } finally {
      const left = (this.#opening.get(key) ?? 1) - 1;
      if (left > 0) this.#opening.set(key, left);
      else this.#opening.delete(key);
    }
  }

  /** Closes those that wait, and each one that is just being opened. */
  close(): void {
    this.#isClosed = true;
    for (const sockets of this.#waiting.values()) {
      for (const socket of sockets.keys()) socket.destroy();
    }
  }

  #connected(target: Target): Promise<Socket> {
    return new Promise((resolve, reject) => {
      this.#options.connect(target, (...[error, socket]) => (error === null ? resolve(socket) : reject(error)));
    });
  }

  #keep(key: string, socket: Socket): void {
    if (this.#isClosed) {
      socket.destroy();
      throw new RejectedError('The connection pool is closed', 'closed');
    }
    const { clock, keepAliveMs } = this.#options;
    const sockets = this.#waiting.get(key) ?? new Map<Socket, Timer>();
    this.#waiting.set(key, sockets);
    sockets.set(
      socket,
      clock.setTimer(keepAliveMs, () => socket.destroy()),
    );
    // One that nobody has used keeps no process alive, as it is with those of undici.
    socket.unref();
    socket.once('close', () => this.#forget(key, socket));
  }

  #take(key: string): Socket | undefined {
    for (const socket of this.#waiting.get(key)?.keys() ?? []) {
      this.#forget(key, socket);
      if (!socket.destroyed && socket.readableLength === 0) return socket.ref();
      socket.destroy();
    }
    return undefined;
  }

  #forget(key: string, socket: Socket): void {
    const sockets = this.#waiting.get(key);
    sockets?.get(socket)?.cancel();
    sockets?.delete(socket);
    if (sockets?.size === 0) this.#waiting.delete(key);
  }
}

function targetOf({ protocol, host, hostname, port }: URL): Target {
  return { protocol, host, hostname: hostname.replace(/^\[(.*)\]$/, '$1'), port };
}

/** Connections are alike when they lead to the same place under the same name. */
function keyOf({ protocol, hostname, port, servername }: Target): string {
  return `${protocol}//${hostname}:${port} ${servername ?? ''}`;
}

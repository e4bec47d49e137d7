import type { Server } from 'node:http';
import { Server as NetServer, type Socket } from 'node:net';

/** How long a connection may be silent before it is closed while the server ends. */
const quietMs = 100;

/** The connections of a server, to end them without losing a request that is on its way on one that looks idle. */
export class OpenConnections {
  readonly #server: Server;
  readonly #sockets = new Set<Socket>();

  constructor(server: Server) {
    this.#server = server;
    server.on('connection', socket => {
      this.#sockets.add(socket);
      socket.once('close', () => this.#sockets.delete(socket));
    });
  }

  /**
   * Accepts no further connections, closes those that fall silent, and resolves when none is left. Unlike Node's own
   * close, which destroys every idle connection at once, also one whose next request or last answer is on the wire.
   *
   * @param busy The connections on which a request is being answered: they may be silent.
   */
  drain(busy: ReadonlySet<Socket>): Promise<void> {
    if (!this.#server.listening) return Promise.resolve();
    // For connections whose answer had promised to keep them, before we knew.
    this.#server.keepAliveTimeout = quietMs;
    for (const socket of this.#sockets) {
      if (!busy.has(socket)) socket.setTimeout(quietMs);
    }
    return new Promise(resolve => {
      NetServer.prototype.close.call(this.#server, () => resolve());
    });
  }

  /** Ends all of them at once. */
  destroy(): void {
    for (const socket of this.#sockets) socket.destroy();
  }
}

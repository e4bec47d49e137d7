import { connect, type Socket } from 'node:net';

interface Waiting {
  readonly resolve: (body: string) => void;
  readonly reject: (error: Error) => void;
}

const endOfHeaders = Buffer.from('\r\n\r\n');
const lengthHeader = 'content-length: ';

/** The least that asks and reads over HTTP: sockets that are kept, one request on each at a time, bodies cut by their length. */
export class RawHttp {
  readonly #port: number;
  readonly #idle: RawSocket[] = [];
  readonly #queue: { readonly request: string; readonly waiting: Waiting }[] = [];
  readonly #maxConnections: number;
  #connections = 0;

  constructor(port: number, maxConnections: number) {
    this.#port = port;
    this.#maxConnections = maxConnections;
  }

  /** The body of an answer. */
  get(path: string): Promise<string> {
    const request = `GET ${path} HTTP/1.1\r\nhost: 127.0.0.1:${this.#port}\r\naccept: application/json\r\n\r\n`;
    return new Promise((resolve, reject) => {
      const socket = this.#idle.pop() ?? this.#another();
      if (socket === undefined) this.#queue.push({ request, waiting: { resolve, reject } });
      else socket.ask(request, { resolve, reject });
    });
  }

  #another(): RawSocket | undefined {
    if (this.#connections >= this.#maxConnections) return undefined;
    this.#connections += 1;
    const socket: RawSocket = new RawSocket(connect(this.#port, '127.0.0.1'), () => {
      const next = this.#queue.shift();
      if (next === undefined) this.#idle.push(socket);
      else socket.ask(next.request, next.waiting);
    });
    return socket;
  }
}

class RawSocket {
  readonly #socket: Socket;
  readonly #onFree: () => void;
  #waiting: Waiting | undefined;
  #received: Buffer | undefined;

  constructor(socket: Socket, onFree: () => void) {
    this.#socket = socket.setNoDelay(true);
    this.#onFree = onFree;
    socket.on('data', chunk => this.#read(chunk));
    socket.on('error', error => this.#waiting?.reject(error));
  }

  ask(request: string, waiting: Waiting): void {
    this.#waiting = waiting;
    this.#socket.write(request, 'latin1');
  }

  #read(chunk: Buffer): void {
    const received = this.#received === undefined ? chunk : Buffer.concat([this.#received, chunk]);
    const headersEnd = received.indexOf(endOfHeaders);
    if (headersEnd < 0) {
      this.#received = received;
      return;
    }
    const headers = received.toString('latin1', 0, headersEnd);
    const at = headers.indexOf(lengthHeader) + lengthHeader.length;
    const end = headersEnd + endOfHeaders.length + Number.parseInt(headers.slice(at, at + 12), 10);
    if (received.length < end) {
      this.#received = received;
      return;
    }
    this.#received = undefined;
    const waiting = this.#waiting;
    this.#waiting = undefined;
    waiting?.resolve(received.toString('utf8', headersEnd + endOfHeaders.length, end));
    this.#onFree();
  }
}

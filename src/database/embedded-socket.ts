import { Duplex } from 'node:stream';

/** Takes bytes of the PostgreSQL protocol and gives the bytes of the answer. */
export type ProtocolExchange = (request: Uint8Array<ArrayBuffer>) => Promise<Uint8Array>;

/** The message by which a client says goodbye. It must not reach the engine, which would end. */
const terminateTag = 'X'.charCodeAt(0);

/**
 * What the `pg` driver takes for a network socket: it carries the PostgreSQL protocol to the engine in the worker. The
 * driver is the same as with a server, with its own parser and its own errors.
 *
 * All sockets of one engine share one session of PostgreSQL, so each leaves it as a new connection would find it.
 */
export class EmbeddedSocket extends Duplex {
  readonly #exchange: ProtocolExchange;

  constructor(exchange: ProtocolExchange) {
    super();
    this.#exchange = exchange;
  }

  /** Part of the socket that the driver expects. */
  connect(): this {
    queueMicrotask(() => this.emit('connect'));
    return this;
  }

  /** Part of the socket that the driver expects; there is no network to tune. */
  setNoDelay(): this {
    return this;
  }

  /** Part of the socket that the driver expects; there is no network to tune. */
  setKeepAlive(): this {
    return this;
  }

  /** Part of the socket that the driver expects; the worker keeps the process alive. */
  ref(): this {
    return this;
  }

  /** Part of the socket that the driver expects; the worker keeps the process alive. */
  unref(): this {
    return this;
  }

  override _read(): void {}

  override _write(chunk: Uint8Array, _encoding: string, callback: (error?: Error | null) => void): void {
    this.#send([chunk], callback);
  }

  /** The driver corks the messages of one statement together: they cross to the worker in one piece. */
  override _writev(chunks: { chunk: Uint8Array }[], callback: (error?: Error | null) => void): void {
    this.#send(
      chunks.map(({ chunk }) => chunk),
      callback,
    );
  }

  override _destroy(error: Error | null, callback: (error?: Error | null) => void): void {
    // The engine works in order, so whatever connects next finds a clean session. An engine that died has none.
    this.#exchange(resetSession).catch(() => undefined);
    callback(error);
  }

  #send(chunks: readonly Uint8Array[], callback: (error?: Error | null) => void): void {
    if (chunks.some(chunk => chunk[0] === terminateTag)) {
      this.push(null);
      callback();
      return;
    }
    this.#exchange(join(chunks)).then(
      answer => {
        if (!this.destroyed) this.push(answer);
        callback();
      },
      (error: unknown) => callback(error as Error),
    );
  }
}

function join(chunks: readonly Uint8Array[]): Uint8Array<ArrayBuffer> {
  const joined = new Uint8Array(chunks.reduce((total, chunk) => total + chunk.length, 0));
  let offset = 0;
  for (const chunk of chunks) {
    joined.set(chunk, offset);
    offset += chunk.length;
  }
  return joined;
}

/** The simple-query message of the protocol: `Q`, the length, the text, a zero. */
function simpleQuery(sql: string): Uint8Array {
  const text = new TextEncoder().encode(sql);
  const message = new Uint8Array(text.length + 6);
  message[0] = 'Q'.charCodeAt(0);
  new DataView(message.buffer).setUint32(1, text.length + 5);
  message.set(text, 5);
  return message;
}

/** Ends an open transaction, then drops settings, prepared statements, temporary tables, locks and subscriptions. */
const resetSession: Uint8Array<ArrayBuffer> = join([simpleQuery('rollback'), simpleQuery('discard all')]);

import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { NetworkError, ValidationError } from 'plinth/errors';
import { type Clock, systemClock } from 'plinth/kernel';
import { replyOfFault, sendEndless, spoil } from './fault-replies.ts';
import { type ActiveFault, type Behaviour, FaultPlan, parseBehaviour } from './faults.ts';
import { jsonReply, type Reply, send, textReply } from './reply.ts';
import type { StandInSource } from './source.ts';
import { addressesAt, openSources, type SourcesOptions, type StandInAddresses } from './sources.ts';

/** How the stand-in is started. */
export interface StandInOptions extends Omit<SourcesOptions, 'clock'> {
  /** The port on 127.0.0.1. @default 0: any that is free */
  readonly port?: number | undefined;
  /** @default systemClock */
  readonly clock?: Clock | undefined;
}

/** What the stand-in has done. */
export interface StandInStats {
  readonly requests: number;
  /** Requests by route of a source; paths that no source knows are one. */
  readonly byRoute: Readonly<Record<string, number>>;
  /** Requests that were answered 429 by a limit. */
  readonly limited: number;
  /** Requests that had a fault. */
  readonly faults: number;
}

/** A running stand-in. */
export interface StandIn extends AsyncDisposable {
  /** Its address, such as `http://127.0.0.1:41234`. */
  readonly url: string;
  readonly addresses: StandInAddresses;
  /** What it has done so far. */
  stats(): StandInStats;
  /** Makes it misbehave, or behave again. Also `POST /_control` with the same in JSON. */
  behave(behaviour: Behaviour): void;
  /** The faults that are in force. Also `GET /_control`. */
  faults(): readonly ActiveFault[];
  /** Ends it, with every connection. */
  close(): Promise<void>;
}

const controlPath = '/_control';

/**
 * Starts a server on 127.0.0.1 that answers as the outside sources do: the same paths, formats, limits, headers and
 * errors. Every answer with data carries `x-recorded` with the date of the recording.
 *
 * @example
 * await using standIn = await startStandIn();
 * standIn.behave({ pathPrefix: '/drug', failWith: 503, count: 2 });
 */
export async function startStandIn({ port = 0, ...options }: StandInOptions = {}): Promise<StandIn> {
  const clock = options.clock ?? systemClock;
  const app = new StandInApp(await openSources({ ...options, clock }), clock);
  const server = createServer((request, response) => {
    // What goes wrong here is a caller that is gone or an address that is none: there is nobody to tell.
    app.handle(request, response).catch(() => request.socket.destroy());
  });
  await listen(server, port);
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  const close = (): Promise<void> =>
    new Promise(resolve => {
      app.close();
      server.close(() => resolve());
      server.closeAllConnections();
    });
  return {
    url,
    addresses: addressesAt(url),
    stats: () => app.stats(),
    behave: behaviour => app.plan.behave(behaviour),
    faults: () => app.plan.active(),
    close,
    [Symbol.asyncDispose]: close,
  };
}

function listen(server: Server, port: number): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once('error', cause => {
      reject(
        new NetworkError(`The stand-in cannot listen on 127.0.0.1:${port}: ${cause.message}`, {
          cause,
          retryable: false,
        }),
      );
    });
    server.listen(port, '127.0.0.1', resolve);
  });
}

class StandInApp {
  readonly plan = new FaultPlan();
  readonly #sources: readonly StandInSource[];
  readonly #clock: Clock;
  readonly #closing = new AbortController();
  readonly #byRoute: Record<string, number> = {};
  #requests = 0;
  #limited = 0;

  constructor(sources: readonly StandInSource[], clock: Clock) {
    this.#sources = sources;
    this.#clock = clock;
  }

  stats(): StandInStats {
    const { injected } = this.plan;
    return { requests: this.#requests, byRoute: { ...this.#byRoute }, limited: this.#limited, faults: injected };
  }

  close(): void {
    this.#closing.abort();
  }

  async handle(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const url = new URL(request.url ?? '/', `http://${request.headers.host ?? '127.0.0.1'}`);
    if (url.pathname === controlPath) return this.#control(request, response);
    this.#requests += 1;
    const { route, answering } = this.#find(url.pathname);
    this.#byRoute[route] = (this.#byRoute[route] ?? 0) + 1;
    const fault = this.plan.take(url.pathname);
    if (fault?.latencyMs !== undefined) {
      await this.#clock.sleep(fault.latencyMs, this.#closing.signal).catch(() => {});
    }
    if (fault?.hang) return;
    if (fault?.dropConnection) return void request.socket.destroy();
    if (fault?.endless) return sendEndless(response);
    send(request, response, spoil(fault, replyOfFault(fault) ?? (await this.#answer(answering, request, url))));
  }

  #find(pathname: string): { readonly route: string; readonly answering: StandInSource | undefined } {
    for (const source of this.#sources) {
      const route = source.routeOf(pathname);
      if (route !== undefined) return { route, answering: source };
    }
    return { route: 'other', answering: undefined };
  }

  async #answer(source: StandInSource | undefined, request: IncomingMessage, url: URL): Promise<Reply> {
    if (source === undefined) return textReply(404, 'Not Found\n');
    const { method = 'GET', headers, socket } = request;
    const body = await readBody(request, maxQuestionBytes);
    const reply = source.answer({ method, url, headers, caller: socket.remoteAddress ?? '', body });
    if (reply.status === 429) this.#limited += 1;
    return reply;
  }

  async #control(request: IncomingMessage, response: ServerResponse): Promise<void> {
    try {
      if (request.method === 'POST') this.plan.behave(parseBehaviour(await readJsonBody(request)));
      send(request, response, jsonReply(200, { faults: this.plan.active(), stats: this.stats() }));
    } catch (error) {
      if (!(error instanceof ValidationError)) throw error;
      send(request, response, jsonReply(400, { error: error.toJSON() }));
    }
  }
}

/** The largest body of a question to a source. */
const maxQuestionBytes = 1_048_576;

/** A behaviour is short; more than this is not one. */
const maxControlBytes = 16_384;

async function readJsonBody(request: IncomingMessage): Promise<unknown> {
  // A web page of another origin cannot send this type without asking first, and nobody here would allow it.
  if (!/^application\/json\b/.test(request.headers['content-type'] ?? '')) {
    throw new ValidationError('Expected a body with content-type application/json');
  }
  const text = await readBody(request, maxControlBytes);
  try {
    return JSON.parse(text);
  } catch (cause) {
    throw new ValidationError('The body is not JSON', {}, { cause });
  }
}

async function readBody(request: IncomingMessage, maxBytes: number): Promise<string> {
  const chunks: Buffer[] = [];
  let bytes = 0;
  for await (const chunk of request) {
    bytes += (chunk as Buffer).length;
    if (bytes > maxBytes) throw new ValidationError(`The body is larger than ${maxBytes} bytes`);
    chunks.push(chunk as Buffer);
  }
  return Buffer.concat(chunks).toString('utf8');
}

import { createHash } from 'node:crypto';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { gzipSync } from 'node:zlib';
import { ArgumentError, NetworkError, ValidationError } from 'plinth/errors';
import { type Clock, systemClock } from 'plinth/kernel';
import { type ActiveFault, type Behaviour, type Fault, FaultPlan, parseBehaviour } from './faults.ts';
import { MinuteLimit } from './minute-limit.ts';
import { OpenFdaSearch } from './open-fda/search.ts';
import { readStandInData, type StandInData } from './stand-in-data.ts';

/** How the stand-in is started. */
export interface StandInOptions {
  /** The port on 127.0.0.1. @default 0: any that is free */
  readonly port?: number | undefined;
  /** A folder with larger data, see {@link readStandInData}. @default none: the recordings of this project */
  readonly dataDirectory?: string | undefined;
  /** Requests per minute that openFDA's limit allows to one caller. @default 240, as openFDA does */
  readonly requestsPerMinute?: number | undefined;
  /** The API keys that are known; others are answered 403. @default every key is good */
  readonly apiKeys?: readonly string[] | undefined;
  /** @default systemClock */
  readonly clock?: Clock | undefined;
}

/** What the stand-in has done. */
export interface StandInStats {
  readonly requests: number;
  /** Requests by path; paths that it does not know are one. */
  readonly byPath: Readonly<Record<string, number>>;
  /** Requests that were answered 429. */
  readonly limited: number;
  /** Requests that had a fault. */
  readonly faults: number;
}

/** A running stand-in. */
export interface StandIn extends AsyncDisposable {
  /** Its address, such as `http://127.0.0.1:41234`. */
  readonly url: string;
  /** The addresses to give to the connectors. */
  readonly addresses: {
    /** Instead of `https://api.fda.gov`. */
    readonly openFda: string;
    /** Instead of `https://www.fda.gov/media/76860/download`. */
    readonly orangeBook: string;
  };
  /** What it has done so far. */
  stats(): StandInStats;
  /** Makes it misbehave, or behave again. Also `POST /_control` with the same in JSON. */
  behave(behaviour: Behaviour): void;
  /** The faults that are in force. Also `GET /_control`. */
  faults(): readonly ActiveFault[];
  /** Ends it, with every connection. */
  close(): Promise<void>;
}

/** An answer before it is put on the wire. */
interface Reply {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: Buffer;
}

const searchPath = '/drug/drugsfda.json';
const downloadPath = '/media/76860/download';
const controlPath = '/_control';

/**
 * Starts a server on 127.0.0.1 that answers as openFDA's drugsfda and the Orange Book's download do: the same formats,
 * limits, headers and errors. Every answer with data carries `x-recorded` with the date of the recording.
 *
 * @example
 * await using standIn = await startStandIn();
 * standIn.behave({ pathPrefix: '/drug', failWith: 503, count: 2 });
 */
export async function startStandIn(options: StandInOptions = {}): Promise<StandIn> {
  const { port = 0, requestsPerMinute = 240, clock = systemClock } = options;
  if (!Number.isInteger(requestsPerMinute) || requestsPerMinute < 1) {
    const message = `Cannot use requestsPerMinute: expected a whole number from 1, got ${requestsPerMinute}`;
    throw new ArgumentError(message, 'requestsPerMinute');
  }
  const app = new StandInApp(await readStandInData(options.dataDirectory), {
    requestsPerMinute,
    clock,
    apiKeys: options.apiKeys,
  });
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
    addresses: { openFda: url, orangeBook: `${url}${downloadPath}` },
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
  readonly #data: StandInData;
  readonly #search: OpenFdaSearch;
  readonly #limit: MinuteLimit;
  readonly #clock: Clock;
  readonly #apiKeys: ReadonlySet<string> | undefined;
  readonly #closing = new AbortController();
  readonly #byPath: Record<string, number> = {};
  #requests = 0;
  #limited = 0;

  constructor(
    data: StandInData,
    options: {
      readonly requestsPerMinute: number;
      readonly clock: Clock;
      readonly apiKeys: readonly string[] | undefined;
    },
  ) {
    this.#data = data;
    this.#search = new OpenFdaSearch(data.records, data.meta);
    this.#clock = options.clock;
    this.#limit = new MinuteLimit(options.requestsPerMinute, options.clock);
    this.#apiKeys = options.apiKeys && new Set(options.apiKeys);
  }

  stats(): StandInStats {
    return {
      requests: this.#requests,
      byPath: { ...this.#byPath },
      limited: this.#limited,
      faults: this.plan.injected,
    };
  }

  close(): void {
    this.#closing.abort();
  }

  async handle(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const url = new URL(request.url ?? '/', `http://${request.headers.host ?? '127.0.0.1'}`);
    if (url.pathname === controlPath) return this.#control(request, response);
    this.#requests += 1;
    const known = [searchPath, downloadPath].includes(url.pathname) ? url.pathname : 'other';
    this.#byPath[known] = (this.#byPath[known] ?? 0) + 1;
    const fault = this.plan.take(url.pathname);
    if (fault?.latencyMs !== undefined) {
      await this.#clock.sleep(fault.latencyMs, this.#closing.signal).catch(() => {});
    }
    if (fault?.hang) return;
    if (fault?.dropConnection) return void request.socket.destroy();
    send(request, response, spoil(fault, this.#replyOf(fault) ?? this.#answer(request, url)));
  }

  #replyOf(fault: Fault | undefined): Reply | undefined {
    if (fault?.failWith !== undefined) {
      const error = { code: 'SERVICE_UNAVAILABLE', message: 'The stand-in was told to fail' };
      return jsonReply(fault.failWith, { error });
    }
    if (fault?.html) {
      const page =
        '<!DOCTYPE html>\n<html><head><title>Maintenance</title></head><body>Please come back later.</body></html>\n';
      return { status: 200, headers: { 'content-type': 'text/html; charset=utf-8' }, body: Buffer.from(page) };
    }
    return undefined;
  }

  #answer(request: IncomingMessage, url: URL): Reply {
    if (request.method !== 'GET' && request.method !== 'HEAD') return textReply(405, 'Method Not Allowed');
    if (url.pathname === searchPath) return this.#answerSearch(request, url);
    if (url.pathname === downloadPath) return this.#answerDownload(request);
    return textReply(404, 'Not Found');
  }

  #answerSearch(request: IncomingMessage, url: URL): Reply {
    const key = apiKeyOf(request, url);
    if (key !== undefined && this.#apiKeys?.has(key) === false) {
      const message = 'An invalid api_key was supplied. Get one at https://api.fda.gov:443';
      return jsonReply(403, { error: { code: 'API_KEY_INVALID', message } });
    }
    const decision = this.#limit.take(key ?? request.socket.remoteAddress ?? '');
    const limits = {
      'x-ratelimit-limit': String(this.#limit.requestsPerMinute),
      'x-ratelimit-remaining': String(decision.remaining),
    };
    if (!decision.allowed) {
      this.#limited += 1;
      const message =
        'You have exceeded your rate limit. Try again later or contact us at https://api.fda.gov:443/contact for assistance';
      return jsonReply(429, { error: { code: 'OVER_RATE_LIMIT', message } }, limits);
    }
    const query = new URLSearchParams(url.search);
    query.delete('api_key');
    const { status, body, nextQuery } = this.#search.answer(query);
    return jsonReply(status, body, {
      ...limits,
      ...openFdaHeaders,
      'x-recorded': this.#data.openFdaRecordedOn,
      ...(nextQuery === undefined ? {} : { link: `<${url.origin}${searchPath}?${nextQuery}>; rel="next"` }),
    });
  }

  #answerDownload(request: IncomingMessage): Reply {
    const { zip, etag, recordedOn } = this.#data.orangeBook;
    const headers = {
      'content-type': 'application/zip',
      'content-disposition': 'attachment; filename="EOBZIP.zip"',
      etag,
      'last-modified': new Date(`${recordedOn}T12:00:00Z`).toUTCString(),
      'x-recorded': recordedOn,
    };
    const since = Date.parse(request.headers['if-modified-since'] ?? '');
    const conditions = request.headers['if-none-match'];
    const isUnchanged =
      conditions === undefined ? since >= Date.parse(headers['last-modified']) : conditions.includes(etag);
    return isUnchanged ? { status: 304, headers, body: Buffer.alloc(0) } : { status: 200, headers, body: zip };
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

/** Headers that openFDA sends with every answer of its own. */
const openFdaHeaders = {
  'access-control-allow-origin': '*',
  'cache-control': 'no-cache, no-store, must-revalidate',
  'content-security-policy': "default-src 'none'",
  vary: 'Accept-Encoding',
  'x-content-type-options': 'nosniff',
  'x-frame-options': 'deny',
} as const;

/** The key comes as `api_key` or as the user name of HTTP Basic. */
function apiKeyOf(request: IncomingMessage, url: URL): string | undefined {
  const inQuery = url.searchParams.get('api_key');
  if (inQuery !== null) return inQuery;
  const credentials = /^Basic (\S+)$/i.exec(request.headers.authorization ?? '')?.[1];
  return credentials === undefined ? undefined : Buffer.from(credentials, 'base64').toString('utf8').split(':')[0];
}

function jsonReply(status: number, body: object, headers: Readonly<Record<string, string>> = {}): Reply {
  const bytes = Buffer.from(JSON.stringify(body, null, 2));
  const hash = createHash('sha1').update(bytes).digest('base64').slice(0, 27);
  const etag = `W/"${bytes.length.toString(16)}-${hash}"`;
  return { status, headers: { 'content-type': 'application/json; charset=utf-8', etag, ...headers }, body: bytes };
}

function textReply(status: number, text: string): Reply {
  return { status, headers: { 'content-type': 'text/plain; charset=utf-8' }, body: Buffer.from(`${text}\n`) };
}

function spoil(fault: Fault | undefined, reply: Reply): Reply {
  return fault?.truncate ? { ...reply, body: reply.body.subarray(0, Math.floor(reply.body.length / 2)) } : reply;
}

function send(request: IncomingMessage, response: ServerResponse, reply: Reply): void {
  if (response.destroyed) return;
  const isText = /^(?:application\/json|text\/)/.test(reply.headers['content-type'] ?? '');
  const zipped = isText && /\bgzip\b/.test(request.headers['accept-encoding'] ?? '');
  const etag = reply.headers['etag'];
  const isUnchanged = reply.status === 200 && etag !== undefined && request.headers['if-none-match']?.includes(etag);
  const body = zipped ? gzipSync(reply.body) : reply.body;
  response.writeHead(isUnchanged ? 304 : reply.status, {
    ...reply.headers,
    ...(zipped ? { 'content-encoding': 'gzip' } : {}),
    ...(isUnchanged || reply.status === 304 ? {} : { 'content-length': body.length }),
  });
  response.end(isUnchanged || request.method === 'HEAD' ? undefined : body);
}

/** A behaviour is short; more than this is not one. */
const maxControlBytes = 16_384;

async function readJsonBody(request: IncomingMessage): Promise<unknown> {
  // A web page of another origin cannot send this type without asking first, and nobody here would allow it.
  if (!/^application\/json\b/.test(request.headers['content-type'] ?? '')) {
    throw new ValidationError('Expected a body with content-type application/json');
  }
  const chunks: Buffer[] = [];
  let bytes = 0;
  for await (const chunk of request) {
    bytes += (chunk as Buffer).length;
    if (bytes > maxControlBytes) throw new ValidationError(`The body is larger than ${maxControlBytes} bytes`);
    chunks.push(chunk as Buffer);
  }
  try {
    return JSON.parse(Buffer.concat(chunks).toString('utf8'));
  } catch (cause) {
    throw new ValidationError('The body is not JSON', {}, { cause });
  }
}

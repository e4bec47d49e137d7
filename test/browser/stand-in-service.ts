import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { CallRecord, ConsoleState, MedicationAnswer, Totals } from '../../console/src/wire.ts';
import { type ConsoleAsset, consoleContentSecurityPolicy, loadConsoleAssets } from '../../service/console-assets.ts';
import { sampleEvidence, sampleProperty } from './sample-answers.ts';
import { type SampleCall, type SampleKind, sampleCalls } from './sample-calls.ts';
import { StandInImports } from './stand-in-imports.ts';

const upstreamMs = 60;

/**
 * Speaks the HTTP surface that the console uses, with calls made to order. What the console does with odd situations
 * (a refused call, a thousand calls a second, a dead service) can be asked for here and not waited for.
 */
export class StandInService {
  readonly imports = new StandInImports();
  readonly #assets: ReadonlyMap<string, ConsoleAsset>;
  readonly #streams = new Set<ServerResponse>();
  readonly #inFlight = new Map<string, Promise<void>>();
  readonly #known = new Set<string>();
  #server: Server | undefined;
  #port = 0;
  #startedAt = Date.now();
  #sequence = 0;
  #calls: CallRecord[] = [];
  #totals: Totals = { calls: 0, ok: 0, stale: 0, rejected: 0, failed: 0, upstreamCalls: 0 };
  #stateTimer: NodeJS.Timeout | undefined;
  /** Parts of the state that a test sets. */
  overrides: Partial<ConsoleState> = {};

  private constructor(assets: readonly ConsoleAsset[]) {
    this.#assets = new Map(assets.map(asset => [asset.path, asset]));
  }

  static async start(): Promise<StandInService> {
    const service = new StandInService(await loadConsoleAssets());
    await service.start();
    return service;
  }

  get baseUrl(): string {
    return `http://127.0.0.1:${this.#port}`;
  }

  /** Listens, after a stop at the same port as before. */
  async start(): Promise<void> {
    const server = createServer((request, response) => void this.#serve(request, response));
    this.#server = server;
    await new Promise<void>(resolve => server.listen(this.#port, '127.0.0.1', resolve));
    this.#port = (server.address() as AddressInfo).port;
  }

  /** Cuts every connection and listens no more. */
  async stop(): Promise<void> {
    clearTimeout(this.#stateTimer);
    this.#stateTimer = undefined;
    this.#streams.clear();
    const server = this.#server;
    server?.closeAllConnections();
    await new Promise<void>(resolve => (server ? server.close(() => resolve()) : resolve()));
  }

  /** Forgets everything, as a new process does. */
  forget(): void {
    this.#startedAt = Date.now();
    this.#sequence = 0;
    this.#calls = [];
    this.#totals = { calls: 0, ok: 0, stale: 0, rejected: 0, failed: 0, upstreamCalls: 0 };
    this.#known.clear();
    this.imports.forget();
  }

  /** So many names of every running import get their result, and the page is told. */
  advanceImports(names: number): void {
    this.imports.advance(names);
    this.#send('state', this.#state());
  }

  /** A guarded call that ended just now. */
  call(kind: SampleKind, name = 'osimertinib', requestId?: string): void {
    this.#record(sampleCalls[kind](name), requestId);
  }

  #record(call: SampleCall, requestId?: string): void {
    this.#sequence += 1;
    const startedAt = Math.round(Date.now() - call.durationMs);
    const record = { ...call, sequence: this.#sequence, startedAt, ...(requestId ? { requestId } : {}) };
    this.#calls = [record, ...this.#calls].slice(0, 100);
    const { calls, ok, stale, rejected, failed, upstreamCalls } = this.#totals;
    this.#totals = {
      calls: calls + 1,
      ok: ok + (call.result === 'ok' ? 1 : 0),
      stale: stale + (call.freshness === 'stale' ? 1 : 0),
      rejected: rejected + (call.result === 'rejected' ? 1 : 0),
      failed: failed + (call.result === 'failed' ? 1 : 0),
      upstreamCalls: upstreamCalls + call.attempts,
    };
    this.#send('call', record);
    this.#stateTimer ??= setTimeout(() => {
      this.#stateTimer = undefined;
      this.#send('state', this.#state());
    }, 1_000);
  }

  #send(event: string, data: unknown): void {
    const text = `event: ${event}\ndata: ${JSON.stringify(data)}\n\n`;
    for (const stream of this.#streams) stream.write(text);
  }

  async #serve(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const url = new URL(request.url ?? '/', this.baseUrl);
    const asset = this.#assets.get(url.pathname);
    if (asset) {
      response.writeHead(200, {
        'content-type': asset.contentType,
        'content-security-policy': consoleContentSecurityPolicy,
        'cache-control': asset.cacheControl,
        etag: asset.etag,
      });
      response.end(asset.body);
    } else if (url.pathname === '/api/v1/console/state') sendJson(response, 200, this.#state());
    else if (url.pathname === '/api/v1/console/events') this.#stream(response);
    else if (url.pathname.startsWith('/api/v1/console/why/')) this.#why(url, response);
    else if (url.pathname === '/api/v1/medications') await this.#answer(url.searchParams.get('name') ?? '', response);
    else if (url.pathname.endsWith('/evidence')) this.#evidence(response);
    else if (url.pathname.startsWith('/api/v1/properties/')) this.#property(url, response);
    else if (url.pathname.startsWith('/api/v1/imports')) await this.#import(url, request, response);
    else sendJson(response, 404, notFound);
  }

  #why(url: URL, response: ServerResponse): void {
    const asked = url.pathname.split('/')[5];
    sendJson(response, 200, { calls: this.#calls.filter(({ requestId }) => requestId === asked) });
  }

  #evidence(response: ServerResponse): void {
    const requestId = crypto.randomUUID();
    this.call('fetched', 'osimertinib', requestId);
    this.call('hit', 'osimertinib', requestId);
    sendJson(response, 200, sampleEvidence, requestId);
  }

  #property(url: URL, response: ServerResponse): void {
    const bbl = decodeURIComponent(url.pathname.split('/')[4] ?? '');
    const isGood = /^\d{10}$/.test(bbl);
    const error = `Cannot read "${bbl}" as a BBL: expected ten digits such as 1007200055`;
    const refusal = { success: false, error, error_code: 'VALIDATION_ERROR' };
    sendJson(response, isGood ? 200 : 422, isGood ? sampleProperty : refusal, crypto.randomUUID());
  }

  async #import(url: URL, request: IncomingMessage, response: ServerResponse): Promise<void> {
    const [id, action = ''] = url.pathname.split('/').slice(4);
    if (id === undefined) {
      const { names } = JSON.parse((await request.toArray()).join('')) as { names: readonly string[] };
      return sendJson(response, 202, this.imports.begin(names));
    }
    const [offset = 0, limit = 0] = ['offset', 'limit'].map(name => Number(url.searchParams.get(name)));
    const results = action === 'results';
    const answer = results ? this.imports.results(id, offset, limit) : this.imports.steer(id, action);
    sendJson(response, answer ? 200 : 404, answer ?? notFound);
  }

  #stream(response: ServerResponse): void {
    response.writeHead(200, { 'content-type': 'text/event-stream', 'cache-control': 'no-store' });
    response.write(`event: state\ndata: ${JSON.stringify(this.#state())}\n\n`);
    this.#streams.add(response);
    response.on('close', () => this.#streams.delete(response));
  }

  /** One upstream call for each name, however many ask: what a cache with single flight does. */
  async #answer(name: string, response: ServerResponse): Promise<void> {
    const requestId = crypto.randomUUID();
    if (name === 'broken') {
      const details = { request_id: requestId };
      const error = 'No source could answer';
      this.call('refused', name, requestId);
      return sendJson(response, 503, { success: false, error, error_code: 'SOURCES_UNAVAILABLE', details }, requestId);
    }
    const flight = this.#inFlight.get(name);
    const kind: SampleKind = this.#known.has(name) ? 'hit' : flight ? 'joined' : 'fetched';
    if (kind === 'fetched') this.#inFlight.set(name, new Promise(resolve => setTimeout(resolve, upstreamMs)));
    if (kind !== 'hit') await this.#inFlight.get(name);
    this.#inFlight.delete(name);
    this.#known.add(name);
    this.call(kind, name, requestId);
    sendJson(response, 200, name === 'half' ? halfAnswer(name) : medicationAnswer(name), requestId);
  }

  #state(): ConsoleState {
    const joined = this.#calls.filter(({ stages }) => stages.some(({ decision }) => decision === 'joined')).length;
    const hits = this.#calls.filter(({ stages }) => stages.some(({ decision }) => decision === 'hit')).length;
    const misses = this.#totals.calls - hits - joined;
    return {
      service: {
        name: 'Plinth reference service',
        version: '0.1.0',
        environment: 'development',
        upstreams: 'recorded',
        standIn: 'http://127.0.0.1:41234',
        startedAt: new Date(this.#startedAt).toISOString(),
        uptimeSeconds: (Date.now() - this.#startedAt) / 1_000,
        database: 'PGlite, embedded',
      },
      health: {
        status: 'up',
        checks: [
          { name: 'database', status: 'up', durationMs: 1.4 },
          { name: 'openfda', status: 'up', durationMs: 0.1 },
        ],
      },
      breakers: [{ name: 'openfda', state: 'closed', failures: 0, failureThreshold: 5 }],
      caches: [
        {
          name: 'openfda',
          entries: this.#known.size,
          maxEntries: 1_000,
          hits,
          misses,
          stale: this.#totals.stale,
          loads: misses,
          joined,
          evictions: 0,
          hitRate: this.#totals.calls === 0 ? 0 : hits / this.#totals.calls,
        },
      ],
      totals: this.#totals,
      imports: this.imports.list(),
      calls: this.#calls,
      ...this.overrides,
    };
  }
}

const notFound = { success: false, error: 'Not found', error_code: 'NOT_FOUND' };

function sendJson(response: ServerResponse, status: number, body: unknown, requestId?: string): void {
  const headers = { 'content-type': 'application/json', ...(requestId ? { 'x-request-id': requestId } : {}) };
  response.writeHead(status, headers).end(JSON.stringify(body));
}

/** One source found nothing, and our own breaker did not let the other one be asked. */
function halfAnswer(name: string): MedicationAnswer {
  const answer = medicationAnswer(name);
  const refused = { status: 'failed', origin: null, freshness: null, errorCode: 'CIRCUIT_OPEN' } as const;
  const sources = answer.sources.map(one => (one.source === 'drugsfda' ? { ...one, ...refused } : one));
  return { ...answer, sources };
}

function medicationAnswer(name: string): MedicationAnswer {
  const fetchedAt = new Date().toISOString();
  const source = { origin: 'recorded', freshness: 'fresh', ageMs: 0, fetchedAt } as const;
  const product = {
    applicationNumber: 'NDA208065',
    brandName: 'TAGRISSO',
    dosageForm: 'TABLET',
    route: 'ORAL',
    status: 'prescription',
    sponsor: 'ASTRAZENECA',
  };
  const results = ['EQ 40MG BASE', 'EQ 80MG BASE'].flatMap(strength =>
    ['orange-book', 'drugsfda'].map(each => {
      return { ...product, source: each, strength, ingredients: [{ name: 'OSIMERTINIB MESYLATE', strength }] };
    }),
  );
  const known = name === 'osimertinib';
  const facts = known ? ({ status: 'answered', found: 2 } as const) : ({ status: 'empty', found: 0 } as const);
  return {
    name,
    freshness: 'fresh',
    fetchedAt,
    total: known ? results.length : 0,
    results: known ? results : [],
    sources: [
      { ...source, ...facts, source: 'drugsfda' },
      { ...source, ...facts, source: 'orange-book', edition: '2026-06-12', ageMs: 7_200_000 },
    ],
  };
}

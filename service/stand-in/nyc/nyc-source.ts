import { createHash } from 'node:crypto';
import { jsonTextReply, type Reply, textReply } from '../reply.ts';
import { RequestLimit } from '../request-limit.ts';
import type { Question, SourceOptions, StandInSource } from '../source.ts';
import type { NycRecordings } from './nyc-recordings.ts';
import type { SodaDataset } from './soda-dataset.ts';
import { SodaQueryError } from './soda-error.ts';
import { type SodaResult, search } from './soda-search.ts';

/** How NYC Open Data behaves. */
export interface NycSourceOptions {
  /** Requests per minute that are allowed to one address without a token. @default 600; the portal publishes no number */
  readonly requestsPerMinute?: number | undefined;
  /** The app tokens that are known; others are answered 403. @default every token is good */
  readonly appTokens?: readonly string[] | undefined;
}

const route = '/resource/:id.json';
const contentType = 'application/json;charset=utf-8';

/** Stands in for `https://data.cityofnewyork.us`: SODA 2.1. */
export class NycSource implements StandInSource {
  readonly name = 'nyc';
  readonly #recordings: NycRecordings;
  readonly #limit: RequestLimit;
  readonly #appTokens: ReadonlySet<string> | undefined;
  #requests = 0;

  constructor(recordings: NycRecordings, options: NycSourceOptions & SourceOptions) {
    this.#recordings = recordings;
    this.#limit = new RequestLimit(options.requestsPerMinute ?? 600, options.clock);
    this.#appTokens = options.appTokens && new Set(options.appTokens);
  }

  routeOf(pathname: string): string | undefined {
    return datasetIdOf(pathname) === undefined ? undefined : route;
  }

  answer(question: Question): Reply {
    this.#requests += 1;
    const requestId = createHash('md5').update(String(this.#requests)).digest('hex');
    const reply = this.#answer(question);
    return { ...reply, headers: { ...reply.headers, ...ownHeaders, 'x-socrata-requestid': requestId } };
  }

  #answer({ method, url, headers, caller }: Question): Reply {
    if (method !== 'GET' && method !== 'HEAD') {
      return oldError(405, { code: 'method_not_allowed', message: 'Method not allowed' });
    }
    const token = headers['x-app-token']?.toString() ?? url.searchParams.get('$$app_token') ?? undefined;
    if (token !== undefined && this.#appTokens?.has(token) === false) {
      return oldError(403, { code: 'permission_denied', message: 'Invalid app_token specified' });
    }
    // Who has a token has a pool of his own. Nothing says how long to stay away.
    if (token === undefined && !this.#limit.take(caller).allowed) return textReply(429, '');
    const id = datasetIdOf(url.pathname) ?? '';
    const dataset = this.#recordings.datasets.get(id);
    if (dataset === undefined) return oldError(404, { code: 'dataset.missing', message: 'Not found' });
    const parameters = new URLSearchParams(url.search);
    parameters.delete('$$app_token');
    return this.#answerQuery(dataset, parameters);
  }

  #answerQuery(dataset: SodaDataset, parameters: URLSearchParams): Reply {
    try {
      const result = search(dataset, parameters);
      const modified = new Date(`${this.#recordings.recordedOn}T17:40:22Z`).toUTCString();
      return jsonTextReply(200, layoutOf(result), {
        'content-type': contentType,
        'x-soda2-fields': JSON.stringify(result.fields.map(([name]) => name)),
        'x-soda2-types': JSON.stringify(result.fields.map(([, type]) => type)),
        'x-soda2-data-out-of-date': 'false',
        'x-soda2-truth-last-modified': modified,
        'x-soda2-secondary-last-modified': modified,
        'last-modified': modified,
        'x-recorded': this.#recordings.recordedOn,
      });
    } catch (error) {
      if (error instanceof SodaQueryError) return refusalOf(error, dataset, parameters);
      throw error;
    }
  }
}

const ownHeaders = {
  'access-control-allow-origin': '*',
  vary: 'Accept-Encoding',
  'x-socrata-region': 'stand-in',
} as const;

function datasetIdOf(pathname: string): string | undefined {
  return /^\/resource\/([^/]+)\.json$/.exec(pathname)?.[1];
}

/** One row a line, as the portal lays it out. */
function layoutOf({ rows }: SodaResult): string {
  return `[${rows.map(row => JSON.stringify(row)).join('\n,')}]\n`;
}

/** The portal's older form of an error. */
function oldError(status: number, error: { readonly code: string; readonly message: string }): Reply {
  const { code, message } = error;
  return jsonTextReply(status, JSON.stringify({ code, error: true, message }), { 'content-type': contentType });
}

/** A refusal as it was recorded: the message repeats the whole query with every column, padded to several KB. */
function refusalOf({ refusal, message, column }: SodaQueryError, dataset: SodaDataset, query: URLSearchParams): Reply {
  if (refusal === 'too-complex') {
    const tag = createHash('md5').update(query.toString()).digest('hex').slice(0, 32);
    return newError(500, 'internal-error', `Internal error: please include code ${tag} if you report this`, { tag });
  }
  const errorCode = `query.soql.${refusal === 'syntax' ? 'parse-error' : refusal}`;
  const columns = [...dataset.columns.keys()].map(name => `\`${name}\``).join(', ');
  const asked = [...query].map(([name, value]) => `${name.replace('$', '').toUpperCase()} ${value}`).join(' ');
  const line = `SELECT ${columns} |> ${asked}\n${' '.repeat(2_000)}^`;
  const position = { row: 1, column: 1_500, line };
  const shown = `Map(row -> 1, column -> 1500, line -> ${JSON.stringify(line)})`;
  const text = `Query coordinator error: ${errorCode}; ${message}; position: ${shown}`;
  return newError(400, errorCode, text, {
    ...(column === undefined ? {} : { column }),
    dataset: `alpha.${dataset.id}`,
    position,
  });
}

function newError(status: number, errorCode: string, message: string, data: object): Reply {
  return jsonTextReply(status, JSON.stringify({ message, errorCode, data }), { 'content-type': contentType });
}

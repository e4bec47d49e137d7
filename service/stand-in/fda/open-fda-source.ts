import { jsonReply, type Reply, textReply } from '../reply.ts';
import { RequestLimit } from '../request-limit.ts';
import type { Question, SourceOptions, StandInSource } from '../source.ts';
import { openFdaEndpoints } from './endpoints.ts';
import type { FdaRecordings } from './fda-recordings.ts';
import { OpenFdaSearch } from './search.ts';

/** How openFDA behaves. */
export interface OpenFdaSourceOptions {
  /** Requests per minute that are allowed to one caller. @default 240, as openFDA does */
  readonly requestsPerMinute?: number | undefined;
  /** The API keys that are known; others are answered 403. @default every key is good */
  readonly apiKeys?: readonly string[] | undefined;
}

/** Headers that openFDA sends with every answer of its own. */
const ownHeaders = {
  'access-control-allow-origin': '*',
  'cache-control': 'no-cache, no-store, must-revalidate',
  'content-security-policy': "default-src 'none'",
  vary: 'Accept-Encoding',
  'x-content-type-options': 'nosniff',
  'x-frame-options': 'deny',
} as const;

/** Stands in for `https://api.fda.gov`. */
export class OpenFdaSource implements StandInSource {
  readonly name = 'openfda';
  readonly #searches: ReadonlyMap<string, OpenFdaSearch>;
  readonly #recordedOn: string;
  readonly #limit: RequestLimit;
  readonly #apiKeys: ReadonlySet<string> | undefined;

  constructor(recordings: FdaRecordings, options: OpenFdaSourceOptions & SourceOptions) {
    this.#searches = new Map(
      openFdaEndpoints.map(endpoint => {
        const { records, meta } = recordings.openFda[endpoint.name];
        return [endpoint.path, new OpenFdaSearch(endpoint, records, meta)];
      }),
    );
    this.#recordedOn = recordings.openFdaRecordedOn;
    this.#limit = new RequestLimit(options.requestsPerMinute ?? 240, options.clock);
    this.#apiKeys = options.apiKeys && new Set(options.apiKeys);
  }

  routeOf(pathname: string): string | undefined {
    return this.#searches.has(pathname) ? pathname : undefined;
  }

  answer(question: Question): Reply {
    if (question.method !== 'GET' && question.method !== 'HEAD') return textReply(405, 'Method Not Allowed\n');
    const key = apiKeyOf(question);
    if (key !== undefined && this.#apiKeys?.has(key) === false) {
      const message = 'An invalid api_key was supplied. Get one at https://api.fda.gov:443';
      return jsonReply(403, { error: { code: 'API_KEY_INVALID', message } });
    }
    const decision = this.#limit.take(key ?? question.caller);
    const limits = {
      'x-ratelimit-limit': String(this.#limit.requestsPerMinute),
      'x-ratelimit-remaining': String(decision.remaining),
    };
    if (!decision.allowed) {
      const message =
        'You have exceeded your rate limit. Try again later or contact us at https://api.fda.gov:443/contact for assistance';
      return jsonReply(429, { error: { code: 'OVER_RATE_LIMIT', message } }, limits);
    }
    return this.#answerSearch(question.url, limits);
  }

  #answerSearch(url: URL, limits: Readonly<Record<string, string>>): Reply {
    const query = new URLSearchParams(url.search);
    query.delete('api_key');
    const search = this.#searches.get(url.pathname);
    if (search === undefined) return textReply(404, 'Not Found\n');
    const { status, body, nextQuery } = search.answer(query);
    return jsonReply(status, body, {
      ...limits,
      ...ownHeaders,
      'x-recorded': this.#recordedOn,
      ...(nextQuery === undefined ? {} : { link: `<${url.origin}${url.pathname}?${nextQuery}>; rel="next"` }),
    });
  }
}

/** The key comes as `api_key` or as the user name of HTTP Basic. */
function apiKeyOf({ url, headers }: Question): string | undefined {
  const inQuery = url.searchParams.get('api_key');
  if (inQuery !== null) return inQuery;
  const credentials = /^Basic (\S+)$/i.exec(headers.authorization ?? '')?.[1];
  return credentials === undefined ? undefined : Buffer.from(credentials, 'base64').toString('utf8').split(':')[0];
}

import type { Clock } from 'plinth/kernel';
import { jsonReply, type Reply, textReply } from '../reply.ts';
import { RequestLimit } from '../request-limit.ts';
import type { Question, SourceOptions, StandInSource } from '../source.ts';
import { Annotator } from './annotate.ts';
import { type AnnotationKind, questionOfAddress, questionsOfBody } from './annotation-questions.ts';
import type { OncoKBRecordings, WireRecord } from './oncokb-recordings.ts';
import { type Access, type Refusal, type TokenRole, Tokens, tokenOf } from './oncokb-tokens.ts';
import { actionableText, annotatedText, curatedGenesText } from './tables.ts';

/** How OncoKB behaves. */
export interface OncoKBSourceOptions {
  /**
   * The tokens that are known, with what they may; others are answered 401. @default every token is good: one that begins
   * with `premium`, `download`, `admin`, `expired` or `unlicensed` is that, any other is an ordinary one
   */
  readonly tokens?: Readonly<Record<string, TokenRole>> | undefined;
  /** Requests per minute that are allowed to one token. @default no limit: OncoKB's limiter is off for these endpoints */
  readonly requestsPerMinute?: number | undefined;
}

/** Where OncoKB is on the server. */
export const oncoKBPath = '/api/v1';

interface Route {
  readonly access: Access;
  readonly methods: readonly string[];
  answer(question: Question): Reply;
}

const problems = 'https://www.oncokb.org/problem';

/** Stands in for `https://www.oncokb.org/api/v1`. */
export class OncoKBSource implements StandInSource {
  readonly name = 'oncokb';
  readonly #recordings: OncoKBRecordings;
  readonly #annotator: Annotator;
  readonly #tokens: Tokens;
  readonly #limit: RequestLimit | undefined;
  readonly #clock: Clock;
  readonly #routes: ReadonlyMap<string, Route>;

  constructor(recordings: OncoKBRecordings, options: OncoKBSourceOptions & SourceOptions) {
    this.#recordings = recordings;
    this.#annotator = new Annotator(recordings);
    this.#tokens = new Tokens(options.tokens);
    this.#clock = options.clock;
    const { requestsPerMinute } = options;
    this.#limit = requestsPerMinute === undefined ? undefined : new RequestLimit(requestsPerMinute, options.clock);
    this.#routes = new Map(Object.entries(this.#routesByPath()));
  }

  routeOf(pathname: string): string | undefined {
    if (!pathname.startsWith(`${oncoKBPath}/`)) return undefined;
    const path = pathname.slice(oncoKBPath.length);
    return this.#routes.has(path) ? pathname : `${oncoKBPath}/*`;
  }

  answer(question: Question): Reply {
    const path = question.url.pathname.slice(oncoKBPath.length);
    // Every path that is not named is for administrators only, those that do not exist too.
    const route = this.#routes.get(path);
    const refusal = this.#tokens.check(question.headers, route?.access ?? 'admin');
    if (refusal !== undefined) return refused(refusal, question.url.pathname);
    if (route === undefined) return problem(404, 'Not Found', 'Not Found', question.url.pathname);
    if (!route.methods.includes(question.method)) {
      return problem(
        405,
        'Method Not Allowed',
        `Request method '${question.method}' not supported`,
        question.url.pathname,
      );
    }
    return this.#limited(question) ?? route.answer(question);
  }

  #limited(question: Question): Reply | undefined {
    const decision = this.#limit?.take(tokenOf(question.headers) ?? question.caller);
    if (decision === undefined || decision.allowed) return undefined;
    const most = this.#limit?.requestsPerMinute;
    const detail = `You have exhausted your API Request Quota. Max allowed is ${most} requests per minute.`;
    return problem(429, 'Too Many Requests', detail, question.url.pathname, {
      'x-ratelimit-remaining': '0',
      'x-ratelimit-reset': String(Math.ceil(this.#clock.now() + decision.resetMs)),
    });
  }

  #routesByPath(): Readonly<Record<string, Route>> {
    const { curatedGenes, cancerGenes, drugs, actionable, annotated, info } = this.#recordings;
    const json = (access: Access, body: unknown): Route => this.#get(access, () => this.#data(body));
    const text = (access: Access, body: string): Route => this.#get(access, () => this.#text(body));
    const versioned = (route: Route): Route => ({
      ...route,
      answer: question => this.#unknownVersion(question) ?? route.answer(question),
    });
    return {
      '/info': json('everybody', info),
      '/utils/allCuratedGenes': json('everybody', curatedGenes),
      '/utils/allCuratedGenes.json': json('everybody', curatedGenes),
      '/utils/allCuratedGenes.txt': text('everybody', curatedGenesText(curatedGenes)),
      '/utils/cancerGeneList': json('everybody', cancerGenes),
      '/utils/cancerGeneList.json': json('everybody', cancerGenes),
      '/utils/allActionableVariants': versioned(json('premium', actionable)),
      '/utils/allActionableVariants.txt': versioned(text('premium-or-download', actionableText(actionable))),
      '/utils/allAnnotatedVariants': versioned(json('premium', annotated)),
      '/utils/allAnnotatedVariants.txt': versioned(text('premium-or-download', annotatedText(annotated))),
      '/drugs': json('premium', drugs),
      '/drugs/lookup': this.#get('admin', question => this.#data(this.#lookUp(question.url.searchParams))),
      '/annotate/mutations/byProteinChange': {
        access: 'token',
        methods: ['GET', 'HEAD', 'POST'],
        answer: question =>
          question.method === 'POST' ? this.#annotateAll(question) : this.#annotate(question, 'mutation'),
      },
      '/annotate/copyNumberAlterations': this.#get('token', question => this.#annotate(question, 'copy-number')),
      '/annotate/structuralVariants': this.#get('token', question => this.#annotate(question, 'structural')),
    };
  }

  #get(access: Access, answer: (question: Question) => Reply): Route {
    return { access, methods: ['GET', 'HEAD'], answer };
  }

  #annotate(question: Question, kind: AnnotationKind): Reply {
    const { searchParams, pathname } = question.url;
    const missing = requiredBy[kind].find(name => !searchParams.has(name));
    if (missing !== undefined) return badRequest(`Required parameter '${missing}' is not present.`, pathname);
    const asked = questionOfAddress(searchParams, kind);
    if (this.#annotator.geneOf(asked) === 'differ')
      return badRequest('Entrez Gene ID and Hugo Symbol are not consistent', pathname);
    return this.#data(this.#annotator.answer(asked));
  }

  #annotateAll(question: Question): Reply {
    const { pathname } = question.url;
    const asked = questionsOfBody(question.body);
    if (asked === undefined) return badRequest('The body is missing or is no list of queries', pathname);
    if (asked.some(one => this.#annotator.geneOf(one) === 'differ')) {
      return badRequest('Entrez Gene ID and Hugo Symbol are not consistent', pathname);
    }
    return this.#data(asked.map(one => this.#annotator.answer(one)));
  }

  #lookUp(parameters: URLSearchParams): readonly WireRecord[] {
    const exact = parameters.get('exactMatch') !== 'false';
    const name = (parameters.get('name') ?? parameters.get('synonym'))?.toLowerCase();
    const code = parameters.get('ncitCode');
    return this.#recordings.drugs.filter(drug => {
      const known = String(drug['drugName']).toLowerCase();
      if (code !== null) return drug['ncitCode'] === code;
      return name !== undefined && (exact ? known === name : known.includes(name));
    });
  }

  #unknownVersion({ url }: Question): Reply | undefined {
    const { version } = this.#recordings.info['dataVersion'] as { readonly version: string };
    const asked = url.searchParams.get('version');
    if (asked === null || asked === version) return undefined;
    return problem(404, 'Not Found', `There is no data version ${asked}`, url.pathname);
  }

  #data(body: unknown): Reply {
    return jsonReply(200, body, { 'x-recorded': this.#recordings.recordedOn });
  }

  #text(body: string): Reply {
    return textReply(200, body, { 'x-recorded': this.#recordings.recordedOn });
  }
}

const requiredBy = {
  mutation: [],
  'copy-number': ['copyNameAlterationType'],
  structural: ['structuralVariantType', 'isFunctionalFusion'],
} as const satisfies Record<AnnotationKind, readonly string[]>;

function refused(refusal: Refusal, path: string): Reply {
  switch (refusal) {
    case 'expired':
      return problem(401, 'Unauthorized', 'Your account has expired', path, {}, `${problems}/token-expired`);
    case 'unlicensed':
      return problem(
        401,
        'Unauthorized',
        'The license agreement has not been accepted',
        path,
        {},
        `${problems}/license-agreement-not-accepted`,
      );
    case 'forbidden':
      return problem(403, 'Forbidden', 'Access is denied', path);
    case 'no-token':
    case 'unknown-token':
      return problem(401, 'Unauthorized', 'Full authentication is required to access this resource', path);
  }
}

function problem(
  status: number,
  title: string,
  detail: string,
  path: string,
  headers: Readonly<Record<string, string>> = {},
  type = `${problems}/problem-with-message`,
): Reply {
  const body = { type, title, status, detail, path, message: `error.http.${status}` };
  return jsonReply(status, body, { 'content-type': 'application/problem+json', ...headers });
}

/** The annotation endpoints have a form of their own. */
function badRequest(detail: string, path: string): Reply {
  return jsonReply(400, { title: 'Bad Request', status: 400, detail, message: 'error.http.400', path });
}

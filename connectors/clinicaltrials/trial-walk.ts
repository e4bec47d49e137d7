import { ScraperError } from 'plinth/errors';
import { type HttpAnswer, type HttpRequest, nextByToken, paginate } from 'plinth/http';
import type { Outcome } from 'plinth/pipeline';
import { ClinicalTrialsError } from './errors.ts';
import type { SearchPlan } from './search-parameters.ts';

/** A page of a search as it comes. */
export interface WirePage {
  readonly studies: readonly unknown[];
  readonly totalCount?: number;
  /** Absent on the last page. */
  readonly nextPageToken?: string;
}

/** A page with its answer. */
export interface WalkedPage {
  readonly outcome: Outcome<HttpAnswer<WirePage>>;
  readonly page: WirePage;
}

/** How a walk asks. */
export interface WalkOptions {
  /** Asks for one page. */
  readonly ask: (request: HttpRequest) => Promise<Outcome<HttpAnswer<WirePage>>>;
  /** Told when a walk begins anew. */
  readonly onRestart: (pages: number, error: unknown) => void;
  readonly signal?: AbortSignal | undefined;
}

const maxPages = 100_000;

/**
 * The pages of a search, to the one without a token; how full a page is says nothing. A token may expire when the source
 * takes in its daily changes: then the walk begins anew, once, past every cache. The same studies may come twice.
 */
export async function* walkPages(plan: SearchPlan, options: WalkOptions): AsyncGenerator<WalkedPage, void, undefined> {
  const { ask, onRestart, signal } = options;
  const next = nextByToken<WirePage>({ parameter: 'pageToken', token: page => page?.nextPageToken });
  for (let hasRestarted = false; ; hasRestarted = true) {
    const query = plan.countTotal ? { ...plan.parameters, countTotal: true } : plan.parameters;
    const first: HttpRequest = {
      path: '/studies',
      query,
      operation: 'search',
      ...(hasRestarted ? { cacheKey: false } : {}),
    };
    let pages = 0;
    try {
      for await (const outcome of paginate({ json: ask as never }, { first, next, maxPages, signal })) {
        const page = requirePage(outcome.value as HttpAnswer<WirePage>);
        pages += 1;
        yield { outcome: outcome as Outcome<HttpAnswer<WirePage>>, page };
      }
      return;
    } catch (error) {
      if (hasRestarted || pages === 0 || !isExpired(error)) throw error;
      onRestart(pages, error);
    }
  }
}

/** Everything but the token was accepted a page before. */
function isExpired(error: unknown): boolean {
  return error instanceof ClinicalTrialsError && error.kind === 'query';
}

function requirePage({ body }: HttpAnswer<WirePage>): WirePage {
  if (typeof body === 'object' && body !== null && Array.isArray(body.studies)) return body;
  const found = JSON.stringify(body)?.slice(0, 300) ?? typeof body;
  throw new ScraperError('ClinicalTrials.gov answered a search without a list of studies', {
    details: { body: found },
  });
}

import { htmlReply, jsonTextReply, type Reply, textReply } from '../reply.ts';
import { RequestLimit } from '../request-limit.ts';
import type { Question, SourceOptions, StandInSource } from '../source.ts';
import { valuesAt } from './pieces.ts';
import { project } from './projection.ts';
import { nctIdOf, type StudyRecord, type StudyRecordings } from './study-recordings.ts';
import { BadQuestionError, fieldPaths, type StudyPage, StudySearch } from './study-search.ts';

/** How the stand-in of ClinicalTrials.gov behaves. */
export interface ClinicalTrialsSourceOptions {
  /** Requests per minute that are allowed to one address. @default 50, as others say of the source; it says nothing itself */
  readonly requestsPerMinute?: number | undefined;
  /** How long the token of a page is known, in milliseconds. @default a day: the source's are gone at its daily change */
  readonly tokenLifetimeMs?: number | undefined;
}

/** Where the API begins; the same path as at the live service. */
export const clinicalTrialsPath = '/api/v2';

const dayMs = 86_400_000;
const studyPath = /^\/api\/v2\/studies\/([^/]+)$/;

const notFoundPage =
  '<html>\r\n<head><title>404 Not Found</title></head>\r\n<body>\r\n<center><h1>404 Not Found</h1></center>\r\n' +
  '<hr><center>nginx</center>\r\n</body>\r\n</html>\r\n';

/** Stands in for `https://clinicaltrials.gov/api/v2`. */
export class ClinicalTrialsSource implements StandInSource {
  readonly name = 'clinicaltrials';
  readonly #studies = new Map<string, StudyRecord>();
  readonly #aliases = new Map<string, string>();
  readonly #search: StudySearch;
  readonly #limit: RequestLimit;
  readonly #recordings: StudyRecordings;

  constructor(recordings: StudyRecordings, options: ClinicalTrialsSourceOptions & SourceOptions) {
    const { clock, tokenLifetimeMs = dayMs, requestsPerMinute = 50 } = options;
    this.#recordings = recordings;
    this.#search = new StudySearch(recordings.studies, { clock, tokenLifetimeMs });
    this.#limit = new RequestLimit(requestsPerMinute, clock);
    for (const study of recordings.studies) {
      const id = nctIdOf(study);
      this.#studies.set(id, study);
      const aliases = valuesAt(study, 'protocolSection.identificationModule.nctIdAliases');
      for (const alias of aliases) this.#aliases.set(String(alias), id);
    }
  }

  routeOf(pathname: string): string | undefined {
    if (pathname !== clinicalTrialsPath && !pathname.startsWith(`${clinicalTrialsPath}/`)) return undefined;
    if (pathname === `${clinicalTrialsPath}/studies` || pathname === `${clinicalTrialsPath}/version`) return pathname;
    return studyPath.test(pathname) ? `${clinicalTrialsPath}/studies/:nctId` : `${clinicalTrialsPath}/*`;
  }

  answer({ method, url, caller }: Question): Reply {
    if (method !== 'GET' && method !== 'HEAD') return textReply(405, 'Method Not Allowed');
    if (!this.#limit.take(caller).allowed) return textReply(429, 'Too Many Requests');
    const { pathname, searchParams } = url;
    if (pathname === `${clinicalTrialsPath}/version`) return this.#data(JSON.stringify(this.#recordings.version));
    try {
      if (pathname === `${clinicalTrialsPath}/studies`) return this.#data(wireOf(this.#search.page(searchParams)));
      const nctId = studyPath.exec(pathname)?.[1];
      return nctId === undefined ? htmlReply(404, notFoundPage) : this.#study(nctId, url);
    } catch (error) {
      if (error instanceof BadQuestionError) return textReply(400, error.message);
      throw error;
    }
  }

  #study(requested: string, url: URL): Reply {
    if (!/^(?:NCT|nct)\d{8}$/.test(requested)) return textReply(400, 'Parameter `nctId` has incorrect format');
    const id = requested.toUpperCase();
    const current = this.#aliases.get(id);
    if (current !== undefined) {
      return textReply(301, '', { location: `${clinicalTrialsPath}/studies/${current}${url.search}` });
    }
    const study = this.#studies.get(id);
    if (study === undefined) return textReply(404, `NCT number ${id} not found`);
    const fields = url.searchParams.get('fields');
    return this.#data(JSON.stringify(fields === null ? study : project(study, fieldPaths(fields))));
  }

  #data(json: string): Reply {
    return jsonTextReply(200, json, { 'content-type': 'application/json', 'x-recorded': this.#recordings.recordedOn });
  }
}

/** The source puts every study on a line of its own. */
function wireOf({ studies, nextPageToken, totalCount }: StudyPage): string {
  const total = totalCount === undefined ? '' : `"totalCount":${totalCount},`;
  const lines = studies.map(study => JSON.stringify(study)).join(',\n');
  const next = nextPageToken === undefined ? '' : `,"nextPageToken":${JSON.stringify(nextPageToken)}`;
  return `{${total}"studies":[\n${lines}\n]${next}}`;
}

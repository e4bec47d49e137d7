import { htmlReply, type Reply, textReply } from '../reply.ts';
import type { Question, StandInSource } from '../source.ts';
import { type CatalogueMarkup, categoryPage, detailPage, loginPage, patientsPage } from './nccn-pages.ts';
import type { NccnRecordings } from './nccn-recordings.ts';

/** How nccn.org behaves. */
export interface NccnSourceOptions {
  /** Asks for a log-in everywhere: with a redirect, or with the form in the place of every page. @default public pages are */
  readonly wall?: 'redirect' | 'form' | undefined;
  /** With `menu` the catalogue pages have lost their lists. @default 'items' */
  readonly markup?: CatalogueMarkup | undefined;
}

const detailPaths: ReadonlySet<string> = new Set([
  '/guidelines/guidelines-detail',
  '/guidelines/nccn-guidelines/guidelines-detail',
]);
const patientsPath = '/patientresources/patient-resources/guidelines-for-patients';
const documentFolder = '/professionals/physician_gls/pdf/';

/** Stands in for the public pages of `https://www.nccn.org`. Documents ask for a log-in, and nobody has one. */
export class NccnSource implements StandInSource {
  readonly name = 'nccn';
  readonly #recordings: NccnRecordings;
  readonly #wall: NccnSourceOptions['wall'];
  readonly #markup: CatalogueMarkup;

  constructor(recordings: NccnRecordings, { wall, markup = 'items' }: NccnSourceOptions = {}) {
    this.#recordings = recordings;
    this.#wall = wall;
    this.#markup = markup;
  }

  routeOf(pathname: string): string | undefined {
    if (categoryOf(pathname) !== undefined) return '/guidelines/category_:category';
    if (detailPaths.has(pathname)) return '/guidelines/guidelines-detail';
    if (pathname === patientsPath) return patientsPath;
    if (pathname === '/login') return '/login';
    return pathname.startsWith(documentFolder) ? `${documentFolder}:file` : undefined;
  }

  answer({ method, url }: Question): Reply {
    if (method !== 'GET' && method !== 'HEAD') return textReply(405, 'Method Not Allowed\n', { allow: 'GET, HEAD' });
    if (url.pathname === '/login') return htmlReply(200, loginPage(this.#recordings));
    // The log-in form answers with 200: only the type and the address tell that it is no document.
    const isClosed = this.#wall === 'redirect' || url.pathname.startsWith(documentFolder);
    if (isClosed) return toLogin(url);
    return this.#wall === 'form' ? htmlReply(200, loginPage(this.#recordings)) : this.#page(url);
  }

  #page({ pathname, searchParams }: URL): Reply {
    const { categories, patients, patientsPage: recordedPage } = this.#recordings;
    if (pathname === patientsPath) return this.#recorded(recordedPage ?? patientsPage(patients));
    const number = categoryOf(pathname) ?? searchParams.get('category');
    const category = categories.find(entry => String(entry.category) === number);
    if (category === undefined) return notFound();
    if (!detailPaths.has(pathname)) return this.#recorded(categoryPage(this.#recordings, category, this.#markup));
    const guideline = category.guidelines.find(({ id }) => id === searchParams.get('id'));
    return guideline === undefined ? notFound() : this.#recorded(detailPage(this.#recordings, guideline));
  }

  #recorded(html: string): Reply {
    return htmlReply(200, html, { 'cache-control': 'private', 'x-recorded': this.#recordings.recordedOn });
  }
}

function categoryOf(pathname: string): string | undefined {
  return /^\/guidelines\/category_([1-4])$/.exec(pathname)?.[1];
}

function toLogin({ pathname, search, origin }: URL): Reply {
  const asked = encodeURIComponent(`${origin}${pathname}${search}`);
  return textReply(302, '', { location: `/login?ReturnURL=${asked}` });
}

function notFound(): Reply {
  return htmlReply(404, '<!DOCTYPE html>\n<html><head><title>Page not found</title></head><body></body></html>\n');
}

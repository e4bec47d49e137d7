import { mkdir, open, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { ScraperError } from 'plinth/errors';
import type { HttpClient, HttpStream } from 'plinth/http';
import { type Ids, systemIds } from 'plinth/kernel';

/** What is known of the ZIP that was downloaded last. Kept as JSON beside it. */
export interface DownloadRecord {
  /** The address it came from. */
  readonly url: string;
  /** The validators of the answer, for asking whether there is a newer one. */
  readonly etag: string | null;
  readonly lastModified: string | null;
  /** Whether the answer said that it was recorded. */
  readonly origin: 'live' | 'recorded';
  /** Wall-clock time of the download, in milliseconds since 1970. */
  readonly fetchedAt: number;
}

/** What the address answered. */
export type DownloadAnswer =
  | { readonly kind: 'unchanged'; readonly record: DownloadRecord }
  | { readonly kind: 'changed'; readonly path: string; readonly record: DownloadRecord };

/** How the ZIP is downloaded. */
export interface OrangeBookDownloadOptions {
  /** A client of the address's origin. */
  readonly client: HttpClient;
  /** The address of the ZIP. */
  readonly url: string;
  /** Where the ZIP is kept. Made when it is missing. */
  readonly cacheDirectory: string;
  /** The largest ZIP that is accepted, in bytes. */
  readonly maxBytes: number;
  /** @default systemIds */
  readonly ids?: Ids | undefined;
}

const redirects = [301, 302, 303, 307, 308];
const maxRedirects = 3;

/**
 * Keeps a copy of the ZIP at an address. A new one is written beside the old one and takes its place only when
 * {@link keep} is called, after it has been read successfully.
 */
export class OrangeBookDownload {
  readonly #options: OrangeBookDownloadOptions;
  readonly #ids: Ids;

  constructor(options: OrangeBookDownloadOptions) {
    this.#options = options;
    this.#ids = options.ids ?? systemIds;
  }

  /** The path of the copy that was kept last. */
  get path(): string {
    return join(this.#options.cacheDirectory, 'orange-book.zip');
  }

  /** What is known of the copy; `undefined` when there is none from this address. */
  async record(): Promise<DownloadRecord | undefined> {
    try {
      const record = JSON.parse(await readFile(this.#recordPath, 'utf8')) as DownloadRecord;
      return record.url === this.#options.url && Number.isFinite(record.fetchedAt) ? record : undefined;
    } catch {
      // A missing or damaged record costs one download.
      return undefined;
    }
  }

  /** Asks for the ZIP, unless the one of `known` is still current. */
  async fetch(known: DownloadRecord | undefined, signal: AbortSignal | undefined): Promise<DownloadAnswer> {
    const answer = await this.#request(known, signal);
    if (answer.status === 304 && known !== undefined) {
      await discard(answer);
      return { kind: 'unchanged', record: known };
    }
    const path = join(this.#options.cacheDirectory, `orange-book.${this.#ids.next()}.part`);
    await mkdir(this.#options.cacheDirectory, { recursive: true, mode: 0o700 });
    try {
      await writeBody(answer, path);
    } catch (error) {
      await this.drop(path);
      throw error;
    }
    const { headers, fetchedAt } = answer;
    const origin = headers['x-recorded'] === undefined ? 'live' : 'recorded';
    const validators = { etag: headers['etag'] ?? null, lastModified: headers['last-modified'] ?? null };
    return { kind: 'changed', path, record: { url: this.#options.url, ...validators, origin, fetchedAt } };
  }

  /** Puts a downloaded ZIP in the place of the copy. */
  async keep(path: string, record: DownloadRecord): Promise<void> {
    // The record goes first and comes last: without it the next start downloads again, which is right in every case.
    await rm(this.#recordPath, { force: true });
    await rename(path, this.path);
    await writeFile(this.#recordPath, `${JSON.stringify(record, null, 2)}\n`);
  }

  /** Removes a downloaded ZIP that could not be read. */
  async drop(path: string): Promise<void> {
    await rm(path, { force: true });
  }

  get #recordPath(): string {
    return join(this.#options.cacheDirectory, 'orange-book.json');
  }

  async #request(known: DownloadRecord | undefined, signal: AbortSignal | undefined): Promise<HttpStream> {
    const { client, maxBytes } = this.#options;
    const headers = {
      accept: 'application/zip, application/octet-stream;q=0.9, */*;q=0.1',
      ...(known?.etag == null ? {} : { 'if-none-match': known.etag }),
      ...(known?.lastModified == null ? {} : { 'if-modified-since': known.lastModified }),
    };
    const answers = known === undefined ? redirects : [304, ...redirects];
    let url = new URL(this.#options.url);
    for (let redirect = 0; redirect <= maxRedirects; redirect += 1) {
      const path = `${url.pathname}${url.search}`;
      const request = { path, headers, answers, maxBytes, signal, operation: 'orange-book.download' };
      const answer = await client.stream(request);
      if (!redirects.includes(answer.status)) return answer;
      await discard(answer);
      url = nextAddress(url, answer);
    }
    throw new ScraperError(`${this.#options.url} redirected more than ${maxRedirects} times`);
  }
}

function nextAddress(url: URL, answer: HttpStream): URL {
  const location = answer.headers['location'] ?? '';
  const next = URL.canParse(location, url.href) ? new URL(location, url) : undefined;
  if (next === undefined || next.origin !== url.origin) {
    throw new ScraperError(`${url.href} redirected to "${location}", expected an address of ${url.origin}`);
  }
  return next;
}

async function writeBody(answer: HttpStream, path: string): Promise<void> {
  const file = await open(path, 'wx', 0o600);
  try {
    for await (const chunk of answer.body) await file.writeFile(chunk);
  } finally {
    await file.close();
  }
}

/** Reads the little that an answer without content has, so that its connection is free again. */
async function discard(answer: HttpStream): Promise<void> {
  for await (const _chunk of answer.body) break;
}

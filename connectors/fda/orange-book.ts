import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { ArgumentError, RejectedError, ScraperError } from 'plinth/errors';
import type { HttpClient } from 'plinth/http';
import { type Clock, type EventSource, Events, SingleFlight, systemClock } from 'plinth/kernel';
import type { OrangeBookEvents } from './events.ts';
import { type DownloadRecord, OrangeBookDownload } from './orange-book-download.ts';
import { type OrangeBookEdition, readEdition } from './orange-book-edition.ts';
import { type OrangeBookFiles, openFolder, openZip } from './orange-book-files.ts';

/** Where the FDA offers the Orange Book's data files. */
export const orangeBookUrl = 'https://www.fda.gov/media/76860/download';

/** Where the Orange Book is read from: a folder with the three files, a ZIP of them, or the address of such a ZIP. */
export type OrangeBookSource =
  | { readonly folder: string }
  | { readonly zip: string }
  | {
      /** The address of the ZIP. @default 'https://www.fda.gov/media/76860/download' */
      readonly url?: string | undefined;
      /** Where the downloaded ZIP is kept between starts. @default a folder of the system's temporary files */
      readonly cacheDirectory?: string | undefined;
    };

/** How the Orange Book is kept. */
export interface OrangeBookOptions {
  /** Where it is read from. */
  readonly source: OrangeBookSource;
  /** A client of the address's origin: required for an address. */
  readonly client?: HttpClient | undefined;
  /** How old the edition may be before the source is asked again, in milliseconds. @default 86_400_000 (a day) */
  readonly refreshIntervalMs?: number | undefined;
  /** How long to wait after a failed refresh before the next one, in milliseconds. @default 300_000 */
  readonly retryIntervalMs?: number | undefined;
  /** The largest ZIP that is accepted, in bytes; unpacked it may have four times as many. @default 67_108_864 (64 MiB) */
  readonly maxBytes?: number | undefined;
  /** @default systemClock */
  readonly clock?: Clock | undefined;
}

/** The edition that serves, and how far it can be trusted. */
export interface ServingEdition {
  readonly edition: OrangeBookEdition;
  readonly origin: 'live' | 'recorded';
  /** When it was downloaded, or read from local files: milliseconds since 1970. */
  readonly fetchedAt: number;
  /** When the source last confirmed that it is the current one, in milliseconds since 1970. */
  readonly checkedAt: number;
  /** `stale` when the source could not be asked and an older copy stands in. */
  readonly freshness: 'fresh' | 'stale';
  /** Why it is stale. */
  readonly reason?: string | undefined;
}

/**
 * The Orange Book in memory, loaded at first use and renewed when it is used after its time. A load that fails leaves
 * the edition that served before in place.
 *
 * @example
 * const book = new OrangeBook({ source: { folder: './data/orange-book' } });
 * const { edition } = await book.current();
 * edition.productsOf('NDA208065');
 */
export class OrangeBook {
  readonly #source: OrangeBookSource;
  readonly #download: OrangeBookDownload | undefined;
  readonly #clock: Clock;
  readonly #refreshIntervalMs: number;
  readonly #retryIntervalMs: number;
  readonly #maxBytes: number;
  readonly #events = new Events<OrangeBookEvents>();
  readonly #flights = new SingleFlight<'load', ServingEdition>();
  readonly #closing = new AbortController();
  #serving: ServingEdition | undefined;
  /** When the source may be asked again after a failure; on the monotonic clock. */
  #retryAt = Number.NEGATIVE_INFINITY;
  /** When the source was last asked with success; on the monotonic clock. */
  #confirmedAt = Number.NEGATIVE_INFINITY;

  constructor(options: OrangeBookOptions) {
    this.#source = options.source;
    this.#clock = options.clock ?? systemClock;
    this.#refreshIntervalMs = positive(options.refreshIntervalMs ?? 86_400_000, 'refreshIntervalMs');
    this.#retryIntervalMs = positive(options.retryIntervalMs ?? 300_000, 'retryIntervalMs');
    this.#maxBytes = positive(options.maxBytes ?? 64 * 1024 * 1024, 'maxBytes');
    this.#download = this.#createDownload(options);
  }

  get events(): EventSource<OrangeBookEvents> {
    return this.#events;
  }

  /** The edition that serves; waits only while there is none. A renewal that is due begins in the background. */
  async current(signal?: AbortSignal): Promise<ServingEdition> {
    const serving = this.#serving;
    if (serving === undefined) return this.refresh(signal);
    const now = this.#clock.monotonic();
    const isDue = now - this.#confirmedAt >= this.#refreshIntervalMs && now >= this.#retryAt;
    // The failure is told as an event and changes what `current` says; nobody waits for this promise.
    if (isDue) this.refresh(this.#closing.signal).catch(() => {});
    return serving;
  }

  /** Asks the source now. Callers at the same moment share one load. Throws when it fails and nothing serves. */
  refresh(signal?: AbortSignal): Promise<ServingEdition> {
    if (this.#closing.signal.aborted) return Promise.reject(this.#closing.signal.reason);
    return this.#flights.run(
      'load',
      flightSignal => this.#load(AbortSignal.any([flightSignal, this.#closing.signal])),
      signal,
    );
  }

  /** Ends a load that is under way. The client is its owner's. */
  async close(): Promise<void> {
    this.#closing.abort(new RejectedError('The Orange Book is closed', 'closed'));
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  #createDownload(options: OrangeBookOptions): OrangeBookDownload | undefined {
    const { source, client } = options;
    if ('folder' in source || 'zip' in source) return undefined;
    if (client === undefined) throw new ArgumentError('An Orange Book from an address needs a client', 'client');
    const { url = orangeBookUrl, cacheDirectory = join(tmpdir(), `plinth-orange-book-${process.getuid?.() ?? 0}`) } =
      source;
    return new OrangeBookDownload({ client, url, cacheDirectory, maxBytes: this.#maxBytes });
  }

  async #load(signal: AbortSignal): Promise<ServingEdition> {
    const startedAt = this.#clock.monotonic();
    try {
      const before = this.#serving;
      const loaded = await (this.#download === undefined
        ? this.#loadLocal(this.#source, signal)
        : this.#loadRemote(this.#download, signal));
      this.#serving = loaded;
      if (loaded.freshness === 'fresh') this.#confirmedAt = this.#clock.monotonic();
      this.#tell(loaded, before, startedAt);
      return loaded;
    } catch (error) {
      if (signal.aborted) throw error;
      this.#noteFailure(error);
      if (this.#serving === undefined) throw error;
      return this.#serving;
    }
  }

  async #loadLocal(source: OrangeBookSource, signal: AbortSignal): Promise<ServingEdition> {
    const files =
      'folder' in source
        ? await openFolder(source.folder)
        : await openZip('zip' in source ? source.zip : '', { maxUnpackedBytes: this.#maxBytes * 4 });
    const edition = await readAndClose(files, signal);
    const now = this.#clock.now();
    return { edition, origin: 'recorded', fetchedAt: now, checkedAt: now, freshness: 'fresh' };
  }

  async #loadRemote(download: OrangeBookDownload, signal: AbortSignal): Promise<ServingEdition> {
    const known = await download.record();
    try {
      const answer = await download.fetch(known, signal);
      if (answer.kind === 'changed') return await this.#loadChanged(download, answer, signal);
      const unchanged = await this.#loadUnchanged(download, answer.record, signal);
      if (unchanged !== undefined) return unchanged;
      // The copy is damaged: ask again as if there were none.
      const again = await download.fetch(undefined, signal);
      if (again.kind === 'changed') return await this.#loadChanged(download, again, signal);
      throw new ScraperError('The address answered 304 to a request without conditions');
    } catch (error) {
      if (signal.aborted || known === undefined || this.#serving !== undefined) throw error;
      // First load of this process, and the source fails: the copy of an earlier one is better than nothing.
      const edition = await this.#readZip(download.path, signal).catch(() => Promise.reject(error));
      this.#noteFailure(error);
      return this.#serve(edition, known, { checkedAt: known.fetchedAt, reason: messageOf(error) });
    }
  }

  async #loadChanged(
    download: OrangeBookDownload,
    { path, record }: { readonly path: string; readonly record: DownloadRecord },
    signal: AbortSignal,
  ): Promise<ServingEdition> {
    try {
      const edition = await this.#readZip(path, signal);
      await download.keep(path, record);
      return this.#serve(edition, record, { checkedAt: this.#clock.now() });
    } finally {
      await download.drop(path);
    }
  }

  async #loadUnchanged(
    download: OrangeBookDownload,
    record: DownloadRecord,
    signal: AbortSignal,
  ): Promise<ServingEdition | undefined> {
    const { edition: serving, fetchedAt } = this.#serving ?? {};
    const edition =
      serving !== undefined && fetchedAt === record.fetchedAt
        ? serving
        : await this.#readZip(download.path, signal).catch(() => undefined);
    return edition && this.#serve(edition, record, { checkedAt: this.#clock.now() });
  }

  async #readZip(path: string, signal: AbortSignal): Promise<OrangeBookEdition> {
    return readAndClose(await openZip(path, { maxUnpackedBytes: this.#maxBytes * 4 }), signal);
  }

  #serve(
    edition: OrangeBookEdition,
    { origin, fetchedAt }: DownloadRecord,
    { checkedAt, reason }: { readonly checkedAt: number; readonly reason?: string },
  ): ServingEdition {
    const freshness = reason === undefined ? 'fresh' : 'stale';
    return { edition, origin, fetchedAt, checkedAt, freshness, reason };
  }

  #noteFailure(error: unknown): void {
    this.#retryAt = this.#clock.monotonic() + this.#retryIntervalMs;
    if (this.#serving !== undefined) {
      this.#serving = { ...this.#serving, freshness: 'stale', reason: messageOf(error) };
    }
    if (this.#events.has('failed')) {
      this.#events.emit('failed', { error, serving: this.#serving?.edition.date ?? null });
    }
  }

  #tell(loaded: ServingEdition, before: ServingEdition | undefined, startedAt: number): void {
    const edition = loaded.edition.date;
    if (before?.edition === loaded.edition) {
      if (this.#events.has('unchanged')) this.#events.emit('unchanged', { edition });
    } else if (this.#events.has('loaded')) {
      const durationMs = this.#clock.monotonic() - startedAt;
      this.#events.emit('loaded', { edition, origin: loaded.origin, ...loaded.edition.counts, durationMs });
    }
  }
}

async function readAndClose(files: OrangeBookFiles, signal: AbortSignal): Promise<OrangeBookEdition> {
  await using opened = files;
  return await readEdition(opened, signal);
}

function positive(value: number, name: string): number {
  if (Number.isFinite(value) && value > 0) return value;
  throw new ArgumentError(`Cannot use ${name}: expected a number above 0, got ${value}`, name);
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}

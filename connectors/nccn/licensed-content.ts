import { type FileHandle, open } from 'node:fs/promises';
import { ArgumentError } from 'plinth/errors';
import { type Clock, SingleFlight } from 'plinth/kernel';
import { LicensedContentError } from './errors.ts';
import { type LicensedDocument, readLicensedDocument } from './licensed-schema.ts';

/**
 * Recommended medications that you are licensed to use: a JSON file, or something that gives what such a file has. An object
 * that is the same one as before is not checked again.
 */
export type LicensedContentSource = { readonly path: string } | { read(signal: AbortSignal): Promise<unknown> };

/** The licensed content, and when it was read. */
export interface LicensedReading {
  readonly document: LicensedDocument;
  /** ISO 8601 in UTC. */
  readonly readAt: string;
}

const maxBytes = 10_000_000;

const howToSupply =
  'Supply content that you are licensed to use as JSON: licensedContent: { path } of NCCNScraper, or NCCN_LICENSED_FILE of the service. docs/connectors-nccn.md describes its form';

/** Keeps what was read of the licensed content until it changes. */
export class LicensedContent {
  readonly #source: LicensedContentSource | undefined;
  readonly #clock: Clock;
  readonly #flights = new SingleFlight<string, LicensedReading>();
  #kept: { readonly mark: unknown; readonly reading: LicensedReading } | undefined;

  /** @throws {ArgumentError} for a source that is none */
  constructor(source: LicensedContentSource | undefined, clock: Clock) {
    if (source !== undefined && !('read' in source) && (source.path ?? '').trim() === '') {
      const message = 'Cannot use licensedContent: expected the path of a JSON file, or a function read';
      throw new ArgumentError(message, 'licensedContent');
    }
    this.#source = source;
    this.#clock = clock;
  }

  /**
   * The content as it is now. A file is read again when its size or time has changed.
   *
   * @throws {LicensedContentError} when there is none, or it cannot be used
   */
  async current(signal: AbortSignal | undefined): Promise<LicensedReading> {
    const source = this.#source;
    if (source === undefined) {
      const message = `NCCN publishes no recommended medications openly: they are in guidelines behind a log-in and in products under licence. ${howToSupply}`;
      throw new LicensedContentError(message, 'not-supplied');
    }
    return this.#flights.run(
      'content',
      flight => ('read' in source ? this.#ask(source, flight) : this.#open(source.path)),
      signal,
    );
  }

  async #ask(source: { read(signal: AbortSignal): Promise<unknown> }, signal: AbortSignal): Promise<LicensedReading> {
    let contents: unknown;
    try {
      contents = await source.read(signal);
    } catch (cause) {
      if (signal.aborted) throw cause;
      throw new LicensedContentError('Cannot read the licensed content: its function failed', 'unreadable', [], {
        cause,
      });
    }
    return this.#keptOf(contents) ?? this.#keep(contents, contents, 'what licensedContent.read gave');
  }

  async #open(path: string): Promise<LicensedReading> {
    const file = await openFile(path);
    try {
      const { size, mtimeMs, ino } = await file.stat();
      const mark = `${size} ${mtimeMs} ${ino}`;
      return this.#keptOf(mark) ?? this.#keep(mark, parse(await readWithin(file, path), path), path);
    } finally {
      await file.close();
    }
  }

  #keptOf(mark: unknown): LicensedReading | undefined {
    return this.#kept !== undefined && this.#kept.mark === mark ? this.#kept.reading : undefined;
  }

  #keep(mark: unknown, contents: unknown, name: string): LicensedReading {
    const read = readLicensedDocument(contents);
    if ('problems' in read) {
      const message = `Cannot use the licensed content of ${name}: it is not in the form that docs/connectors-nccn.md describes`;
      throw new LicensedContentError(message, 'invalid', read.problems);
    }
    const reading = { document: read.document, readAt: new Date(this.#clock.now()).toISOString() };
    this.#kept = { mark, reading };
    return reading;
  }
}

async function openFile(path: string): Promise<FileHandle> {
  try {
    return await open(path);
  } catch (cause) {
    throw unreadable(path, cause);
  }
}

/** The text of a file. More than the limit is never held, whatever its size was said to be. */
async function readWithin(file: FileHandle, path: string): Promise<string> {
  const bytes = Buffer.alloc(maxBytes + 1);
  let length = 0;
  try {
    for (;;) {
      const { bytesRead } = await file.read(bytes, length, bytes.length - length);
      length += bytesRead;
      if (bytesRead === 0 || length === bytes.length) break;
    }
  } catch (cause) {
    throw unreadable(path, cause);
  }
  if (length <= maxBytes) return bytes.toString('utf8', 0, length);
  const message = `Cannot use the licensed content of ${path}: it is larger than the ${maxBytes} bytes that are read`;
  throw new LicensedContentError(message, 'too-large');
}

function parse(text: string, path: string): unknown {
  try {
    return JSON.parse(text.replace(/^\uFEFF/, ''));
  } catch (cause) {
    throw unreadable(path, cause);
  }
}

function unreadable(path: string, cause: unknown): LicensedContentError {
  const why = cause instanceof Error ? cause.message : String(cause);
  return new LicensedContentError(
    `Cannot read the licensed content of ${path}: ${why.slice(0, 200)}`,
    'unreadable',
    [],
    { cause },
  );
}

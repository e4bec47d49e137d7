import { createReadStream } from 'node:fs';
import { open, readdir, stat } from 'node:fs/promises';
import { join } from 'node:path';
import type { Readable } from 'node:stream';
import { crc32 } from 'node:zlib';
import { ConfigurationError } from 'plinth/errors';
import type { Entry, ZipFile } from 'yauzl';
import { OrangeBookError } from './errors.ts';
import { type TableName, tableNames } from './orange-book-tables.ts';

/** One file of an edition, not yet read. */
export interface OrangeBookFile {
  /** Its name for messages: its path, or the ZIP's path and its name inside. */
  readonly label: string;
  /** When it was written, as `YYYY-MM-DD`. */
  readonly date: string;
  /** Reads it from the beginning. */
  read(): AsyncIterable<Uint8Array>;
}

/** The three files of an edition. */
export interface OrangeBookFiles extends AsyncDisposable {
  readonly files: Readonly<Record<TableName, OrangeBookFile>>;
}

/** Opens the files of a folder. Their names may be in any case. */
export async function openFolder(folder: string): Promise<OrangeBookFiles> {
  const names = await readdir(folder).catch((error: NodeJS.ErrnoException) => {
    const problem =
      error.code === 'ENOTDIR' ? 'Expected a folder, found a file' : `The folder cannot be read: ${error.code}`;
    throw new OrangeBookError(problem, { file: folder }, { cause: error });
  });
  const found = pickFiles(names, name => name, folder);
  const files = await mapTables(async table => {
    const path = join(folder, found[table]);
    const status = await stat(path);
    if (!status.isFile())
      throw new OrangeBookError('Expected a file, found a folder or something else', { file: path });
    return { label: path, date: status.mtime.toISOString().slice(0, 10), read: () => readFile(path) };
  });
  return { files, [Symbol.asyncDispose]: async () => {} };
}

async function* readFile(path: string): AsyncGenerator<Uint8Array> {
  try {
    for await (const chunk of createReadStream(path)) yield chunk as Buffer;
  } catch (error) {
    throw new OrangeBookError(`The file cannot be read: ${messageOf(error)}`, { file: path }, { cause: error });
  }
}

/** Limits of a ZIP. */
export interface ZipLimits {
  /** The largest sum of unpacked sizes, in bytes. @default 268435456 (256 MiB) */
  readonly maxUnpackedBytes?: number | undefined;
}

/** Opens the files of a ZIP. Needs the package `yauzl`. Sizes and checksums are verified while reading. */
export async function openZip(path: string, limits: ZipLimits = {}): Promise<OrangeBookFiles> {
  const { maxUnpackedBytes = 256 * 1024 * 1024 } = limits;
  await checkSignature(path);
  const zip = await openArchive(path);
  try {
    const entries = await readEntries(zip, path);
    const entryOf = new Map(entries.map(entry => [entry.fileName, entry]));
    const found = pickFiles([...entryOf.keys()], name => name.slice(name.lastIndexOf('/') + 1), path);
    const files = await mapTables(async table => {
      const entry = entryOf.get(found[table]) as Entry;
      return { label: `${path}: ${entry.fileName}`, date: dateOf(entry), read: () => readEntry(zip, entry, path) };
    });
    const unpackedBytes = tableNames.reduce(
      (sum, table) => sum + (entryOf.get(found[table])?.uncompressedSize ?? 0),
      0,
    );
    if (unpackedBytes > maxUnpackedBytes) {
      throw new OrangeBookError(`The files have ${unpackedBytes} bytes, at most ${maxUnpackedBytes} are read`, {
        file: path,
      });
    }
    return { files, [Symbol.asyncDispose]: async () => zip.close() };
  } catch (error) {
    zip.close();
    throw error;
  }
}

/** Tells an HTML page, an empty file and a folder from a ZIP, because the messages of the ZIP reader do not. */
async function checkSignature(path: string): Promise<void> {
  const start = await readStart(path).catch((error: NodeJS.ErrnoException) => {
    const problem =
      error.code === 'EISDIR' ? 'Expected a ZIP file, found a folder' : `The file cannot be read: ${error.code}`;
    throw new OrangeBookError(problem, { file: path }, { cause: error });
  });
  if (start.length === 0) throw new OrangeBookError('The file is empty, expected a ZIP file', { file: path });
  if (start.startsWith('PK')) return;
  const what = /^\s*</.test(start) ? 'an HTML page' : 'something else';
  const beginning = JSON.stringify(start.slice(0, 60));
  throw new OrangeBookError(`Expected a ZIP file, found ${what} that begins with ${beginning}`, { file: path });
}

async function readStart(path: string): Promise<string> {
  const handle = await open(path);
  try {
    const { buffer, bytesRead } = await handle.read(Buffer.alloc(256), 0, 256, 0);
    return buffer.toString('latin1', 0, bytesRead);
  } finally {
    await handle.close();
  }
}

async function openArchive(path: string): Promise<ZipFile> {
  const { open: openZipFile } = await import('yauzl').catch((error: unknown) => {
    const message = 'Reading the Orange Book from a ZIP needs the package yauzl: npm install yauzl';
    throw new ConfigurationError(message, [], { cause: error });
  });
  return new Promise((resolve, reject) => {
    openZipFile(path, { lazyEntries: true, autoClose: false, validateEntrySizes: true }, (error, zip) => {
      if (error === null) resolve(zip);
      else reject(damaged(path, error));
    });
  });
}

/** More entries than this are not an Orange Book; reading on would only cost memory. */
const maxEntries = 1_000;

function readEntries(zip: ZipFile, path: string): Promise<Entry[]> {
  return new Promise((resolve, reject) => {
    const entries: Entry[] = [];
    zip.on('entry', (entry: Entry) => {
      entries.push(entry);
      if (entries.length <= maxEntries) zip.readEntry();
      else reject(new OrangeBookError(`The ZIP has more than ${maxEntries} files`, { file: path }));
    });
    zip.on('end', () => resolve(entries));
    zip.on('error', error => reject(damaged(path, error)));
    zip.readEntry();
  });
}

async function* readEntry(zip: ZipFile, entry: Entry, path: string): AsyncGenerator<Uint8Array> {
  let checksum = 0;
  try {
    const stream = await new Promise<Readable>((resolve, reject) => {
      zip.openReadStream(entry, (error, opened) => (error === null ? resolve(opened) : reject(error)));
    });
    for await (const chunk of stream) {
      checksum = crc32(chunk as Buffer, checksum);
      yield chunk as Buffer;
    }
  } catch (error) {
    throw damaged(`${path}: ${entry.fileName}`, error);
  }
  if (checksum !== entry.crc32) {
    const facts = `checksum ${checksum.toString(16)}, expected ${entry.crc32.toString(16)}`;
    throw new OrangeBookError(`The ZIP is damaged: ${facts}`, { file: `${path}: ${entry.fileName}` });
  }
}

function damaged(file: string, error: unknown): OrangeBookError {
  return new OrangeBookError(`The ZIP is damaged or truncated: ${messageOf(error)}`, { file }, { cause: error });
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}

/** The date of an entry as the ZIP states it: it has no time zone, so the machine's must not change the day. */
function dateOf(entry: Entry): string {
  const date = entry.lastModFileDate;
  const parts = [(date >> 9) + 1980, Math.max(1, (date >> 5) & 15), Math.max(1, date & 31)];
  return parts.map(part => String(part).padStart(2, '0')).join('-');
}

function pickFiles(
  names: readonly string[],
  baseName: (name: string) => string,
  place: string,
): Record<TableName, string> {
  const byBaseName = new Map(names.map(name => [baseName(name).toLowerCase(), name]));
  const picked = tableNames.map(table => [table, byBaseName.get(`${table}.txt`)] as const);
  const missing = picked.filter(([, name]) => name === undefined).map(([table]) => `${table}.txt`);
  if (missing.length > 0) {
    const found = names.length === 0 ? 'nothing' : names.slice(0, 20).join(', ');
    throw new OrangeBookError(`Missing ${missing.join(', ')}. Found ${found}`, { file: place });
  }
  return Object.fromEntries(picked) as Record<TableName, string>;
}

async function mapTables<Value>(map: (table: TableName) => Promise<Value>): Promise<Record<TableName, Value>> {
  const values = await Promise.all(tableNames.map(async table => [table, await map(table)] as const));
  return Object.fromEntries(values) as Record<TableName, Value>;
}

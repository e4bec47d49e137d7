import { ValidationError } from '../errors/index.ts';

/** How far an archive may expand, in bytes, whatever its ratio. */
const maxExpandedBytes = 1_073_741_824;

/** Up to this many bytes the ratio does not matter: text of a few pages may be very regular. */
const harmlessBytes = 10_485_760;
const maxRatio = 100;
const maxEntries = 10_000;

/** How much of the end is kept, in bytes: the directory of an archive must fit into it. */
const tailBytes = 1_048_576;

const endBytes = 22;
const maxCommentBytes = 65_535;
const nestedArchive = /\.(?:zip|jar|apk|7z|rar|gz|tgz|tar|bz2|xz|zst|cab|iso)$/i;

/** One file of an archive, as its directory says. */
interface ZipEntry {
  readonly name: string;
  readonly packedBytes: number;
  readonly expandedBytes: number;
  readonly isEncrypted: boolean;
  readonly method: number;
  /** The kind of file in the high bits of a Unix mode; 0 when the archive does not say. */
  readonly unixKind: number;
  readonly start: number;
  readonly headerBytes: number;
}

/**
 * Reads the directory of a ZIP file as it passes, and refuses what must not be unpacked: bombs, links, names that leave the
 * folder, archives in archives, parts that overlap, and bytes that belong to no part. It goes by the sizes that the
 * directory declares; who unpacks must still count.
 */
export class ZipGuard {
  readonly #extension: string;
  readonly #isStrict: boolean;
  #chunks: Uint8Array[] = [];
  #keptBytes = 0;
  #tail: Buffer = Buffer.alloc(0);
  #bytes = 0;

  constructor(extension: string, isStrict: boolean) {
    this.#extension = extension;
    this.#isStrict = isStrict;
  }

  feed(chunk: Uint8Array): void {
    this.#bytes += chunk.byteLength;
    this.#chunks.push(chunk);
    this.#keptBytes += chunk.byteLength;
    for (let first = this.#chunks[0]; first !== undefined; first = this.#chunks[0]) {
      if (this.#keptBytes - first.byteLength < tailBytes) return;
      this.#keptBytes -= first.byteLength;
      this.#chunks.shift();
    }
  }

  /** @throws {ValidationError} that says what is wrong with the archive. */
  end(): void {
    this.#tail = Buffer.concat(this.#chunks).subarray(-tailBytes);
    const entries = this.#entries();
    for (const entry of entries) requireEntry(entry);
    requireSizes(entries, this.#bytes);
    if (this.#extension === '.zip') {
      const nested = entries.find(({ name }) => nestedArchive.test(name));
      if (nested !== undefined) throw refusal(`it contains another archive, ${shown(nested.name)}`);
    } else requireOffice(entries, this.#extension);
  }

  #entries(): readonly ZipEntry[] {
    const tail = this.#tail;
    const tailStart = this.#bytes - tail.length;
    const end = this.#findEnd();
    if (this.#isStrict && this.#extension !== '.zip' && tail.readUInt16LE(end + 20) > 0) {
      throw refusal('a comment follows its directory');
    }
    const count = tail.readUInt16LE(end + 10);
    const directoryBytes = tail.readUInt32LE(end + 12);
    const directoryStart = tail.readUInt32LE(end + 16);
    const isWhole = tail.readUInt32LE(end + 4) === 0 && tail.readUInt16LE(end + 8) === count;
    if (!isWhole || directoryStart + directoryBytes !== tailStart + end) {
      throw refusal('its directory is not where it should be');
    }
    if (count > maxEntries || directoryStart < tailStart) throw refusal(`it has more than ${maxEntries} entries`);
    const entries: ZipEntry[] = [];
    let position = directoryStart - tailStart;
    while (position < end) {
      if (position + 46 > end || tail.readUInt32LE(position) !== 0x02014b50) throw refusal('its directory is broken');
      entries.push(parseEntry(tail, position));
      position +=
        46 + tail.readUInt16LE(position + 28) + tail.readUInt16LE(position + 30) + tail.readUInt16LE(position + 32);
    }
    if (position !== end || entries.length !== count) throw refusal('its directory is broken');
    requireApart(entries, directoryStart);
    return entries;
  }

  #findEnd(): number {
    const tail = this.#tail;
    const lowest = Math.max(0, tail.length - endBytes - maxCommentBytes);
    for (let position = tail.length - endBytes; position >= lowest; position -= 1) {
      const isEnd = tail.readUInt32LE(position) === 0x06054b50;
      if (isEnd && position + endBytes + tail.readUInt16LE(position + 20) === tail.length) return position;
    }
    throw refusal('it has no directory, or something follows it');
  }
}

function parseEntry(directory: Buffer, position: number): ZipEntry {
  const flags = directory.readUInt16LE(position + 8);
  const nameBytes = directory.readUInt16LE(position + 28);
  return {
    name: directory.toString('utf8', position + 46, position + 46 + nameBytes),
    packedBytes: directory.readUInt32LE(position + 20),
    expandedBytes: directory.readUInt32LE(position + 24),
    isEncrypted: (flags & 1) !== 0,
    method: directory.readUInt16LE(position + 10),
    unixKind: (directory.readUInt32LE(position + 38) >>> 28) & 0xf,
    start: directory.readUInt32LE(position + 42),
    headerBytes: 30 + nameBytes,
  };
}

function requireEntry({ name, packedBytes, expandedBytes, isEncrypted, method, unixKind, start }: ZipEntry): void {
  if ([packedBytes, expandedBytes, start].includes(0xffffffff)) throw refusal('it uses ZIP64, which is not accepted');
  if (isEncrypted) throw refusal(`its part ${shown(name)} is encrypted`);
  if (method !== 0 && method !== 8) throw refusal(`its part ${shown(name)} is packed in an unusual way`);
  // 4 is a folder and 8 a plain file; 10 is a link, and the others are devices.
  if (![0, 4, 8].includes(unixKind)) throw refusal(`its part ${shown(name)} is a link or a device`);
  const isOutside = /^[/\\]|^[a-z]:|\\|(?:^|\/)\.\.(?:\/|$)|\p{Cc}/iu.test(name);
  if (name === '' || isOutside) throw refusal(`its part ${shown(name)} would be unpacked outside of its folder`);
}

function requireSizes(entries: readonly ZipEntry[], archiveBytes: number): void {
  const expanded = entries.reduce((sum, { expandedBytes }) => sum + expandedBytes, 0);
  const isBomb = entries.some(entry => isExcessive(entry.expandedBytes, entry.packedBytes));
  if (expanded <= maxExpandedBytes && !isBomb && !isExcessive(expanded, archiveBytes)) return;
  throw refusal(`it would expand from ${archiveBytes} to ${expanded} bytes or more`);
}

function isExcessive(expandedBytes: number, packedBytes: number): boolean {
  return expandedBytes > harmlessBytes && expandedBytes > packedBytes * maxRatio;
}

/** Bombs may use the same bytes for many parts; and what lies in front of the first part is another file. */
function requireApart(entries: readonly ZipEntry[], directoryStart: number): void {
  const inOrder = [...entries].sort((one, other) => one.start - other.start);
  if (inOrder.length > 0 && inOrder[0]?.start !== 0) throw refusal('something stands in front of it');
  for (const [index, { start, headerBytes, packedBytes, name }] of inOrder.entries()) {
    const next = inOrder[index + 1]?.start ?? directoryStart;
    if (start + headerBytes + packedBytes > next) throw refusal(`its part ${shown(name)} overlaps another`);
  }
}

const officeFolders: Readonly<Record<string, string>> = { '.docx': 'word/', '.xlsx': 'xl/', '.pptx': 'ppt/' };

function requireOffice(entries: readonly ZipEntry[], extension: string): void {
  const folder = officeFolders[extension] ?? '';
  const isOffice =
    entries.some(({ name }) => name === '[Content_Types].xml') && entries.some(({ name }) => name.startsWith(folder));
  if (!isOffice) throw refusal(`it is no ${extension} document`);
  if (entries.some(({ name }) => /vbaproject|vbadata|macrosheet/i.test(name))) throw refusal('it contains macros');
  const foreign = entries.find(
    ({ name }) => nestedArchive.test(name) || /\.(?:exe|dll|js|vbs|bat|cmd|ps1)$/i.test(name),
  );
  if (foreign !== undefined) throw refusal(`it contains ${shown(foreign.name)}`);
}

function shown(name: string): string {
  return JSON.stringify(name.slice(0, 80));
}

function refusal(what: string): ValidationError {
  return new ValidationError(`The archive is not accepted: ${what}`, { content: `Expected no archive where ${what}` });
}

import { ValidationError } from '../../errors/index.ts';
import { isArchive } from './file-types.ts';
import { beginningOf, contentStart, type LocalHeader, LocalHeaders, unicodeNames } from './zip-headers.ts';

/** How far an archive may expand, in bytes, whatever its ratio. */
const maxExpandedBytes = 1_073_741_824;

/** Up to this many bytes the ratio does not matter: text of a few pages may be very regular. */
const harmlessBytes = 10_485_760;
const maxRatio = 100;
const maxEntries = 10_000;

/** How much of the end is kept, in bytes: the directory of an archive must fit into it. */
const tailBytes = 1_048_576;

const encryptedFlag = 1;
const descriptorFlag = 8;
const endBytes = 22;
const endMark = Buffer.from('PK\x05\x06', 'latin1');

/** What begins a part, an end, or an end of ZIP64: a directory that holds one may be two. */
const foreignMarks: readonly Buffer[] = ['PK\x03\x04', 'PK\x05\x06', 'PK\x06\x06', 'PK\x06\x07'].map(mark =>
  Buffer.from(mark, 'latin1'),
);
const nestedArchive = /\.(?:zip|jar|apk|7z|rar|gz|tgz|tar|bz2|xz|zst|cab|iso)$/i;

/** Documents and pictures that are packed as archives are. */
const packedByRight =
  /\.(?:do[ct][xm]|xl[st][xm]|xlsb|pp[ts][xm]|pot[xm]|vs[dst]x|sldx|thmx|od[tspgfm]|ot[tspg]|epub|3mf|kmz|emz|wmz|svgz)$/i;

/** How long what follows a part may be, in bytes, when its sizes stand behind it. */
const maxDescriptorBytes = 24;

/** One file of an archive, as its directory says. */
interface ZipEntry {
  readonly rawName: Buffer;
  readonly extra: Buffer;
  /** As text. */
  readonly name: string;
  readonly packedBytes: number;
  readonly expandedBytes: number;
  readonly isEncrypted: boolean;
  readonly method: number;
  /** The kind of file in the high bits of a Unix mode; 0 when the archive does not say. */
  readonly unixKind: number;
  readonly hasDescriptor: boolean;
  readonly start: number;
}

/** A file of an archive with the header that stands in front of it. */
interface ZipPart extends ZipEntry {
  readonly header: LocalHeader;
  /** All that readers may take for its name. */
  readonly names: readonly string[];
}

/**
 * Reads the directory of a ZIP file and the headers of its parts as it passes, and refuses what must not be unpacked: bombs,
 * links, names that leave the folder or that two parts have, archives in archives, parts that overlap or are not what the
 * directory says, and bytes that belong to no part. It goes by the sizes that are declared; who unpacks must still count.
 */
export class ZipGuard {
  readonly #extension: string;
  readonly #isStrict: boolean;
  readonly #headers = new LocalHeaders();
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
    if (!this.#headers.feed(chunk)) throw tooManyEntries();
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
    this.#headers.end();
    const { entries, directoryStart } = this.#directory();
    for (const entry of entries) requireEntry(entry);
    requireSizes(entries, this.#bytes);
    const parts = entries.map(entry => this.#partOf(entry));
    requireContiguous(parts, directoryStart);
    requireAgreement(parts);
    requireOneName(parts);
    if (this.#extension !== '.zip') requireOffice(parts, this.#extension);
    for (const part of parts) requireNoArchive(part);
  }

  #partOf(entry: ZipEntry): ZipPart {
    const header = this.#headers.at(entry.start);
    if (header === undefined) throw refusal(`its part ${shown(entry.name)} is not where its directory says`);
    const names = [entry.rawName, header.name, ...unicodeNames(entry.extra), ...unicodeNames(header.extra)];
    return { ...entry, header, names: [...new Set(names.map(textOf))] };
  }

  #directory(): { readonly entries: readonly ZipEntry[]; readonly directoryStart: number } {
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
    if (count > maxEntries || directoryStart < tailStart) throw tooManyEntries();
    const directory = tail.subarray(directoryStart - tailStart, end);
    if (foreignMarks.some(mark => directory.includes(mark))) throw refusal('its directory hides another archive');
    const entries: ZipEntry[] = [];
    let position = directoryStart - tailStart;
    while (position < end) {
      if (position + 46 > end || tail.readUInt32LE(position) !== 0x02014b50) throw refusal('its directory is broken');
      entries.push(parseEntry(tail, position));
      position +=
        46 + tail.readUInt16LE(position + 28) + tail.readUInt16LE(position + 30) + tail.readUInt16LE(position + 32);
    }
    if (position !== end || entries.length !== count) throw refusal('its directory is broken');
    return { entries, directoryStart };
  }

  /** Readers take the last mark, also one that a comment holds. */
  #findEnd(): number {
    const tail = this.#tail;
    const position = tail.lastIndexOf(endMark);
    const hasEnd = position !== -1 && position + endBytes <= tail.length;
    if (hasEnd && position + endBytes + tail.readUInt16LE(position + 20) === tail.length) return position;
    throw refusal('it has no directory, or something follows it');
  }
}

function parseEntry(directory: Buffer, position: number): ZipEntry {
  const flags = directory.readUInt16LE(position + 8);
  const nameEnd = position + 46 + directory.readUInt16LE(position + 28);
  const rawName = directory.subarray(position + 46, nameEnd);
  return {
    rawName,
    extra: directory.subarray(nameEnd, nameEnd + directory.readUInt16LE(position + 30)),
    name: textOf(rawName),
    packedBytes: directory.readUInt32LE(position + 20),
    expandedBytes: directory.readUInt32LE(position + 24),
    isEncrypted: (flags & encryptedFlag) !== 0,
    method: directory.readUInt16LE(position + 10),
    unixKind: (directory.readUInt32LE(position + 38) >>> 28) & 0xf,
    hasDescriptor: (flags & descriptorFlag) !== 0,
    start: directory.readUInt32LE(position + 42),
  };
}

/** A name in UTF-8, or in whatever alphabet it is: different names stay different. */
function textOf(name: Buffer): string {
  const text = name.toString();
  return text.includes('\ufffd') ? name.toString('latin1') : text;
}

function requireEntry({ name, packedBytes, expandedBytes, isEncrypted, method, unixKind, start }: ZipEntry): void {
  if ([packedBytes, expandedBytes, start].includes(0xffffffff)) throw refusal('it uses ZIP64, which is not accepted');
  if (isEncrypted) throw refusal(`its part ${shown(name)} is encrypted`);
  if (method !== 0 && method !== 8) throw refusal(`its part ${shown(name)} is packed in an unusual way`);
  // 4 is a folder and 8 a plain file; 10 is a link, and the others are devices.
  if (![0, 4, 8].includes(unixKind)) throw refusal(`its part ${shown(name)} is a link or a device`);
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

/** Bombs may use the same bytes for many parts; and what lies in front of, between or behind the parts is another file. */
function requireContiguous(parts: readonly ZipPart[], directoryStart: number): void {
  const inOrder = [...parts].sort((one, other) => one.start - other.start);
  if ((inOrder[0]?.start ?? directoryStart) !== 0) throw refusal('something stands in front of it');
  for (const [index, { start, header, packedBytes, name, hasDescriptor }] of inOrder.entries()) {
    const between = (inOrder[index + 1]?.start ?? directoryStart) - start - contentStart(header) - packedBytes;
    if (between < 0) throw refusal(`its part ${shown(name)} overlaps another`);
    if (between > (hasDescriptor ? maxDescriptorBytes : 0)) throw refusal(`something follows its part ${shown(name)}`);
  }
}

/** Some readers go by the directory, others by the headers: both must find the same. */
function requireAgreement(parts: readonly ZipPart[]): void {
  for (const { header, rawName, names, method, packedBytes, expandedBytes, hasDescriptor, name } of parts) {
    const hasSizes = (header.flags & descriptorFlag) === 0;
    const isSame =
      header.name.equals(rawName) &&
      header.method === method &&
      (header.flags & encryptedFlag) === 0 &&
      hasSizes === !hasDescriptor &&
      (!hasSizes || (header.packedBytes === packedBytes && header.expandedBytes === expandedBytes));
    const outside = names.find(isOutside);
    if (outside !== undefined) throw refusal(`its part ${shown(outside)} would be unpacked outside of its folder`);
    if (!isSame) throw refusal(`its part ${shown(name)} is not what its directory says`);
  }
}

/** Who looks at an archive may see one, and who unpacks it get the other. */
function requireOneName(parts: readonly ZipPart[]): void {
  const taken = new Set<string>();
  for (const name of parts.flatMap(({ names }) => names)) {
    if (taken.has(name)) throw refusal(`it has two parts of the name ${shown(name)}`);
    taken.add(name);
  }
}

function isOutside(name: string): boolean {
  return name === '' || /^[/\\]|^[a-z]:|\\|(?:^|\/)\.\.(?:\/|$)|\p{Cc}/iu.test(name);
}

function requireNoArchive(part: ZipPart): void {
  const named = part.names.find(name => nestedArchive.test(name));
  if (named !== undefined) throw refusal(`it contains another archive, ${shown(named)}`);
  const begins = beginningOf(part, part.header);
  if (begins === undefined) throw refusal(`its part ${shown(part.name)} is packed in an unusual way`);
  if (isArchive(begins) && !part.names.every(name => packedByRight.test(name))) {
    throw refusal(`it contains another archive, ${shown(part.name)}`);
  }
}

const officeFolders: Readonly<Record<string, string>> = { '.docx': 'word/', '.xlsx': 'xl/', '.pptx': 'ppt/' };

function requireOffice(entries: readonly ZipPart[], extension: string): void {
  const folder = officeFolders[extension] ?? '';
  const isOffice =
    entries.some(({ name }) => name === '[Content_Types].xml') && entries.some(({ name }) => name.startsWith(folder));
  if (!isOffice) throw refusal(`it is no ${extension} document`);
  if (entries.some(({ name }) => /vbaproject|vbadata|macrosheet/i.test(name))) throw refusal('it contains macros');
  const foreign = entries.find(({ name }) => /\.(?:exe|dll|js|vbs|bat|cmd|ps1)$/i.test(name));
  if (foreign !== undefined) throw refusal(`it contains ${shown(foreign.name)}`);
}

function tooManyEntries(): ValidationError {
  return refusal(`it has more than ${maxEntries} entries`);
}

function shown(name: string): string {
  return JSON.stringify(name.slice(0, 80));
}

function refusal(what: string): ValidationError {
  return new ValidationError(`The archive is not accepted: ${what}`, { content: `Expected no archive where ${what}` });
}

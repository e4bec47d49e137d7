import { constants, inflateRawSync } from 'node:zlib';

/** What stands in front of a part of an archive, and how its content begins. */
export interface LocalHeader {
  readonly flags: number;
  readonly method: number;
  readonly packedBytes: number;
  readonly expandedBytes: number;
  readonly name: Buffer;
  readonly extra: Buffer;
  /** The first bytes of the content as it is packed. */
  readonly head: Buffer;
}

const mark = Buffer.from('PK\x03\x04', 'latin1');
const fixedBytes = 30;

/** How long name and extra fields may be together, in bytes: nothing that is longer is a header. */
const maxNameBytes = 8_192;

/**
 * How much of a packed content is kept, in bytes: behind the tables that it may begin with, which take up to 300, enough to
 * come to {@link wantedBytes} with codes of any length.
 */
const headBytes = 1_024;

/** How much is kept at most, in bytes. */
const maxKeptBytes = 16_777_216;

/** Finds whatever could be the header of a part, as the archive passes. Which of them are, the directory says at the end. */
export class LocalHeaders {
  readonly #found = new Map<number, LocalHeader>();
  #keptBytes = 0;
  /** What may be the beginning of a header. */
  #rest: Buffer = Buffer.alloc(0);
  #restStart = 0;

  /** Says whether there are not too many. */
  feed(chunk: Uint8Array): boolean {
    const bytes = Buffer.from(chunk.buffer, chunk.byteOffset, chunk.byteLength);
    this.#scan(this.#rest.length === 0 ? bytes : Buffer.concat([this.#rest, bytes]), false);
    return this.#keptBytes <= maxKeptBytes;
  }

  end(): void {
    this.#scan(this.#rest, true);
  }

  at(position: number): LocalHeader | undefined {
    return this.#found.get(position);
  }

  #scan(bytes: Buffer, isEnd: boolean): void {
    let position = bytes.indexOf(mark);
    for (; position !== -1 && this.#keptBytes <= maxKeptBytes; position = bytes.indexOf(mark, position + mark.length)) {
      const header = bytes.subarray(position);
      const nameBytes = header.length < fixedBytes ? 0 : header.readUInt16LE(26) + header.readUInt16LE(28);
      if (nameBytes > maxNameBytes) continue;
      if (header.length < fixedBytes + nameBytes + headBytes && !isEnd) break;
      if (header.length >= fixedBytes + nameBytes) this.#keep(this.#restStart + position, header);
    }
    const kept = position === -1 ? Math.max(0, bytes.length - mark.length + 1) : position;
    this.#restStart += kept;
    this.#rest = Buffer.from(bytes.subarray(kept));
  }

  #keep(position: number, bytes: Buffer): void {
    const nameEnd = fixedBytes + bytes.readUInt16LE(26);
    const extraEnd = nameEnd + bytes.readUInt16LE(28);
    const kept = Buffer.from(bytes.subarray(0, extraEnd + headBytes));
    this.#keptBytes += kept.length;
    this.#found.set(position, {
      flags: kept.readUInt16LE(6),
      method: kept.readUInt16LE(8),
      packedBytes: kept.readUInt32LE(18),
      expandedBytes: kept.readUInt32LE(22),
      name: kept.subarray(fixedBytes, nameEnd),
      extra: kept.subarray(nameEnd, extraEnd),
      head: kept.subarray(extraEnd),
    });
  }
}

/** Where the content of a part begins, from the beginning of its header. */
export function contentStart({ name, extra }: LocalHeader): number {
  return fixedBytes + name.length + extra.length;
}

/** The names in Unicode that stand beside a name for those who cannot read it, and that others put in its place. */
export function unicodeNames(extra: Buffer): readonly Buffer[] {
  const names: Buffer[] = [];
  for (let position = 0; position + 4 <= extra.length; position += 4 + extra.readUInt16LE(position + 2)) {
    const field = extra.subarray(position + 4, position + 4 + extra.readUInt16LE(position + 2));
    // A version and a checksum come first.
    if (extra.readUInt16LE(position) === 0x7075) names.push(field.subarray(5));
  }
  return names;
}

/** How the content of a part begins; `undefined` when it is packed so that nobody can see it. */
export function beginningOf({ method, packedBytes }: PackedPart, { head }: LocalHeader): Buffer | undefined {
  const packed = head.subarray(0, packedBytes);
  if (method === 0) return packed;
  let begins: Buffer | undefined;
  // Step by step, because what says nothing for long may then expand a thousand times.
  for (let bytes = stepBytes; bytes < packed.length + stepBytes; bytes += stepBytes) {
    begins = inflated(packed.subarray(0, bytes));
    if (begins === undefined || begins.length >= wantedBytes) return begins;
  }
  return packedBytes <= headBytes ? begins : undefined;
}

/** What is said of a part, by its header or by the directory. */
export interface PackedPart {
  readonly method: number;
  readonly packedBytes: number;
}

/** The marks of archives lie within it, most of them at its beginning. */
const wantedBytes = 264;
const stepBytes = 64;

function inflated(packed: Buffer): Buffer | undefined {
  try {
    return inflateRawSync(packed, { finishFlush: constants.Z_SYNC_FLUSH });
  } catch {
    return undefined;
  }
}

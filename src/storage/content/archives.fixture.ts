/** Archives as tests need them, honest and not. */
import { createHash } from 'node:crypto';
import { deflateRawSync } from 'node:zlib';

export interface Part {
  readonly name: string;
  /** What its own header says instead. */
  readonly localName?: string;
  readonly extra?: Buffer;
  /** Extra fields and comment of its entry in the directory. */
  readonly entryExtra?: Buffer;
  readonly entryComment?: Buffer;
  /** Its content as it is packed already. */
  readonly packed?: Buffer;
  /** How it is kept. */
  readonly method?: 0 | 8;
  /** Whether its sizes stand behind it. */
  readonly hasDescriptor?: boolean;
  /** What follows it and is no part. */
  readonly behind?: Buffer;
  readonly content?: Buffer;
  readonly declaredBytes?: number;
  readonly mode?: number;
  readonly flags?: number;
  readonly start?: number;
}

export function zip(parts: readonly Part[], front: Buffer = Buffer.alloc(0)): Buffer {
  const local: Buffer[] = [front];
  const directory: Buffer[] = [];
  let position = front.length;
  for (const part of parts) {
    const {
      name,
      content = Buffer.from('x'),
      declaredBytes,
      mode = 0,
      start,
      method = 8,
      extra = Buffer.alloc(0),
      entryExtra = Buffer.alloc(0),
      entryComment = Buffer.alloc(0),
    } = part;
    const flags = (part.flags ?? 0) | (part.hasDescriptor ? 8 : 0);
    const packed = part.packed ?? (method === 8 ? deflateRawSync(content) : content);
    const header = Buffer.alloc(30);
    header.writeUInt32LE(0x04034b50, 0);
    header.writeUInt16LE(flags & 8, 6);
    header.writeUInt16LE(method, 8);
    header.writeUInt32LE(part.hasDescriptor ? 0 : packed.length, 18);
    header.writeUInt32LE(part.hasDescriptor ? 0 : content.length, 22);
    const localName = Buffer.from(part.localName ?? name);
    header.writeUInt16LE(localName.length, 26);
    header.writeUInt16LE(extra.length, 28);
    const behind = Buffer.concat([Buffer.alloc(part.hasDescriptor ? 16 : 0), part.behind ?? Buffer.alloc(0)]);
    const entry = Buffer.alloc(46);
    entry.writeUInt32LE(0x02014b50, 0);
    entry.writeUInt16LE(flags, 8);
    entry.writeUInt16LE(method, 10);
    entry.writeUInt32LE(packed.length, 20);
    entry.writeUInt32LE(declaredBytes ?? content.length, 24);
    entry.writeUInt16LE(Buffer.byteLength(name), 28);
    entry.writeUInt16LE(entryExtra.length, 30);
    entry.writeUInt16LE(entryComment.length, 32);
    entry.writeUInt32LE((mode << 16) >>> 0, 38);
    entry.writeUInt32LE(start ?? position, 42);
    local.push(header, localName, extra, packed, behind);
    directory.push(entry, Buffer.from(name), entryExtra, entryComment);
    position += header.length + localName.length + extra.length + packed.length + behind.length;
  }
  const end = endRecord({ count: parts.length, directoryBytes: Buffer.concat(directory).length, start: position });
  return Buffer.concat([...local, ...directory, end]);
}

export function endRecord(
  directory: { count: number; directoryBytes: number; start: number },
  comment = Buffer.alloc(0),
): Buffer {
  const end = Buffer.alloc(22);
  end.writeUInt32LE(0x06054b50, 0);
  end.writeUInt16LE(directory.count, 8);
  end.writeUInt16LE(directory.count, 10);
  end.writeUInt32LE(directory.directoryBytes, 12);
  end.writeUInt32LE(directory.start, 16);
  end.writeUInt16LE(comment.length, 20);
  return Buffer.concat([end, comment]);
}

/** The same archive with a comment behind its directory. */
export function commented(archive: Buffer, comment: Buffer): Buffer {
  const whole = Buffer.concat([archive, comment]);
  whole.writeUInt16LE(comment.length, archive.length - 2);
  return whole;
}

/** An end of ZIP64, and the locator that leads readers to it, for an archive whose comment they stand in. */
export function zip64End(): Buffer {
  const end = Buffer.alloc(76);
  end.write('PK\x06\x06', 'latin1');
  end.write('PK\x06\x07', 56, 'latin1');
  return end;
}

/** A tape archive as deflate writes it who does not want to be seen: blocks of nothing in front of what is not packed. */
export function disguised(emptyBlocks: number): { readonly content: Buffer; readonly packed: Buffer } {
  const content = Buffer.alloc(1_536);
  content.write('evil.sh');
  content.write('ustar', 257);
  const empty = Buffer.from('000000ffff', 'hex');
  const stored = Buffer.from('0100000000', 'hex');
  stored.writeUInt16LE(content.length, 1);
  stored.writeUInt16LE(~content.length & 0xffff, 3);
  return { content, packed: Buffer.concat([...Array<Buffer>(emptyBlocks).fill(empty), stored, content]) };
}

/** A name in Unicode beside the name of a part (0x7075), for readers that know it. */
export function unicodeName(name: string): Buffer {
  const field = Buffer.alloc(9);
  field.writeUInt16LE(0x7075, 0);
  field.writeUInt16LE(5 + Buffer.byteLength(name), 2);
  return Buffer.concat([field, Buffer.from(name)]);
}

/** Parts with an end that knows nothing of them. */
export function withoutDirectory(archive: Buffer): Buffer {
  const parts = archive.subarray(0, archive.readUInt32LE(archive.length - 6));
  return Buffer.concat([parts, endRecord({ count: 0, directoryBytes: 0, start: parts.length })]);
}

/** Bytes that nothing makes smaller, the same every time. */
export function noise(bytes: number): Buffer {
  return createHash('shake256', { outputLength: bytes }).update('noise').digest();
}

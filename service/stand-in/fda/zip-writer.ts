import { crc32, deflateRawSync } from 'node:zlib';

/** One file of a ZIP. */
export interface ZipMember {
  readonly name: string;
  readonly content: Buffer;
  /** Its date, `YYYY-MM-DD`. */
  readonly date: string;
}

/**
 * Writes a ZIP (PKWARE APPNOTE 6.3.3: local headers, central directory, end record), deflated, without ZIP64: enough for
 * files of some megabytes.
 */
export function writeZip(members: readonly ZipMember[]): Buffer {
  const parts: Buffer[] = [];
  const directory: Buffer[] = [];
  let offset = 0;
  for (const { name, content, date } of members) {
    const data = deflateRawSync(content);
    const fileName = Buffer.from(name, 'ascii');
    const facts = commonFields({ content, data, fileName, date });
    const local = Buffer.concat([Buffer.from('PK\x03\x04', 'latin1'), facts, fileName, data]);
    directory.push(directoryEntry(facts, fileName, offset));
    parts.push(local);
    offset += local.length;
  }
  const central = Buffer.concat(directory);
  return Buffer.concat([...parts, central, endRecord(members.length, central.length, offset)]);
}

/** The 26 bytes that the local header and the directory entry have in common. */
function commonFields(member: {
  readonly content: Buffer;
  readonly data: Buffer;
  readonly fileName: Buffer;
  readonly date: string;
}): Buffer {
  const [year = 1980, month = 1, day = 1] = member.date.split('-').map(Number);
  const fields = Buffer.alloc(26);
  fields.writeUInt16LE(20, 0); // needs version 2.0: deflate
  fields.writeUInt16LE(8, 4); // deflate
  fields.writeUInt16LE(((year - 1980) << 9) | (month << 5) | day, 8);
  fields.writeUInt32LE(crc32(member.content), 10);
  fields.writeUInt32LE(member.data.length, 14);
  fields.writeUInt32LE(member.content.length, 18);
  fields.writeUInt16LE(member.fileName.length, 22);
  return fields;
}

function directoryEntry(facts: Buffer, fileName: Buffer, offset: number): Buffer {
  const start = Buffer.from('PK\x01\x02\x14\x00', 'latin1'); // made by version 2.0
  const rest = Buffer.alloc(14);
  rest.writeUInt32LE(offset, 10);
  return Buffer.concat([start, facts, rest, fileName]);
}

function endRecord(count: number, size: number, offset: number): Buffer {
  const record = Buffer.alloc(22);
  record.write('PK\x05\x06', 0, 'latin1');
  record.writeUInt16LE(count, 8);
  record.writeUInt16LE(count, 10);
  record.writeUInt32LE(size, 12);
  record.writeUInt32LE(offset, 16);
  return record;
}

import { createHash } from 'node:crypto';
import type { FileHandle } from 'node:fs/promises';
import type { ObjectInfo } from '../storage-strategy.ts';

/**
 * A file of the store: two slots of 4 KiB that each can hold key and metadata, and then the content. The newest slot that
 * is whole counts. Metadata are changed in one slot after the other, so that a crash in the middle of it leaves the old
 * ones, and nothing of them is left behind it.
 */
const slotBytes = 4_096;

/** Where the content begins. */
export const contentOffset: number = 2 * slotBytes;

const magic = Buffer.from('plinthf1', 'latin1');
const fixedBytes = 40;
const digestBytes = 32;

/** What a slot says. */
export interface Envelope {
  /** 16 random bytes in hex: new with every content. */
  readonly id: string;
  /** Counts the changes of the metadata. */
  readonly generation: number;
  readonly bytes: number;
  readonly key: string;
  readonly metadata: string;
}

/** What strategies tell of an object. */
export function infoOf({ id, generation, bytes, key, metadata }: Envelope): ObjectInfo {
  return { key, version: `${id}.${generation}`, bytes, metadata };
}

/** Writes the envelope of a new file. */
export async function writeEnvelope(file: FileHandle, envelope: Envelope): Promise<void> {
  await writeSlot(file, envelope.generation % 2, encode(envelope));
}

/**
 * Puts an envelope in the place of the one before: what that said, such as a data key under a key that is given up, stands
 * in neither slot any more.
 *
 * @param flush Makes sure that what was written is on the disk.
 */
export async function replaceEnvelope(file: FileHandle, envelope: Envelope, flush: () => Promise<void>): Promise<void> {
  const slot = encode(envelope);
  for (const index of [envelope.generation % 2, (envelope.generation + 1) % 2]) {
    await writeSlot(file, index, slot);
    // The old envelope is given up only when the new one is safe.
    await flush();
  }
}

/** Whether an older envelope, or a part of one, stands beside this one, because a change of it was interrupted. */
export async function hasOlder(file: FileHandle, newest: Envelope): Promise<boolean> {
  const expected = [encode(newest), Buffer.alloc(slotBytes)];
  const header = await readHeader(file);
  const slots = [header?.subarray(0, slotBytes), header?.subarray(slotBytes)];
  return slots.some(slot => slot !== undefined && !expected.some(one => one.equals(slot)));
}

/** The envelope of an open file, or `undefined` when neither slot is whole. */
export async function readEnvelope(file: FileHandle): Promise<Envelope | undefined> {
  const header = await readHeader(file);
  if (header === undefined) return undefined;
  const first = decode(header.subarray(0, slotBytes));
  const second = decode(header.subarray(slotBytes));
  if (first === undefined || second === undefined) return first ?? second;
  return second.generation > first.generation ? second : first;
}

async function readHeader(file: FileHandle): Promise<Buffer | undefined> {
  const header = Buffer.alloc(contentOffset);
  const { bytesRead } = await file.read(header, 0, contentOffset, 0);
  return bytesRead < contentOffset ? undefined : header;
}

async function writeSlot(file: FileHandle, index: number, slot: Buffer): Promise<void> {
  for (let written = 0; written < slot.length; ) {
    const position = index * slotBytes + written;
    const { bytesWritten } = await file.write(slot, written, slot.length - written, position);
    written += bytesWritten;
  }
}

function encode({ id, generation, bytes, key, metadata }: Envelope): Buffer {
  const slot = Buffer.alloc(slotBytes);
  const end = fixedBytes + Buffer.byteLength(key) + metadata.length;
  magic.copy(slot);
  slot.writeUInt32BE(generation, 8);
  slot.writeUInt16BE(Buffer.byteLength(key), 12);
  slot.writeUInt16BE(metadata.length, 14);
  slot.writeBigUInt64BE(BigInt(bytes), 16);
  slot.write(id, 24, 'hex');
  slot.write(key, fixedBytes);
  slot.write(metadata, end - metadata.length, 'latin1');
  createHash('sha256').update(slot.subarray(0, end)).digest().copy(slot, end);
  return slot;
}

function decode(slot: Buffer): Envelope | undefined {
  const keyEnd = fixedBytes + slot.readUInt16BE(12);
  const end = keyEnd + slot.readUInt16BE(14);
  if (!slot.subarray(0, magic.length).equals(magic) || end + digestBytes > slotBytes) return undefined;
  const digest = createHash('sha256').update(slot.subarray(0, end)).digest();
  if (!digest.equals(slot.subarray(end, end + digestBytes))) return undefined;
  return {
    id: slot.toString('hex', 24, fixedBytes),
    generation: slot.readUInt32BE(8),
    bytes: Number(slot.readBigUInt64BE(16)),
    key: slot.toString('utf8', fixedBytes, keyEnd),
    metadata: slot.toString('latin1', keyEnd, end),
  };
}

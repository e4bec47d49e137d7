import { promisify } from 'node:util';
import { deflateRaw, deflateRawSync, inflateRaw, inflateRawSync } from 'node:zlib';

/** What compression has to save, in bytes: less is not worth what it costs to read the value again. */
const minSavedBytes = 1_024;

/** From this size on, in bytes, the work is done beside the event loop. */
const asideBytes = 65_536;

const deflateAside = promisify(deflateRaw);
const inflateAside = promisify(inflateRaw);

/** The fastest level: the next ones save a tenth more and take twice as long. */
const options = { level: 1 } as const;

/**
 * The payload compressed, or `undefined` when that does not pay. What is so short that it could hardly save enough is
 * not tried.
 */
export function compress(
  payload: string | Buffer,
  bytes: number,
  aboveBytes: number,
): Buffer | undefined | Promise<Buffer | undefined> {
  if (bytes <= aboveBytes || bytes < aboveBytes + minSavedBytes) return undefined;
  if (bytes < asideBytes) return ifItPays(deflateRawSync(payload, options), bytes);
  return deflateAside(payload, options).then(compressed => ifItPays(compressed, bytes));
}

/** @throws {Error} when the bytes are not what was compressed, or would become longer than they were. */
export function inflate(compressed: Buffer, bytes: number): Buffer | Promise<Buffer> {
  const bounds = { maxOutputLength: bytes, chunkSize: Math.max(64, Math.min(bytes, asideBytes)) };
  return bytes < asideBytes ? inflateRawSync(compressed, bounds) : inflateAside(compressed, bounds);
}

function ifItPays(compressed: Buffer, bytes: number): Buffer | undefined {
  const saved = bytes - compressed.length;
  return saved >= minSavedBytes && saved >= bytes / 8 ? compressed : undefined;
}

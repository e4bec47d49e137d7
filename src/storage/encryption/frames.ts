import { createCipheriv, createDecipheriv } from 'node:crypto';
import { CorruptFileError } from '../errors.ts';
import type { ByteRange } from '../storage-strategy.ts';

/**
 * Content as AES-256-GCM in frames: each has its own tag, and its number for nonce, under a key that no other content has.
 * A frame is given out only after its tag was checked. How many there must be stands in the descriptor, which the key is
 * bound to; so frames that were changed, moved, cut off or added are found.
 */
export const frameBytes = 262_144;

const algorithm = 'aes-256-gcm';
const tagBytes = 16;

/** What was encrypted, and how. */
export interface FrameLayout {
  /** Length of the plain text, in bytes. */
  readonly plainBytes: number;
  readonly frameBytes: number;
}

/** The length of the encrypted content, in bytes. */
export function encryptedBytes({ plainBytes, frameBytes }: FrameLayout): number {
  return plainBytes + Math.max(1, Math.ceil(plainBytes / frameBytes)) * tagBytes;
}

/** The frames that hold a part of the plain text: where they are in the encrypted content, and what to leave out of them. */
export function framesOf(
  { start, end }: ByteRange,
  layout: FrameLayout,
): { readonly first: number; readonly stored: ByteRange; readonly skipBytes: number } {
  const sealedBytes = layout.frameBytes + tagBytes;
  const first = Math.min(Math.floor(start / layout.frameBytes), lastFrame(layout));
  const last = Math.min(Math.floor(Math.max(start, end - 1) / layout.frameBytes), lastFrame(layout));
  const stored = {
    start: first * sealedBytes,
    end: Math.min((last + 1) * sealedBytes, encryptedBytes(layout)),
  };
  return { first, stored, skipBytes: start - first * layout.frameBytes };
}

/** Encrypts chunks under a key that is used for nothing else. */
export async function* encryptFrames(
  content: AsyncIterable<Uint8Array>,
  key: Uint8Array,
): AsyncGenerator<Uint8Array, void> {
  let frame = 0;
  let room = frameBytes;
  let cipher = createCipheriv(algorithm, key, nonceOf(frame));
  for await (const chunk of content) {
    for (let rest = chunk; rest.byteLength > 0; ) {
      if (room === 0) {
        cipher.final();
        yield cipher.getAuthTag();
        frame += 1;
        room = frameBytes;
        cipher = createCipheriv(algorithm, key, nonceOf(frame));
      }
      const part = rest.byteLength <= room ? rest : rest.subarray(0, room);
      yield cipher.update(part);
      room -= part.byteLength;
      rest = rest.subarray(part.byteLength);
    }
  }
  cipher.final();
  yield cipher.getAuthTag();
}

/**
 * Decrypts frames that follow each other, beginning with the number `first`.
 *
 * @throws {CorruptFileError} before anything of a frame is given out that is not as it was written.
 */
export async function* decryptFrames(
  stored: AsyncIterable<Uint8Array>,
  key: Uint8Array,
  first: number,
  layout: FrameLayout,
  fileKey: string,
): AsyncGenerator<Uint8Array, void> {
  let frame = first;
  let gathered: Uint8Array[] = [];
  let missing = sealedBytesOf(frame, layout);
  for await (const chunk of stored) {
    for (let rest = chunk; rest.byteLength > 0; ) {
      if (missing === 0) throw new CorruptFileError(fileKey, 'there is more than was written');
      const part = rest.byteLength <= missing ? rest : rest.subarray(0, missing);
      gathered.push(part);
      missing -= part.byteLength;
      rest = rest.subarray(part.byteLength);
      if (missing > 0) continue;
      yield* opened(gathered, key, frame, fileKey);
      gathered = [];
      frame += 1;
      missing = frame > lastFrame(layout) ? 0 : sealedBytesOf(frame, layout);
    }
  }
  if (gathered.length > 0) throw new CorruptFileError(fileKey, 'a frame is cut off');
}

function opened(sealed: readonly Uint8Array[], key: Uint8Array, frame: number, fileKey: string): readonly Buffer[] {
  const decipher = createDecipheriv(algorithm, key, nonceOf(frame), { authTagLength: tagBytes });
  const { body, tag } = splitTag(sealed);
  decipher.setAuthTag(tag);
  const plain = body.map(part => decipher.update(part));
  try {
    decipher.final();
    return plain;
  } catch {
    throw new CorruptFileError(fileKey, `its part ${frame} was changed after it was encrypted`);
  }
}

/** The last 16 bytes, which may lie in two chunks. */
function splitTag(sealed: readonly Uint8Array[]): { readonly body: readonly Uint8Array[]; readonly tag: Uint8Array } {
  const body = [...sealed];
  const tag: Uint8Array[] = [];
  for (let needed = tagBytes; needed > 0; ) {
    const last = body.pop() as Uint8Array;
    const taken = Math.min(needed, last.byteLength);
    tag.unshift(last.subarray(last.byteLength - taken));
    if (taken < last.byteLength) body.push(last.subarray(0, last.byteLength - taken));
    needed -= taken;
  }
  return { body, tag: Buffer.concat(tag) };
}

function lastFrame({ plainBytes, frameBytes }: FrameLayout): number {
  return Math.max(0, Math.ceil(plainBytes / frameBytes) - 1);
}

function sealedBytesOf(frame: number, layout: FrameLayout): number {
  const last = lastFrame(layout);
  return (frame < last ? layout.frameBytes : layout.plainBytes - last * layout.frameBytes) + tagBytes;
}

function nonceOf(frame: number): Buffer {
  const nonce = Buffer.alloc(12);
  nonce.writeUInt32BE(frame, 8);
  return nonce;
}

import type { FileHandle } from 'node:fs/promises';

/** How much is gathered before it is written, in bytes: each call costs a trip through the thread pool. */
const writeBlockBytes = 1_048_576;

/** How much is read at once, in bytes. */
const readBlockBytes = 524_288;

/**
 * Writes chunks behind each other from a position on, and gives how many bytes they were. While one block is written the
 * next is gathered; at most two are in memory.
 */
export async function writeBlocks(
  file: FileHandle,
  content: AsyncIterable<Uint8Array>,
  offset: number,
): Promise<number> {
  let position = offset;
  let gathered: Uint8Array[] = [];
  let gatheredBytes = 0;
  let writing: Promise<void> | undefined;
  try {
    for await (const chunk of content) {
      if (chunk.byteLength === 0) continue;
      gathered.push(chunk);
      gatheredBytes += chunk.byteLength;
      if (gatheredBytes < writeBlockBytes) continue;
      await writing;
      writing = writeAll(file, gathered, position);
      // Whoever waits for it comes later: until then a failure must not count as unhandled.
      writing.catch(() => undefined);
      position += gatheredBytes;
      gathered = [];
      gatheredBytes = 0;
    }
  } finally {
    await writing;
  }
  if (gatheredBytes > 0) await writeAll(file, gathered, position);
  return position + gatheredBytes - offset;
}

/** Reads the bytes from `start` to `end`, each block while the one before is used. Ends early where the file does. */
export async function* readBlocks(file: FileHandle, start: number, end: number): AsyncGenerator<Uint8Array, void> {
  let next = readBlock(file, start, end);
  try {
    for (let position = start; position < end; ) {
      const block = await next;
      if (block.byteLength === 0) return;
      position += block.byteLength;
      if (position < end) next = readBlock(file, position, end);
      yield block;
    }
  } finally {
    await next.catch(() => undefined);
  }
}

function readBlock(file: FileHandle, position: number, end: number): Promise<Uint8Array> {
  const length = Math.min(readBlockBytes, end - position);
  if (length <= 0) return Promise.resolve(new Uint8Array(0));
  const reading = file
    .read(Buffer.allocUnsafeSlow(length), 0, length, position)
    .then(({ buffer, bytesRead }) => (bytesRead === length ? buffer : buffer.subarray(0, bytesRead)));
  reading.catch(() => undefined);
  return reading;
}

/** A call may write less than it was given, as on a disk that is about to be full. */
async function writeAll(file: FileHandle, chunks: Uint8Array[], offset: number): Promise<void> {
  let rest = chunks;
  let position = offset;
  while (rest.length > 0) {
    const { bytesWritten } = await file.writev(rest, position);
    position += bytesWritten;
    rest = behind(rest, bytesWritten);
  }
}

function behind(chunks: Uint8Array[], bytes: number): Uint8Array[] {
  let skipped = 0;
  for (const [index, chunk] of chunks.entries()) {
    if (skipped + chunk.byteLength > bytes) return [chunk.subarray(bytes - skipped), ...chunks.slice(index + 1)];
    skipped += chunk.byteLength;
  }
  return [];
}

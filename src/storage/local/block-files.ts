import type { FileHandle } from 'node:fs/promises';

/** How much is gathered before it is written, in bytes: each call costs a trip through the thread pool. */
const writeBlockBytes = 1_048_576;

/** How much is read at once, in bytes. */
const readBlockBytes = 524_288;

/** How many blocks are read before they are asked for. */
const blocksAhead = 3;

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

/**
 * Reads the bytes from `start` to `end`: while one block is used the next four are read, which both processors of a small
 * machine can do at once. Ends early where the file does.
 *
 * @param reuses Whether a block need only stay as it is until the next one is asked for.
 */
export async function* readBlocks(
  file: FileHandle,
  start: number,
  end: number,
  reuses = false,
): AsyncGenerator<Uint8Array, void> {
  const reads = new ReadAhead(file, start, end, reuses);
  try {
    for (;;) {
      const block = await reads.next();
      if (block === undefined || block.byteLength === 0) return;
      yield block;
    }
  } finally {
    await reads.settled();
  }
}

/** Reads that were begun before anybody asks for them. */
class ReadAhead {
  readonly #file: FileHandle;
  readonly #end: number;
  /** The blocks that are used in turn: those that are read, and the one that is looked at. */
  readonly #ring: (Buffer | undefined)[] | undefined;
  readonly #ahead: Promise<Uint8Array>[] = [];
  #position: number;
  #turn = 0;

  constructor(file: FileHandle, start: number, end: number, reuses: boolean) {
    this.#file = file;
    this.#position = start;
    this.#end = end;
    this.#ring = reuses ? Array.from({ length: blocksAhead + 1 }, () => undefined) : undefined;
    this.#begin();
  }

  /** The next block; from now on the one before it may be overwritten. */
  async next(): Promise<Uint8Array | undefined> {
    const reading = this.#ahead.shift();
    this.#begin();
    return await reading;
  }

  /** When nothing is read any more. */
  async settled(): Promise<void> {
    await Promise.allSettled(this.#ahead);
  }

  #begin(): void {
    while (this.#ahead.length < blocksAhead && this.#position < this.#end) {
      const stop = Math.min(this.#position + readBlockBytes, this.#end);
      const reading = readFully(this.#file, this.#block(stop - this.#position), this.#position);
      // What fails ends the iteration when its turn comes, so nobody waits for it until then.
      reading.catch(() => undefined);
      this.#ahead.push(reading);
      this.#position = stop;
    }
  }

  #block(bytes: number): Buffer {
    const ring = this.#ring;
    if (ring === undefined) return Buffer.allocUnsafeSlow(bytes);
    this.#turn = (this.#turn + 1) % ring.length;
    const block = ring[this.#turn] ?? Buffer.allocUnsafeSlow(bytes);
    ring[this.#turn] = block;
    return block.subarray(0, bytes);
  }
}

/** A call may read less than it was asked for. */
async function readFully(file: FileHandle, block: Buffer, start: number): Promise<Uint8Array> {
  let filled = 0;
  while (filled < block.length) {
    const { bytesRead } = await file.read(block, filled, block.length - filled, start + filled);
    if (bytesRead === 0) return block.subarray(0, filled);
    filled += bytesRead;
  }
  return block;
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

/**
 * The worker in which PGlite runs, so that the event loop of the program stays free. It imports nothing of the toolkit:
 * it must start quickly, and it starts from source as well as from the built package.
 */
import { renameSync, rmSync } from 'node:fs';
import { parentPort, workerData } from 'node:worker_threads';
import { PGlite } from '@electric-sql/pglite';
import type { EngineReply, EngineRequest, EngineWorkerData } from './engine-worker.ts';

const { directory, draft } = workerData as EngineWorkerData;
const port = parentPort as NonNullable<typeof parentPort>;

/** The prepared seed, when its package is installed. */
async function loadSeed(): Promise<Blob | undefined> {
  try {
    const { dataDir } = await import('@electric-sql/pglite-prepopulatedfs');
    return await dataDir();
  } catch {
    return undefined;
  }
}

function open(dataDir: string | undefined, loadDataDir?: Blob): Promise<PGlite> {
  return PGlite.create({
    ...(dataDir === undefined ? {} : { dataDir }),
    ...(loadDataDir === undefined ? {} : { loadDataDir }),
  });
}

/** A new cluster comes out of the seed. Without one, or when it does not fit this PGlite, PGlite runs initdb. */
async function create(dataDir: string | undefined): Promise<PGlite> {
  const seed = await loadSeed();
  if (seed === undefined) return await open(dataDir);
  try {
    return await open(dataDir, seed);
  } catch {
    if (dataDir !== undefined) rmSync(dataDir, { recursive: true, force: true });
    return await open(dataDir);
  }
}

async function start(): Promise<PGlite> {
  if (directory === undefined) return await create(undefined);
  if (draft !== undefined) {
    // Made beside its place and moved there when it is complete: a start that is killed half-way leaves nothing behind
    // that a later one could take for a database.
    rmSync(draft, { recursive: true, force: true });
    await (await create(draft)).close();
    renameSync(draft, directory);
  }
  return await open(directory);
}

async function exchange(database: PGlite, request: Uint8Array): Promise<Uint8Array<ArrayBuffer>> {
  const chunks: Uint8Array[] = [];
  // The chunks are views into the memory of the engine, which it uses again. There is nothing to sync afterwards: memory
  // is memory, and what goes to a folder is written and flushed by the engine itself.
  await database.execProtocolRawStream(request, { syncToFs: false, onRawData: chunk => chunks.push(chunk.slice()) });
  const [first, ...others] = chunks;
  if (first !== undefined && others.length === 0) return first as Uint8Array<ArrayBuffer>;
  const answer = new Uint8Array(chunks.reduce((total, chunk) => total + chunk.length, 0));
  let offset = 0;
  for (const chunk of chunks) {
    answer.set(chunk, offset);
    offset += chunk.length;
  }
  return answer;
}

function reply(message: EngineReply, transfer: ArrayBuffer[] = []): void {
  port.postMessage(message, transfer);
}

/** Errors lose their class on the way between threads, so only their text travels. */
function describe(error: unknown): string {
  // The engine also throws what is no Error, but has what one has.
  const { name, message } = (error ?? {}) as { readonly name?: unknown; readonly message?: unknown };
  return typeof message === 'string' ? `${name ?? 'Error'}: ${message}` : String(error);
}

async function serve(database: PGlite, request: EngineRequest): Promise<void> {
  try {
    if (request.bytes === undefined) {
      await database.close();
      reply({ type: 'answer', bytes: new Uint8Array(0) });
      return;
    }
    const bytes = await exchange(database, request.bytes);
    reply({ type: 'answer', bytes }, [bytes.buffer]);
  } catch (error) {
    reply({ type: 'failed', reason: describe(error) });
  }
}

try {
  const database = await start();
  // One after the other: answers go back in the order of the requests.
  let previous: Promise<void> = Promise.resolve();
  port.on('message', (request: EngineRequest) => {
    previous = previous.then(() => serve(database, request));
  });
  reply({ type: 'ready' });
} catch (error) {
  reply({ type: 'failed', reason: describe(error) });
}

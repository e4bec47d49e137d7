import { Worker } from 'node:worker_threads';
import { untilAborted } from '../kernel/index.ts';
import { ConnectionLostError } from './errors.ts';

/** What the worker is started with. */
export interface EngineWorkerData {
  /** The folder of the cluster; `undefined` keeps it in memory. */
  readonly directory: string | undefined;
  /** Where a new cluster is made before it is moved to `directory`. @default the cluster exists */
  readonly draft?: string | undefined;
}

/** What the worker is asked. Without bytes it shuts the database down. */
export interface EngineRequest {
  readonly bytes?: Uint8Array;
}

/** What the worker says. Answers come in the order of the requests. */
export type EngineReply =
  | { readonly type: 'ready' }
  | { readonly type: 'answer'; readonly bytes: Uint8Array<ArrayBuffer> }
  | { readonly type: 'failed'; readonly reason: string };

interface PendingExchange {
  readonly resolve: (bytes: Uint8Array) => void;
  readonly reject: (error: ConnectionLostError) => void;
}

/** One worker thread and the requests that wait for its answers. */
export class EngineWorker {
  /** Resolves when the database of the worker answers. */
  readonly ready: Promise<void>;
  readonly #worker: Worker;
  readonly #pending: PendingExchange[] = [];
  #ended: ConnectionLostError | undefined;
  #closing = false;

  constructor(data: EngineWorkerData, onFailure: (error: ConnectionLostError) => void) {
    this.#worker = new Worker(workerUrl(), { workerData: data, execArgv: [] });
    let isReady = false;
    this.ready = new Promise((resolveReady, rejectReady) => {
      const fail = (reason: string): void => {
        const error = new ConnectionLostError(`The embedded database ended: ${reason}`);
        const isFirst = this.#end(error);
        if (!isReady) rejectReady(error);
        else if (isFirst) onFailure(error);
      };
      this.#worker.on('message', (reply: EngineReply) => {
        if (reply.type === 'failed') return fail(reply.reason);
        if (reply.type === 'answer') return this.#pending.shift()?.resolve(reply.bytes);
        isReady = true;
        resolveReady();
      });
      this.#worker.on('error', error => fail(`${error.name}: ${error.message}`));
      this.#worker.on('exit', code => fail(`its thread left with code ${code}`));
    });
  }

  /** Sends bytes of the protocol and waits for the answer. */
  exchange(bytes: Uint8Array<ArrayBuffer>): Promise<Uint8Array> {
    if (this.#closing) return Promise.reject(new ConnectionLostError('The embedded database is closed'));
    return this.#request({ bytes });
  }

  /** Shuts the database down cleanly, then ends the thread. */
  async close(): Promise<void> {
    if (this.#closing) return;
    this.#closing = true;
    if (this.#ended === undefined) await this.#request({}).catch(() => undefined);
    await this.terminate();
  }

  /** Ends the thread in the middle of whatever it does. */
  async terminate(): Promise<void> {
    this.#closing = true;
    this.#end(new ConnectionLostError('The embedded database is closed'));
    await this.#worker.terminate();
  }

  #request(request: EngineRequest): Promise<Uint8Array> {
    if (this.#ended !== undefined) return Promise.reject(this.#ended);
    return new Promise((resolveRequest, rejectRequest) => {
      this.#pending.push({ resolve: resolveRequest, reject: rejectRequest });
      // Copied, not transferred: one of the requests is a constant.
      this.#worker.postMessage(request);
    });
  }

  /** Fails whatever waits. True when the worker had been alive until now. */
  #end(error: ConnectionLostError): boolean {
    if (this.#ended !== undefined) return false;
    this.#ended = error;
    for (const { reject } of this.#pending.splice(0)) reject(error);
    void this.#worker.terminate();
    return true;
  }
}

/** Starts a worker and waits until its database answers. */
export async function startEngineWorker(
  data: EngineWorkerData,
  onFailure: (error: ConnectionLostError) => void,
  signal?: AbortSignal,
): Promise<EngineWorker> {
  signal?.throwIfAborted();
  const worker = new EngineWorker(data, onFailure);
  try {
    await untilAborted(worker.ready, signal);
    return worker;
  } catch (error) {
    await worker.terminate();
    throw error;
  }
}

/**
 * Built, the worker is plain JavaScript. From source it is TypeScript, and a worker does not share the loader of the
 * program, nor has every program one (a test runner transforms by itself): so it starts by registering one.
 */
function workerUrl(): URL {
  if (!import.meta.url.endsWith('.ts')) return new URL('./embedded-worker.js', import.meta.url);
  const entry = JSON.stringify(new URL('./embedded-worker.ts', import.meta.url).href);
  const bootstrap = `import { register } from 'node:module'; register('tsx/esm', ${entry}, { data: true }); await import(${entry});`;
  return new URL(`data:text/javascript,${encodeURIComponent(bootstrap)}`);
}

/**
 * GETs of 1 KB of JSON, parsed, over kept connections to a server in a process of its own; prints what one costs.
 *
 *     node --conditions=plinth-source --import tsx bench/programs/http-client.ts wall 50 "plinth HttpClient"
 *
 * `cpu` counts the CPU time of this process, `wall` the time that goes by. The number is how many are in flight.
 */
import { fork } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { runWithRequestContext } from 'plinth/context';
import { ConnectionPool } from 'plinth/http';
import { pipeline } from 'plinth/pipeline';
import { type Dispatcher, Pool, fetch as undiciFetch } from 'undici';
import { RawHttp } from './raw-http.ts';

interface Value {
  readonly id: number;
}

/** Asks for one path and gives what came. */
type Ask = (path: string) => Promise<Value>;

const measuredMs = 1_500;
const warmUpMs = 1_000;
const maxConnections = 50;

/** Collects a body by undici's own means and nothing else. */
class Collecting implements Dispatcher.DispatchHandler {
  readonly #resolve: (value: Value) => void;
  readonly #reject: (error: Error) => void;
  readonly #chunks: Buffer[] = [];

  constructor(resolve: (value: Value) => void, reject: (error: Error) => void) {
    this.#resolve = resolve;
    this.#reject = reject;
  }

  onRequestStart(): void {}

  onResponseStart(): void {}

  onResponseData(_controller: Dispatcher.DispatchController, chunk: Buffer): void {
    this.#chunks.push(chunk);
  }

  onResponseEnd(): void {
    this.#resolve(JSON.parse(Buffer.concat(this.#chunks).toString()) as Value);
  }

  onResponseError(_controller: Dispatcher.DispatchController, error: Error): void {
    this.#reject(error);
  }
}

function poolOf(origin: string): Pool {
  return new Pool(origin, { connections: maxConnections });
}

function plinthClient(origin: string, isGuarded: boolean): Ask {
  const pool = new ConnectionPool({ maxConnections });
  const builder = pipeline('bench');
  const guard = isGuarded
    ? builder.deadline(30_000).retry({ maxAttempts: 3 }).breaker({}).attemptTimeout(10_000).build()
    : builder.build();
  const client = pool.client({ baseUrl: origin, guard });
  return async path => (await client.json<Value>({ path })).value.body;
}

const headers = { accept: 'application/json' };

const candidates: Readonly<Record<string, (origin: string) => Ask>> = {
  'raw sockets'(origin) {
    const raw = new RawHttp(Number(new URL(origin).port), maxConnections);
    return async path => JSON.parse(await raw.get(path)) as Value;
  },
  'undici Pool.dispatch, own handler'(origin) {
    const pool = poolOf(origin);
    return path =>
      new Promise((resolve, reject) => {
        pool.dispatch({ path, method: 'GET', headers }, new Collecting(resolve, reject));
      });
  },
  'undici Pool.request'(origin) {
    const pool = poolOf(origin);
    return async path => {
      const { body } = await pool.request({ path, method: 'GET', headers });
      return (await body.json()) as Value;
    };
  },
  'undici fetch'(origin) {
    const dispatcher = poolOf(origin);
    return async path => (await (await undiciFetch(origin + path, { dispatcher, headers })).json()) as Value;
  },
  'global fetch': origin => async path => (await (await fetch(origin + path, { headers })).json()) as Value,
  'plinth HttpClient, guarded': origin => plinthClient(origin, true),
  'plinth HttpClient, bare guard': origin => plinthClient(origin, false),
};

/** Asks for so long, always so many at once; says how often. */
async function repeat(ask: Ask, durationMs: number): Promise<number> {
  const endMs = performance.now() + durationMs;
  let count = 0;
  const caller = async (): Promise<void> => {
    while (performance.now() < endMs) {
      count += 1;
      if ((await ask(`/users/${count % 1_000}`)).id !== 42) throw new RangeError(`"${name}" gives a wrong value`);
    }
  };
  await Promise.all(Array.from({ length: Number(inFlight) }, caller));
  return count;
}

function readMs(): number {
  if (measure === 'wall') return performance.now();
  const { user, system } = process.cpuUsage();
  return (user + system) / 1_000;
}

const [, , measure = 'wall', inFlight = '50', name = ''] = process.argv;
const make = candidates[name];
if (make === undefined)
  throw new RangeError(`No candidate is called "${name}"; there are ${Object.keys(candidates).join(', ')}`);
const server = fork(fileURLToPath(new URL('http-origin.ts', import.meta.url)));
const [port] = (await once(server, 'message')) as [number];
const ask = make(`http://127.0.0.1:${port}`);
const context = {
  requestId: 'a5e4f6d2-2c1b-4d43-9a55-0f3f0c1d2e3f',
  traceparent: '00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01',
};
const operations = await runWithRequestContext(context, () => repeat(ask, warmUpMs));
const beforeMs = readMs();
const measured = await runWithRequestContext(context, () => repeat(ask, measuredMs));
console.log(JSON.stringify({ operations: measured, cpuMs: readMs() - beforeMs }));
if (operations === 0) throw new RangeError(`"${name}" gave nothing`);
process.exit();

import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { createServer } from 'node:net';

/** A Redis of a program's own, without persistence. It ends with the program. */
export interface MeasuredRedis {
  readonly port: number;
  /** Milliseconds by one of three clocks, or a `RangeError` for another name. */
  clock(measure: string): () => number;
}

/** Starts it on a free port. */
export async function startMeasuredRedis(): Promise<MeasuredRedis> {
  const port = await freePort();
  const server = spawn('redis-server', ['--port', String(port), '--bind', '127.0.0.1', '--save', ''], {
    stdio: ['ignore', 'pipe', 'ignore'],
  });
  process.once('exit', () => server.kill('SIGKILL'));
  server.stdout.setEncoding('utf8');
  for await (const chunk of server.stdout) if (String(chunk).includes('Ready to accept')) break;
  const clocks: Readonly<Record<string, () => number>> = {
    'client-cpu': () => (process.cpuUsage().user + process.cpuUsage().system) / 1e3,
    'server-cpu': () => cpuMsOf(server),
    wall: () => performance.now(),
  };
  return {
    port,
    clock(measure) {
      const clock = clocks[measure];
      if (clock !== undefined) return clock;
      throw new RangeError(`Cannot measure "${measure}"; there are ${Object.keys(clocks).join(', ')}`);
    },
  };
}

function cpuMsOf(server: ChildProcess): number {
  return Number(readFileSync(`/proc/${server.pid}/schedstat`, 'utf8').split(' ')[0]) / 1e6;
}

async function freePort(): Promise<number> {
  const probe = createServer().listen(0, '127.0.0.1');
  await once(probe, 'listening');
  const address = probe.address();
  probe.close();
  return typeof address === 'object' && address !== null ? address.port : 0;
}

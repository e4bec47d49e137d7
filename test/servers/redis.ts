import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { freePort } from './free-port.ts';
import { findProgram } from './require.ts';

/** How to start a {@link RedisServer}. */
export interface RedisServerOptions {
  /** Whether it is a cluster of one node that holds all slots. @default false */
  readonly cluster?: boolean;
  /** Whether it is a node of a cluster that others make. @default false */
  readonly clusterNode?: boolean;
}

/** A `commandTimeoutMs` that also a busy machine keeps, for tests that are not about it. */
export const patientMs = 10_000;

/** A real Redis that a test started, alone on a free port, without persistence: it is empty after every start. */
export interface RedisServer extends AsyncDisposable {
  readonly url: string;
  readonly port: number;
  /** Starts it again on the same port, empty. */
  start(): Promise<void>;
  /** Ends it as a crash would. */
  kill(): Promise<void>;
  /** Stops it in its tracks: connections stay, nothing is answered. */
  hang(): void;
  /** Lets it go on after {@link hang}. */
  resume(): void;
  /** CPU time that the present process has used, in milliseconds. */
  cpuMs(): number;
  /** Ends it and removes its folder. */
  dispose(): Promise<void>;
}

/** Starts a server. */
export async function startRedis(options: RedisServerOptions = {}): Promise<RedisServer> {
  const program = findProgram('redis-server');
  if (program === undefined) throw new TypeError('There is no Redis on this machine (apt-get install redis-server)');
  const folder = mkdtempSync(join(tmpdir(), 'plinth-redis-'));
  const port = await freePort();
  let server: ChildProcess | undefined;

  const start = async (): Promise<void> => {
    const flags = ['--port', String(port), '--bind', '127.0.0.1', '--save', '', '--appendonly', 'no', '--dir', folder];
    const inCluster = options.cluster === true || options.clusterNode === true;
    const cluster = inCluster ? ['--cluster-enabled', 'yes', '--cluster-config-file', `${port}.conf`] : [];
    server = spawn(program, [...flags, ...cluster], { stdio: ['ignore', 'pipe', 'pipe'] });
    await untilReady(server);
    if (options.cluster) await becomeCluster(port);
  };
  const kill = async (): Promise<void> => {
    const ending = server;
    server = undefined;
    if (ending === undefined || ending.exitCode !== null || ending.signalCode !== null) return;
    const exited = new Promise(resolve => ending.once('exit', resolve));
    ending.kill('SIGKILL');
    await exited;
  };
  const dispose = async (): Promise<void> => {
    await kill();
    rmSync(folder, { recursive: true, force: true });
  };

  await start();
  return {
    url: `redis://127.0.0.1:${port}`,
    port,
    start,
    kill,
    hang: () => void server?.kill('SIGSTOP'),
    resume: () => void server?.kill('SIGCONT'),
    cpuMs: () => cpuMsOf(server?.pid ?? 0),
    dispose,
    [Symbol.asyncDispose]: dispose,
  };
}

/** Gives all slots to the node, unless it has kept them, and waits until it serves them. */
async function becomeCluster(port: number): Promise<void> {
  askRedis(port, 'CLUSTER', 'ADDSLOTSRANGE', '0', '16383');
  await untilClusterServes(port, 1);
}

/** User and system time from the kernel's table of processes, which counts in hundredths of a second. */
function cpuMsOf(pid: number): number {
  const fields = readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ')[1]?.split(' ') ?? [];
  return (Number(fields[11]) + Number(fields[12])) * 10;
}

function untilReady(server: ChildProcess): Promise<void> {
  return new Promise((resolve, reject) => {
    let log = '';
    server.once('exit', code => reject(new TypeError(`Redis ended with code ${code}:\n${log}`)));
    server.stdout?.on('data', (chunk: Buffer) => {
      log += chunk.toString();
      if (log.includes('Ready to accept connections')) resolve();
    });
  });
}

/** A real Redis Cluster that a test started: masters only, each with an equal share of the slots. */
export interface RedisClusterServers extends AsyncDisposable {
  /** The address of the first node. */
  readonly url: string;
  readonly nodes: readonly RedisServer[];
  /** Ends all nodes and removes their folders. */
  dispose(): Promise<void>;
}

/** Starts a cluster. A node that was killed comes back with its slots, empty, when it is started again. */
export async function startRedisCluster(nodes = 3): Promise<RedisClusterServers> {
  const servers = await Promise.all(Array.from({ length: nodes }, () => startRedis({ clusterNode: true })));
  const dispose = async (): Promise<void> => {
    await Promise.all(servers.map(server => server.dispose()));
  };
  const share = Math.ceil(16_384 / nodes);
  const [first] = servers;
  if (first === undefined) throw new TypeError('A cluster has at least one node');
  for (const [index, { port }] of servers.entries()) {
    const last = Math.min((index + 1) * share, 16_384) - 1;
    askRedis(port, 'CLUSTER', 'ADDSLOTSRANGE', String(index * share), String(last));
    // Without epochs of their own two nodes that have not met may each take the other's word for the older one.
    askRedis(port, 'CLUSTER', 'SET-CONFIG-EPOCH', String(index + 1));
    if (port !== first.port) askRedis(port, 'CLUSTER', 'MEET', '127.0.0.1', String(first.port));
  }
  for (const { port } of servers) await untilClusterServes(port, nodes);
  return { url: first.url, nodes: servers, dispose, [Symbol.asyncDispose]: dispose };
}

/** What a Redis answers to a command of `redis-cli`: another process, and another connection than any of the test. */
export function askRedis(port: number, ...words: string[]): string {
  return execFileSync('redis-cli', ['-p', String(port), ...words], { encoding: 'utf8' }).trimEnd();
}

async function untilClusterServes(port: number, nodes: number): Promise<void> {
  for (;;) {
    const info = askRedis(port, 'CLUSTER', 'INFO');
    if (info.includes('cluster_state:ok') && info.includes(`cluster_known_nodes:${nodes}`)) return;
    await new Promise(resolve => setTimeout(resolve, 20));
  }
}

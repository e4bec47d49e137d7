import { type ChildProcess, execFileSync, spawn, spawnSync } from 'node:child_process';
import { chownSync, existsSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { freePort } from './free-port.ts';

/** A real PostgreSQL that a test started, alone on a free port and in a folder of its own. */
export interface PostgresServer extends AsyncDisposable {
  /** Its address. */
  readonly url: string;
  /** Starts it, or starts it again on the same port with the same data. */
  start(): Promise<void>;
  /** Ends it as a crash would: connections break, nothing is flushed. */
  kill(): Promise<void>;
  /** Ends all of its processes with SIGKILL, without a word: what a machine does that is out of memory. */
  crash(): Promise<void>;
  /** Ends it in an orderly way: connections are told so and closed. */
  stop(): Promise<void>;
  /** Ends it as a machine would that is frozen: connections stay, nobody answers. */
  pause(): void;
  /** Takes that back. */
  resume(): void;
  /** Starts another server that replays what this one writes. */
  startStandby(): Promise<PostgresServer>;
  /** Stops it and removes its folder. */
  dispose(): Promise<void>;
}

/** Where the programs are, or `undefined` when this machine has none. Debian keeps one folder per version. */
export function findPostgres(): string | undefined {
  const versions = existsSync('/usr/lib/postgresql') ? readdirSync('/usr/lib/postgresql') : [];
  const folders = [
    ...versions.sort((a, b) => Number(b) - Number(a)).map(version => `/usr/lib/postgresql/${version}/bin`),
    '/opt/homebrew/bin',
    '/usr/local/bin',
    '/usr/bin',
  ];
  return folders.find(folder => existsSync(join(folder, 'initdb')) && existsSync(join(folder, 'postgres')));
}

/** What a server is given besides the usual. */
export interface PostgresOptions {
  /** Settings, as `name=value`. @default [] */
  readonly settings?: readonly string[] | undefined;
  /** Files to put into its data folder, by name; they belong to the user it runs as, and only that one may read them. @default {} */
  readonly files?: Readonly<Record<string, string>> | undefined;
}

/** Creates a cluster and starts a server on it. */
export async function startPostgres(options: PostgresOptions = {}): Promise<PostgresServer> {
  const initial = ['-U', 'postgres', '-A', 'trust', '-E', 'UTF8', '--no-locale', '-N'];
  return await startOn((programs, data) => [join(programs, 'initdb'), '-D', data, ...initial], options);
}

/** Makes a data folder with a command, and starts a server on it. */
async function startOn(
  make: (programs: string, data: string) => readonly [string, ...string[]],
  { settings: more = [], files = {} }: PostgresOptions,
): Promise<PostgresServer> {
  const programs = findPostgres();
  if (programs === undefined)
    throw new TypeError('There is no PostgreSQL on this machine (apt-get install postgresql)');
  const identity = unprivileged();
  const folder = mkdtempSync(join(tmpdir(), 'plinth-postgres-'));
  if (identity !== undefined) chownSync(folder, identity.uid, identity.gid);
  const data = join(folder, 'data');
  const options = { ...identity, cwd: folder };
  const [program, ...flags] = make(programs, data);
  execFileSync(program, flags, { ...options, stdio: ['ignore', 'ignore', 'pipe'] });
  for (const [name, text] of Object.entries(files)) {
    writeFileSync(join(data, name), text, { mode: 0o600 });
    if (identity !== undefined) chownSync(join(data, name), identity.uid, identity.gid);
  }
  const port = await freePort();
  let server: ChildProcess | undefined;

  const start = async (): Promise<void> => {
    const usual = ['listen_addresses=127.0.0.1', `unix_socket_directories=${folder}`, 'max_connections=40'];
    const settings = [...usual, ...more];
    const flags = settings.flatMap(setting => ['-c', setting]);
    server = spawn(join(programs, 'postgres'), ['-D', data, '-p', String(port), ...flags], {
      ...options,
      stdio: ['ignore', 'ignore', 'pipe'],
    });
    await untilReady(server);
  };
  const end = async (by: (ending: ChildProcess) => void): Promise<void> => {
    const ending = server;
    server = undefined;
    if (ending === undefined || ending.exitCode !== null || ending.signalCode !== null) return;
    const exited = new Promise(resolve => ending.once('exit', resolve));
    by(ending);
    await exited;
  };
  const dispose = async (): Promise<void> => {
    await end(sending('SIGQUIT'));
    rmSync(folder, { recursive: true, force: true });
  };

  await start();
  return {
    url: `postgresql://postgres@127.0.0.1:${port}/postgres`,
    start,
    kill: () => end(sending('SIGQUIT')),
    crash: () => end(killAll),
    stop: () => end(sending('SIGINT')),
    pause: () => signalAll(server as ChildProcess, 'SIGSTOP'),
    resume: () => signalAll(server as ChildProcess, 'SIGCONT'),
    startStandby: () => {
      const source = ['-h', '127.0.0.1', '-p', String(port), '-U', 'postgres', '-R', '-X', 'stream', '-c', 'fast'];
      return startOn((programs, data) => [join(programs, 'pg_basebackup'), '-D', data, ...source], {});
    },
    dispose,
    [Symbol.asyncDispose]: dispose,
  };
}

function sending(signal: NodeJS.Signals): (server: ChildProcess) => void {
  return server => void server.kill(signal);
}

/** Stops it first, so that it starts no more children that would outlive it. */
function killAll(server: ChildProcess): void {
  server.kill('SIGSTOP');
  const ids = processesOf(server);
  for (const id of ids) process.kill(Number(id), 'SIGKILL');
  // A new server waits for no one of the old: while one of them is still there, it refuses to start.
  while (/^[^Z\s]/m.test(spawnSync('ps', ['-o', 'stat=', '-p', ids.join()], { encoding: 'utf8' }).stdout));
}

/** To a server and all that it started, one process for each connection. */
function signalAll(server: ChildProcess, name: NodeJS.Signals): void {
  for (const id of processesOf(server)) {
    try {
      process.kill(Number(id), name);
    } catch (error) {
      // Its connection ended meanwhile.
      if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error;
    }
  }
}

function processesOf({ pid }: ChildProcess): readonly string[] {
  const children = execFileSync('ps', ['-o', 'pid=', '--ppid', String(pid)], { encoding: 'utf8' });
  return [String(pid), ...children.trim().split(/\s+/)];
}

/** PostgreSQL refuses to run as root, so it runs as nobody then. */
function unprivileged(): { uid: number; gid: number } | undefined {
  if (process.getuid?.() !== 0) return undefined;
  const id = (flag: string): number => Number(execFileSync('id', [flag, 'nobody'], { encoding: 'utf8' }));
  return { uid: id('-u'), gid: id('-g') };
}

function untilReady(server: ChildProcess): Promise<void> {
  return new Promise((resolve, reject) => {
    let log = '';
    server.once('exit', code => reject(new TypeError(`PostgreSQL ended with code ${code}:\n${log}`)));
    const read = (chunk: Buffer): void => {
      log += chunk.toString();
      if (!/database system is ready to accept (?:read-only )?connections/.test(log)) return;
      // What it says later is read and forgotten: a test may make it complain a hundred thousand times.
      server.stderr?.off('data', read).resume();
      resolve();
    };
    server.stderr?.on('data', read);
  });
}

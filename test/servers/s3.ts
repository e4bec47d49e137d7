import { type ChildProcess, spawn } from 'node:child_process';
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { freePort } from './free-port.ts';

const folder = fileURLToPath(new URL('./s3rver/', import.meta.url));

/** How to start an {@link S3Server}. */
export interface S3ServerOptions {
  /** Whether it obeys If-Match and If-None-Match of writes, as S3 does and s3rver by itself does not. @default true */
  readonly conditions?: boolean;
}

/** A real S3-compatible server that a test started, alone on a free port, with one bucket. */
export interface S3Server extends AsyncDisposable {
  readonly endpoint: string;
  readonly port: number;
  readonly bucket: string;
  /** The only credentials that it accepts: id and secret are the same. */
  readonly accessKeyId: string;
  /** Starts it again on the same port, with what it has kept. */
  start(): Promise<void>;
  /** Ends it as a crash would. */
  kill(): Promise<void>;
  /** Stops it in its tracks: connections stay, nothing is answered. */
  hang(): void;
  /** Lets it go on after {@link hang}. */
  resume(): void;
  /** The keys of all its objects, as they are on its disk. */
  objects(): readonly string[];
  /** The keys of all uploads by parts that were begun and not ended. */
  uploads(): readonly string[];
  /** Ends it and removes its folder. */
  dispose(): Promise<void>;
}

/** Where the server is, if `npm ci --prefix test/servers/s3rver` was run; for `serverOrSkip('s3rver', findS3rver())`. */
export function findS3rver(): string | undefined {
  const path = join(folder, 'node_modules/s3rver/package.json');
  return existsSync(path) ? path : undefined;
}

/** Starts a server. */
export async function startS3({ conditions = true }: S3ServerOptions = {}): Promise<S3Server> {
  const directory = mkdtempSync(join(tmpdir(), 'plinth-s3-'));
  const port = await freePort();
  const bucket = 'plinth-test';
  let server: ChildProcess | undefined;

  const start = async (): Promise<void> => {
    // s3rver makes its continuation tokens with a cipher that OpenSSL has put away.
    const words = ['--openssl-legacy-provider', join(folder, 'start.mjs'), String(port), directory, bucket];
    if (conditions) words.push('conditions');
    server = spawn(process.execPath, words, { stdio: ['ignore', 'pipe', 'pipe'] });
    await untilReady(server);
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
    rmSync(directory, { recursive: true, force: true });
  };

  await start();
  return {
    endpoint: `http://127.0.0.1:${port}`,
    port,
    bucket,
    accessKeyId: 'S3RVER',
    start,
    kill,
    hang: () => void server?.kill('SIGSTOP'),
    resume: () => void server?.kill('SIGCONT'),
    objects: () => objectsIn(join(directory, bucket)),
    uploads: () => uploadsIn(join(directory, bucket, '._S3rver_uploads')),
    dispose,
    [Symbol.asyncDispose]: dispose,
  };
}

function objectsIn(bucketFolder: string): readonly string[] {
  const ending = '._S3rver_object';
  const paths = readdirSync(bucketFolder, { recursive: true, encoding: 'utf8' });
  return paths
    .filter(path => path.endsWith(ending))
    .map(path => Buffer.from(path.slice(0, -ending.length).replaceAll('/', ''), 'hex').toString())
    .sort();
}

function uploadsIn(uploadsFolder: string): readonly string[] {
  if (!existsSync(uploadsFolder)) return [];
  return readdirSync(uploadsFolder).map(id => readFileSync(join(uploadsFolder, id, 'key'), 'utf8'));
}

function untilReady(server: ChildProcess): Promise<void> {
  return new Promise((resolve, reject) => {
    let log = '';
    server.once('exit', code => reject(new TypeError(`The S3 server ended with code ${code}:\n${log}`)));
    server.stderr?.on('data', (chunk: Buffer) => {
      log += chunk.toString();
    });
    server.stdout?.on('data', (chunk: Buffer) => {
      if (chunk.toString().includes('Ready')) resolve();
    });
  });
}

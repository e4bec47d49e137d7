import { access, constants } from 'node:fs/promises';
import { connect, createServer } from 'node:net';
import { resolve } from 'node:path';
import { DatabaseManager } from 'plinth/database';
import { ConfigurationError } from 'plinth/errors';
import { makeDirectory, type Secret, systemClock } from 'plinth/kernel';
import { formatSettings, type Settings } from 'plinth/settings';
import { loadServiceSettings } from './service-settings.ts';

type Verdict = 'ok' | 'warning' | 'problem';

interface Finding {
  readonly subject: string;
  readonly verdict: Verdict;
  readonly message: string;
}

const finding = (subject: string, verdict: Verdict, message: string): Finding => ({ subject, verdict, message });

/** Looks at everything the service needs before it starts, and says what is wrong and how to mend it. */
async function examine(settings: Settings): Promise<readonly Finding[]> {
  return Promise.all([
    checkNode(),
    checkFolder('data directory', settings.service.dataDirectory),
    checkPort(settings.service.host, settings.service.port),
    checkDatabase(settings),
    checkReachable('Redis', settings.externalServices.redisUrl, 'not set: everything stays in this process'),
    checkRecordings(settings),
    ...settings.warnings.map(warning => finding('settings', 'warning', `${warning.name}: ${warning.message}`)),
  ]);
}

function checkNode(): Finding {
  const [major = 0, minor = 0] = process.versions.node.split('.').map(Number);
  const fits = major > 20 || (major === 20 && minor >= 19);
  const message = fits ? process.versions.node : `${process.versions.node} is too old: install Node 20.19 or newer`;
  return finding('Node', fits ? 'ok' : 'problem', message);
}

async function checkFolder(subject: string, folder: string): Promise<Finding> {
  const path = resolve(folder);
  try {
    makeDirectory(path);
    await access(path, constants.W_OK);
    return finding(subject, 'ok', path);
  } catch (error) {
    return finding(
      subject,
      'problem',
      `${path} cannot be written (${messageOf(error)}): set DATA_DIR to a folder that can`,
    );
  }
}

function checkPort(host: string, port: number): Promise<Finding> {
  return new Promise(done => {
    const server = createServer();
    server.once('error', () =>
      done(finding('port', 'problem', `${host}:${port} is in use: stop what uses it, or set PORT`)),
    );
    server.listen(port, host, () => server.close(() => done(finding('port', 'ok', `${host}:${port} is free`))));
  });
}

async function checkDatabase(settings: Settings): Promise<Finding> {
  const { url } = settings.database;
  const directory = resolve(settings.service.dataDirectory, 'pg');
  const database = new DatabaseManager(url === undefined ? { directory } : { url, connectDeadlineMs: 5_000 });
  try {
    await database.open();
    return finding('database', 'ok', url === undefined ? `embedded, in ${directory}` : 'PostgreSQL answers');
  } catch (error) {
    return finding('database', 'problem', messageOf(error));
  } finally {
    await database.close();
  }
}

async function checkRecordings(settings: Settings): Promise<Finding> {
  const { recordingsDirectory, upstreams } = settings.service;
  if (upstreams === 'live') return finding('sources', 'ok', 'live: outside services are asked');
  if (recordingsDirectory === undefined)
    return finding('sources', 'ok', 'recorded: the recordings that come with the service');
  try {
    await access(recordingsDirectory, constants.R_OK);
    return finding('sources', 'ok', `recorded: also ${resolve(recordingsDirectory)}`);
  } catch {
    return finding('sources', 'problem', `PLINTH_DATA names ${resolve(recordingsDirectory)}, which cannot be read`);
  }
}

function checkReachable(subject: string, address: Secret | undefined, absent: string): Promise<Finding> {
  if (address === undefined) return Promise.resolve(finding(subject, 'ok', absent));
  const { hostname, port } = new URL(address.reveal());
  return new Promise(done => {
    const socket = connect({ host: hostname, port: Number(port || 6379) });
    const timer = systemClock.setTimer(2_000, () => answer('problem', 'no answer within 2 s'), {
      keepsProcessAlive: true,
    });
    const answer = (verdict: Verdict, message: string): void => {
      timer.cancel();
      socket.destroy();
      done(finding(subject, verdict, `${hostname}:${port || 6379} ${message}`));
    };
    socket.once('connect', () => answer('ok', 'answers'));
    socket.once('error', error => answer('problem', messageOf(error)));
  });
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}

function print(text: string): void {
  process.stdout.write(`${text}\n`);
}

async function main(): Promise<void> {
  let settings: Settings;
  try {
    settings = loadServiceSettings();
  } catch (error) {
    if (!(error instanceof ConfigurationError)) throw error;
    print(error.message);
    process.exitCode = 1;
    return;
  }
  print(`${formatSettings(settings)}\n`);
  const findings = await examine(settings);
  const width = Math.max(...findings.map(({ subject }) => subject.length));
  for (const { subject, verdict, message } of findings)
    print(`${verdict.padEnd(8)} ${subject.padEnd(width)}  ${message}`);
  if (findings.some(({ verdict }) => verdict === 'problem')) process.exitCode = 1;
}

await main();

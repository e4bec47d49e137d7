/**
 * What a log line costs, against bare pino: 4 bound fields and 2 of the call. Ours carries more than that: request and
 * user id from AsyncLocalStorage, microseconds, the record's other fields, redaction and the call-site budget, all as in
 * production by default.
 *
 * Each measurement is a process of its own (warmed up, then 40 blocks of 5,000 lines, each block written out), the
 * candidates take turns, and CPU time is compared within a round. Printed: bare pino's time divided by the candidate's,
 * median (min-max); above 1 is cheaper than pino.
 *
 *     node --conditions=source --import tsx bench/logging/logging.bench.ts [rounds]
 */
import { fork } from 'node:child_process';
import { mkdtempSync, openSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { pino } from 'pino';
import { runWithRequestContext } from 'plinth/context';
import { setupLogging } from 'plinth/logging';

const linesPerBlock = 5_000;
const blocks = 40;
const warmUpBlocks = 10;
const bound = { tenant: 'acme', region: 'eu-central', route: '/api/orders', version: '1.4.2' };

interface Candidate {
  log(index: number): void;
  drain(): void;
}

const candidates: Readonly<Record<string, (target: string) => Candidate>> = {
  'pino, sync destination': target => barePino(target, true),
  'pino, buffered destination (4 KiB)': target => barePino(target, false),
  'plinth, line': target => plinth(target, 'line'),
  'plinth, buffered': target => plinth(target, 'buffered'),
};

const pairs = [
  ['line', 'pino, sync destination', 'plinth, line'],
  ['buffered', 'pino, buffered destination (4 KiB)', 'plinth, buffered'],
] as const;

if (process.send === undefined) await compare(Number(process.argv[2] ?? 9));
else process.send(measure(process.argv[2] ?? '', process.argv[3] ?? ''), () => process.disconnect());

function barePino(target: string, sync: boolean): Candidate {
  const dest = target === 'null' ? 1 : openSync(join(target, 'app.log'), 'a');
  const destination = pino.destination({ dest, sync, ...(sync ? {} : { minLength: 4_096 }) });
  const logger = pino({}, destination).child(bound);
  return {
    log: index => logger.info({ duration: 0.456, records: index }, 'API request successful'),
    drain: () => (sync ? undefined : destination.flushSync()),
  };
}

function plinth(target: string, mode: 'line' | 'buffered'): Candidate {
  const sinks = target === 'null' ? { files: false } : { console: false, directory: target, maxFileBytes: 2 ** 40 };
  const logging = setupLogging({ environment: 'production', level: 'INFO', mode, ...sinks });
  const logger = logging.getLogger('orders').child(bound);
  return {
    log: index => logger.info('API request successful', { duration: 0.456, records: index }),
    drain: () => logging.flush(),
  };
}

/** CPU time of one line in nanoseconds, measured in this process. */
function measure(name: string, target: string): number {
  const candidate = candidates[name]?.(target);
  if (candidate === undefined) return Number.NaN;
  const block = (): void => {
    for (let index = 0; index < linesPerBlock; index += 1) candidate.log(index);
    candidate.drain();
  };
  return runWithRequestContext({ requestId: 'abc-123', userId: 'user123' }, () => {
    for (let index = 0; index < warmUpBlocks; index += 1) block();
    const before = process.cpuUsage();
    for (let index = 0; index < blocks; index += 1) block();
    const { user, system } = process.cpuUsage(before);
    return ((user + system) * 1_000) / (blocks * linesPerBlock);
  });
}

async function compare(rounds: number): Promise<void> {
  for (const target of ['/dev/null', 'a file']) {
    const costs = new Map<string, number[]>();
    const names = Object.keys(candidates);
    for (let round = 0; round < rounds; round += 1) {
      for (let turn = 0; turn < names.length; turn += 1) {
        const name = names[(round + turn) % names.length] ?? '';
        costs.set(name, [...(costs.get(name) ?? []), await measureInChild(name, target)]);
      }
    }
    process.stdout.write(`\n${target}, ${rounds} rounds\n`);
    for (const name of names)
      process.stdout.write(`  ${name.padEnd(36)} ${summary(costs.get(name) ?? [], 0)} ns of CPU per line\n`);
    for (const [mode, peer, ours] of pairs) {
      const ratios = (costs.get(peer) ?? []).map((cost, round) => cost / (costs.get(ours)?.[round] ?? Number.NaN));
      process.stdout.write(`  ${`pino / plinth, ${mode}`.padEnd(36)} ${summary(ratios, 2)}\n`);
    }
  }
}

async function measureInChild(name: string, target: string): Promise<number> {
  const directory = target === '/dev/null' ? 'null' : mkdtempSync(join(tmpdir(), 'plinth-bench-'));
  const script = fileURLToPath(import.meta.url);
  const child = fork(script, [name, directory], { stdio: ['ignore', openSync('/dev/null', 'w'), 'inherit', 'ipc'] });
  const cost = await new Promise<unknown>(resolve => child.once('message', resolve));
  await new Promise(resolve => child.once('exit', resolve));
  if (directory !== 'null') rmSync(directory, { recursive: true, force: true });
  return Number(cost);
}

function summary(values: readonly number[], digits: number): string {
  const sorted = [...values].sort((one, other) => one - other);
  const at = (index: number): string => (sorted[index] ?? Number.NaN).toFixed(digits);
  return `${at(Math.floor(sorted.length / 2))} (${at(0)}-${at(sorted.length - 1)})`;
}

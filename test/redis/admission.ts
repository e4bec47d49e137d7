/**
 * Four processes, one Redis, ten times as many calls as the law lets through, clocks an hour apart.
 *
 *     node --conditions=plinth-source --import tsx test/redis/admission.ts 60
 */
import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import type { LeaseOptions, WhenUnavailable } from 'plinth/rate-limit';
import { startRedis } from '../servers/redis.ts';
import type { WorkerReport, WorkerTask } from './admission-worker.ts';
import { type JudgedLaw, type LimitName, lawsOf, limitNames } from './limits.ts';

/** A call that was admitted, in milliseconds of one clock. */
export interface Admission {
  readonly beginMs: number;
  readonly endMs: number;
}

/** What came of a run, for one limit. */
export interface AdmissionResult {
  readonly limit: LimitName;
  readonly admissions: readonly Admission[];
  readonly byPosture: readonly Admission[];
  readonly denied: number;
  readonly unavailable: number;
  /** The most that were surely inside an interval, against the law: above 1 is too many. */
  readonly worst: number;
  /** What was admitted in whole windows from the first admission on, against the law. */
  readonly share: number;
  readonly p99Ms: number;
  readonly calls: number;
  readonly rejections: number;
}

export interface AdmissionRun {
  readonly url: string;
  readonly durationMs: number;
  readonly limits?: readonly LimitName[];
  readonly whenUnavailable?: WhenUnavailable;
  readonly lease?: LeaseOptions;
  readonly processes?: number;
  readonly callsPerMs?: number;
  readonly commandTimeoutMs?: number;
  /** Called when all processes have begun. */
  readonly meanwhile?: () => Promise<void>;
}

/** Runs it. */
export async function runAdmission(run: AdmissionRun): Promise<readonly AdmissionResult[]> {
  const { url, durationMs, limits = limitNames, whenUnavailable = 'closed', lease, processes = 4 } = run;
  const { callsPerMs = 0.75, commandTimeoutMs = 1_000 } = run;
  const children = Array.from({ length: processes }, () =>
    fork(fileURLToPath(new URL('admission-worker.ts', import.meta.url)), {
      execArgv: ['--conditions=plinth-source', '--import', 'tsx'],
      serialization: 'advanced',
    }),
  );
  try {
    const answers = children.map((child, index) => {
      const clockShiftMs = (index - 1) * 3_600_000;
      const task: WorkerTask = {
        url,
        limits,
        durationMs,
        clockShiftMs,
        callsPerMs,
        whenUnavailable,
        commandTimeoutMs,
        ...(lease ? { lease } : {}),
      };
      return firstAnswer(child, task);
    });
    for (const answer of await Promise.all(answers))
      if (answer !== 'ready') throw new TypeError(JSON.stringify(answer));
    const reports = children.map(child => once(child, 'message'));
    for (const child of children) child.send('go');
    await run.meanwhile?.();
    const ended = (await Promise.all(reports)).map(([message]) => message as WorkerAnswer);
    const failed = ended.find(answer => answer.failure !== undefined);
    if (failed !== undefined) throw new TypeError(failed.failure);
    const rejections = ended.reduce((sum, answer) => sum + (answer.rejections ?? 0), 0);
    return limits.map(limit =>
      judge(
        limit,
        ended.flatMap(answer => answer.reports ?? []),
        rejections,
      ),
    );
  } finally {
    for (const child of children) child.kill();
  }
}

interface WorkerAnswer {
  readonly reports?: readonly WorkerReport[];
  readonly rejections?: number;
  readonly failure?: string;
}

async function firstAnswer(child: ChildProcess, task: WorkerTask): Promise<unknown> {
  const answer = once(child, 'message');
  child.send(task);
  return (await answer)[0];
}

function judge(limit: LimitName, all: readonly WorkerReport[], rejections: number): AdmissionResult {
  const reports = all.filter(report => report.limit === limit);
  const admissions = inOrder(reports.flatMap(report => pairs(report.admitted)));
  const durations = reports.flatMap(report => report.durationsMs).sort((a, b) => a - b);
  const laws = lawsOf(limit);
  return {
    limit,
    admissions,
    byPosture: inOrder(reports.flatMap(report => pairs(report.byPosture))),
    denied: reports.reduce((sum, report) => sum + report.denied, 0),
    unavailable: reports.reduce((sum, report) => sum + report.unavailable, 0),
    worst: Math.max(...laws.map(law => worstOf(admissions, law))),
    share: Math.max(...laws.map(law => shareOf(admissions, law))),
    p99Ms: durations[Math.floor(durations.length * 0.99)] ?? 0,
    calls: durations.length,
    rejections,
  };
}

/** The most admissions that were surely inside an interval, against what the law lets through in it. */
export function worstOf(admissions: readonly Admission[], law: JudgedLaw): number {
  const horizonMs = 'windowMs' in law ? law.windowMs : (20 * law.burst) / law.perMs;
  let worst = 0;
  admissions.forEach(({ beginMs }, first) => {
    const ends: number[] = [];
    for (let index = first; index < admissions.length; index += 1) {
      const later = admissions[index];
      if (later === undefined || later.beginMs - beginMs > horizonMs) break;
      if (later.endMs - beginMs <= horizonMs) ends.push(later.endMs);
    }
    if ('windowMs' in law) {
      worst = Math.max(worst, ends.length / law.requests);
      return;
    }
    ends.sort((a, b) => a - b);
    ends.forEach((endMs, index) => {
      worst = Math.max(worst, (index + 1) / Math.max(1, Math.floor(law.burst + law.perMs * (endMs - beginMs))));
    });
  });
  return worst;
}

/** What was admitted from the first admission on, in as many whole windows as there were, against the law. */
function shareOf(admissions: readonly Admission[], law: JudgedLaw): number {
  const startMs = admissions[0]?.beginMs ?? 0;
  const windowMs = 'windowMs' in law ? law.windowMs : 1_000;
  const windows = Math.floor(((admissions.at(-1)?.beginMs ?? 0) - startMs) / windowMs);
  const counted = admissions.filter(({ beginMs }) => beginMs < startMs + windows * windowMs).length;
  return counted / ('windowMs' in law ? windows * law.requests : law.burst + law.perMs * windows * windowMs);
}

function pairs(numbers: readonly number[]): readonly Admission[] {
  const made: Admission[] = [];
  for (let index = 0; index < numbers.length; index += 2) {
    made.push({ beginMs: numbers[index] ?? 0, endMs: numbers[index + 1] ?? 0 });
  }
  return made;
}

function inOrder(admissions: readonly Admission[]): readonly Admission[] {
  return [...admissions].sort((a, b) => a.beginMs - b.beginMs);
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const durationMs = Number(process.argv[2] ?? '60') * 1_000;
  await using server = await startRedis();
  for (const lease of [undefined, {}]) {
    const results = await runAdmission({ url: server.url, durationMs, ...(lease ? { lease } : {}) });
    for (const { limit, calls, worst, share, p99Ms, unavailable } of results) {
      const figures = [worst.toFixed(4), share.toFixed(4), p99Ms.toFixed(1), unavailable].join(' | ');
      process.stdout.write(`| ${limit}${lease ? ', leased' : ''} | ${calls} | ${figures} |\n`);
    }
  }
}

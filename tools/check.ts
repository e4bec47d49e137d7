import { spawn } from 'node:child_process';
import { existsSync, readdirSync } from 'node:fs';

/** One thing that `npm run check` runs, as a command of its own. */
interface Step {
  readonly name: string;
  readonly command: readonly string[];
}

interface Outcome {
  readonly step: Step;
  readonly passed: boolean;
  readonly seconds: number;
  readonly output: string;
}

/** How many steps run at once: the machine that this is tuned for has two cores. */
const lanes = 2;

/** A step that hangs is stopped, with everything that it started, and has failed. */
const stepLimitMs = 300_000;

const node = process.execPath;
const typescript = [node, 'node_modules/ts7/bin/tsc'];
const program = [node, '--conditions=plinth-source', '--import', 'tsx'];

/** The steps, longest first, so that the lanes end together. */
function steps(): readonly Step[] {
  // What asks real servers over HTTP, runs programs, or takes seconds is for `npm test`.
  const besides = ['test/**', 'examples/**', 'bench/**', 'service/stand-in/**', '**/*.slow.test.ts'].flatMap(files => [
    '--exclude',
    files,
  ]);
  const declarations = ['--noEmit', '--allowImportingTsExtensions', '--rewriteRelativeImportExtensions', 'false'];
  return [
    {
      name: 'unit tests',
      command: [node, 'node_modules/vitest/vitest.mjs', 'run', '--no-isolate', `--maxWorkers=${lanes}`, ...besides],
    },
    { name: 'types', command: [...typescript, '-p', 'tsconfig.json'] },
    {
      name: 'format and lint',
      command: [node, 'node_modules/@biomejs/biome/bin/biome', 'check', '--error-on-warnings', '.'],
    },
    { name: 'declarations', command: [...typescript, '-p', 'tsconfig.build.json', ...declarations] },
    { name: 'laws', command: [...program, 'tools/check-laws.ts'] },
    { name: 'layers', command: [...program, 'tools/check-layers.ts'] },
    ...(existsSync('console/tsconfig.json')
      ? [{ name: 'types of the console', command: [...typescript, '-p', 'console/tsconfig.json', '--noEmit'] }]
      : []),
    ...tables().map(file => ({ name: `${file} --check`, command: [...program, `tools/${file}`, '--check'] })),
  ];
}

/** The programs that write generated tables; with `--check` they only say whether the table is fresh. */
function tables(): readonly string[] {
  return readdirSync('tools')
    .filter(name => name.endsWith('-table.ts'))
    .sort();
}

function run(step: Step): Promise<Outcome> {
  const startedMs = performance.now();
  const [file = '', ...args] = step.command;
  return new Promise(resolve => {
    // A process group of its own, so that the workers of a step can be stopped together with it.
    const child = spawn(file, args, { stdio: ['ignore', 'pipe', 'pipe'], detached: true });
    const chunks: Buffer[] = [];
    let note = '';
    const limit = setTimeout(() => {
      note = `\nStopped after ${stepLimitMs / 1_000} s`;
      stopGroup(child.pid);
    }, stepLimitMs);
    const finish = (passed: boolean): void => {
      clearTimeout(limit);
      running.delete(child.pid);
      const output = Buffer.concat(chunks).toString('utf8') + note;
      resolve({ step, passed, seconds: (performance.now() - startedMs) / 1_000, output });
    };
    running.add(child.pid);
    child.stdout.on('data', chunk => chunks.push(chunk));
    child.stderr.on('data', chunk => chunks.push(chunk));
    child.on('error', error => {
      note = error.message;
      finish(false);
    });
    child.on('close', code => finish(code === 0));
  });
}

/** The process groups of the steps that are under way. */
const running = new Set<number | undefined>();

function stopGroup(pid: number | undefined): void {
  try {
    if (pid !== undefined) process.kill(-pid, 'SIGKILL');
  } catch {
    // It has ended by itself in the meantime.
  }
}

function stopEverything(): never {
  for (const pid of running) stopGroup(pid);
  process.exit(130);
}

async function runAll(): Promise<readonly Outcome[]> {
  const waiting = [...steps()];
  const outcomes: Outcome[] = [];
  const lane = async (): Promise<void> => {
    for (let step = waiting.shift(); step; step = waiting.shift()) {
      const outcome = await run(step);
      console.log(`${outcome.passed ? 'ok    ' : 'FAILED'} ${outcome.seconds.toFixed(1).padStart(5)} s  ${step.name}`);
      outcomes.push(outcome);
    }
  };
  await Promise.all(Array.from({ length: lanes }, lane));
  return outcomes;
}

process.once('SIGINT', stopEverything);
process.once('SIGTERM', stopEverything);

const startedMs = performance.now();
const failed = (await runAll()).filter(outcome => !outcome.passed);
for (const { step, output } of failed)
  console.log(`\n--- ${step.name}: ${step.command.slice(1).join(' ')}\n${output.trimEnd()}`);
const verdict =
  failed.length === 0
    ? 'All checks passed'
    : `${failed.length} checks failed: ${failed.map(it => it.step.name).join(', ')}`;
console.log(`\n${verdict} in ${((performance.now() - startedMs) / 1_000).toFixed(1)} s`);
process.exitCode = failed.length === 0 ? 0 : 1;

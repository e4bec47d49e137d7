import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { text } from 'node:stream/consumers';
import { fileURLToPath } from 'node:url';
import { type Candidate, isOneProgram, type Measurement, type ProgramCandidate, type Question } from './question.ts';

/** Nanoseconds of CPU time per operation, by candidate, one number per round. */
export type Rounds = Readonly<Record<string, readonly number[]>>;

interface Runner {
  readonly name: string;
  round(): Promise<Measurement>;
  close(): void;
}

/** Measures every candidate of a question in each round; another one begins each time. */
export async function measure(name: string, { candidates }: Question, rounds: number): Promise<Rounds> {
  return isOneProgram(candidates)
    ? await measureInTurns(candidates, rounds)
    : await measureEach(name, candidates, rounds);
}

/** One program measures all of them. */
async function measureInTurns(program: ProgramCandidate, rounds: number): Promise<Rounds> {
  const times: Record<string, number[]> = {};
  for (let round = 0; round < rounds; round += 1) {
    const measurements = (await lastLineOf(program)) as Readonly<Record<string, Measurement>>;
    for (const [name, measurement] of Object.entries(measurements)) {
      times[name] ??= [];
      times[name].push(nanosecondsEach(measurement));
    }
  }
  return times;
}

async function measureEach(
  name: string,
  candidates: Readonly<Record<string, Candidate>>,
  rounds: number,
): Promise<Rounds> {
  const runners: Runner[] = [];
  try {
    for (const [candidateName, candidate] of Object.entries(candidates)) {
      runners.push(
        'program' in candidate ? programRunner(candidateName, candidate) : await processRunner(name, candidateName),
      );
    }
    const times = new Map<string, number[]>(runners.map(runner => [runner.name, []]));
    for (let round = 0; round < rounds; round += 1) {
      const first = round % runners.length;
      for (const runner of [...runners.slice(first), ...runners.slice(0, first)]) {
        times.get(runner.name)?.push(nanosecondsEach(await runner.round()));
      }
    }
    return Object.fromEntries(times);
  } finally {
    for (const runner of runners) runner.close();
  }
}

/** A candidate in a process of its own, so that what the compiler learns from one does not change another. */
async function processRunner(questionName: string, name: string): Promise<Runner> {
  const child = fork(fileURLToPath(new URL('candidate.ts', import.meta.url)), [questionName, name]);
  await answerOf(child, name);
  return {
    name,
    async round() {
      child.send('round');
      return (await answerOf(child, name)) as Measurement;
    },
    close: () => void (child.connected && child.send('end')),
  };
}

async function answerOf(child: ChildProcess, name: string): Promise<unknown> {
  const leaving = new AbortController();
  const { signal } = leaving;
  const message = once(child, 'message', { signal }).then(([answer]) => answer as unknown);
  const exit = once(child, 'exit', { signal }).then(([code]) => {
    throw new Error(`The process of "${name}" ended with ${code}`);
  });
  try {
    return await Promise.race([message, exit]);
  } finally {
    leaving.abort();
    await Promise.allSettled([message, exit]);
  }
}

function programRunner(name: string, candidate: ProgramCandidate): Runner {
  return {
    name,
    round: async () => (await lastLineOf(candidate)) as Measurement,
    close: () => {},
  };
}

/** Runs a program to its end and reads what it printed last. */
async function lastLineOf({ program, args = [] }: ProgramCandidate): Promise<unknown> {
  const child = fork(program, [...args], { silent: true });
  const [output, errors, [code]] = await Promise.all([
    child.stdout ? text(child.stdout) : '',
    child.stderr ? text(child.stderr) : '',
    once(child, 'exit'),
  ]);
  if (code !== 0) throw new Error(`${program} ended with ${code}: ${errors}`);
  return JSON.parse(output.trim().split('\n').at(-1) ?? '');
}

function nanosecondsEach({ cpuMs, operations }: Measurement): number {
  return (cpuMs * 1e6) / operations;
}

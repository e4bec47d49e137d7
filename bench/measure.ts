import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { text } from 'node:stream/consumers';
import { fileURLToPath } from 'node:url';
import type { Measurement, ProgramCandidate, Question } from './question.ts';

/** Nanoseconds of CPU time per operation, by candidate, one number per round. */
export type Rounds = Readonly<Record<string, readonly number[]>>;

interface Runner {
  readonly name: string;
  round(): Promise<Measurement>;
  close(): void;
}

/** Measures every candidate of a question in each round; another one begins each time. */
export async function measure(name: string, question: Question, rounds: number): Promise<Rounds> {
  const runners: Runner[] = [];
  try {
    for (const [candidateName, candidate] of Object.entries(question.candidates)) {
      runners.push(
        'program' in candidate ? programRunner(candidateName, candidate) : await processRunner(name, candidateName),
      );
    }
    const times = new Map<string, number[]>(runners.map(runner => [runner.name, []]));
    for (let round = 0; round < rounds; round += 1) {
      const first = round % runners.length;
      for (const runner of [...runners.slice(first), ...runners.slice(0, first)]) {
        const { cpuMs, operations } = await runner.round();
        times.get(runner.name)?.push((cpuMs * 1e6) / operations);
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

function programRunner(name: string, { program, args = [] }: ProgramCandidate): Runner {
  return {
    name,
    async round() {
      const child = fork(program, [...args], { silent: true });
      const [output, errors, [code]] = await Promise.all([
        child.stdout ? text(child.stdout) : '',
        child.stderr ? text(child.stderr) : '',
        once(child, 'exit'),
      ]);
      if (code !== 0) throw new Error(`${program} ended with ${code}: ${errors}`);
      return JSON.parse(output.trim().split('\n').at(-1) ?? '') as Measurement;
    },
    close: () => {},
  };
}

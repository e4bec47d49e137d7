/** Something that is measured in a process of its own, beside the others, round by round. */
export type Candidate = CallCandidate | ProgramCandidate;

/** A candidate that is called. */
export interface CallCandidate {
  /** Throws when the candidate does not do what it is measured for. */
  check(): void | Promise<void>;
  /** Does the thing so many times. What it returns must depend on every time, so that none can be optimised away. */
  run(count: number): number | Promise<number>;
}

/** A candidate that is a program: run once per round, it measures itself and prints a {@link Measurement} as its last line. */
export interface ProgramCandidate {
  /** Its file, from the root of the repository. */
  readonly program: string;
  readonly args?: readonly string[];
}

/** What one candidate did in one round. */
export interface Measurement {
  readonly operations: number;
  /** CPU time of the process, so that a neighbour on the machine is not charged to the candidate; in milliseconds. */
  readonly cpuMs: number;
}

/** What a file `questions/<name>.bench.ts` exports. */
export interface Question {
  /** The question, in one sentence for people. */
  readonly question: string;
  /**
   * By name; or, where all wait for the same server and its moods would decide more than they do, one program that measures
   * them in short turns: run once per round, it prints a {@link Measurement} by name as its last line.
   */
  readonly candidates: Readonly<Record<string, Candidate>> | ProgramCandidate;
  /** The name of the candidate that all are compared with. */
  readonly limit: string;
}

/** Whether one program measures all candidates. */
export function isOneProgram(candidates: Question['candidates']): candidates is ProgramCandidate {
  return typeof candidates['program'] === 'string';
}

/** Where the question of this name is. */
export function questionFile(name: string): URL {
  return new URL(`questions/${name}.bench.ts`, import.meta.url);
}

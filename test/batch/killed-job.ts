/** A job whose process is killed, and what can be read of it from outside. */
import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

/** Index, item, and what came of it, of a result. */
export type PlainResult = readonly [index: number, item: string, outcome: string];

/** How often each item has been begun, and the keys that it was given. */
export interface Effects {
  readonly times: ReadonlyMap<number, number>;
  readonly keys: ReadonlyMap<number, ReadonlySet<string>>;
}

/** How a process of the job is run. */
export interface RunOptions {
  /** What the program is told after the folder and how many items it may begin at most. */
  readonly args?: readonly string[];
  /** Told how many items this process has finished. */
  readonly onProgress?: (worked: number) => void;
}

/** How a process ended, and what it wrote to its standard error. */
export interface RunEnd {
  readonly code: number | null;
  readonly signal: string | null;
  readonly stderr: string;
}

/** How many items a process may begin after it should have been killed: it does not get away. */
const slack = 400;

/** One folder in which a program does a job: `job.jsonl`, `effects.log` and in the end `results.json`. */
export class KilledJob implements Disposable {
  readonly folder: string = mkdtempSync(join(tmpdir(), 'plinth-killed-'));
  readonly #program: URL;

  constructor(program: URL) {
    this.#program = program;
  }

  /** Lets a process work until it has finished so many items, then kills it; or to its end. */
  async runUntil(worked: number, { args = [], onProgress }: RunOptions = {}): Promise<RunEnd> {
    const child: ChildProcess = fork(fileURLToPath(this.#program), [this.folder, String(worked + slack), ...args], {
      execArgv: ['--conditions=plinth-source', '--import', 'tsx'],
      stdio: ['ignore', 'inherit', 'pipe', 'ipc'],
    });
    let stderr = '';
    child.stderr?.setEncoding('utf8').on('data', (text: string) => {
      stderr += text;
    });
    child.on('message', count => {
      onProgress?.(Number(count));
      if (Number(count) >= worked) child.kill('SIGKILL');
    });
    const [code, signal] = (await once(child, 'close')) as [number | null, string | null];
    return { code, signal, stderr };
  }

  /** Lets a process work to its end. */
  runToEnd(options: RunOptions = {}): Promise<RunEnd> {
    return this.runUntil(Number.POSITIVE_INFINITY, options);
  }

  results(): readonly PlainResult[] {
    return JSON.parse(readFileSync(join(this.folder, 'results.json'), 'utf8')) as readonly PlainResult[];
  }

  /** The index of every whole line of the checkpoint. */
  recorded(): readonly number[] {
    return this.linesOf('job.jsonl')
      .slice(1)
      .map(line => (JSON.parse(line) as { index: number }).index);
  }

  effects(): Effects {
    const times = new Map<number, number>();
    const keys = new Map<number, Set<string>>();
    for (const line of this.linesOf('effects.log')) {
      const [index = '', key = ''] = line.split(' ');
      times.set(Number(index), (times.get(Number(index)) ?? 0) + 1);
      keys.set(Number(index), (keys.get(Number(index)) ?? new Set()).add(key));
    }
    return { times, keys };
  }

  linesOf(file: string): readonly string[] {
    const path = join(this.folder, file);
    return existsSync(path) ? readFileSync(path, 'utf8').split('\n').slice(0, -1) : [];
  }

  [Symbol.dispose](): void {
    rmSync(this.folder, { recursive: true, force: true });
  }
}

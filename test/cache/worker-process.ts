import { type ChildProcess, fork, type Serializable } from 'node:child_process';
import { once } from 'node:events';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';

/** How long a process may take to begin, in milliseconds. */
const startMs = 30_000;

/** A process of its own that runs a file of this folder; that it dies or says nothing is an error. */
export class WorkerProcess {
  readonly #process: ChildProcess;
  readonly #died: Promise<never>;
  #output = '';

  constructor(file: string, args: readonly (string | number)[]) {
    const path = fileURLToPath(new URL(file, import.meta.url));
    const execArgv = ['--conditions=plinth-source', '--import', 'tsx'];
    this.#process = fork(path, args.map(String), { execArgv, silent: true, serialization: 'advanced' });
    this.#process.stderr?.on('data', chunk => {
      this.#output = (this.#output + chunk).slice(-4_000);
    });
    this.#died = once(this.#process, 'exit').then(([code, signal]) => {
      throw new Error(`A worker ended (${signal ?? code}) before it had told anything:\n${this.#output}`);
    });
    this.#died.catch(() => undefined);
  }

  /** Starts one, and waits until it says that it is ready. */
  static async start(file: string, args: readonly (string | number)[]): Promise<WorkerProcess> {
    const worker = new WorkerProcess(file, args);
    try {
      await worker.next(startMs);
      return worker;
    } catch (error) {
      worker.kill();
      throw error;
    }
  }

  send(message: Serializable): void {
    this.#process.send(message);
  }

  /** The next message of the worker. */
  async next<Message>(limitMs: number): Promise<Message> {
    const ending = new AbortController();
    const tooLate = sleep(limitMs, undefined, { signal: ending.signal }).then(() => {
      throw new Error(`A worker said nothing within ${limitMs} ms:\n${this.#output}`);
    });
    tooLate.catch(() => undefined);
    try {
      const [message] = await Promise.race([once(this.#process, 'message'), this.#died, tooLate]);
      return message as Message;
    } finally {
      ending.abort();
    }
  }

  /** Sends a message and waits for what the worker says next. */
  ask<Message>(message: Serializable, limitMs: number): Promise<Message> {
    const answer = this.next<Message>(limitMs);
    this.send(message);
    return answer;
  }

  /** Ends it as a crash would. */
  kill(): void {
    this.#process.kill('SIGKILL');
  }
}

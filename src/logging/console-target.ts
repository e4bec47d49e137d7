import type { LineTarget } from './block-writer.ts';
import { writeFully } from './descriptor.ts';

/** Something that takes the console's text instead of standard output: one or more whole lines at a time. */
export interface ConsoleStream {
  write(text: string): unknown;
}

const standardOutput = 1;

/** The console: standard output, written synchronously so that nothing is lost at exit, or a stream of the caller's. */
export class ConsoleTarget implements LineTarget {
  readonly name = 'console';
  readonly #stream: ConsoleStream | undefined;

  constructor(stream?: ConsoleStream) {
    this.#stream = stream;
  }

  isFull(): boolean {
    return false;
  }

  startNext(): void {}

  write(data: string | Uint8Array): void {
    if (this.#stream === undefined) writeFully(standardOutput, data);
    else this.#stream.write(typeof data === 'string' ? data : Buffer.from(data).toString());
  }

  reopen(): void {}

  close(): void {}
}

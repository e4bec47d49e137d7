import { connect, type Socket } from 'node:net';

/**
 * The least that a client of Redis can be: commands of one turn are written together, answers are matched in order. Only
 * what the benchmarks need: no errors, no reconnects, no time limits.
 */
export class RawResp {
  readonly #socket: Socket;
  readonly #waiting: ((reply: string | null) => void)[] = [];
  #answered = 0;
  #outgoing = '';
  #incoming: Buffer = Buffer.alloc(0);

  constructor(port: number) {
    this.#socket = connect({ port, host: '127.0.0.1', noDelay: true });
    this.#socket.on('data', chunk => this.#read(chunk));
  }

  /** Sends a command; gives the bulk or simple string that answers it. */
  send(...words: readonly string[]): Promise<string | null> {
    return new Promise(resolve => {
      if (this.#outgoing === '') setImmediate(() => this.#flush());
      let command = `*${words.length}\r\n`;
      for (const word of words) command += `$${Buffer.byteLength(word)}\r\n${word}\r\n`;
      this.#outgoing += command;
      this.#waiting.push(resolve);
    });
  }

  #flush(): void {
    this.#socket.write(this.#outgoing);
    this.#outgoing = '';
  }

  #read(chunk: Buffer): void {
    const data = this.#incoming.length === 0 ? chunk : Buffer.concat([this.#incoming, chunk]);
    let at = 0;
    for (;;) {
      const lineEnd = data.indexOf(13, at);
      if (lineEnd < 0 || lineEnd + 2 > data.length) break;
      let reply: string | null = null;
      let end = lineEnd + 2;
      if (data[at] !== 36) reply = data.toString('latin1', at + 1, lineEnd);
      else {
        const length = Number(data.toString('latin1', at + 1, lineEnd));
        if (length >= 0) {
          end += length + 2;
          if (end > data.length) break;
          reply = data.toString('utf8', lineEnd + 2, end - 2);
        }
      }
      at = end;
      this.#waiting[this.#answered]?.(reply);
      this.#answered += 1;
    }
    this.#incoming = data.subarray(at);
    if (this.#answered > 1_000) {
      this.#waiting.splice(0, this.#answered);
      this.#answered = 0;
    }
  }
}

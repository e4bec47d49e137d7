/** Cuts a stream of the Redis protocol into its replies. */
export class RespFrames {
  #rest: Buffer = Buffer.alloc(0);

  /** The replies that are whole now, each as its bytes. */
  *push(chunk: Buffer): Generator<Buffer> {
    this.#rest = this.#rest.length === 0 ? chunk : Buffer.concat([this.#rest, chunk]);
    while (true) {
      const end = endOfFrame(this.#rest, 0);
      if (end === undefined) return;
      yield this.#rest.subarray(0, end);
      this.#rest = this.#rest.subarray(end);
    }
  }
}

/** Where the reply that begins at a place ends; `undefined` when it has not come whole. */
function endOfFrame(bytes: Buffer, start: number): number | undefined {
  const lineEnd = bytes.indexOf('\r\n', start);
  if (lineEnd === -1) return undefined;
  const kind = String.fromCharCode(bytes[start] ?? 0);
  const length = Number(bytes.toString('latin1', start + 1, lineEnd));
  const next = lineEnd + 2;
  if ('$=!'.includes(kind)) {
    if (length < 0) return next;
    return bytes.length >= next + length + 2 ? next + length + 2 : undefined;
  }
  if (!'*>~%'.includes(kind) || length < 0) return next;
  let end: number | undefined = next;
  for (let item = 0; item < (kind === '%' ? length * 2 : length) && end !== undefined; item += 1) {
    end = endOfFrame(bytes, end);
  }
  return end;
}

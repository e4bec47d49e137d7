/** What a walk asks for next: to be given so many bytes, to leave so many out, or to be brought behind the next 0xff. */
export type Step = { readonly take: number } | { readonly skip: number } | { readonly until: number };

/** A walk over the parts of a file. It ends where the file must; what it returns is what is wrong. */
export type Walk = Generator<Step, string | undefined, Buffer>;

/** Runs a walk over chunks as they come. */
export class StructureWalk {
  readonly #walk: Walk;
  #step: Step | undefined;
  #fault: string | undefined;
  #rest: Buffer = Buffer.alloc(0);

  constructor(walk: Walk) {
    this.#walk = walk;
    this.#advance(Buffer.alloc(0));
  }

  /** What is wrong, once it is known. */
  feed(chunk: Uint8Array): string | undefined {
    let input = this.#rest.length === 0 ? asBuffer(chunk) : Buffer.concat([this.#rest, chunk]);
    this.#rest = Buffer.alloc(0);
    while (input.length > 0 && this.#fault === undefined) {
      const step = this.#step;
      if (step === undefined) this.#fault = 'something follows its end';
      else if ('take' in step) {
        if (input.length < step.take) {
          this.#rest = Buffer.from(input);
          break;
        }
        this.#advance(input.subarray(0, step.take));
        input = input.subarray(step.take);
      } else if ('skip' in step) {
        const skipped = Math.min(step.skip, input.length);
        input = input.subarray(skipped);
        if (skipped === step.skip) this.#advance(Buffer.alloc(0));
        else this.#step = { skip: step.skip - skipped };
      } else {
        const found = input.indexOf(step.until);
        input = found === -1 ? Buffer.alloc(0) : input.subarray(found + 1);
        if (found !== -1) this.#advance(Buffer.alloc(0));
      }
    }
    return this.#fault;
  }

  /** What is wrong when nothing more comes. */
  end(): string | undefined {
    return this.#fault ?? (this.#step === undefined ? undefined : 'it ends in the middle');
  }

  #advance(taken: Buffer): void {
    let given = taken;
    for (;;) {
      const { done, value } = this.#walk.next(given);
      if (done) {
        this.#step = undefined;
        this.#fault = value ?? this.#fault;
        return;
      }
      this.#step = value;
      if (!('skip' in value) || value.skip > 0) return;
      given = Buffer.alloc(0);
    }
  }
}

const pngChunks = new Set(
  (
    'IHDR PLTE IDAT IEND tRNS cHRM gAMA iCCP sBIT sRGB cICP mDCv cLLI mDCV cLLi tEXt zTXt iTXt bKGD hIST pHYs sPLT ' +
    'eXIf tIME acTL fcTL fdAT oFFs pCAL sCAL'
  ).split(' '),
);

/** PNG (W3C): a signature, and chunks with length, type and checksum, IHDR first and IEND last. */
export function* pngWalk(): Walk {
  yield { skip: 8 };
  for (let index = 0; ; index += 1) {
    const header = yield { take: 8 };
    const type = header.toString('latin1', 4);
    if (index === 0 && (type !== 'IHDR' || header.readUInt32BE(0) !== 13)) return 'it does not begin as a PNG';
    if (!pngChunks.has(type)) return `it has a part of the unknown kind ${JSON.stringify(type)}`;
    yield { skip: header.readUInt32BE(0) + 4 };
    if (type === 'IEND') return undefined;
  }
}

/** JPEG (ITU T.81): segments with a marker and a length; after SOS, data where 0xff stands before 0 or a restart. */
export function* jpegWalk(): Walk {
  yield { skip: 2 };
  let marker = (yield { take: 2 })[1] as number;
  for (;;) {
    if (marker === 0xd9) return undefined;
    if (marker < 0xc0 || marker === 0xd8 || (marker >= 0xd0 && marker <= 0xd7)) return 'it is no JPEG behind its head';
    const length = (yield { take: 2 }).readUInt16BE(0);
    if (length < 2) return 'it is no JPEG behind its head';
    yield { skip: length - 2 };
    if (marker === 0xda) {
      do {
        yield { until: 0xff };
        marker = (yield { take: 1 })[0] as number;
        while (marker === 0xff) marker = (yield { take: 1 })[0] as number;
      } while (marker === 0 || (marker >= 0xd0 && marker <= 0xd7));
    } else {
      const next = yield { take: 2 };
      if (next[0] !== 0xff) return 'it has something between its parts';
      marker = next[1] as number;
      while (marker === 0xff) marker = (yield { take: 1 })[0] as number;
    }
  }
}

/** GIF (87a, 89a): a screen, and blocks of sub-blocks until the trailer. */
export function* gifWalk(): Walk {
  const screen = yield { take: 13 };
  yield { skip: tableBytes(screen[10] as number) };
  for (;;) {
    const kind = (yield { take: 1 })[0] as number;
    if (kind === 0x3b) return undefined;
    if (kind === 0x2c) {
      const image = yield { take: 9 };
      yield { skip: tableBytes(image[8] as number) + 1 };
    } else if (kind === 0x21) yield { skip: 1 };
    else return 'it has a part of an unknown kind';
    for (let size = 1; size > 0; ) {
      size = (yield { take: 1 })[0] as number;
      yield { skip: size };
    }
  }
}

/** WebP: one RIFF container whose length covers the file. */
export function* webpWalk(): Walk {
  const header = yield { take: 12 };
  const length = header.readUInt32LE(4);
  if (length < 4) return 'it does not begin as a WebP';
  yield { skip: length - 4 + (length % 2) };
  return undefined;
}

/** The length of a table of colours, by the flags that announce it. */
function tableBytes(flags: number): number {
  return (flags & 0x80) === 0 ? 0 : 3 * 2 ** ((flags & 7) + 1);
}

function asBuffer(bytes: Uint8Array): Buffer {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}

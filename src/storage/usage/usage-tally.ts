/** One file as it is counted. */
export interface CountedFile {
  readonly key: string;
  readonly version: string;
  readonly owner: string | undefined;
  readonly extension: string;
  /** As it was given, in bytes. */
  readonly bytes: number;
  /** As it is kept, in bytes. */
  readonly storedBytes: number;
}

/** Sums over files. */
export interface Totals {
  readonly files: number;
  readonly bytes: number;
  readonly storedBytes: number;
}

/** The files of the next keys, in the order of the keys. */
export interface UsagePage {
  readonly files: readonly CountedFile[];
  /** The last key that was looked at; `undefined` when there are no more. */
  readonly last: string | undefined;
}

interface MutableTotals {
  files: number;
  bytes: number;
  storedBytes: number;
}

/**
 * Sums over all files, made by a count that goes through the keys in their order while files change, and kept in step with
 * the changes from then on.
 *
 * What changes behind the count is added and taken away. Of a file that changes in front of it, or just where it is, the
 * count may see what was before the change or after: such a file stands for itself until its changes are over. Their
 * versions make a chain, and its end is what counts, whatever was seen.
 */
export class UsageTally {
  readonly #total = newTotals();
  readonly #byExtension = new Map<string, MutableTotals>();
  readonly #byOwner = new Map<string, MutableTotals>();
  readonly #moving = new Map<string, MovingFile>();
  #passed: Buffer | 'nothing' | 'everything' = 'nothing';

  get total(): Totals {
    return { ...this.#total };
  }

  get byExtension(): Readonly<Record<string, Totals>> {
    return Object.fromEntries([...this.#byExtension].map(([extension, totals]) => [extension, { ...totals }]));
  }

  ofOwner(owner: string): Totals {
    return { ...(this.#byOwner.get(owner) ?? newTotals()) };
  }

  /** To be told before a file changes, and at the beginning of all that are changing, with what was told of them. */
  expect(key: string, changes: FileChain): void {
    if (!this.#isAhead(key) || this.#moving.has(key)) return;
    const moving = new MovingFile(changes.copy());
    this.#moving.set(key, moving);
    for (const file of moving.files) this.#add(file, 1);
  }

  /** What a change has made of what. */
  change(key: string, before: CountedFile | undefined, after: CountedFile | undefined): void {
    const moving = this.#moving.get(key);
    if (moving === undefined) {
      if (before !== undefined) this.#add(before, -1);
      if (after !== undefined) this.#add(after, 1);
      return;
    }
    for (const file of moving.files) this.#add(file, -1);
    moving.chain.change(before, after);
    for (const file of moving.files) this.#add(file, 1);
  }

  /** To be told when no change of a file is under way any more. */
  rest(key: string): void {
    if (!this.#isAhead(key)) this.#moving.delete(key);
  }

  /** Adds the next page of the count. Nothing may have been missed of what changed since it was asked for. */
  addPage({ files, last }: UsagePage, isChanging: (key: string) => boolean): void {
    this.#passed = last === undefined ? 'everything' : Buffer.from(last);
    for (const file of files) {
      const moving = this.#moving.get(file.key);
      if (moving === undefined) this.#add(file, 1);
      else if (moving.see(file)) this.#add(file, 1);
    }
    for (const [key, moving] of this.#moving) {
      if (isChanging(key)) continue;
      // The count comes to it yet, and will find it at rest.
      if (this.#isAhead(key)) for (const file of moving.files) this.#add(file, -1);
      this.#moving.delete(key);
    }
  }

  #isAhead(key: string): boolean {
    if (this.#passed === 'everything') return false;
    return this.#passed === 'nothing' || Buffer.compare(Buffer.from(key), this.#passed) > 0;
  }

  #add(file: CountedFile, sign: 1 | -1): void {
    addTo(this.#total, file, sign);
    addIn(this.#byExtension, file.extension, file, sign);
    if (file.owner !== undefined) addIn(this.#byOwner, file.owner, file, sign);
  }
}

/** The changes of one file, told in any order: each begins with the version that another one ends with. */
export class FileChain {
  #isChanged = false;
  /** Versions that nothing has followed, as far as was told. */
  #ends = new Map<string, CountedFile>();
  /** Versions that something has followed, and of which it was not told yet that they came. */
  #followed = new Set<string>();

  get isChanged(): boolean {
    return this.#isChanged;
  }

  get ends(): Iterable<CountedFile> {
    return this.#ends.values();
  }

  change(before: CountedFile | undefined, after: CountedFile | undefined): void {
    this.#isChanged = true;
    if (before !== undefined && !this.#ends.delete(before.version)) this.#followed.add(before.version);
    if (after !== undefined && !this.#followed.delete(after.version)) this.#ends.set(after.version, after);
  }

  copy(): FileChain {
    const copy = new FileChain();
    copy.#isChanged = this.#isChanged;
    copy.#ends = new Map(this.#ends);
    copy.#followed = new Set(this.#followed);
    return copy;
  }
}

/** A file that changes while the count comes by. */
class MovingFile {
  readonly chain: FileChain;
  #seen: CountedFile | undefined;

  constructor(chain: FileChain) {
    this.chain = chain;
  }

  /** What it counts for: the end of the chain, or what was seen if it has not changed. */
  get files(): readonly CountedFile[] {
    if (this.chain.isChanged) return [...this.chain.ends];
    return this.#seen === undefined ? [] : [this.#seen];
  }

  /** Whether it counts for what was seen. */
  see(file: CountedFile): boolean {
    this.#seen = file;
    return !this.chain.isChanged;
  }
}

function addIn(sums: Map<string, MutableTotals>, name: string, file: CountedFile, sign: 1 | -1): void {
  const totals = sums.get(name) ?? newTotals();
  addTo(totals, file, sign);
  if (totals.files === 0 && totals.bytes === 0) sums.delete(name);
  else sums.set(name, totals);
}

function addTo(totals: MutableTotals, { bytes, storedBytes }: CountedFile, sign: 1 | -1): void {
  totals.files += sign;
  totals.bytes += sign * bytes;
  totals.storedBytes += sign * storedBytes;
}

function newTotals(): MutableTotals {
  return { files: 0, bytes: 0, storedBytes: 0 };
}

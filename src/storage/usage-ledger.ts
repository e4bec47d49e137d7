import { QuotaExceededError } from './errors.ts';

/** How much one owner may store. */
export interface OwnerQuota {
  /** All files together, as they were given, in bytes. @default no limit */
  readonly maxBytes?: number | undefined;
  /** @default no limit */
  readonly maxFiles?: number | undefined;
}

/** What a file counts for. */
export interface CountedFile {
  readonly owner: string | undefined;
  readonly extension: string;
  readonly bytes: number;
  readonly storedBytes: number;
}

/** Sums over files. */
export interface Totals {
  readonly files: number;
  readonly bytes: number;
  readonly storedBytes: number;
}

interface MutableTotals {
  files: number;
  bytes: number;
  storedBytes: number;
}

/** All files. */
export type UsageScan = AsyncIterable<CountedFile>;

/** A change of one file, from just before it is made. */
export interface UsageChange {
  /** To be told what stood there before and after; the same when nothing was changed. Once. */
  settle(before: CountedFile | undefined, after: CountedFile | undefined): void;
}

/**
 * Counts files without walking over all of them each time: once at the beginning, and then only what changes. While it
 * walks, changes wait; they are short, because the content of an upload has come already when its change begins.
 */
export class UsageLedger {
  #total = newTotals();
  readonly #byExtension = new Map<string, MutableTotals>();
  readonly #byOwner = new Map<string, MutableTotals>();
  readonly #reserved = new Map<string, { files: number; bytes: number; holders: number }>();
  #counting: Promise<void> | undefined;
  #isCounted = false;
  #changes = 0;
  #whenIdle: (() => void) | undefined;

  /** Counts what is there, the first time; later calls wait for that. */
  count(scan: () => UsageScan): Promise<void> {
    this.#counting ??= this.#count(scan).catch((error: unknown) => {
      this.#counting = undefined;
      throw error;
    });
    return this.#counting;
  }

  /** Forgets what was counted, so that it is counted again: for changes that others have made. */
  async forget(): Promise<void> {
    await this.#counting?.catch(() => undefined);
    this.#counting = undefined;
    this.#isCounted = false;
  }

  /** To be called before a file changes. */
  async change(): Promise<UsageChange> {
    while (this.#counting !== undefined && !this.#isCounted) await this.#counting.catch(() => undefined);
    this.#changes += 1;
    let isOpen = true;
    return {
      settle: (before, after) => {
        if (!isOpen) return;
        isOpen = false;
        if (this.#isCounted && before !== undefined) this.#add(before, -1);
        if (this.#isCounted && after !== undefined) this.#add(after, 1);
        this.#changes -= 1;
        if (this.#changes === 0) this.#whenIdle?.();
      },
    };
  }

  get total(): Totals {
    return { ...this.#total };
  }

  get byExtension(): Readonly<Record<string, Totals>> {
    return Object.fromEntries([...this.#byExtension].map(([extension, totals]) => [extension, { ...totals }]));
  }

  /** What an owner has, without what is being uploaded. */
  ofOwner(owner: string): Totals {
    return { ...(this.#byOwner.get(owner) ?? newTotals()) };
  }

  /** Room for an upload of one owner, which grows as it comes. */
  reserve(owner: string, quota: OwnerQuota): Reservation {
    const reserved = this.#reserved.get(owner) ?? { files: 0, bytes: 0, holders: 0 };
    reserved.holders += 1;
    this.#reserved.set(owner, reserved);
    let isHeld = true;
    const used = (): Totals => this.#byOwner.get(owner) ?? newTotals();
    let bytes = 0;
    let files = 0;
    return {
      addFile: () => {
        if (files > 0) return;
        if (quota.maxFiles !== undefined && used().files + reserved.files + 1 > quota.maxFiles) {
          throw new QuotaExceededError('files', quota.maxFiles);
        }
        reserved.files += 1;
        files += 1;
      },
      addBytes: more => {
        if (quota.maxBytes !== undefined && used().bytes + reserved.bytes + more > quota.maxBytes) {
          throw new QuotaExceededError('bytes', quota.maxBytes);
        }
        reserved.bytes += more;
        bytes += more;
      },
      release: () => {
        if (!isHeld) return;
        isHeld = false;
        reserved.bytes -= bytes;
        reserved.files -= files;
        reserved.holders -= 1;
        if (reserved.holders === 0) this.#reserved.delete(owner);
      },
    };
  }

  async #count(scan: () => UsageScan): Promise<void> {
    if (this.#changes > 0) {
      await new Promise<void>(resolve => {
        this.#whenIdle = resolve;
      });
      this.#whenIdle = undefined;
    }
    this.#total = newTotals();
    this.#byExtension.clear();
    this.#byOwner.clear();
    for await (const file of scan()) this.#add(file, 1);
    this.#isCounted = true;
  }

  #add(file: CountedFile, sign: 1 | -1): void {
    addTo(this.#total, file, sign);
    addIn(this.#byExtension, file.extension, file, sign);
    if (file.owner !== undefined) addIn(this.#byOwner, file.owner, file, sign);
  }
}

/** Room that an upload holds until it has ended. */
export interface Reservation {
  /** Counts once. @throws {QuotaExceededError} when there may be no more files. */
  addFile(): void;
  /** @throws {QuotaExceededError} when there is no room for so many bytes more. */
  addBytes(more: number): void;
  /** Gives the room back: the upload is counted now, or has failed. */
  release(): void;
}

function addIn(sums: Map<string, MutableTotals>, name: string, file: CountedFile, sign: 1 | -1): void {
  const totals = sums.get(name) ?? newTotals();
  addTo(totals, file, sign);
  if (totals.files === 0) sums.delete(name);
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

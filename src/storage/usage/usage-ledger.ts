import { RejectedError, ValidationError } from '../../errors/index.ts';
import { untilAborted } from '../../kernel/index.ts';
import { QuotaExceededError } from '../errors.ts';
import { type OwnerQuota, type PlannedUpload, type Reservation, Reservations, requireQuota } from './reservations.ts';
import { type CountedFile, FileChain, type Totals, type UsagePage, UsageTally } from './usage-tally.ts';

/** Goes through all files, page by page in the order of their keys; the last page says that it is the last. */
export type UsageScan = (signal: AbortSignal) => AsyncIterable<UsagePage>;

/** A change of one file, from just before it is made. */
export interface UsageChange {
  /** Whether no other change of the same file was under way at any time since it began. */
  readonly isAlone: boolean;
  /** To be told what stood there before and after; both `undefined` when nothing was changed. Once. */
  settle(before: CountedFile | undefined, after: CountedFile | undefined): void;
  /** Instead of that when nobody knows whether an upload was stored, or what a file was that is gone. */
  doubt(reservation: Reservation | undefined): void;
}

/** An upload that may need room. */
export interface AnnouncedUpload extends Omit<PlannedUpload, 'owner'> {
  readonly owner: string | undefined;
  readonly signal: AbortSignal | undefined;
}

interface ChangingKey {
  /** How many changes are under way. */
  changes: number;
  isAlone: boolean;
  /** Whether the chain of them has a gap: nobody could say what has become of one. */
  isBroken: boolean;
  readonly chain: FileChain;
}

/**
 * Knows how much is stored without walking over all files each time: it counts them once, and then follows what changes.
 * Nobody who changes a file waits for a count; who needs sums waits for the first one. While files are counted again the
 * old sums stand. There is never more than one count at a time.
 */
export class UsageLedger {
  readonly #scan: UsageScan;
  readonly #quotaOf: ((owner: string) => OwnerQuota) | undefined;
  readonly #closing = new AbortController();
  readonly #changing = new Map<string, ChangingKey>();
  readonly #reservations = new Reservations(owner => this.ofOwner(owner));
  #sums: UsageTally | undefined;
  #coming: UsageTally | undefined;
  #running: Promise<void> | undefined;
  #queued: Promise<void> | undefined;
  /** Whether somebody could not say since the last count began what has become of a file. */
  #isDoubtful = false;
  /** Whether the count that runs will answer such a doubt. */
  #isAnswering = false;
  readonly #kept: (() => void)[] = [];

  constructor(scan: UsageScan, quotaOf: ((owner: string) => OwnerQuota) | undefined) {
    this.#scan = scan;
    this.#quotaOf = quotaOf;
  }

  /** Whether uploads may need room. */
  get hasQuotas(): boolean {
    return this.#quotaOf !== undefined;
  }

  get total(): Totals {
    return this.#known.total;
  }

  get byExtension(): Readonly<Record<string, Totals>> {
    return this.#known.byExtension;
  }

  /** What an owner has, without what is being uploaded. */
  ofOwner(owner: string): Totals {
    return this.#known.ofOwner(owner);
  }

  /** Waits until the sums are right: counts if that was not done yet, or somebody was in doubt since. */
  async counted(signal: AbortSignal | undefined): Promise<void> {
    signal?.throwIfAborted();
    if (this.#sums !== undefined && !this.#isUncertain) return;
    const count = this.#running !== undefined && !this.#isDoubtful ? this.#running : this.#countFromNow();
    await untilAborted(count, signal);
  }

  /** Waits until all files were counted once more, with what others have changed until now. */
  async recounted(signal: AbortSignal | undefined): Promise<void> {
    signal?.throwIfAborted();
    await untilAborted(this.#countFromNow(), signal);
  }

  /** To be called before a file changes. */
  change(key: string): UsageChange {
    const changing = this.#changing.get(key) ?? { changes: 0, isAlone: true, isBroken: false, chain: new FileChain() };
    changing.changes += 1;
    changing.isAlone &&= changing.changes === 1;
    this.#changing.set(key, changing);
    this.#coming?.expect(key, changing.chain);
    const rest = (): void => {
      changing.changes -= 1;
      if (changing.changes > 0) return;
      this.#changing.delete(key);
      this.#sums?.rest(key);
      this.#coming?.rest(key);
    };
    return {
      get isAlone() {
        return changing.isAlone;
      },
      settle: (before, after) => {
        if (before !== undefined || after !== undefined) {
          changing.chain.change(before, after);
          this.#sums?.change(key, before, after);
          this.#coming?.change(key, before, after);
          this.#reservations.change(key, before, after);
        }
        rest();
      },
      doubt: reservation => {
        changing.isBroken = true;
        this.#doubt(reservation);
        rest();
      },
    };
  }

  /**
   * Room for an upload, which grows as it comes; `undefined` where there are no quotas.
   *
   * @throws {QuotaExceededError} when there is none.
   */
  async reserve(upload: AnnouncedUpload): Promise<Reservation | undefined> {
    const { owner, signal } = upload;
    if (this.#quotaOf === undefined) return undefined;
    if (owner === undefined) {
      if (upload.isMove) return undefined;
      throw new ValidationError('Files need an owner here, because how much each may store is limited', {
        owner: 'Expected the owner of the file',
      });
    }
    const quota = requireQuota(this.#quotaOf(owner));
    if (this.#sums === undefined) await this.counted(signal);
    else if (this.#isDoubtful) void this.#countFromNow().catch(() => undefined);
    try {
      return this.#reservations.reserve({ ...upload, owner }, quota);
    } catch (error) {
      if (!(error instanceof QuotaExceededError && this.#isUncertain)) throw error;
      await this.counted(signal);
      return this.#reservations.reserve({ ...upload, owner }, quota);
    }
  }

  /** Ends a count that is under way. */
  close(): void {
    this.#closing.abort(new RejectedError('Cannot count the files: the storage was closed', 'closed'));
  }

  get #known(): UsageTally {
    return this.#sums ?? new UsageTally();
  }

  get #isUncertain(): boolean {
    return this.#isDoubtful || this.#isAnswering;
  }

  /** Until the next count has told, what may have been stored keeps its room. */
  #doubt(reservation: Reservation | undefined): void {
    // What was never counted will be, whatever it is.
    if (this.#sums === undefined && this.#running === undefined) return;
    this.#isDoubtful = true;
    if (reservation !== undefined) this.#kept.push(reservation.keep());
  }

  #countFromNow(): Promise<void> {
    if (this.#queued !== undefined) return this.#queued;
    if (this.#running === undefined) return this.#start();
    const begin = (): Promise<void> => {
      this.#queued = undefined;
      return this.#start();
    };
    this.#queued = this.#running.then(begin, begin);
    return this.#queued;
  }

  #start(): Promise<void> {
    const running = this.#count().finally(() => {
      this.#running = undefined;
    });
    this.#running = running;
    return running;
  }

  async #count(): Promise<void> {
    const coming = new UsageTally();
    for (const [key, { chain }] of this.#changing) coming.expect(key, chain);
    this.#coming = coming;
    // Of a file that changes, and of which not everything is known, it could not say where it ends.
    const canAnswer = ![...this.#changing.values()].some(({ isBroken }) => isBroken);
    this.#isAnswering = canAnswer && this.#isDoubtful;
    this.#isDoubtful &&= !canAnswer;
    const kept = canAnswer ? this.#kept.splice(0) : [];
    try {
      const isChanging = (key: string): boolean => this.#changing.has(key);
      for await (const page of this.#scan(this.#closing.signal)) coming.addPage(page, isChanging);
      this.#sums = coming;
      for (const release of kept) release();
    } catch (error) {
      this.#isDoubtful ||= this.#isAnswering;
      this.#kept.push(...kept);
      throw error;
    } finally {
      this.#isAnswering = false;
      this.#coming = undefined;
    }
  }
}

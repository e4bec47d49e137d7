import { untilAborted } from '../kernel/index.ts';
import type { ObjectInfo, StorageStrategy, StrategyCallOptions } from './storage-strategy.ts';
import { countedFileOf } from './stored-file.ts';
import type { Reservation } from './usage/reservations.ts';
import type { UsageChange, UsageLedger } from './usage/usage-ledger.ts';

/** A change of one file, as who makes it tells of it. */
export interface FileChange {
  /**
   * What stands there just now, and what is decided about it. When that does not throw the store may have changed from
   * then on. May be told again.
   */
  from<Decision>(current: ObjectInfo | undefined, decide: () => Decision): Decision;
  /** What stands there now. */
  done(after: ObjectInfo | undefined): void;
  /** Nobody can say what has become of the file, or what it was. */
  lost(): void;
}

/** What a change is made with. */
export interface FileChangeOptions extends StrategyCallOptions {
  readonly reservation?: Reservation | undefined;
}

/** Changes files, and tells the ledger what has become of them, also when the store has failed and nobody knows. */
export class FileChanges {
  readonly #strategy: StorageStrategy;
  readonly #ledger: UsageLedger;

  constructor(strategy: StorageStrategy, ledger: UsageLedger) {
    this.#strategy = strategy;
    this.#ledger = ledger;
  }

  /** Makes a change. What was reserved for it is let go of when it is over. */
  async run<Result>(
    key: string,
    { signal, reservation }: FileChangeOptions,
    work: (change: FileChange) => Promise<Result>,
  ): Promise<Result> {
    const change = new TrackedChange(key, this.#ledger, reservation);
    try {
      const result = await work(change);
      change.end();
      return result;
    } catch (error) {
      // Who has given up does not wait for that.
      await untilAborted(this.#end(key, change), signal).catch(() => undefined);
      throw error;
    }
  }

  /** Ends a change that has failed, and may have been made all the same. */
  async #end(key: string, change: TrackedChange): Promise<void> {
    if (!change.isOpen) return change.end();
    try {
      await using found = await this.#strategy.open(key);
      change.found(found?.info);
    } catch {
      change.lost();
    }
    change.end();
  }
}

class TrackedChange implements FileChange {
  readonly #key: string;
  readonly #ledger: UsageLedger;
  readonly #reservation: Reservation | undefined;
  #usage: UsageChange | undefined;
  #before: ObjectInfo | undefined;
  #after: ObjectInfo | undefined;
  #isOpen = false;
  #isLost = false;

  constructor(key: string, ledger: UsageLedger, reservation: Reservation | undefined) {
    this.#key = key;
    this.#ledger = ledger;
    this.#reservation = reservation;
  }

  /** Whether it may have been made, and nobody has said so. */
  get isOpen(): boolean {
    return this.#isOpen;
  }

  from<Decision>(current: ObjectInfo | undefined, decide: () => Decision): Decision {
    this.#usage ??= this.#ledger.change(this.#key);
    this.#isOpen = false;
    this.#before = current;
    this.#after = current;
    const decision = decide();
    this.#isOpen = true;
    return decision;
  }

  done(after: ObjectInfo | undefined): void {
    this.#after = after;
    this.#isOpen = false;
  }

  /** What was found afterwards: that this change has made it is only certain when there was no other. */
  found(info: ObjectInfo | undefined): void {
    if (this.#usage?.isAlone) this.done(info);
    else this.lost();
  }

  lost(): void {
    this.#isLost = true;
    this.#isOpen = false;
  }

  end(): void {
    const [before, after] = [this.#before, this.#after];
    if (this.#isLost) this.#usage?.doubt(this.#reservation);
    else if (before?.version === after?.version) this.#usage?.settle(undefined, undefined);
    else this.#usage?.settle(before && countedFileOf(before), after && countedFileOf(after));
    this.#reservation?.release();
  }
}

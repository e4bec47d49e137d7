import { requireInteger } from '../../kernel/index.ts';
import type { Quarantine, QuarantinedRecord, QuarantineStats } from './quarantine.ts';

/** How much a {@link MemoryQuarantine} holds. */
export interface MemoryQuarantineOptions {
  /** How many records; with more, the oldest ones are dropped and counted. @default 1_000 */
  readonly maxRecords?: number | undefined;
}

/**
 * Unreadable records in memory, until the process ends.
 *
 * @throws {ArgumentError} when an option is unusable.
 * @example
 * const quarantine = new MemoryQuarantine({ maxRecords: 100 });
 */
export class MemoryQuarantine implements Quarantine {
  readonly #maxRecords: number;
  readonly #records = new Map<string, QuarantinedRecord>();
  #dropped = 0;

  constructor({ maxRecords = 1_000 }: MemoryQuarantineOptions = {}) {
    this.#maxRecords = requireInteger('maxRecords', maxRecords, 1);
  }

  async add(records: readonly QuarantinedRecord[]): Promise<void> {
    for (const record of records) this.#records.set(record.id, record);
    for (const id of this.#records.keys()) {
      if (this.#records.size <= this.#maxRecords) break;
      this.#records.delete(id);
      this.#dropped += 1;
    }
  }

  async *entries(contract?: string): AsyncGenerator<QuarantinedRecord, void, undefined> {
    for (const record of [...this.#records.values()]) {
      if (contract === undefined || record.contract === contract) yield record;
    }
  }

  async remove(ids: readonly string[]): Promise<number> {
    return ids.filter(id => this.#records.delete(id)).length;
  }

  async stats(): Promise<QuarantineStats> {
    return { records: this.#records.size, dropped: this.#dropped };
  }
}

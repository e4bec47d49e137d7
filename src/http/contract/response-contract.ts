import { ArgumentError } from '../../errors/index.ts';
import { type EventSource, Events, requireInteger, requireNumber } from '../../kernel/index.ts';
import type { Drift } from './drift.ts';
import { DriftDetector, type DriftDetectorOptions } from './drift-detector.ts';
import { ContractError } from './errors.ts';
import type { ContractEvents } from './events.ts';
import { MemoryQuarantine } from './memory-quarantine.ts';
import { type Quarantine, type QuarantinedRecord, recordId } from './quarantine.ts';
import { type RecordReader, readerOf, reasonOf, requireSynchronous } from './record-reader.ts';
import { mapsOf, mergeShapes, type Shape, type ShapeOptions, ShapeTree } from './shape.ts';

/** Where records came from; an `HttpAnswer` will do. */
export interface RecordSource {
  /** The address that answered. */
  readonly url: string;
  /** When it answered, in milliseconds since 1970. */
  readonly fetchedAt: number;
}

/** What a {@link ResponseContract} holds an endpoint to. */
export interface ResponseContractOptions<Value> extends ShapeOptions {
  /** The endpoint, such as `openfda.label`. It is part of the ids of records: a new name is another contract. */
  readonly name: string;
  /** Makes a fact of a record, and throws when it cannot: a function, a schema of zod, or any Standard Schema. */
  readonly read: RecordReader<Value>;
  /** What records looked like. Without it nothing is compared, and `observed` is the shape to begin with. @default none */
  readonly shape?: Shape | undefined;
  /** Where unreadable records go. @default new MemoryQuarantine() */
  readonly quarantine?: Quarantine | undefined;
  /** From how many records without it on a field that was always there is missing, in one answer or in several. @default 20 */
  readonly minRecords?: number | undefined;
  /** How many records of an answer are compared, from all over it. All are read. @default 200 */
  readonly maxCompared?: number | undefined;
  /** How many elements of each array of a record are compared, from all over it. @default 100 */
  readonly maxElements?: number | undefined;
  /** How many drifts are told before the shape is accepted. @default 200 */
  readonly maxDrifts?: number | undefined;
  /** The largest part of an answer that may be unreadable; 1 lets even an answer pass of which nothing is left. @default 0.5 */
  readonly maxUnreadableRatio?: number | undefined;
}

/** What became of the records of an answer. */
export interface ContractAnswer<Value> {
  /** The facts, in the order of the records. */
  readonly values: readonly Value[];
  /** The records that could not be read. */
  readonly quarantined: readonly QuarantinedRecord[];
  /** What differs from the shape and was not told before. */
  readonly drifts: readonly Drift[];
}

/** A fact that was made of a record after it had been in quarantine. */
export interface RecoveredRecord<Value> extends RecordSource {
  /** The id that the record had in quarantine. */
  readonly id: string;
  readonly value: Value;
}

/** What became of the records in quarantine. */
export interface ContractReplay<Value> {
  /** Those that can be read now. They have left the quarantine. */
  readonly recovered: readonly RecoveredRecord<Value>[];
  /** Those that still cannot be read, with what is wrong with them now. */
  readonly remaining: readonly QuarantinedRecord[];
}

/**
 * What a connector expects of an endpoint: how a record is read, and what records look like. A record that cannot be read
 * goes to quarantine and leaves the rest of the answer alone; a field that is new, missing or of another type is told once.
 *
 * @throws {ArgumentError} when an option is unusable.
 * @example
 * const labels = new ResponseContract({ name: 'openfda.label', shape: labelShape, read: Label });
 * labels.events.on('drift', ({ kind, path }) => logger.warning('openFDA has changed', { kind, path }));
 * const { values } = await labels.read(answer.body.results, answer);
 */
export class ResponseContract<Value> {
  /** The endpoint. */
  readonly name: string;
  readonly #events = new Events<ContractEvents>();
  readonly #options: ContractLimits;
  readonly #quarantine: Quarantine;
  readonly #read: (record: unknown) => Value;
  #shape: Shape;
  #detector: DriftDetector | undefined;
  #observed: ShapeTree;

  constructor(options: ResponseContractOptions<Value>) {
    this.name = options.name;
    this.#options = limitsOf(options);
    this.#quarantine = options.quarantine ?? new MemoryQuarantine();
    this.#read = readerOf(options.read);
    this.#shape = options.shape ?? {};
    this.#observed = this.#newTree();
    this.#detector = this.#newDetector();
  }

  /** What it tells. */
  get events(): EventSource<ContractEvents> {
    return this.#events;
  }

  /** What records are expected to look like; empty when none was given or accepted. */
  get shape(): Shape {
    return this.#shape;
  }

  /** The differences that were found since the shape was given or accepted, in order. */
  get drifts(): readonly Drift[] {
    return this.#detector?.told ?? [];
  }

  /**
   * Reads the records of an answer, and compares them with the shape.
   *
   * @throws {ContractError} when more of them are unreadable than `maxUnreadableRatio` allows, or this is no list.
   */
  async read(records: readonly unknown[], source: RecordSource): Promise<ContractAnswer<Value>> {
    if (!Array.isArray(records)) throw this.#noList(records);
    const drifts = this.#compare(records, source);
    const values: Value[] = [];
    const quarantined: QuarantinedRecord[] = [];
    let firstError: unknown;
    for (const record of records) {
      const outcome = this.#readRecord(record);
      if (outcome.isRead) values.push(outcome.value);
      else {
        if (quarantined.length === 0) firstError = outcome.error;
        quarantined.push(this.#quarantinedOf(record, source, outcome.error));
      }
    }
    const isKept = await this.#keep(quarantined);
    if (quarantined.length > records.length * this.#options.maxUnreadableRatio) {
      throw this.#unreadable(quarantined.length, records.length, firstError, isKept);
    }
    return { values, quarantined, drifts };
  }

  /**
   * Reads the one record of an answer.
   *
   * @throws {ContractError} when it cannot be read; it is in quarantine then.
   */
  async readOne(record: unknown, source: RecordSource): Promise<Value> {
    this.#compare([record], source);
    const outcome = this.#readRecord(record);
    if (outcome.isRead) return outcome.value;
    const isKept = await this.#keep([this.#quarantinedOf(record, source, outcome.error)]);
    throw this.#unreadable(1, 1, outcome.error, isKept);
  }

  /**
   * Reads again what is in quarantine, after the reader was mended.
   *
   * @param take Is given each fact before its record leaves the quarantine, so that none is lost if the process ends in
   * between. When it fails, the record stays, and the replay ends with that failure.
   */
  async replay(take?: (recovered: RecoveredRecord<Value>) => void | Promise<void>): Promise<ContractReplay<Value>> {
    const quarantine = this.#quarantine;
    const recovered: RecoveredRecord<Value>[] = [];
    const remaining: QuarantinedRecord[] = [];
    for await (const entry of quarantine.entries(this.name)) {
      const { id, url, fetchedAt, record } = entry;
      const outcome = this.#readRecord(record);
      if (outcome.isRead) {
        const found = { id, value: outcome.value, url, fetchedAt };
        await take?.(found);
        await quarantine.remove([id]);
        recovered.push(found);
        continue;
      }
      const error = reasonOf(outcome.error);
      const isSame = error.message === entry.error.message && error.path === entry.error.path;
      const changed = isSame ? entry : { ...entry, error };
      if (!isSame) await quarantine.add([changed]);
      remaining.push(changed);
    }
    return { recovered, remaining };
  }

  /** What the records that were compared looked like, since the shape was given or accepted. */
  observed(): Shape {
    return this.#observed.toShape();
  }

  /**
   * Takes what was observed for the shape, besides what was expected: fields that are gone or new may be there or not from
   * now on. Nothing is written: keep what is returned where the shape came from.
   */
  accept(): Shape {
    this.#shape = mergeShapes(this.#shape, this.observed(), this.#options);
    this.#observed = this.#newTree();
    this.#detector = this.#newDetector();
    return this.#shape;
  }

  #newTree(): ShapeTree {
    return new ShapeTree({
      ...this.#options,
      maps: [...new Set([...(this.#options.maps ?? []), ...mapsOf(this.#shape)])],
    });
  }

  #newDetector(): DriftDetector | undefined {
    return Object.keys(this.#shape).length === 0 ? undefined : new DriftDetector(this.#shape, this.#options);
  }

  #compare(records: readonly unknown[], { url }: RecordSource): readonly Drift[] {
    const { maxCompared, maxElements } = this.#options;
    const stride = Math.ceil(records.length / maxCompared) || 1;
    for (let index = 0; index < records.length; index += stride) {
      this.#observed.observe(records[index], maxElements);
      this.#detector?.compare(records[index]);
    }
    const drifts = this.#detector?.take() ?? [];
    if (this.#events.has('drift')) {
      for (const drift of drifts) this.#events.emit('drift', { ...drift, contract: this.name, url });
    }
    return drifts;
  }

  #readRecord(record: unknown): ReadOutcome<Value> {
    let value: Value;
    try {
      value = this.#read(record);
    } catch (error) {
      // An asynchronous schema is a mistake in the program, and no fault of the record.
      if (error instanceof ArgumentError && error.argument === 'read') throw error;
      return { isRead: false, error };
    }
    requireSynchronous(value);
    return { isRead: true, value };
  }

  #quarantinedOf(record: unknown, { url, fetchedAt }: RecordSource, error: unknown): QuarantinedRecord {
    return { id: recordId(this.name, record), contract: this.name, record, error: reasonOf(error), url, fetchedAt };
  }

  /** @returns whether the quarantine has them. */
  async #keep(records: readonly QuarantinedRecord[]): Promise<boolean> {
    if (records.length === 0) return true;
    try {
      await this.#quarantine.add(records);
    } catch (error) {
      this.#events.emit('quarantine-failed', { contract: this.name, records: records.length, error });
      return false;
    }
    if (!this.#events.has('quarantined')) return true;
    for (const { id, contract, url, error } of records) {
      this.#events.emit('quarantined', { contract, id, url, error: error.message, path: error.path });
    }
    return true;
  }

  #unreadable(unreadable: number, total: number, cause: unknown, isKept: boolean): ContractError {
    const { message, path } = reasonOf(cause);
    const where = path === undefined ? '' : ` at ${path}`;
    return new ContractError(
      `${unreadable} of ${total} records of ${this.name} cannot be read, the first one because${where}: ${message}. ` +
        (isKept ? 'They are in quarantine: mend the reader, then replay' : 'The quarantine could not take them'),
      { contract: this.name, unreadable, total },
      { cause },
    );
  }

  #noList(found: unknown): ContractError {
    const what = found === null ? 'null' : typeof found;
    return new ContractError(`Expected a list of records of ${this.name}, got ${what}`, {
      contract: this.name,
      unreadable: 1,
      total: 1,
    });
  }
}

type ReadOutcome<Value> =
  | { readonly isRead: true; readonly value: Value }
  | { readonly isRead: false; readonly error: unknown };

interface ContractLimits extends ShapeOptions, DriftDetectorOptions {
  readonly maxCompared: number;
  readonly maxUnreadableRatio: number;
}

function limitsOf(options: Omit<ResponseContractOptions<unknown>, 'read'>): ContractLimits {
  const { name, maps, maxKeys, maxDepth, maxPaths } = options;
  const { minRecords = 20, maxCompared = 200, maxElements = 100, maxDrifts = 200, maxUnreadableRatio = 0.5 } = options;
  if (name.trim() === '') throw new ArgumentError('Cannot use name: expected the endpoint, got a blank text', 'name');
  return {
    maps,
    maxKeys,
    maxDepth,
    maxPaths,
    minRecords: requireInteger('minRecords', minRecords, 1),
    maxCompared: requireInteger('maxCompared', maxCompared, 1),
    maxElements: requireInteger('maxElements', maxElements, 1),
    maxDrifts: requireInteger('maxDrifts', maxDrifts, 1),
    maxUnreadableRatio: requireNumber('maxUnreadableRatio', maxUnreadableRatio, 0, 1),
  };
}

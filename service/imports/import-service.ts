import { setMaxListeners } from 'node:events';
import { type BatchProcessor, type BatchProcessorOptions, FileCheckpoint } from 'plinth/batch';
import { NotFoundError, RejectedError } from 'plinth/errors';
import { type Clock, type EventSource, Events, type Ids } from 'plinth/kernel';
import { ImportFiles, type ImportManifest } from './import-files.ts';
import { importedMedication } from './import-schemas.ts';
import {
  type ImportedMedication,
  type ImportResult,
  type ImportState,
  MedicationImport,
  type ResultsQuery,
} from './medication-import.ts';

/** What {@link ImportService} tells. */
export interface ImportEvents {
  /** An import began, went on, or came further. */
  changed: ImportState;
}

/** What an {@link ImportService} is made of. */
export interface ImportServiceParts {
  /** Where imports are kept. */
  readonly directory: string;
  /** What is done with each name. */
  readonly work: (name: string, signal: AbortSignal) => Promise<ImportedMedication>;
  /** Makes the batch of an import. */
  readonly makeBatch: (
    options: BatchProcessorOptions<string, ImportedMedication>,
  ) => BatchProcessor<string, ImportedMedication>;
  readonly clock: Clock;
  readonly ids: Ids;
}

/** How many imports are kept: beyond it the oldest one that has ended is forgotten. */
const maxImports = 20;

/** How many names of an import are asked for at once. */
const maxConcurrent = 5;

/** How long what is under way may take to its outcome when the process ends, in milliseconds. */
const closeGraceMs = 2_000;

/**
 * Imports lists of medications: each name is asked for once, its outcome is kept in a file, and an import that the process
 * did not live to finish goes on when the service starts again.
 */
export class ImportService {
  readonly #parts: ImportServiceParts;
  readonly #files: ImportFiles;
  readonly #imports = new Map<string, MedicationImport>();
  readonly #events = new Events<ImportEvents>();
  readonly #closing = new AbortController();

  constructor(parts: ImportServiceParts) {
    this.#parts = parts;
    // As many listen as there are imports.
    setMaxListeners(0, this.#closing.signal);
    this.#files = new ImportFiles(parts.directory);
  }

  get events(): EventSource<ImportEvents> {
    return this.#events;
  }

  /** Reads the imports of earlier runs; those that were under way go on. */
  async open(): Promise<void> {
    for (const manifest of await this.#files.read()) this.#add(manifest).run();
  }

  /** Begins an import. @throws {RejectedError} when there are too many that have not ended */
  async start(names: readonly string[], title: string | undefined): Promise<ImportState> {
    const forgotten = this.#makeRoom();
    const { ids, clock } = this.#parts;
    const manifest: ImportManifest = {
      id: ids.next(),
      title: title ?? titleOf(names),
      createdAt: new Date(clock.now()).toISOString(),
      names: [...names],
      stopped: false,
    };
    // Its place is taken before anything is waited for: of many who begin one at once no more get in than there is room for.
    const one = this.#add(manifest);
    return await one.inTurn(async () => {
      try {
        if (forgotten !== undefined) await this.#files.remove(forgotten);
        await this.#files.write(manifest);
      } catch (error) {
        this.#imports.delete(manifest.id);
        throw error;
      }
      one.run();
      return one.state();
    });
  }

  /** Every import, the newest first. */
  list(): readonly ImportState[] {
    return [...this.#imports.values()].map(one => one.state()).reverse();
  }

  /** @throws {NotFoundError} when there is none of this id */
  get(id: string): ImportState {
    return this.#find(id).state();
  }

  /** Some of the results, in the order of the names. @throws {NotFoundError} */
  results(id: string, query: ResultsQuery): readonly ImportResult[] {
    return this.#find(id).results(query);
  }

  /** Begins no further name until {@link resume}. @throws {NotFoundError} */
  async pause(id: string): Promise<ImportState> {
    return await this.#change(id, one => one.pause());
  }

  /** Goes on: after a pause, or after it was stopped or failed. @throws {NotFoundError} */
  async resume(id: string): Promise<ImportState> {
    return await this.#change(id, async one => {
      one.resume();
      if (!one.hasEnded || one.state().state === 'completed') return;
      await this.#files.write(one.mark(false));
      one.run();
    });
  }

  /** Ends it; what is under way gets its outcome. @throws {NotFoundError} */
  async stop(id: string): Promise<ImportState> {
    return await this.#change(id, async one => {
      if (one.hasEnded) return;
      const stopped = one.stop();
      await this.#files.write(one.mark(true));
      await stopped;
    });
  }

  /**
   * Stops working on all of them; they go on at the next start. What is under way gets its outcome within two seconds, or is
   * done again then: a name may wait for its turn at a source for longer than a process has to end.
   */
  async close(): Promise<void> {
    const giveUp = (): void => this.#closing.abort(new RejectedError('The imports are closing', 'closed'));
    const timer = this.#parts.clock.setTimer(closeGraceMs, giveUp, { keepsProcessAlive: true });
    await Promise.all([...this.#imports.values()].map(one => one.stop()));
    timer.cancel();
    giveUp();
  }

  #add(manifest: ImportManifest): MedicationImport {
    const { makeBatch, clock, work } = this.#parts;
    const checkpoint = new FileCheckpoint<ImportedMedication>({
      path: this.#files.outcomes(manifest.id),
      job: manifest.id,
      parse: importedMedication.parse,
      clock,
    });
    const processor = makeBatch({
      name: 'medications',
      // What somebody ended is read only: its outcomes are there, and nothing is begun.
      work: (name, { signal }) => (one.manifest.stopped ? refuse() : work(name, signal)),
      checkpoint,
      maxConcurrent,
      keyOf: name => name,
      clock,
    });
    const one = new MedicationImport({ manifest, processor, signal: this.#closing.signal });
    const tell = (): void => void this.#tell(one);
    for (const type of ['started', 'progress', 'ended'] as const) processor.events.on(type, tell);
    this.#imports.set(manifest.id, one);
    return one;
  }

  #tell(one: MedicationImport): ImportState {
    const state = one.state();
    if (this.#events.has('changed')) this.#events.emit('changed', state);
    return state;
  }

  async #change(id: string, change: (one: MedicationImport) => Promise<void> | void): Promise<ImportState> {
    const one = this.#find(id);
    return await one.inTurn(async () => {
      await change(one);
      return this.#tell(one);
    });
  }

  #find(id: string): MedicationImport {
    const found = this.#imports.get(id);
    if (found === undefined) throw new NotFoundError('Import', id);
    return found;
  }

  /** @returns the import that is no longer known, whose files are to be removed */
  #makeRoom(): string | undefined {
    if (this.#imports.size < maxImports) return undefined;
    for (const [id, one] of this.#imports) {
      if (!one.isIdle) continue;
      this.#imports.delete(id);
      return id;
    }
    throw new RejectedError(`Cannot begin another import: ${maxImports} have not ended yet`, 'full');
  }
}

async function refuse(): Promise<never> {
  throw new RejectedError('The import was ended', 'closed');
}

function titleOf(names: readonly string[]): string {
  const [first = '', second] = names;
  const rest = names.length - 2;
  const shown = second === undefined ? first : `${first}, ${second}${rest > 0 ? ` and ${rest} more` : ''}`;
  return shown.slice(0, 100);
}

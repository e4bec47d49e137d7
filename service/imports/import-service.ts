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

/**
 * Imports lists of medications: each name is asked for once, its outcome is kept in a file, and an import that the process
 * did not live to finish goes on when the service starts again.
 */
export class ImportService {
  readonly #parts: ImportServiceParts;
  readonly #files: ImportFiles;
  readonly #imports = new Map<string, MedicationImport>();
  readonly #events = new Events<ImportEvents>();

  constructor(parts: ImportServiceParts) {
    this.#parts = parts;
    this.#files = new ImportFiles(parts.directory);
  }

  get events(): EventSource<ImportEvents> {
    return this.#events;
  }

  /** Reads the imports of earlier runs; those that were under way go on. */
  async open(): Promise<void> {
    for (const manifest of await this.#files.read()) {
      // What somebody ended is read only: its outcomes are there, and nothing is begun.
      void this.#add(manifest, manifest.stopped ? refuse : this.#parts.work).run();
    }
  }

  /** Begins an import. @throws {RejectedError} when there are too many that have not ended */
  async start(names: readonly string[], title: string | undefined): Promise<ImportState> {
    await this.#makeRoom();
    const { ids, clock } = this.#parts;
    const manifest: ImportManifest = {
      id: ids.next(),
      title: title ?? titleOf(names),
      createdAt: new Date(clock.now()).toISOString(),
      names: [...names],
      stopped: false,
    };
    await this.#files.write(manifest);
    const one = this.#add(manifest, this.#parts.work);
    void one.run();
    return one.state();
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
  pause(id: string): ImportState {
    const one = this.#find(id);
    one.pause();
    return this.#tell(one);
  }

  /** Goes on: after a pause, or after it was stopped or failed. @throws {NotFoundError} */
  async resume(id: string): Promise<ImportState> {
    const one = this.#find(id);
    one.resume();
    if (!one.hasEnded || one.state().state === 'completed') return this.#tell(one);
    const manifest = { ...one.manifest, stopped: false };
    await this.#files.write(manifest);
    const again = this.#add(manifest, this.#parts.work);
    void again.run();
    return again.state();
  }

  /** Ends it; what is under way gets its outcome. @throws {NotFoundError} */
  async stop(id: string): Promise<ImportState> {
    const one = this.#find(id);
    if (!one.hasEnded) {
      const stopped = one.stop();
      await this.#files.write({ ...one.manifest, stopped: true });
      await stopped;
    }
    return this.#tell(one);
  }

  /** Stops working on all of them; they go on at the next start. */
  async close(): Promise<void> {
    await Promise.all([...this.#imports.values()].map(one => one.stop()));
  }

  #add(manifest: ImportManifest, work: ImportServiceParts['work']): MedicationImport {
    const { makeBatch, clock } = this.#parts;
    const checkpoint = new FileCheckpoint<ImportedMedication>({
      path: this.#files.outcomes(manifest.id),
      job: manifest.id,
      parse: importedMedication.parse,
      clock,
    });
    const processor = makeBatch({
      name: 'medications',
      work: (name, { signal }) => work(name, signal),
      checkpoint,
      maxConcurrent,
      keyOf: name => name,
      clock,
    });
    const one = new MedicationImport(manifest, processor);
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

  #find(id: string): MedicationImport {
    const found = this.#imports.get(id);
    if (found === undefined) throw new NotFoundError('Import', id);
    return found;
  }

  async #makeRoom(): Promise<void> {
    if (this.#imports.size < maxImports) return;
    for (const [id, one] of this.#imports) {
      if (!one.hasEnded) continue;
      this.#imports.delete(id);
      return this.#files.remove(id);
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

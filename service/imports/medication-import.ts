import type { BatchEnd, BatchProcessor, BatchProgress, BatchResult } from 'plinth/batch';
import { PlinthError, RejectedError } from 'plinth/errors';
import type { z } from 'zod';
import type { ImportManifest } from './import-files.ts';
import type { importedMedication, importResult, importState } from './import-schemas.ts';

/** What came of one name. */
export type ImportedMedication = z.infer<typeof importedMedication>;

/** How far an import is. */
export type ImportState = z.infer<typeof importState>;

/** One line of the results. */
export type ImportResult = z.infer<typeof importResult>;

/** Which results are wanted. */
export interface ResultsQuery {
  readonly offset: number;
  readonly limit: number;
  /** Only those that failed. */
  readonly failed: boolean;
}

/** One import: its names, and the batch that works on them. */
export class MedicationImport {
  readonly manifest: ImportManifest;
  readonly #processor: BatchProcessor<string, ImportedMedication>;
  readonly #results: BatchResult<string, ImportedMedication>[] = [];
  #failed = 0;
  #end: BatchEnd | undefined;
  #isPaused = false;
  #running: Promise<void> | undefined;

  constructor(manifest: ImportManifest, processor: BatchProcessor<string, ImportedMedication>) {
    this.manifest = manifest;
    this.#processor = processor;
    processor.events.on('ended', end => {
      this.#end = end;
    });
  }

  /** Whether nothing more happens by itself. */
  get hasEnded(): boolean {
    return this.#end !== undefined;
  }

  /** Begins, or goes on where the outcomes end. Resolves when the batch has ended, whichever way. */
  run(): Promise<void> {
    this.#end = undefined;
    this.#results.length = 0;
    this.#failed = 0;
    this.#running = this.#collect();
    return this.#running;
  }

  pause(): void {
    this.#isPaused = true;
    this.#processor.pause();
  }

  resume(): void {
    this.#isPaused = false;
    this.#processor.resume();
  }

  /** Ends it: what is under way gets its outcome. */
  async stop(): Promise<void> {
    const stopped = this.#processor.stop();
    this.resume();
    await stopped;
    await this.#running;
  }

  state(): ImportState {
    const { id, title, createdAt, names } = this.manifest;
    const progress: BatchProgress | undefined = this.#end ?? this.#processor.progress();
    const { recorded = 0, active = 0, ratePerSecond = 0, elapsedMs = 0, etaMs } = progress ?? {};
    return {
      id,
      title,
      createdAt,
      state: this.#stateName(),
      total: names.length,
      done: this.#results.length,
      failed: this.#failed,
      recorded,
      active,
      // An import that is over has no pace, and one that was only read from its file never had.
      ratePerSecond: this.hasEnded ? 0 : ratePerSecond,
      elapsedMs,
      etaMs: etaMs ?? null,
      ...(this.#end?.error === undefined ? {} : { error: messageOf(this.#end.error) }),
    };
  }

  /** Some of the results, in the order of the names; only those of names that are done, or only those that failed. */
  results({ offset, limit, failed }: ResultsQuery): readonly ImportResult[] {
    const wanted = failed ? this.#results.filter(({ ok }) => !ok) : this.#results;
    return wanted.slice(offset, offset + limit).map(({ index, item, ok, value, error, recorded }) => ({
      index,
      name: item,
      ok,
      ...(ok ? { value } : { error: { code: codeOf(error), message: messageOf(error) } }),
      recorded,
    }));
  }

  async #collect(): Promise<void> {
    try {
      for await (const result of this.#processor.run(this.manifest.names, { total: this.manifest.names.length })) {
        // Names that did not begin because the import ended have no result: they are done when it goes on.
        if (isRefused(result)) continue;
        this.#results.push(result);
        if (!result.ok) this.#failed += 1;
      }
    } catch {
      // How it ended is in the batch's own last event.
    }
  }

  #stateName(): ImportState['state'] {
    const outcome = this.#end?.outcome;
    if (outcome === undefined) return this.#isPaused ? 'paused' : 'running';
    if (outcome !== 'completed') return outcome === 'stopped' ? 'stopped' : 'failed';
    return this.#results.length === this.manifest.names.length ? 'completed' : 'stopped';
  }
}

function isRefused({ ok, error, recorded }: BatchResult<string, ImportedMedication>): boolean {
  return !ok && !recorded && error instanceof RejectedError && error.reason === 'closed';
}

function codeOf(error: unknown): string {
  return error instanceof PlinthError ? error.code : 'INTERNAL_ERROR';
}

/** What a client may read: the words of our own errors, and of no others. */
function messageOf(error: unknown): string {
  return error instanceof PlinthError ? error.message : 'Something went wrong inside';
}

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

/** What a {@link MedicationImport} is made of. */
export interface MedicationImportParts {
  readonly manifest: ImportManifest;
  readonly processor: BatchProcessor<string, ImportedMedication>;
  /** Gives up what is under way. */
  readonly signal: AbortSignal;
}

/** One import: its names, and the batch that works on them. */
export class MedicationImport {
  readonly #processor: BatchProcessor<string, ImportedMedication>;
  readonly #signal: AbortSignal;
  readonly #results: BatchResult<string, ImportedMedication>[] = [];
  #manifest: ImportManifest;
  #failed = 0;
  #end: BatchEnd | undefined;
  #isPaused = false;
  #running: Promise<void> | undefined;
  #turns = 0;
  #lastTurn: Promise<unknown> = Promise.resolve();

  constructor({ manifest, processor, signal }: MedicationImportParts) {
    this.#manifest = manifest;
    this.#processor = processor;
    this.#signal = signal;
    processor.events.on('ended', end => {
      this.#end = end;
    });
  }

  /** What is kept of it besides its outcomes. */
  get manifest(): ImportManifest {
    return this.#manifest;
  }

  /** Whether nothing more happens by itself. */
  get hasEnded(): boolean {
    return this.#end !== undefined;
  }

  /** Whether it has ended, and nobody is about to change that. */
  get isIdle(): boolean {
    return this.hasEnded && this.#turns === 0;
  }

  /** Changes it when those who came earlier have: two who stop it and go on with it at once do so one after the other. */
  async inTurn<Value>(change: () => Promise<Value> | Value): Promise<Value> {
    this.#turns += 1;
    const turn = this.#lastTurn.then(change).finally(() => {
      this.#turns -= 1;
    });
    this.#lastTurn = turn.catch(() => {});
    return await turn;
  }

  /** Notes whether somebody ended it. @returns what is to be kept */
  mark(stopped: boolean): ImportManifest {
    this.#manifest = { ...this.#manifest, stopped };
    return this.#manifest;
  }

  /** Begins, or goes on where the outcomes end. */
  run(): void {
    this.#end = undefined;
    this.#results.length = 0;
    this.#failed = 0;
    this.#running = this.#collect(this.#running);
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
    const { id, title, createdAt, names } = this.#manifest;
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
      ...(this.#end?.outcome === 'failed' ? { error: messageOf(this.#end.error) } : {}),
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

  async #collect(before: Promise<void> | undefined): Promise<void> {
    await before;
    const { names } = this.#manifest;
    try {
      for await (const result of this.#processor.run(names, { total: names.length, signal: this.#signal })) {
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
    if (outcome === 'failed') return 'failed';
    return outcome === 'completed' && this.#results.length === this.#manifest.names.length ? 'completed' : 'stopped';
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

import { ImportPaces } from './import-paces.ts';
import type { ImportResult, ImportState } from './import-wire.ts';
import type { ImportAction } from './import-words.ts';
import { namesOf } from './import-words.ts';
import type { Problem, Reply } from './reply.ts';
import { requestService } from './service-request.ts';

/** What the page knows of imports besides how far they are. */
export interface ImportView {
  /** Whether the service has not said yet that it takes the new import. */
  readonly beginning: boolean;
  /** What was asked for and has not happened yet, by the import: stopping waits for what is under way. */
  readonly steering: ReadonlyMap<string, ImportAction>;
  /** Why the last thing that was asked for did not happen. */
  readonly problem: Problem | undefined;
  /** The import whose results are open. */
  readonly open: OpenResults | undefined;
}

/** The results of one import, as far as they were read. */
export interface OpenResults {
  readonly id: string;
  /** How many results come before those that are shown. */
  readonly offset: number;
  /** `undefined` while they are asked for. */
  readonly reply: Reply<readonly ImportResult[]> | undefined;
}

/** What the desk of imports stands on. */
export interface ImportDeskParts {
  readonly update: (view: ImportView) => void;
  /** Told of what the service says of one import, before it tells everybody. */
  readonly onImport: (one: ImportState) => void;
  readonly announce: (text: string) => void;
}

export const importsPath = '/api/v1/imports';
export const resultsShown = 100;

export function resultsPath(id: string, offset: number): string {
  return `${importsPath}/${encodeURIComponent(id)}/results?offset=${offset}&limit=${resultsShown}`;
}

/** Begins imports, steers them, and reads their results. */
export class ImportDesk {
  readonly #parts: ImportDeskParts;
  readonly #paces = new ImportPaces();
  #view: ImportView = { beginning: false, steering: new Map(), problem: undefined, open: undefined };
  #reading = false;

  constructor(parts: ImportDeskParts) {
    this.#parts = parts;
  }

  get view(): ImportView {
    return this.#view;
  }

  /** Begins an import of the names of a text. Does nothing while another one begins. */
  async begin(text: string): Promise<void> {
    const names = namesOf(text);
    if (this.#view.beginning || names.length === 0) return;
    this.#update({ beginning: true });
    const began = await this.#change(importsPath, { names });
    this.#update({ beginning: false });
    if (began) this.#parts.announce(`The import of ${began.title} began`);
  }

  /** Does nothing while something else is happening to this import. */
  async steer(id: string, action: ImportAction): Promise<void> {
    if (this.#view.steering.has(id)) return;
    this.#update({ steering: new Map([...this.#view.steering, [id, action]]) });
    await this.#change(`${importsPath}/${encodeURIComponent(id)}/${action}`);
    this.#update({ steering: new Map([...this.#view.steering].filter(([other]) => other !== id)) });
  }

  /** How many names an import does in a second now; `undefined` while that is not known. */
  perSecond(id: string): number | undefined {
    return this.#paces.perSecond(id);
  }

  /** Shows results from so many on; `undefined` closes them. */
  async show(id: string | undefined, offset = 0): Promise<void> {
    if (id === undefined) return this.#update({ open: undefined });
    // Other results of the same import stay until the new ones are there: nothing jumps.
    const { open } = this.#view;
    this.#update({ open: { id, offset, reply: open?.id === id ? open.reply : undefined } });
    await this.#read(id, offset);
  }

  /** Takes in how far imports are. Reads results again that are open and have become more. */
  async follow(imports: readonly ImportState[]): Promise<void> {
    this.#paces.note(imports);
    const { open } = this.#view;
    const one = imports.find(({ id }) => id === open?.id);
    if (!open || this.#reading) return;
    if (!one) return this.#update({ open: undefined });
    const shown = open.reply?.answer?.length ?? 0;
    if (shown !== Math.min(Math.max(one.done - open.offset, 0), resultsShown)) await this.#read(open.id, open.offset);
  }

  async #read(id: string, offset: number): Promise<void> {
    this.#reading = true;
    const reply = await requestService<readonly ImportResult[]>({
      path: resultsPath(id, offset),
      isAnswer: Array.isArray,
    });
    this.#reading = false;
    // What was asked for may have changed meanwhile.
    const { open } = this.#view;
    if (open?.id === id && open.offset === offset) this.#update({ open: { id, offset, reply } });
  }

  /** Asks for a change, and says what became of the import. */
  async #change(path: string, body?: unknown): Promise<ImportState | undefined> {
    const { answer, problem } = await requestService<ImportState>({ path, method: 'POST', body, isAnswer: isImport });
    this.#update({ problem });
    if (answer) {
      this.#paces.note([answer]);
      this.#parts.onImport(answer);
    }
    return answer;
  }

  #update(change: Partial<ImportView>): void {
    this.#view = { ...this.#view, ...change };
    this.#parts.update(this.#view);
  }
}

function isImport(body: object): body is ImportState {
  const { id, state, total } = body as Partial<ImportState>;
  return typeof id === 'string' && typeof state === 'string' && typeof total === 'number';
}

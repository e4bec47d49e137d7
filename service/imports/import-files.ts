import { readdir, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { makeDirectory } from 'plinth/kernel';
import { z } from 'zod';

const manifest = z.object({
  id: z.string().regex(/^[\w-]+$/),
  title: z.string(),
  createdAt: z.string(),
  names: z.array(z.string()),
  /** Somebody ended it before it was done: it does not go on by itself. */
  stopped: z.boolean(),
});

/** What is known of an import besides its outcomes. */
export type ImportManifest = z.infer<typeof manifest>;

/** Where imports are kept: for each a file with its names, and one with the outcomes. */
export class ImportFiles {
  readonly #directory: string;

  constructor(directory: string) {
    this.#directory = directory;
    makeDirectory(directory);
  }

  /** The file of the outcomes. */
  outcomes(id: string): string {
    return join(this.#directory, `${id}.jsonl`);
  }

  /** Every import, the oldest first. What cannot be read is left where it is, and out. */
  async read(): Promise<readonly ImportManifest[]> {
    const names = (await readdir(this.#directory)).filter(name => name.endsWith('.json'));
    const found = await Promise.all(names.map(name => this.#readOne(join(this.#directory, name))));
    return found.flatMap(one => one ?? []).sort((one, other) => one.createdAt.localeCompare(other.createdAt));
  }

  /** Keeps an import: the whole of it or nothing. */
  async write(one: ImportManifest): Promise<void> {
    const path = join(this.#directory, `${one.id}.json`);
    await writeFile(`${path}.new`, JSON.stringify(one));
    await rename(`${path}.new`, path);
  }

  /** Forgets an import with its outcomes. */
  async remove(id: string): Promise<void> {
    await rm(join(this.#directory, `${id}.json`), { force: true });
    await rm(this.outcomes(id), { force: true });
  }

  async #readOne(path: string): Promise<ImportManifest | undefined> {
    try {
      return manifest.parse(JSON.parse(await readFile(path, 'utf8')));
    } catch {
      return undefined;
    }
  }
}

import { ArgumentError, NotFoundError } from '../errors/index.ts';
import type { Prompt } from './prompt.ts';

/**
 * The prompts of a process, by name and version: to be listed, compared, and found by who knows only a name.
 *
 * @example
 * const catalog = new PromptCatalog();
 * catalog.add(headlines);
 * catalog.get('headlines').version; // 1
 */
export class PromptCatalog {
  readonly #prompts = new Map<string, Map<number, Prompt<string, unknown>>>();

  /**
   * Adds a prompt, and gives it back.
   *
   * @throws {ArgumentError} when this version of it is there already, with other words; the same words may come again.
   */
  add<Added extends Prompt<string, unknown>>(prompt: Added): Added {
    const { name, version, fingerprint } = prompt;
    const versions = this.#prompts.get(name) ?? new Map<number, Prompt<string, unknown>>();
    const known = versions.get(version);
    if (known !== undefined && known.fingerprint !== fingerprint) {
      throw new ArgumentError(
        `Cannot add version ${version} of the prompt "${name}": it is there already, with other words. Give the new words a new version`,
        'prompt',
      );
    }
    versions.set(version, prompt);
    this.#prompts.set(name, versions);
    return prompt;
  }

  /**
   * A prompt by its name.
   *
   * @param version @default the newest one
   * @throws {NotFoundError} when there is none.
   */
  get(name: string, version?: number): Prompt<string, unknown> {
    const versions = this.#prompts.get(name);
    const prompt = versions?.get(version ?? Math.max(...versions.keys()));
    if (prompt === undefined) throw new NotFoundError('Prompt', version === undefined ? name : `${name} ${version}`);
    return prompt;
  }

  /** Every version of every prompt, by name, the newest first. */
  list(): readonly Prompt<string, unknown>[] {
    return [...this.#prompts.values()]
      .flatMap(versions => [...versions.values()])
      .sort((one, other) => (one.name === other.name ? other.version - one.version : one.name < other.name ? -1 : 1));
  }
}

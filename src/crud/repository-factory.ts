import { Repository } from './repository.ts';
import type { RepositoryDatabase, RepositoryOptions, RepositorySource } from './repository-core.ts';
import type { Table } from './table-types.ts';

/** A class of repositories, made from a source and options. */
export type RepositoryClass<R> = new (source: RepositorySource, options?: RepositoryOptions) => R;

/**
 * Makes repositories over one database, each once.
 *
 * @example
 * const repositories = new RepositoryFactory(database, { gather: true });
 * const campaigns = repositories.create(campaignsTable);
 * const ads = repositories.create(AdsRepository);
 */
export class RepositoryFactory {
  readonly #database: RepositoryDatabase;
  readonly #options: RepositoryOptions;
  readonly #made = new Map<object, object>();

  constructor(database: RepositoryDatabase, options: RepositoryOptions = {}) {
    this.#database = database;
    this.#options = options;
  }

  /** The repository of a table, or of a class that knows its table. The same one each time. */
  create<T extends Table>(table: T): Repository<T>;
  create<R extends object>(type: RepositoryClass<R>): R;
  create(target: Table | RepositoryClass<object>): object {
    const known = this.#made.get(target);
    if (known !== undefined) return known;
    const made =
      typeof target === 'function'
        ? new target(this.#database, this.#options)
        : new Repository(target, this.#database, this.#options);
    this.#made.set(target, made);
    return made;
  }
}

import { ArgumentError, NotFoundError } from '../errors/index.ts';
import type { ChangeOptions, Filters, ManyOptions, Repository } from './repository.ts';
import type { QueryRunner } from './repository-core.ts';
import type { Insert, Key, ListOptions, OwnerKey, Page, Row, Table, Update } from './table-types.ts';

/**
 * Create, read, list, change and delete over a repository, with errors that a route can answer. Use it as it is, or
 * extend it once per resource. To do something before or after, override the method and call `super`. A subclass with a
 * constructor takes the repository first and gives all that it takes to `super`, so that `ownedBy`, `forAllOwners` and
 * `withSession` make one of its own kind with the same parts.
 *
 * @example
 * class UserService extends BaseService<typeof users> {
 *   readonly #mailer: Mailer;
 *   constructor(repository: Repository<typeof users>, mailer: Mailer) {
 *     super(repository, mailer);
 *     this.#mailer = mailer;
 *   }
 *   override async create(data: Insert<typeof users>) {
 *     const user = await super.create({ ...data, email: data.email.toLowerCase() });
 *     await this.#mailer.welcome(user.email);
 *     return user;
 *   }
 * }
 * const service = new UserService(new Repository(users, database), mailer);
 * const page = await service.getAll({ pagination: { page: 1, size: 20 }, sort: { field: 'createdAt', order: 'desc' } });
 */
export class BaseService<T extends Table, R extends Repository<T> = Repository<T>> {
  /** Where the rows are. */
  readonly repository: R;
  readonly #parts: readonly unknown[];

  /** `parts` are what the constructor of a subclass takes besides: they go into each service that is made of this one. */
  constructor(repository: R & Repository<T>, ...parts: readonly unknown[]) {
    this.repository = repository;
    this.#parts = parts;
  }

  /** The same service for the rows of one owner. */
  ownedBy(owner: OwnerKey<T>): this {
    return this.#over(this.repository.ownedBy(owner));
  }

  /** The same service for the rows of all owners, for jobs of the system: see {@link Repository.forAllOwners}. */
  forAllOwners(): this {
    return this.#over(this.repository.forAllOwners());
  }

  /** The same service inside a session or a transaction. */
  withSession(session: QueryRunner | { readonly db: QueryRunner }): this {
    return this.#over(this.repository.withSession(session));
  }

  /** Stores a new row. @throws {ValidationError} field by field. @throws {DuplicateError} for a value that must be unique. */
  async create(data: Insert<T>): Promise<Row<T>> {
    return await this.repository.insert(data);
  }

  /** Stores new rows, all or none. */
  async createMany(data: readonly Insert<T>[]): Promise<Row<T>[]> {
    return await this.repository.insertMany(data);
  }

  /** One row. @throws {NotFoundError} when there is none. */
  async getById(id: Key<T>): Promise<Row<T>> {
    return this.#found(id, await this.repository.findById(id));
  }

  /** A page of rows, with their number when `total` is asked for. @throws {ValidationError} for what cannot be asked. */
  async getAll(options: ListOptions<T> = {}): Promise<Page<Row<T>>> {
    return await this.repository.list(options);
  }

  /**
   * Changes a part of a row.
   *
   * @throws {NotFoundError} when there is none.
   * @throws {VersionConflictError} when it is at another version than expected.
   */
  async update(id: Key<T>, changes: Update<T>, options: ChangeOptions = {}): Promise<Row<T>> {
    return this.#found(id, await this.repository.update(id, changes, options));
  }

  /** Changes all rows that fulfil the filters; says how many. */
  async updateMany(filters: Filters<T>, changes: Update<T>, options: ManyOptions = {}): Promise<number> {
    return await this.repository.updateMany(filters, changes, options);
  }

  /** Deletes a row. @throws {NotFoundError} when there is none. @throws {StillReferencedError} when others refer to it. */
  async delete(id: Key<T>, options: ChangeOptions = {}): Promise<void> {
    if (!(await this.repository.delete(id, options))) throw this.#notFound(id);
  }

  /** Deletes all rows that fulfil the filters; says how many. */
  async deleteMany(filters: Filters<T>, options: ManyOptions = {}): Promise<number> {
    return await this.repository.deleteMany(filters, options);
  }

  /** Takes a soft delete back. @throws {NotFoundError} when no deleted row has this key. */
  async restore(id: Key<T>): Promise<Row<T>> {
    return this.#found(id, await this.repository.restore(id));
  }

  #over(repository: R): this {
    const type = this.constructor as new (repository: R, ...parts: readonly unknown[]) => this;
    // A constructor that takes more than it gave to `super` would be called without it.
    if (type.length <= 1 + this.#parts.length) {
      const derived = new type(repository, ...this.#parts);
      if (derived.repository === repository) return derived;
    }
    const message = `Class ${type.name} does not pass on what it takes: let its constructor take the repository first, and give everything to super, as in super(repository, mailer)`;
    throw new ArgumentError(message, 'repository');
  }

  #found(id: Key<T>, row: Row<T> | undefined): Row<T> {
    if (row === undefined) throw this.#notFound(id);
    return row;
  }

  #notFound(id: Key<T>): NotFoundError {
    return new NotFoundError(this.repository.table.resource, id);
  }
}

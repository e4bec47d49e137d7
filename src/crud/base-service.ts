import { NotFoundError } from '../errors/index.ts';
import type { ChangeOptions, Filters, ManyOptions, Repository } from './repository.ts';
import type { QueryRunner } from './repository-core.ts';
import type { Insert, Key, ListOptions, OwnerKey, Page, Row, Table, Update } from './table-types.ts';

/**
 * Create, read, list, change and delete over a repository, with errors that a route can answer. Use it as it is, or
 * extend it once per resource: a subclass takes the repository and passes it on. To do something before or after,
 * override the method and call `super`.
 *
 * @example
 * class UserService extends BaseService<typeof users> {
 *   override async create(data: Insert<typeof users>) {
 *     return await super.create({ ...data, email: data.email.toLowerCase() });
 *   }
 * }
 * const service = new UserService(new Repository(users, database));
 * const page = await service.getAll({ pagination: { page: 1, size: 20 }, sort: { field: 'createdAt', order: 'desc' } });
 */
export class BaseService<T extends Table, R extends Repository<T> = Repository<T>> {
  /** Where the rows are. */
  readonly repository: R;

  constructor(repository: R & Repository<T>) {
    this.repository = repository;
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
    return new (this.constructor as new (repository: R) => this)(repository);
  }

  #found(id: Key<T>, row: Row<T> | undefined): Row<T> {
    if (row === undefined) throw this.#notFound(id);
    return row;
  }

  #notFound(id: Key<T>): NotFoundError {
    return new NotFoundError(this.repository.table.resource, id);
  }
}

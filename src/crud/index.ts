/**
 * Generic create, read, update and delete over tables that are defined once. What a caller may get wrong is a typed
 * error; nothing that a caller gives becomes text of a statement.
 */
export { BaseService } from './base-service.ts';
export { checkTables } from './check-tables.ts';
export type { ColumnKind } from './column-kind.ts';
export { defineTable, type TableDefinition } from './define-table.ts';
export { StillReferencedError, VersionConflictError } from './errors.ts';
export { parseListQuery } from './list-query.ts';
export { type ChangeOptions, type Filters, type ManyOptions, Repository } from './repository.ts';
export type {
  QueryRunner,
  RepositoryCore,
  RepositoryDatabase,
  RepositoryOptions,
  RepositorySource,
} from './repository-core.ts';
export { type RepositoryClass, RepositoryFactory } from './repository-factory.ts';
export type {
  ColumnMap,
  ColumnOptions,
  Filter,
  FilterableField,
  FilterOperator,
  Generated,
  Insert,
  Key,
  KeyField,
  ListOptions,
  OwnerKey,
  Page,
  Pagination,
  Row,
  Sort,
  SortableField,
  Table,
  TableColumn,
  Update,
} from './table-types.ts';

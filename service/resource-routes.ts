import {
  type BaseService,
  type Insert,
  type Key,
  parseListQuery,
  type Row,
  type Table,
  type Update,
} from 'plinth/crud';
import type { DatabaseManager } from 'plinth/database';
import { ValidationError } from 'plinth/errors';
import { idempotencyOf, type ServerRoutes } from 'plinth/server';
import { z } from 'zod';

/** A table that is served under a path. */
export interface Resource<T extends Table> {
  /** The path of the list, such as `/users/:userId/ads`. */
  readonly path: string;
  readonly tag: string;
  /** What one and several are called in summaries: `an ad`, `ads of a user`. */
  readonly words: { readonly one: string; readonly many: string };
  readonly table: T;
  /** The parameters of the path of the list. @default none */
  readonly params?: z.ZodRawShape | undefined;
  /** The parameter that holds the key. @default 'id' */
  readonly keyParam?: string | undefined;
  readonly database: Pick<DatabaseManager, 'transaction'>;
  /** The service for a request, by the parameters of its path. */
  service(params: Readonly<Record<string, unknown>>): BaseService<T>;
}

type Params = Readonly<Record<string, unknown>>;

/** A page of rows, as it is answered. */
export function pageOf(item: z.ZodType): z.ZodObject {
  return z.object({
    items: z.array(item),
    size: z.int(),
    page: z.int().optional(),
    total: z.int().optional().meta({ description: 'How many there are in all, when asked for with total=true' }),
    hasMore: z.boolean(),
    nextCursor: z.string().optional().meta({ description: 'The cursor of the next page, when there is one' }),
  });
}

/** Keys as they come in a path. */
export function keyOf({ kind }: Table['key']): z.ZodType {
  return kind === 'uuid' ? z.uuid() : z.coerce.number().int().min(1).max(Number.MAX_SAFE_INTEGER);
}

/** The version of a row as a header, so that a change can say which one it was made on. */
export function versionTag(table: Table, row: unknown): string {
  const field = table.version ?? '';
  return `"${String((row as Readonly<Record<string, unknown>>)[field])}"`;
}

/**
 * The version that a change was made on.
 *
 * @throws {ValidationError} for anything but one version, or `*` for whichever.
 */
export function expectedVersion(header: string | undefined): number | undefined {
  if (header === undefined || header.trim() === '*') return undefined;
  const version = /^\s*"(\d{1,15})"\s*$/.exec(header)?.[1];
  if (version !== undefined) return Number(version);
  throw new ValidationError('The header If-Match cannot be used', {
    'if-match': 'Expected the ETag of the row, such as "3", or *',
  });
}

/** The part of a row that a change may hold: nothing is filled in for what it leaves out. */
function changesOf(table: Table): z.ZodType {
  const fields = [...table.columns.values()].filter(({ isUpdatable }) => isUpdatable);
  const shape = fields.map(({ field }) => {
    const type = table.schema.shape[field] as z.ZodType;
    return [field, (type instanceof z.ZodDefault ? (type.removeDefault() as z.ZodType) : type).optional()] as const;
  });
  return z.strictObject(Object.fromEntries(shape)).meta({ description: 'What changes; the rest stays as it is' });
}

/** Create, list, read, change and delete over HTTP, for one table. */
export function resourceRoutes<T extends Table>(resource: Resource<T>): ServerRoutes {
  const { path, table, tag, words, keyParam = 'id' } = resource;
  const tags = [tag];
  const params = z.object({ ...resource.params });
  const schema: z.ZodType = table.schema;
  return async app => {
    app.post(
      path,
      { schema: { summary: `Stores ${words.one}`, tags, params, body: table.insertSchema, response: { 201: schema } } },
      async (request, reply) => {
        const service = resource.service(request.params);
        const created = await createOnce(service, request.body as Insert<T>, request, resource);
        return reply
          .code(201)
          .headers(headersOf(created, request.url, table))
          .send(created);
      },
    );
    app.get(
      path,
      {
        schema: {
          summary: `${capitalized(words.many)}, a page at a time`,
          tags,
          params,
          querystring: table.querySchema,
          response: { 200: pageOf(schema) },
        },
      },
      async request => {
        const page = await resource.service(request.params).getAll(parseListQuery(table, request.query as Params));
        return { ...page, items: [...page.items] };
      },
    );
    await app.register(rowRoutes(resource, keyParam));
  };
}

/** Where a row that was created is, and its version. */
function headersOf(row: unknown, url: string, table: Table): Record<string, string> {
  return { etag: versionTag(table, row), location: `${url}/${String((row as Params)[table.key.field])}` };
}

/**
 * Creates a row. Under an idempotency key that is kept in the database the row and its answer are one transaction: a
 * process that dies at any moment leaves both or none.
 */
async function createOnce<T extends Table>(
  service: BaseService<T>,
  values: Insert<T>,
  request: { readonly url: string },
  { database, table }: Pick<Resource<T>, 'database' | 'table'>,
): Promise<Row<T>> {
  const key = idempotencyOf(request);
  if (key?.transactional !== true) return await service.create(values);
  return await database.transaction(async transaction => {
    const row = await service.withSession(transaction).create(values);
    await key.complete(transaction, { status: 201, body: row, headers: headersOf(row, request.url, table) });
    return row;
  });
}

/** What is asked of one row. */
function rowRoutes<T extends Table>(resource: Resource<T>, keyParam: string): ServerRoutes {
  const { table, tag, words } = resource;
  const path = `${resource.path}/:${keyParam}`;
  const schema: z.ZodType = table.schema;
  const facts = { tags: [tag], params: z.object({ ...resource.params, [keyParam]: keyOf(table.key) }) };
  const headers = z.object({
    'if-match': z
      .string()
      .optional()
      .meta({ description: 'The ETag of the row: it is left alone when it has another' }),
  });
  const keyIn = (params: Params): Key<T> => params[keyParam] as Key<T>;
  return async app => {
    app.get(
      path,
      { schema: { summary: `Gives ${words.one}`, ...facts, response: { 200: schema } } },
      async (request, reply) => {
        const row = await resource.service(request.params).getById(keyIn(request.params));
        return reply.header('etag', versionTag(table, row)).send(row);
      },
    );
    app.patch(
      path,
      {
        schema: {
          summary: `Changes a part of ${words.one}`,
          ...facts,
          headers,
          body: changesOf(table),
          response: { 200: schema },
        },
      },
      async (request, reply) => {
        const options = { expectedVersion: expectedVersion(request.headers['if-match']) };
        const changes = request.body as Update<T>;
        const row = await resource.service(request.params).update(keyIn(request.params), changes, options);
        return reply.header('etag', versionTag(table, row)).send(row);
      },
    );
    app.delete(
      path,
      { schema: { summary: `Deletes ${words.one}`, ...facts, headers, response: { 204: z.undefined() } } },
      async (request, reply) => {
        const options = { expectedVersion: expectedVersion(request.headers['if-match']) };
        await resource.service(request.params).delete(keyIn(request.params), options);
        return reply.code(204).send();
      },
    );
  };
}

function capitalized(text: string): string {
  return text.charAt(0).toUpperCase() + text.slice(1);
}

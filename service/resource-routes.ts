import {
  type BaseService,
  type Insert,
  type Key,
  parseListQuery,
  type Row,
  type Table,
  type Update,
} from 'plinth/crud';
import { type DatabaseManager, ForeignKeyViolationError } from 'plinth/database';
import { NotFoundError, ValidationError } from 'plinth/errors';
import { idempotencyOf, type ServerRoutes } from 'plinth/server';
import { z } from 'zod';
import { changeOptions, ifMatch, versionTag } from './if-match.ts';

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
  /** The table of those whom the rows belong to; the parameter with its key is called as the field. @default they belong to nobody */
  readonly owners?: Table | undefined;
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
  return kind === 'uuid' ? z.uuid() : wholeKey;
}

/** A number that is a key, as it comes in a path or a query: written in one way only. */
export const wholeKey: z.ZodType<number, string> = z
  .string()
  .regex(/^[1-9]\d{0,15}$/, 'Expected a whole number from 1, such as 42')
  .transform(Number)
  .pipe(z.int());

/** The part of a row that a change may hold: nothing is filled in for what it leaves out. */
function changesOf(table: Table): z.ZodType {
  const fields = [...table.columns.values()].filter(({ isUpdatable }) => isUpdatable);
  const shape = fields.map(({ field }) => {
    const type = table.schema.shape[field] as z.ZodType;
    return [field, (type instanceof z.ZodDefault ? (type.removeDefault() as z.ZodType) : type).optional()] as const;
  });
  return z
    .strictObject(Object.fromEntries(shape))
    .refine(changes => Object.keys(changes).length > 0, 'Nothing is to be changed: expected at least one field')
    .meta({ description: 'What changes; the rest stays as it is', minProperties: 1 });
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
        const { params, body } = request;
        const creating = createOnce(resource.service(params), body as Insert<T>, request, resource);
        const created = await creating.catch((error: unknown) => {
          throw explainCreate(error, resource, params);
        });
        return reply
          .code(201)
          .headers(headersOf(created, request, table))
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
function headersOf(row: unknown, { url }: { readonly url: string }, table: Table): Record<string, string> {
  const [path] = url.split('?', 1);
  return { etag: versionTag(table, row), location: `${path}/${String((row as Params)[table.key.field])}` };
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
    await key.complete(transaction, { status: 201, body: row, headers: headersOf(row, request, table) });
    return row;
  });
}

/** Why a row was not created. That its owner is not there is no mistake in the body: it is the path that leads nowhere. */
function explainCreate<T extends Table>(error: unknown, { table, owners }: Resource<T>, params: Params): unknown {
  const isReference = error instanceof ValidationError && error.cause instanceof ForeignKeyViolationError;
  if (!isReference || owners === undefined || !Object.hasOwn(error.fieldErrors, table.owner ?? '')) return error;
  return new NotFoundError(owners.resource, String(params[table.owner ?? '']), { cause: error });
}

/** What is asked of one row. */
function rowRoutes<T extends Table>(resource: Resource<T>, keyParam: string): ServerRoutes {
  const { table, tag, words } = resource;
  const path = `${resource.path}/:${keyParam}`;
  const schema: z.ZodType = table.schema;
  const facts = { tags: [tag], params: z.object({ ...resource.params, [keyParam]: keyOf(table.key) }) };
  const headers = z.object({ 'if-match': ifMatch });
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
        const service = resource.service(request.params);
        const key = keyIn(request.params);
        const options = await changeOptions(request.headers['if-match'], table, () => service.getById(key));
        const row = await service.update(key, request.body as Update<T>, options);
        return reply.header('etag', versionTag(table, row)).send(row);
      },
    );
    app.delete(
      path,
      { schema: { summary: `Deletes ${words.one}`, ...facts, headers, response: { 204: z.undefined() } } },
      async (request, reply) => {
        const service = resource.service(request.params);
        const key = keyIn(request.params);
        await service.delete(key, await changeOptions(request.headers['if-match'], table, () => service.getById(key)));
        return reply.code(204).send();
      },
    );
  };
}

function capitalized(text: string): string {
  return text.charAt(0).toUpperCase() + text.slice(1);
}

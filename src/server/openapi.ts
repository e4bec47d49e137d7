import type { FastifyInstance } from 'fastify';
import { byCode } from './error-statuses.ts';
import { maxFieldErrorLength, maxFieldErrors } from './field-errors.ts';
import type { ServerPeers } from './load-peers.ts';

/** What the document says of the API. */
export interface OpenApiOptions {
  readonly name: string;
  readonly version: string;
}

interface RequestBody {
  required?: boolean;
  readonly content?: Readonly<Record<string, { readonly schema?: { readonly default?: unknown } }>>;
}

interface Operation {
  readonly parameters?: readonly { readonly in?: string; readonly name?: string }[];
  readonly requestBody?: RequestBody;
  responses?: Record<string, unknown>;
}

/** Documents may hold references where we hold operations; those are left as they are. */
type Paths = Record<string, Record<string, Operation>>;

const methods = ['get', 'put', 'post', 'delete', 'patch', 'options', 'head', 'trace'] as const;

/** The methods that change something, and so may find that it does not fit. */
const changing: ReadonlySet<string> = new Set(['put', 'post', 'delete', 'patch']);

/** The body of every error, as JSON Schema. */
const errorSchema = {
  type: 'object',
  description: 'The body of every error',
  required: ['success', 'error', 'error_code', 'details'],
  properties: {
    success: { type: 'boolean', const: false },
    error: { type: 'string', description: 'What went wrong, for people', maxLength: 10_000 },
    error_code: {
      type: 'string',
      description: 'What went wrong, for programs',
      maxLength: 100,
      examples: ['NOT_FOUND'],
    },
    details: {
      type: 'object',
      description: 'What else is known',
      properties: {
        request_id: { type: 'string', maxLength: 128 },
        field_errors: {
          type: 'object',
          description: 'What is wrong, by field',
          maxProperties: maxFieldErrors,
          additionalProperties: { type: 'string', maxLength: maxFieldErrorLength },
        },
      },
      additionalProperties: true,
    },
  },
} as const;

/** Which codes stand for the statuses in the document, and to which operations each applies. */
const documented: readonly {
  readonly code: string;
  readonly applies: (operation: Operation, method: string) => boolean;
}[] = [
  { code: 'BAD_REQUEST', applies: () => true },
  { code: 'NOT_FOUND', applies: operation => hasParameter(operation, 'path') },
  { code: 'REQUEST_TIMEOUT', applies: () => true },
  { code: 'CONFLICT', applies: (_, method) => changing.has(method) },
  { code: 'VERSION_CONFLICT', applies: operation => hasParameter(operation, 'header', 'if-match') },
  { code: 'PAYLOAD_TOO_LARGE', applies: operation => operation.requestBody !== undefined },
  { code: 'URI_TOO_LONG', applies: operation => hasParameter(operation, 'path') },
  { code: 'UNSUPPORTED_MEDIA_TYPE', applies: operation => operation.requestBody !== undefined },
  { code: 'EXPECTATION_FAILED', applies: () => true },
  {
    code: 'VALIDATION_ERROR',
    applies: operation => operation.requestBody !== undefined || (operation.parameters?.length ?? 0) > 0,
  },
  { code: 'LIMIT_EXCEEDED', applies: () => true },
  { code: 'HEADERS_TOO_LARGE', applies: () => true },
  { code: 'INTERNAL_ERROR', applies: () => true },
  { code: 'DEPENDENCY_FAILED', applies: () => true },
  { code: 'SERVICE_UNAVAILABLE', applies: () => true },
  { code: 'TIMEOUT', applies: () => true },
];

function hasParameter({ parameters = [] }: Operation, place: string, wanted?: string): boolean {
  return parameters.some(({ in: where, name }) => where === place && (wanted === undefined || name === wanted));
}

/** Sees to it that the app describes itself as OpenAPI 3.1, from the schemas of its routes. */
export async function describeApi(
  app: FastifyInstance,
  { swagger, zodProvider }: ServerPeers,
  options: OpenApiOptions,
): Promise<void> {
  await app.register(swagger, {
    openapi: {
      openapi: '3.1.0',
      info: { title: options.name, version: options.version },
      servers: [{ url: '/' }],
    },
    transform: zodProvider.jsonSchemaTransform,
    transformObject: document => addErrors(zodProvider.jsonSchemaTransformObject(document)) as never,
  });
}

/** Adds the error answers that every operation may give and does not describe itself, and says which bodies must be sent. */
function addErrors(document: object): object {
  const { paths = {}, components = {}, ...rest } = document as { paths?: Paths; components?: Record<string, object> };
  for (const path of Object.values(paths)) {
    for (const method of methods) {
      if (path[method] === undefined) continue;
      addErrorsTo(path[method], method);
      releaseBody(path[method]);
    }
  }
  return {
    ...rest,
    paths,
    components: {
      ...components,
      schemas: { ...components['schemas'], ErrorResponse: errorSchema },
      responses: {
        ...Object.fromEntries(documented.map(({ code }) => [code, describe(code)])),
        ...components['responses'],
      },
    },
  };
}

function addErrorsTo(operation: Operation, method: string): void {
  operation.responses ??= {};
  for (const { code, applies } of documented) {
    if (!applies(operation, method)) continue;
    operation.responses[byCode(code).status] ??= { $ref: `#/components/responses/${code}` };
  }
}

/** A body with a default need not be sent. The plugin says of all that they must be. */
function releaseBody({ requestBody }: Operation): void {
  const contents = Object.values(requestBody?.content ?? {});
  if (requestBody !== undefined && contents.some(({ schema }) => schema?.default !== undefined))
    requestBody.required = false;
}

function describe(code: string): object {
  const { status, message } = byCode(code);
  const retryAfter = { 'Retry-After': { description: 'Seconds to wait', schema: { type: 'integer', minimum: 1 } } };
  const field = (description: string): object => ({ description, schema: { type: 'string', maxLength: 1_000 } });
  const limits = {
    'RateLimit-Policy': field('The limits, such as "api";q=100;w=60: 100 within 60 seconds. Also on other answers'),
    RateLimit: field('What is left, such as "api";r=0;t=12: nothing, more in 12 seconds. Also on other answers'),
  };
  return {
    description: message,
    ...(status === 429 ? { headers: { ...retryAfter, ...limits } } : status === 503 ? { headers: retryAfter } : {}),
    content: { 'application/json': { schema: { $ref: '#/components/schemas/ErrorResponse' } } },
  };
}

import { describe, expect, it } from 'vitest';
import { z } from 'zod';
import { createServer } from './index.ts';

interface Document {
  readonly openapi: string;
  readonly info: { readonly title: string; readonly version: string };
  readonly paths: Record<string, Record<string, { summary?: string; responses: Record<string, object> }>>;
  readonly components: { readonly schemas: Record<string, object>; readonly responses: Record<string, object> };
}

async function described(docsUrl: string | false = '/docs') {
  const server = await createServer({ name: 'Shop', version: '1.2.3', docsUrl });
  await server.register(async api => {
    api.get(
      '/ping',
      { schema: { summary: 'Pings', response: { 200: z.object({ pong: z.literal(true) }) } } },
      async () => ({
        pong: true as const,
      }),
    );
    api.put(
      '/users/:id',
      {
        schema: {
          summary: 'Changes a user',
          params: z.object({ id: z.string() }),
          body: z.object({ name: z.string() }),
          response: { 200: z.object({ id: z.string() }), 409: z.object({ mine: z.string() }).describe('Taken') },
        },
      },
      async request => ({ id: request.params.id }),
    );
    api.delete('/bare/:id', async () => ({}));
    api.patch('/versioned', { schema: { headers: z.object({ 'if-match': z.string().optional() }) } }, async () => ({}));
    api.post(
      '/lines',
      { schema: { body: z.string(), consumes: ['application/json', 'text/plain'] } },
      async () => ({}),
    );
  });
  return server;
}

/** Every `$ref` of a document. */
function references(value: unknown): string[] {
  if (typeof value !== 'object' || value === null) return [];
  return Object.entries(value).flatMap(([key, inner]) =>
    key === '$ref' && typeof inner === 'string' ? [inner] : references(inner),
  );
}

function resolve(document: object, reference: string): unknown {
  const parts = reference.replace(/^#\//, '').split('/');
  return parts.reduce<unknown>((value, part) => (value as Record<string, unknown> | undefined)?.[part], document);
}

describe('/openapi.json', () => {
  it('asks for every body except one that has a default', async () => {
    await using server = await createServer({ docsUrl: false });
    await server.register(async api => {
      const body = z.strictObject({ count: z.int().default(1) });
      api.post('/needed', { schema: { body } }, async () => ({}));
      const optional = z.preprocess(given => given ?? {}, body.meta({ default: {} }));
      api.post('/optional', { schema: { body: optional } }, async () => ({}));
    });
    expect(await server.openapi()).toMatchObject({
      paths: {
        '/api/v1/needed': { post: { requestBody: { required: true } } },
        '/api/v1/optional': { post: { requestBody: { required: false } } },
      },
    });
  });

  it('is OpenAPI 3.1 with the errors of every route', async () => {
    await using server = await described();
    const answer = await server.app.inject('/openapi.json');
    expect(answer.headers['content-type']).toBe('application/json; charset=utf-8');
    const document = answer.json<Document>();
    expect(document).toMatchObject({ openapi: '3.1.0', info: { title: 'Shop', version: '1.2.3' } });
    expect(document.components.schemas['ErrorResponse']).toMatchObject({
      required: ['success', 'error', 'error_code', 'details'],
    });
    const statuses = (path: string, method: string) =>
      Object.keys(document.paths[path]?.[method]?.responses ?? {}).sort();
    const always = ['400', '408', '417', '429', '431', '500', '502', '503', '504'];
    const also = (...more: readonly string[]) => [...always, ...more].sort();
    expect(statuses('/api/v1/ping', 'get')).toEqual(also('200'));
    expect(statuses('/api/v1/users/{id}', 'put')).toEqual(also('200', '404', '409', '413', '414', '415', '422'));
    expect(statuses('/api/v1/bare/{id}', 'delete')).toEqual(also('200', '404', '409', '414', '422'));
    expect(statuses('/api/v1/versioned', 'patch')).toEqual(also('200', '409', '412', '422'));
    expect(document.paths['/api/v1/users/{id}']?.['put']?.responses['409']).toMatchObject({ description: 'Taken' });
    expect(document.paths['/api/v1/ping']?.['get']?.responses['429']).toEqual({
      $ref: '#/components/responses/LIMIT_EXCEEDED',
    });
    expect(Object.keys(document.paths)).toContain('/health/ready');
    expect(Object.keys(document.paths)).not.toContain('/openapi.json');
  });

  it('says what health answers, and which bodies a route takes', async () => {
    await using server = await described();
    const document = (await server.openapi()) as Document;
    const { responses } = document.paths['/health/ready']?.['get'] ?? { responses: {} };
    expect(responses['503']).toEqual(responses['200']);
    expect(JSON.stringify(responses['503'])).toContain('"degraded"');
    expect(document.paths['/api/v1/lines']?.['post']).toMatchObject({
      requestBody: { content: { 'application/json': {}, 'text/plain': {} } },
    });
  });

  it('refers only to what it contains, and describes every answer', async () => {
    await using server = await described();
    const document = (await server.openapi()) as Document;
    const all = references(document);
    expect(all.length).toBeGreaterThan(10);
    for (const reference of all) expect(resolve(document, reference), reference).toBeDefined();
    for (const path of Object.values(document.paths)) {
      for (const { responses } of Object.values(path)) {
        for (const response of Object.values(responses)) {
          expect('$ref' in response || 'description' in response).toBe(true);
        }
      }
    }
  });

  it('is there without the interactive documentation', async () => {
    await using server = await described(false);
    expect((await server.app.inject('/openapi.json')).statusCode).toBe(200);
    expect((await server.app.inject('/docs')).statusCode).toBe(404);
  });
});

describe('/docs', () => {
  it('is a page that may run its own scripts and nothing else', async () => {
    await using server = await described();
    const page = await server.app.inject('/docs');
    expect([page.statusCode, page.headers['content-type']]).toEqual([200, 'text/html; charset=utf-8']);
    expect(page.headers['content-security-policy']).toContain("script-src 'self';");
    expect(page.body).not.toMatch(/<script>[^<]/);
    const script = /src="([^"]+initializer\.js)"/.exec(page.body)?.[1] ?? '';
    const initializer = await server.app.inject(script);
    expect(initializer.statusCode).toBe(200);
    expect(initializer.body).toContain('"validatorUrl":"none"');
    expect((await server.app.inject('/docs/json')).json<Document>().openapi).toBe('3.1.0');
  });
});

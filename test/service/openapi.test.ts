import { request } from 'node:http';
import { beforeAll, describe, expect, it } from 'vitest';
import { useService } from './start-service.fixture.ts';

const tested = useService();

interface Operation {
  readonly responses: Readonly<Record<string, unknown>>;
  readonly parameters?: readonly { readonly name: string; readonly description?: string }[];
  readonly requestBody?: { readonly required?: boolean; readonly content: Readonly<Record<string, unknown>> };
}

type Document = { readonly paths: Readonly<Record<string, Readonly<Record<string, Operation>>>> };

let document: Document;
let userId: string;
let campaignId: number;

interface Asked {
  readonly method: string;
  readonly path: string;
  readonly query?: string;
  readonly status: number;
  readonly body?: unknown;
  readonly headers?: Record<string, string>;
}

interface Answer {
  readonly status: number;
  readonly body: { readonly id: never; readonly error_code?: string; readonly details?: object };
}

/** Sends a request as it is: headers and paths that a browser would not send, too. */
async function ask(method: string, path: string, body?: unknown, more: Record<string, string> = {}): Promise<Answer> {
  const { host } = new URL(tested.service.url);
  const [hostname, port] = host.split(':');
  const headers = { ...(body === undefined ? {} : { 'content-type': 'application/json' }), ...more };
  return await new Promise((resolve, reject) => {
    const sent = request({ hostname, port, method, path: `/api/v1${path}`, headers }, answer => {
      const chunks: Buffer[] = [];
      answer.on('data', (chunk: Buffer) => chunks.push(chunk));
      answer.on('end', () => {
        const text = Buffer.concat(chunks).toString();
        resolve({ status: answer.statusCode ?? 0, body: text === '' ? {} : JSON.parse(text) });
      });
      answer.on('error', reject);
    });
    sent.on('error', reject);
    sent.end(body === undefined ? undefined : JSON.stringify(body));
  });
}

beforeAll(async () => {
  document = (await (await fetch(`${tested.service.url}/openapi.json`)).json()) as Document;
  userId = (await ask('POST', '/users', { email: 'told@example.com', name: 'Told' })).body.id;
  campaignId = (await ask('POST', `/users/${userId}/campaigns`, { name: 'Shoes' })).body.id;
});

describe('the OpenAPI document of the service', () => {
  const campaign = '/users/{userId}/campaigns/{id}';
  const old = { 'if-match': '"99"' };

  it.each<Asked>([
    { method: 'POST', path: '/users', status: 409, body: { email: 'told@example.com', name: 'Again' } },
    { method: 'POST', path: '/users', status: 415, body: 'text', headers: { 'content-type': 'text/plain' } },
    { method: 'POST', path: '/users', status: 431, body: {}, headers: { 'x-long': 'x'.repeat(20_000) } },
    { method: 'GET', path: '/users', query: `?${'k'.repeat(3_000)}=1`, status: 422 },
    { method: 'DELETE', path: '/users/{userId}', status: 409 },
    { method: 'DELETE', path: '/users/{userId}', status: 412, headers: old },
    { method: 'PATCH', path: '/users/{userId}', status: 412, body: { name: 'Other' }, headers: old },
    { method: 'PATCH', path: campaign, status: 412, body: { name: 'Other' }, headers: old },
    { method: 'POST', path: `${campaign}/pause`, status: 412, headers: old },
    { method: 'POST', path: `${campaign}/activate`, status: 412, headers: old },
    { method: 'GET', path: '/medications/{name}/approvals', status: 414 },
    { method: 'GET', path: '/console/why/{requestId}', status: 414 },
  ])('knows that $method $path may be answered with $status', async asked => {
    const { method, path, query = '', status, body, headers } = asked;
    const filled = path
      .replace('{userId}', userId)
      .replace('{id}', String(campaignId))
      .replace(/\{\w+\}/, 'x'.repeat(1_000));
    const answer = await ask(method, `${filled}${query}`, body, headers);
    expect([answer.status, typeof answer.body.error_code]).toEqual([status, 'string']);
    const { responses } = document.paths[`/api/v1${path}`]?.[method.toLowerCase()] ?? expect.fail('No such operation');
    expect(Object.keys(responses)).toContain(String(status));
    for (const message of Object.values(answer.body.details ?? {}).flatMap(value => Object.values(value ?? {})))
      expect(String(message).length).toBeLessThanOrEqual(500);
  });

  it('says which bodies need not be sent', () => {
    const isRequired = (path: string) =>
      document.paths[`/api/v1/users/{userId}/${path}`]?.['post']?.requestBody?.required;
    expect(isRequired('optimizations')).toBe(false);
    expect(isRequired('ads/{id}/headline-ideas')).toBe(false);
    expect(isRequired('campaigns')).toBe(true);
  });

  it('says that the sums of a user are of all time where no days are named, and no others', () => {
    for (const [path, isOfAllTime] of [
      ['stats', true],
      ['performance/series', false],
    ] as const) {
      const { parameters = [] } = document.paths[`/api/v1/users/{userId}/${path}`]?.['get'] ?? {};
      const days = parameters.filter(({ name }) => name === 'from' || name === 'to');
      expect(days.map(({ description = '' }) => description.includes('all time'))).toEqual([isOfAllTime, isOfAllTime]);
    }
  });

  it('says that an import is begun with JSON or with text', () => {
    const { requestBody } = document.paths['/api/v1/imports']?.['post'] ?? expect.fail('No such operation');
    expect(Object.keys(requestBody?.content ?? {})).toEqual(['application/json', 'text/plain']);
  });
});

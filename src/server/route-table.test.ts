import type { RouteOptions } from 'fastify';
import { describe, expect, it } from 'vitest';
import { RouteTable } from './route-table.ts';

function table(...routes: [string | string[], string, string?][]): RouteTable {
  const table = new RouteTable();
  for (const [method, url, summary] of routes) {
    table.add(
      { method, url, ...(summary && { schema: { summary } }) } as unknown as RouteOptions,
      url.startsWith('/docs/'),
    );
  }
  return table;
}

describe('RouteTable', () => {
  it('lists routes by path, without the HEAD of a GET and without assets', () => {
    const routes = table(
      ['GET', '/b', 'Second'],
      ['HEAD', '/b'],
      [['POST', 'PUT'], '/a', 'First'],
      ['HEAD', '/only-head'],
      ['GET', '/docs/static/*'],
    );
    expect(routes.entries()).toEqual([
      { method: 'POST', path: '/a', summary: 'First' },
      { method: 'PUT', path: '/a', summary: 'First' },
      { method: 'GET', path: '/b', summary: 'Second' },
      { method: 'HEAD', path: '/only-head', summary: '' },
    ]);
  });

  it('knows the methods of a path', () => {
    const routes = table(
      ['GET', '/users/:id'],
      ['DELETE', '/users/:id'],
      ['GET', '/files/*'],
      ['GET', '/v1.0/:from-:to'],
    );
    expect(routes.methodsOf('/users/7')).toEqual(['DELETE', 'GET']);
    expect(routes.methodsOf('/users/7/')).toEqual(['DELETE', 'GET']);
    expect(routes.methodsOf('/users/7/x')).toEqual([]);
    expect(routes.methodsOf('/users/')).toEqual([]);
    expect(routes.methodsOf('/files/a/b')).toEqual(['GET']);
    expect(routes.methodsOf('/v1.0/1-2')).toEqual(['GET']);
    expect(routes.methodsOf('/v1x0/1-2')).toEqual([]);
  });
});

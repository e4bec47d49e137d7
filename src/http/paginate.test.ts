import { once } from 'node:events';
import { createServer, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import fc from 'fast-check';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { MemoryCache } from '../cache/index.ts';
import { type Guard, pipeline } from '../pipeline/index.ts';
import {
  ConnectionPool,
  type HttpClient,
  type HttpRequest,
  type NextPage,
  nextByLink,
  nextByOffset,
  nextByPage,
  nextByToken,
  paginate,
  parseLinkHeader,
} from './index.ts';

interface Page {
  readonly items: readonly number[];
  readonly next?: string | null;
  readonly total?: number;
}

describe('paginate', () => {
  let server: Server;
  let origin: string;
  let pool: ConnectionPool;
  let answer: (url: URL, response: ServerResponse) => void;
  let seen: string[];

  beforeAll(async () => {
    server = createServer((request, response) => {
      const url = new URL(request.url ?? '/', origin);
      seen.push(`${url.pathname}${url.search}`);
      answer(url, response);
    });
    await once(server.listen(0, '127.0.0.1'), 'listening');
    origin = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  });
  beforeEach(() => {
    seen = [];
    pool = new ConnectionPool();
  });
  afterEach(() => pool.close());
  afterAll(async () => void (await once(server.close(), 'close')));

  const clientOf = (guard: Guard = pipeline('local').build()): HttpClient => pool.client({ baseUrl: origin, guard });

  async function itemsOf(
    next: NextPage<Page>,
    first: HttpRequest = { path: '/items' },
    maxPages?: number,
  ): Promise<number[]> {
    const items: number[] = [];
    for await (const { value } of paginate<Page>(clientOf(), { first, next, maxPages }))
      items.push(...value.body.items);
    return items;
  }

  /** A list of so many items, in pages, by each of the four ways at once. */
  const list =
    (length: number, pageSize: number, says: { total?: boolean; base?: string } = {}): typeof answer =>
    (url, response) => {
      const all = Array.from({ length }, (_, index) => index);
      const page = Number(url.searchParams.get('page') ?? 1);
      const from = Number(url.searchParams.get('cursor') ?? url.searchParams.get('offset') ?? (page - 1) * pageSize);
      const end = from + pageSize;
      const body: Page = {
        items: all.slice(from, end),
        next: end < length ? String(end) : null,
        ...(says.total ? { total: length } : {}),
      };
      if (end < length) response.setHeader('link', `<${says.base ?? ''}/items?cursor=${end}>; rel="next"`);
      response.end(JSON.stringify(body));
    };

  const token = nextByToken<Page>({ parameter: 'cursor', token: ({ next }) => next });
  const count = ({ items }: Page): number => items.length;
  const total = ({ total: all }: Page): number | undefined => all;

  it('gives every item of a list once, whatever its length, by every way', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.nat(40),
        fc.integer({ min: 1, max: 12 }),
        fc.boolean(),
        async (length, pageSize, saysTotal) => {
          answer = list(length, pageSize, { total: saysTotal });
          const expected = Array.from({ length }, (_, index) => index);
          const ways = [
            token,
            nextByLink<Page>(),
            nextByOffset<Page>({ pageSize, count, total }),
            nextByPage<Page>({ pageSize, count, total }),
          ];
          for (const way of ways) expect(await itemsOf(way)).toEqual(expected);
        },
      ),
      { numRuns: 40 },
    );
  });

  it('asks no more than it must where the source says how many there are', async () => {
    answer = list(20, 10, { total: true });
    await itemsOf(nextByOffset<Page>({ pageSize: 10, count, total }));
    await itemsOf(nextByPage<Page>({ pageSize: 10, count, total }));
    expect(seen).toEqual(['/items', '/items?offset=10', '/items', '/items?page=2']);
  });

  it('counts pages from where the source does, and keeps the other parameters', async () => {
    answer = (url, response) => {
      const page = Number(url.searchParams.get('p'));
      response.end(JSON.stringify({ items: page < 2 ? [page] : [] }));
    };
    const next = nextByPage<Page>({ parameter: 'p', firstPage: 0, pageSize: 1, count });
    expect(await itemsOf(next, { path: '/items', query: { sort: 'id' } })).toEqual([0, 1]);
    expect(seen).toEqual(['/items?sort=id', '/items?sort=id&p=1', '/items?sort=id&p=2']);
  });

  it('goes on from the page that is asked for first', async () => {
    answer = list(30, 10);
    const query = { page: 2 };
    expect(await itemsOf(nextByPage<Page>({ pageSize: 10, count }), { path: '/items', query })).toHaveLength(20);
  });

  it('follows links as they are given, relative or complete, in place of the query', async () => {
    answer = (url, response) => {
      const page = url.searchParams.get('after') ?? '0';
      const links: Record<string, string> = {
        '0': '<?after=1>; rel=next',
        '1': `<${origin}/other?after=2>; rel="last next"`,
      };
      response.setHeader('link', links[page] ?? '</items>; rel="first"').end(`{"items":[${page}]}`);
    };
    expect(await itemsOf(nextByLink<Page>(), { path: '/items', query: { search: 'a b' } })).toEqual([0, 1, 2]);
    expect(seen).toEqual(['/items?search=a+b', '/items?after=1', '/other?after=2']);
  });

  it.each(['https://example.org/items', '//example.org/items', 'http://', 'http://127.0.0.1:1/'])(
    'does not follow a link to %s',
    async target => {
      answer = (_url, response) => response.setHeader('link', `<${target}>; rel="next"`).end('{"items":[1]}');
      await expect(itemsOf(nextByLink<Page>())).rejects.toMatchObject({
        name: 'ScraperError',
        message: expect.stringContaining(`expected an address of the same origin`),
      });
      expect(seen).toHaveLength(1);
    },
  );

  it('fails where a page leads to one that was there already, once that page has been given', async () => {
    const loop: Record<string, string> = { null: 'a', a: 'b', b: 'c', c: 'b' };
    answer = (url, response) => {
      const cursor = String(url.searchParams.get('cursor'));
      response.end(JSON.stringify({ items: [1], next: loop[cursor] }));
    };
    const pages: Page[] = [];
    const walk = async (): Promise<void> => {
      for await (const { value } of paginate<Page>(clientOf(), { first: { path: '/items' }, next: token }))
        pages.push(value.body);
    };
    await expect(walk()).rejects.toThrow('Page 4 of /items leads to one that was there already');
    expect(pages).toHaveLength(4);
    expect(seen).toHaveLength(4);
  });

  it('accepts so many pages, and fails where there are more', async () => {
    answer = list(30, 10);
    expect(await itemsOf(token, { path: '/items' }, 3)).toHaveLength(30);
    await expect(itemsOf(token, { path: '/items?search=secret' }, 2)).rejects.toThrow(
      '/items has more than the 2 pages that are accepted',
    );
  });

  it('asks only as far as it is read', async () => {
    answer = list(100, 10);
    for await (const _page of paginate<Page>(clientOf(), { first: { path: '/items' }, next: token })) {
      if (seen.length === 3) break;
    }
    expect(seen).toHaveLength(3);
  });

  it('ends when it is told to', async () => {
    answer = list(100, 10);
    const { signal, abort } = ((controller: AbortController) => ({
      signal: controller.signal,
      abort: () => controller.abort(new TypeError('enough')),
    }))(new AbortController());
    const walk = async (first: HttpRequest, own?: AbortSignal): Promise<void> => {
      for await (const _page of paginate<Page>(clientOf(), { first, next: token, signal: own })) abort();
    };
    await expect(walk({ path: '/items' }, signal)).rejects.toThrow('enough');
    await expect(walk({ path: '/items', signal })).rejects.toThrow('enough');
    expect(seen).toHaveLength(1);
  });

  it('makes every page a call through the guard, with its freshness', async () => {
    answer = list(20, 10);
    const client = clientOf(pipeline('local').cache(new MemoryCache()).build());
    for (let round = 0; round < 2; round += 1) {
      const ages: string[] = [];
      for await (const page of paginate<Page>(client, { first: { path: '/items' }, next: token }))
        ages.push(page.freshness);
      expect(ages).toEqual(['fresh', 'fresh']);
    }
    expect(seen).toHaveLength(2);
  });

  it('gives on what fails, after the pages before it', async () => {
    answer = (url, response) => {
      if (url.searchParams.has('cursor')) response.writeHead(500).end();
      else response.end('{"items":[1],"next":"2"}');
    };
    const pages: unknown[] = [];
    const walk = async (): Promise<void> => {
      for await (const page of paginate<Page>(clientOf(), { first: { path: '/items' }, next: token })) pages.push(page);
    };
    await expect(walk()).rejects.toMatchObject({ status: 500 });
    expect(pages).toHaveLength(1);
  });

  it.each([0, -1, 1.5, Number.NaN])('refuses %d for a number of pages, and for their size', async size => {
    await expect(itemsOf(token, { path: '/' }, size)).rejects.toMatchObject({ argument: 'maxPages' });
    expect(() => nextByOffset<Page>({ pageSize: size, count })).toThrow(
      expect.objectContaining({ argument: 'pageSize' }),
    );
    expect(() => nextByPage<Page>({ pageSize: size, count })).toThrow(
      expect.objectContaining({ argument: 'pageSize' }),
    );
  });
});

describe('parseLinkHeader', () => {
  it.each<[string | undefined, [string, string[]][]]>([
    [undefined, []],
    ['', []],
    ['</a>; rel="next"', [['/a', ['next']]]],
    ['</a>; rel=next', [['/a', ['next']]]],
    ['</a>;rel = "NEXT"', [['/a', ['next']]]],
    ['</a>; REL="prev  next"', [['/a', ['prev', 'next']]]],
    ['</a>; rel="next"; rel="prev"', [['/a', ['next']]]],
    ['</a>; title="b, <c>; rel=\\"prev\\""; rel="next"', [['/a', ['next']]]],
    [
      '</a?b=1,2;3>; rel="next", </c>; rel="last"',
      [
        ['/a?b=1,2;3', ['next']],
        ['/c', ['last']],
      ],
    ],
    [
      '</a>; rel="next",,, </c>; rel="last",',
      [
        ['/a', ['next']],
        ['/c', ['last']],
      ],
    ],
    [
      '</a>, </b>; rel=next',
      [
        ['/a', []],
        ['/b', ['next']],
      ],
    ],
    ['</a>; crossorigin; rel=next', [['/a', ['next']]]],
    ['</a>; rel="next"; anchor="#part", </b>; rel="next"', [['/b', ['next']]]],
    ['<>; rel=next', [['', ['next']]]],
    ['</a>; ; rel=next', [['/a', ['next']]]],
    ['</a>; rel="next" garbage, </b>; rel="next"', [['/a', ['next']]]],
    ['garbage', []],
    ['</a', []],
    ['</a>; rel="next', [['/a', ['']]]],
  ])('reads %s', (header, expected) => {
    const found = parseLinkHeader(header).map(({ target, relations }) => [target, relations]);
    expect(found).toEqual(expected.map(([target, relations]) => [target, relations.filter(Boolean)]));
  });

  it('gives the other parameters', () => {
    expect(parseLinkHeader('</a>; rel=next; Title="x \\"y\\""; type=text/html')[0]?.parameters).toEqual({
      title: 'x "y"',
      type: 'text/html',
    });
  });

  it('takes no long time for anything', () => {
    fc.assert(
      fc.property(fc.string({ maxLength: 200, unit: fc.constantFrom(...'<>;,="\\ ar\t') }), text => {
        expect(parseLinkHeader(text).length).toBeLessThanOrEqual(text.length);
      }),
    );
    for (const part of ['<', '<>', ';', '; rel', '</a>; rel="', '\\"', ' ', ',']) {
      const beganMs = performance.now();
      parseLinkHeader(`</a>; rel="x${part.repeat(100_000)}`);
      parseLinkHeader(part.repeat(100_000));
      expect(performance.now() - beganMs).toBeLessThan(1_000);
    }
  });
});

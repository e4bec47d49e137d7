import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { ArgumentError, RejectedError } from '../errors/index.ts';
import { systemClock } from '../kernel/index.ts';
import { type Guard, pipeline } from '../pipeline/index.ts';
import { VirtualClock } from '../testing/index.ts';
import { BaseScraper, ConnectionPool, type Provenance, type QuestionOptions, type ScraperOptions } from './index.ts';

interface Rate extends Provenance {
  readonly rate: number;
}

class RatesScraper extends BaseScraper<string, Rate> {
  constructor(options: ScraperOptions = {}) {
    super(
      { name: 'rates', baseUrl: 'https://rates.example.com', ratePerSecond: 2, headers: { 'x-token': 'abc' } },
      options,
    );
  }

  async fetchData(currency: string, { signal }: QuestionOptions = {}): Promise<Rate> {
    const answer = await this.json<{ rate: number }>({ path: `/${currency}`, operation: 'rate', signal });
    return { rate: answer.value.body.rate, ...this.provenance(answer) };
  }

  async bytes(path: string): Promise<number> {
    let count = 0;
    for await (const chunk of (await this.stream({ path })).body) count += chunk.length;
    return count;
  }
}

describe('BaseScraper', () => {
  let server: Server;
  let baseUrl: string;
  let seen: IncomingMessage[];
  let answer: (request: IncomingMessage, response: ServerResponse) => void;
  let clock: VirtualClock;

  beforeEach(async () => {
    seen = [];
    clock = new VirtualClock();
    answer = (_request, response) => response.end('{"rate":7}');
    server = createServer((request, response) => {
      seen.push(request);
      answer(request, response);
    });
    await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve));
    baseUrl = `http://127.0.0.1:${(server.address() as AddressInfo).port}/v1`;
  });

  afterEach(async () => {
    server.closeAllConnections();
    await new Promise(resolve => server.close(resolve));
  });

  async function settled<Value>(work: Promise<Value>): Promise<Value> {
    let ended = false;
    const end = (): void => {
      ended = true;
    };
    work.then(end, end);
    while (!ended) {
      await clock.advance(20);
      // The network works in real time: virtual time must not overtake it by much.
      await systemClock.sleep(1);
    }
    return work;
  }

  it('asks below its base address with its headers, through one guard', async () => {
    await using scraper = new RatesScraper({ baseUrl, clock });
    expect(scraper.name).toBe('rates');
    expect(scraper.guard.dependency).toBe('rates');
    expect(scraper.baseUrl.href).toBe(baseUrl);
    expect((await settled(scraper.fetchData('chf'))).rate).toBe(7);
    expect(seen[0]?.url).toBe('/v1/chf');
    expect(seen[0]?.headers['x-token']).toBe('abc');
  });

  it('keeps its pace: the source is asked as often as the subclass says', async () => {
    await using scraper = new RatesScraper({ baseUrl, clock });
    await settled(Promise.all(['a', 'b', 'c', 'd'].map(currency => scraper.fetchData(currency))));
    expect(seen).toHaveLength(4);
    expect(clock.monotonic()).toBeGreaterThanOrEqual(1_500);
    expect(clock.monotonic()).toBeLessThan(2_000);
  });

  it('gives a question as long as thirty turns take, at a slow source', async () => {
    await using slow = new RatesScraper({ baseUrl, clock, ratePerSecond: 0.5 });
    await settled(Promise.all(Array.from({ length: 25 }, (_, index) => slow.fetchData(`c${index}`))));
    expect(seen).toHaveLength(25);
    await using hurried = new RatesScraper({ baseUrl, clock, ratePerSecond: 0.5, deadlineMs: 5_000 });
    const late = await settled(Promise.allSettled(['x', 'y', 'z', 'u', 'v'].map(name => hurried.fetchData(name))));
    expect(late.filter(({ status }) => status === 'rejected').length).toBeGreaterThan(0);
  });

  it('learns from a 429 how fast the source wants to be asked', async () => {
    answer = (_request, response) => {
      if (seen.length > 1) response.end('{"rate":7}');
      else response.writeHead(429, { 'retry-after': '9' }).end();
    };
    await using scraper = new RatesScraper({ baseUrl, clock });
    expect((await settled(scraper.fetchData('chf'))).rate).toBe(7);
    expect(clock.monotonic()).toBeGreaterThanOrEqual(9_000);
    expect(scraper.pace?.ratePerSecond).toBeLessThan(2);
  });

  it('says where an answer came from: live or recorded, when, and how fresh', async () => {
    answer = (request, response) => {
      if (request.url === '/v1/old') response.setHeader('x-recorded', '2026-01-01');
      response.end('{"rate":7}');
    };
    await using scraper = new RatesScraper({ baseUrl, clock });
    expect(await settled(scraper.fetchData('chf'))).toMatchObject({
      source: 'rates',
      origin: 'live',
      fetchedAt: '2026-01-15T23:00:00.000Z',
      freshness: 'fresh',
      ageMs: 0,
    });
    expect((await settled(scraper.fetchData('old'))).origin).toBe('recorded');
    await clock.advance(3_700_000);
    answer = (_request, response) => response.writeHead(503).end();
    const late = await settled(scraper.fetchData('chf'));
    expect(late).toMatchObject({ origin: 'live', freshness: 'stale', fetchedAt: '2026-01-15T23:00:00.000Z' });
    expect(late.ageMs).toBeGreaterThanOrEqual(3_700_000);
    expect(late.reason).toBeTypeOf('string');
  });

  it('fetches a page by its path or its whole address, and of no other origin', async () => {
    await using scraper = new RatesScraper({ baseUrl, clock });
    expect((await settled(scraper.fetch('/page'))).value.body).toBe('{"rate":7}');
    expect((await settled(scraper.fetch(`${baseUrl}/other`))).value.body).toBe('{"rate":7}');
    await expect(settled(scraper.fetch('https://elsewhere.example.com/'))).rejects.toBeInstanceOf(ArgumentError);
    expect(seen.map(({ url }) => url)).toEqual(['/v1/page', '/v1/other']);
  });

  it('reads bodies in pieces', async () => {
    answer = (_request, response) => response.end('x'.repeat(100_000));
    await using scraper = new RatesScraper({ baseUrl, clock });
    expect(await settled(scraper.bytes('/file'))).toBe(100_000);
  });

  it('asks the rules for robots before every request, and slows down as they say', async () => {
    const asked: string[] = [];
    const robots = {
      require: async (url: string | URL) => {
        asked.push(String(url));
        if (String(url).endsWith('/private')) throw new RejectedError('Disallowed by robots.txt', 'forbidden');
        return { crawlDelayMs: 10_000 };
      },
    };
    await using scraper = new RatesScraper({ baseUrl, clock, robots });
    await settled(scraper.fetchData('chf'));
    expect(asked).toEqual([`${baseUrl}/chf`]);
    expect(scraper.pace?.ratePerSecond).toBe(0.1);
    await expect(scraper.fetchData('private')).rejects.toBeInstanceOf(RejectedError);
    expect(seen).toHaveLength(1);
  });

  it('uses what it is given, and closes only what is its own', async () => {
    await using pool = new ConnectionPool();
    const guard: Guard = pipeline('rates').build();
    const scraper = new RatesScraper({ baseUrl, clock, pool, guard, userAgent: 'somebody/1.0' });
    expect(scraper.guard).toBe(guard);
    expect(scraper.pace).toBeUndefined();
    await scraper.fetchData('chf');
    await scraper.close();
    expect(seen[0]?.headers['user-agent']).toBe('somebody/1.0');
    await pool.client({ baseUrl, guard }).text({ path: '/still-open' });
    const alone = new RatesScraper({ baseUrl, clock });
    await alone.close();
    await expect(alone.fetchData('chf')).rejects.toBeInstanceOf(RejectedError);
  });

  it('ends a question by its signal', async () => {
    answer = () => {};
    await using scraper = new RatesScraper({ baseUrl, clock });
    const controller = new AbortController();
    const question = scraper.fetchData('chf', { signal: controller.signal });
    controller.abort(new Error('enough'));
    await expect(question).rejects.toThrow('enough');
  });
});

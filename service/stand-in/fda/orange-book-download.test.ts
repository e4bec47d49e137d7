import { existsSync } from 'node:fs';
import { readdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { OrangeBook } from 'plinth/connectors/fda';
import { RejectedError } from 'plinth/errors';
import { describe, expect, it } from 'vitest';
import { startStandIn } from '../index.ts';
import { serve, settle } from '../settle.fixture.ts';
import { createScraper, useFdaFixture } from './fda.fixture.ts';

const recordings = fileURLToPath(new URL('./recordings/orange-book', import.meta.url));
const data = fileURLToPath(new URL('../../../../shared/data', import.meta.url));
const fixture = useFdaFixture();

describe('the Orange Book from an address', () => {
  it('is downloaded once, and asked for again after its time', async () => {
    const events: string[] = [];
    fixture.fda.events.on('loaded', event => events.push(`loaded ${event.edition} ${event.products}`));
    fixture.fda.events.on('unchanged', event => events.push(`unchanged ${event.edition}`));
    await fixture.fda.searchDrug('tagrisso');
    await fixture.fda.searchDrug('tarceva');
    expect(fixture.standIn.stats().byRoute['/media/76860/download']).toBe(1);
    await fixture.clock.advance(86_400_000);
    await fixture.fda.searchDrug('tagrisso');
    while (events.length < 2) await fixture.clock.advance(0);
    expect(events).toEqual(['loaded 2024-05-10 76', 'unchanged 2024-05-10']);
    expect((await readdir(fixture.directory)).sort()).toEqual(['orange-book.json', 'orange-book.zip']);
  });

  it('is joined by those who come while it loads', async () => {
    await Promise.all(['tagrisso', 'tarceva', 'iressa'].map(name => fixture.fda.searchDrug(name)));
    expect(fixture.standIn.stats().byRoute['/media/76860/download']).toBe(1);
  });

  it.each([
    ['HTML', { html: true }],
    ['a cut ZIP', { truncate: true }],
    ['status 503', { failWith: 503 }],
    ['a broken connection', { dropConnection: true }],
    ['a redirect to nowhere', { failWith: 302 }],
  ] as const)('goes on serving after %s, and says that it is stale', async (_, fault) => {
    const failures: (string | null)[] = [];
    await fixture.fda.searchDrug('tagrisso');
    fixture.fda.events.on('failed', event => failures.push(event.serving));
    // Another process replaced the copy, so that the server sends a new one.
    await rm(join(fixture.directory, 'orange-book.json'));
    fixture.standIn.behave({ pathPrefix: '/media', ...fault });
    await settle(fixture.clock, fixture.fda.refresh());
    expect(failures).toEqual(['2024-05-10']);
    const answer = await fixture.fda.searchDrug('tagrisso');
    expect(answer.sources[0]).toMatchObject({
      status: 'answered',
      edition: '2024-05-10',
      freshness: 'stale',
      reason: expect.any(String),
    });
    expect(answer.results).toHaveLength(2);
    expect((await readdir(fixture.directory)).filter(name => name.endsWith('.part'))).toEqual([]);
    fixture.standIn.behave('normal');
    await fixture.clock.advance(60_000);
    await settle(fixture.clock, fixture.fda.refresh());
    expect((await fixture.fda.searchDrug('tagrisso')).sources[0]).toMatchObject({ freshness: 'fresh' });
  });

  it('starts from the copy of an earlier process when the address fails', async () => {
    await fixture.fda.searchDrug('tagrisso');
    const fetchedAt = new Date(fixture.clock.now()).toISOString();
    await fixture.clock.advance(3_600_000);
    fixture.standIn.behave({ pathPrefix: '/media', failWith: 503 });
    const later = createScraper(fixture);
    const { sources } = await settle(fixture.clock, later.searchDrug('tagrisso'));
    expect(sources[0]).toMatchObject({ status: 'answered', freshness: 'stale', fetchedAt, origin: 'recorded' });
    expect(sources[0]?.ageMs).toBeGreaterThanOrEqual(3_600_000);
    await later.close();
  });

  it('asks an earlier process\u2019s address whether its copy is current, and mends a damaged copy', async () => {
    await fixture.fda.searchDrug('tagrisso');
    const second = createScraper(fixture);
    expect((await second.searchDrug('tagrisso')).sources[0]).toMatchObject({
      freshness: 'fresh',
      edition: '2024-05-10',
    });
    await second.close();
    await rm(join(fixture.directory, 'orange-book.zip'));
    const third = createScraper(fixture);
    expect((await third.searchDrug('tagrisso')).sources[0]).toMatchObject({ freshness: 'fresh' });
    expect(await readdir(fixture.directory)).toContain('orange-book.zip');
    await third.close();
  });

  it('is not used when it is larger than allowed', async () => {
    const source = { url: fixture.standIn.addresses.orangeBook, cacheDirectory: fixture.directory };
    const book = new OrangeBook({
      source,
      client: fixture.pool.client({ baseUrl: fixture.standIn.url, clock: fixture.clock }),
      maxBytes: 1_000,
      clock: fixture.clock,
    });
    await expect(book.current()).rejects.toMatchObject({ code: 'SCRAPER_ERROR' });
    expect(await readdir(fixture.directory)).toEqual([]);
  });

  it('is followed where the FDA moves it, on the same host', async () => {
    await using server = await serve((request, response) => {
      if (request.url !== '/moved') return void response.writeHead(302, { location: '/moved' }).end('moved');
      void fetch(fixture.standIn.addresses.orangeBook).then(async answer =>
        response.end(Buffer.from(await answer.arrayBuffer())),
      );
    });
    const moved = createScraper(fixture, {
      orangeBook: { url: `${server.url}/download`, cacheDirectory: fixture.directory },
    });
    expect((await moved.searchDrug('tagrisso')).sources[0]).toMatchObject({ status: 'answered', origin: 'live' });
    await moved.close();
  });

  it('is read from a folder as well', async () => {
    const local = createScraper(fixture, { orangeBook: { folder: recordings } });
    expect((await local.searchDrug('tagrisso')).sources[0]).toMatchObject({
      origin: 'recorded',
      status: 'answered',
      found: 2,
    });
    await local.close();
  });

  it('refuses to load once it is closed', async () => {
    await fixture.fda.close();
    await expect(fixture.fda.refresh()).rejects.toBeInstanceOf(RejectedError);
  });
});

describe.skipIf(!existsSync(data))('with larger data (skipped without ../shared/data)', () => {
  it('loads the whole edition over HTTP', async () => {
    await using large = await startStandIn({ dataDirectory: data });
    const scraper = createScraper(fixture, {
      orangeBook: { url: large.addresses.orangeBook, cacheDirectory: fixture.directory },
      openFda: { baseUrl: large.url },
    });
    const counts: number[] = [];
    scraper.events.on('loaded', event => counts.push(event.products, event.patents, event.exclusivities));
    const answer = await scraper.getApprovalInfo('metformin', { limit: 5 });
    expect(counts).toEqual([44_949, 18_578, 2_089]);
    expect(answer.applications).toHaveLength(5);
    expect(answer.total).toBeGreaterThan(100);
    await scraper.close();
  });
});

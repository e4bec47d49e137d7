import { existsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import {
  NCCNScraper,
  type NCCNScraperOptions,
  type NccnEvents,
  NccnLayoutError,
  NccnLoginRequiredError,
  NccnTruncatedPageError,
} from 'plinth/connectors/nccn';
import { ScraperError, UpstreamError } from 'plinth/errors';
import { ConnectionPool, RobotsDisallowedError, RobotsPolicy } from 'plinth/http';
import { SelectorError } from 'plinth/http/html';
import { VirtualClock } from 'plinth/testing';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { describeBadSource } from '../bad-source.fixture.ts';
import { type StandIn, type StandInOptions, startStandIn } from '../index.ts';
import { failureOf, serve, settle } from '../settle.fixture.ts';

const dataDirectory = fileURLToPath(new URL('../../../../shared/data', import.meta.url));

describe('NCCNScraper, at the stand-in', () => {
  let clock: VirtualClock;
  let pool: ConnectionPool;
  let standIn: StandIn;
  let nccn: NCCNScraper;

  beforeEach(async () => {
    clock = new VirtualClock();
    pool = new ConnectionPool();
    await start();
  });

  afterEach(async () => {
    await nccn.close();
    await standIn.close();
    await pool.close();
  });

  async function start(options: Omit<StandInOptions, 'clock'> = {}): Promise<void> {
    await standIn?.close();
    standIn = await startStandIn({ ...options, clock });
    nccn = create();
  }

  function create(options: NCCNScraperOptions = {}): NCCNScraper {
    return new NCCNScraper({ baseUrl: standIn.addresses.nccn, pool, clock, ...options });
  }

  it('reads the four pages of the catalogue, one a second', async () => {
    const startMs = clock.monotonic();
    const { guidelines, pages, unreadable, provenance } = await settle(clock, nccn.getCatalogue());
    expect(clock.monotonic() - startMs).toBeGreaterThanOrEqual(2_900);
    expect(pages.map(({ category, via, guidelines: count }) => [category, via, count])).toEqual([
      [1, 'items', 12],
      [2, 'items', 3],
      [3, 'items', 3],
      [4, 'items', 2],
    ]);
    expect(guidelines).toHaveLength(20);
    expect(unreadable).toBe(0);
    expect(guidelines.find(({ id }) => id === '1450')).toEqual({
      id: '1450',
      name: 'Non-Small Cell Lung Cancer',
      version: '8.2025',
      category: 1,
      url: `${standIn.url}/guidelines/guidelines-detail?category=1&id=1450`,
    });
    expect(guidelines.find(({ id }) => id === '9402')?.version).toBeNull();
    expect(provenance).toMatchObject({ source: 'nccn', origin: 'recorded', freshness: 'fresh' });
    expect(nccn.contracts.guidelines.drifts).toEqual([]);
  });

  it('trap: the menu links every guideline again, and none of them is counted twice', async () => {
    const { guidelines } = await settle(clock, nccn.getCatalogue());
    expect(new Set(guidelines.map(({ id }) => id)).size).toBe(guidelines.length);
    expect(guidelines.every(({ url }) => !url.includes('nccn-guidelines'))).toBe(true);
  });

  it('finds guidelines by alias, and asks nobody again for an hour', async () => {
    const answer = await settle(clock, nccn.getGuidelines('nsclc'));
    expect(answer).toMatchObject({ cancer: 'nsclc', matchedBy: 'alias', unreadable: 0 });
    expect(answer.guidelines.map(({ name, version }) => [name, version])).toEqual([
      ['Non-Small Cell Lung Cancer', '8.2025'],
    ]);
    expect((await nccn.fetchData('sclc')).guidelines.map(({ id }) => id)).toEqual(['1462']);
    expect((await nccn.getGuidelines('unobtainium')).guidelines).toEqual([]);
    expect(standIn.stats().requests).toBe(4);
    await clock.advance(3_600_001);
    await settle(clock, nccn.getGuidelines('nsclc', { categories: [1] }));
    expect(standIn.stats().requests).toBe(5);
  });

  it('gives one guideline with its documents, and looks no further than it must', async () => {
    const detail = await settle(clock, nccn.getGuideline('1450'));
    expect(detail).toMatchObject({
      id: '1450',
      version: '8.2025',
      documentVersion: '8.2025',
      documentUrl: `${standIn.url}/professionals/physician_gls/pdf/nscl.pdf`,
      provenance: { origin: 'recorded' },
    });
    expect(detail?.documents.map(({ kind, version, language }) => [kind, version, language])).toEqual([
      ['guidelines', '8.2025', undefined],
      ['evidence-blocks', '8.2025', undefined],
      ['framework', null, 'English'],
      ['patients', null, undefined],
      ['translation', '8.2025', 'French'],
    ]);
    expect(standIn.stats().byRoute).toEqual({
      '/guidelines/category_:category': 1,
      '/guidelines/guidelines-detail': 1,
    });
    expect(await settle(clock, nccn.getGuideline('1450', { category: 3 }))).toBeNull();
    expect(await settle(clock, nccn.getGuideline('123456'))).toBeNull();
  });

  it('never asks for a document, which would lead to a log-in', async () => {
    await settle(clock, nccn.getCatalogue());
    await settle(clock, nccn.getGuideline('1450'));
    await settle(clock, nccn.getPatientGuidelines());
    expect(Object.keys(standIn.stats().byRoute).filter(route => /pdf|login/.test(route))).toEqual([]);
    const pdf = await fetch(`${standIn.url}/professionals/physician_gls/pdf/nscl.pdf`, { redirect: 'manual' });
    expect(pdf.status).toBe(302);
    const asked = encodeURIComponent(`${standIn.url}/professionals/physician_gls/pdf/nscl.pdf`);
    expect(pdf.headers.get('location')).toBe(`/login?ReturnURL=${asked}`);
  });

  it('reads the guidelines for patients, whose versions are years', async () => {
    const { guidelines, unreadable } = await settle(clock, nccn.getPatientGuidelines());
    expect(unreadable).toBe(0);
    expect(guidelines.map(({ id, year }) => [id, year])).toEqual([
      ['2', 2025],
      ['8', 2025],
      ['11', 2025],
      ['23', 2025],
      ['59', 2024],
    ]);
  });

  it('says who it is: no browser', async () => {
    let agent: string | undefined;
    await using server = await serve((request, response) => {
      agent = request.headers['user-agent'];
      response.writeHead(403).end();
    });
    const refused = await failureOf(clock, create({ baseUrl: server.url }).getCatalogue());
    expect(refused).toBeInstanceOf(UpstreamError);
    expect(refused).toMatchObject({ status: 403, retryable: false });
    expect(agent).toBe('plinth');
  });

  it('obeys robots.txt when it is given a policy', async () => {
    let pages = 0;
    await using server = await serve((request, response) => {
      if (request.url === '/robots.txt') return void response.end('User-agent: *\nDisallow: /guidelines/\n');
      pages += 1;
      response.end();
    });
    const robots = new RobotsPolicy({ pool, clock });
    const error = await failureOf(clock, create({ baseUrl: server.url, robots }).getCatalogue());
    expect(error).toBeInstanceOf(RobotsDisallowedError);
    expect(pages).toBe(0);
  });

  describe('where something else comes', () => {
    const catalogue = { categories: [1] } as const;

    it('trap: no items is a changed layout, never an empty catalogue', async () => {
      await using server = await serve((_, response) => {
        response.setHeader('content-type', 'text/html');
        response.end('<html><title>Treatment</title><div class="item"><p class="item-title">A</p></div></html>');
      });
      const error = await failureOf(clock, create({ baseUrl: server.url }).getCatalogue(catalogue));
      expect(error).toBeInstanceOf(NccnLayoutError);
      expect(error).toMatchObject({ retryable: false, cause: expect.any(SelectorError) });
      expect(String((error as Error).cause)).toContain('there: p.item-title (1)');
      const patients = await failureOf(clock, create({ baseUrl: server.url }).getPatientGuidelines());
      expect(patients).toBeInstanceOf(NccnLayoutError);
    });

    it('trap: a page without items is read from the menu, for its own category only, and says so', async () => {
      await start({ nccn: { markup: 'menu' } });
      const told: NccnEvents['menu-used'][] = [];
      nccn.events.on('menu-used', event => told.push(event));
      const { guidelines, pages } = await settle(clock, nccn.getCatalogue({ categories: [2] }));
      expect(pages).toEqual([expect.objectContaining({ category: 2, via: 'menu', guidelines: 3 })]);
      expect(guidelines.map(({ id, version }) => [id, version])).toEqual([
        ['9201', null],
        ['9202', null],
        ['9203', null],
      ]);
      expect(guidelines[0]?.url).toBe(`${standIn.url}/guidelines/nccn-guidelines/guidelines-detail?category=2&id=9201`);
      expect(told).toEqual([expect.objectContaining({ category: 2, records: 3 })]);
      expect(await settle(clock, nccn.getGuideline('9201', { category: 2 }))).toMatchObject({ version: null });
    });

    it.each(['redirect', 'form'] as const)('trap: a log-in comes with status 200 (%s), and is told', async wall => {
      await start({ nccn: { wall } });
      const before = standIn.stats().requests;
      const error = await failureOf(clock, nccn.getCatalogue(catalogue));
      expect(error).toBeInstanceOf(NccnLoginRequiredError);
      expect(error).toMatchObject({ pageUrl: `${standIn.url}/guidelines/category_1`, retryable: false });
      expect(standIn.stats().requests - before).toBe(wall === 'redirect' ? 2 : 1);
      expect(await failureOf(clock, nccn.getPatientGuidelines())).toBeInstanceOf(NccnLoginRequiredError);
    });

    it('trap: a log-in page is known by its address, whatever is on it', async () => {
      await using server = await serve((request, response) => {
        if (!request.url?.startsWith('/login')) {
          return void response.writeHead(302, { location: '/login?ReturnURL=%2Fguidelines%2Fcategory_1' }).end();
        }
        response.setHeader('content-type', 'text/html');
        response.end('<html><a href="/guidelines/guidelines-detail?category=1&id=1450">Lung</a></html>');
      });
      const error = await failureOf(clock, create({ baseUrl: server.url }).getCatalogue(catalogue));
      expect(error).toBeInstanceOf(NccnLoginRequiredError);
    });

    it('tells half a page from another page, and neither is kept', async () => {
      standIn.behave({ truncate: true, count: 1 });
      const half = await failureOf(clock, nccn.getCatalogue(catalogue));
      expect(half).toBeInstanceOf(NccnTruncatedPageError);
      expect(String(half)).toMatch(/category_1 ended after \d+ characters without its <\/html>/);
      standIn.behave({ html: true, count: 1 });
      const other = await failureOf(clock, nccn.getCatalogue(catalogue));
      expect(other).toBeInstanceOf(NccnLayoutError);
      expect(String(other)).toContain('no list of guidelines');
      expect((await settle(clock, nccn.getCatalogue(catalogue))).guidelines).toHaveLength(12);
    });

    it('refuses what is no page', async () => {
      await using server = await serve((_, response) => {
        response.writeHead(200, { 'content-type': 'application/pdf' }).end('%PDF-1.7');
      });
      const error = await failureOf(clock, create({ baseUrl: server.url }).getCatalogue(catalogue));
      expect(error).toBeInstanceOf(ScraperError);
      expect(String(error)).toContain('expected a page, got application/pdf');
    });

    it('lets an older page stand in for one that cannot be read, and says so and why', async () => {
      const failed: NccnEvents['failed'][] = [];
      nccn.events.on('failed', event => failed.push(event));
      await settle(clock, nccn.getCatalogue(catalogue));
      await clock.advance(2 * 3_600_000);
      standIn.behave({ html: true, count: 1 });
      const { guidelines, provenance } = await settle(clock, nccn.getCatalogue(catalogue));
      expect(guidelines).toHaveLength(12);
      expect(provenance).toMatchObject({ freshness: 'stale', reason: 'SCRAPER_ERROR' });
      expect(provenance.ageMs).toBeGreaterThanOrEqual(2 * 3_600_000);
      expect(failed).toEqual([{ operation: 'catalogue', error: expect.any(NccnLayoutError) }]);
    });

    it('leaves out entries that cannot be read, counts them, and keeps them', async () => {
      const item = (inside: string): string => `<div class="item"><div class="item-name">${inside}</div></div>`;
      const link = (id: number): string =>
        `<a href="/guidelines/guidelines-detail?category=1&id=${id}">Cancer ${id}</a>`;
      const items = [
        item(link(1)),
        item('no link'),
        item('<a href="/x?category=7&id=2">Seven</a>'),
        item(link(3)),
        item(link(3)),
      ];
      await using server = await serve((_, response) => {
        response.setHeader('content-type', 'text/html');
        response.end(`<html><body>${items.join('')}</body></html>`);
      });
      const other = create({ baseUrl: server.url });
      const quarantined: string[] = [];
      other.contracts.guidelines.events.on('quarantined', ({ error }) => quarantined.push(error));
      const { guidelines, unreadable } = await settle(clock, other.getCatalogue(catalogue));
      expect(guidelines.map(({ id, version }) => [id, version])).toEqual([
        ['1', null],
        ['3', null],
      ]);
      expect(unreadable).toBe(2);
      expect(quarantined).toHaveLength(2);
    });

    it('tells when versions are gone from every entry', async () => {
      const links = Array.from({ length: 30 }, (_, id) => {
        const href = `/guidelines/guidelines-detail?category=1&id=${id}`;
        return `<div class="item"><div class="item-name"><a href="${href}">Cancer ${id}</a></div><b>8.2026</b></div>`;
      });
      await using server = await serve((_, response) => {
        response.setHeader('content-type', 'text/html');
        response.end(`<html><body>${links.join('')}</body></html>`);
      });
      const other = create({ baseUrl: server.url });
      const drifts: string[] = [];
      other.contracts.guidelines.events.on('drift', ({ kind, path }) => drifts.push(`${kind} ${path}`));
      expect((await settle(clock, other.getCatalogue(catalogue))).guidelines).toHaveLength(30);
      expect(drifts).toEqual(['missing-field version']);
    });
  });

  it.skipIf(!existsSync(`${dataDirectory}/nccn`))(
    'answers with the recorded pages of a data folder (skipped without ../shared/data/nccn)',
    async () => {
      await start({ dataDirectory });
      const { guidelines } = await settle(clock, nccn.getCatalogue());
      expect(guidelines.filter(({ category }) => category === 1)).toHaveLength(68);
      expect((await settle(clock, nccn.getPatientGuidelines())).guidelines).toHaveLength(74);
      expect(await settle(clock, nccn.getGuideline('1434'))).toMatchObject({
        documentUrl: `${standIn.url}/professionals/physician_gls/pdf/gastric.pdf`,
      });
    },
    30_000,
  );
});

describeBadSource({
  name: 'NCCNScraper',
  pathPrefix: '/guidelines',
  reads: 'html',
  create: (standIn, options) => new NCCNScraper({ baseUrl: standIn.addresses.nccn, ...options }),
  ask: scraper => scraper.getCatalogue({ categories: [1] }),
});

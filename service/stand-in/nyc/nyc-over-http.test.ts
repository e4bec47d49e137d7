import { existsSync } from 'node:fs';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { MemoryCache } from 'plinth/cache';
import {
  type DatasetPage,
  NYCDataClient,
  type NYCDataClientOptions,
  NycDataError,
  type NycEvents,
  NycUnavailableError,
  soql,
} from 'plinth/connectors/nyc';
import { RateLimitError, ScraperError, ValidationError } from 'plinth/errors';
import { CachedScraper, ConnectionPool, type ContractEvents, HostPace } from 'plinth/http';
import { type EventSource, Secret } from 'plinth/kernel';
import { createLogging, logEvents } from 'plinth/logging';
import { standardGuard } from 'plinth/pipeline';
import { VirtualClock } from 'plinth/testing';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { type StandIn, startStandIn } from '../index.ts';
import { serve, settle } from '../settle.fixture.ts';

const bbl = '1007200055';
const safetyPath = '/resource/855j-jady.json';

describe('NYCDataClient', () => {
  let clock: VirtualClock;
  let standIn: StandIn;
  let pool: ConnectionPool;
  let pace: HostPace;
  const opened: NYCDataClient[] = [];

  beforeEach(async () => {
    clock = new VirtualClock();
    standIn = await startStandIn({ clock, nyc: { appTokens: ['good-token'] } });
    pool = new ConnectionPool();
  });

  afterEach(async () => {
    for (const client of opened.splice(0)) await client.close();
    await standIn.close();
    await pool.close();
  });

  /** With the pace of the connector, and with time for answers that are slow on this machine only. */
  function client(options: NYCDataClientOptions = {}): NYCDataClient {
    pace = new HostPace({ name: 'nyc', ratePerSecond: 2, clock });
    const guard = standardGuard('nyc', { clock, limiter: pace, deadlineMs: 7_200_000, attemptTimeoutMs: 3_600_000 });
    const nyc = new NYCDataClient({ baseUrl: standIn.addresses.nyc, pool, clock, guard, ...options });
    opened.push(nyc);
    return nyc;
  }

  /** Time passes only while nothing is on the wire, so that no timeout ends what is merely slow on this machine. */
  async function settled<Value>(work: Promise<Value>): Promise<Value> {
    let hasEnded = false;
    const end = (): void => {
      hasEnded = true;
    };
    work.then(end, end);
    while (!hasEnded) {
      if (pool.stats().some(({ active, running, pending }) => active + running + pending > 0)) await nextTurn();
      else await clock.advance(20);
    }
    return work;
  }

  function failureOf(work: Promise<unknown>): Promise<unknown> {
    return settled(
      work.then(
        value => expect.fail(`Expected a failure, got ${JSON.stringify(value)}`),
        error => error,
      ),
    );
  }

  describe('asked for the violations of a lot', () => {
    it('finds the row with the lot of four digits among those with five', async () => {
      const { violations, total, leftOut, provenance, dataUpdatedAt } = await settled(client().getDobViolations(bbl));
      expect(total).toBe(17);
      expect(violations.map(({ lot }) => lot).sort()).toEqual(['0055', ...Array<string>(16).fill('00055')].sort());
      expect(new Set(violations.map(each => each.bbl))).toEqual(new Set([bbl]));
      expect(leftOut).toEqual({ testRecords: 0, unreadable: 0, undated: 0 });
      expect(provenance).toMatchObject({ source: 'nyc', origin: 'recorded', freshness: 'fresh', ageMs: 0 });
      expect(dataUpdatedAt).toBe('2026-11-21T17:40:22.000Z');
    });

    it('finds the five-digit lot among those of four before the Board', async () => {
      const { violations } = await settled(client().getEcbViolations(1007200055));
      expect(violations.map(({ lot }) => lot).sort()).toEqual(['00055', '0055', '0055', '0055', '0055', '0055']);
      expect(violations.find(({ number }) => number === '35261401K')).toMatchObject({
        isActive: true,
        penaltyImposed: 1_500,
        balanceDue: 1_500,
        hearingStatus: 'DEFAULT',
      });
    });

    it('reads the two that know the BBL themselves', async () => {
      const hpd = await settled(client().getHpdViolations('1-00720-0055'));
      expect(hpd.violations.map(({ hazardClass, isActive }) => `${hazardClass} ${isActive}`)).toEqual([
        'C true',
        'B true',
        'A false',
        'B false',
        'I true',
      ]);
      const safety = await settled(client().getDobSafetyViolations(bbl));
      expect(safety.violations.map(({ number }) => number)).toContain('040618LBLVIO00731');
    });

    it('has nothing for a lot that nobody knows, and nothing is an answer', async () => {
      const answer = await settled(client().getDobViolations('5-00001-0001'));
      expect(answer).toMatchObject({ violations: [], total: 0, provenance: { origin: 'recorded' } });
    });

    it('finds the lot of a whole condominium, and says of one unit that it has nothing of its own', async () => {
      expect((await settled(client().getDobViolations('1015167502'))).total).toBe(3);
      const unit = await settled(client().getDobViolations('1015161109'));
      expect(unit).toMatchObject({ total: 0, bbl: { note: expect.stringMatching(/condominium/) } });
    });

    it('drops test records, and counts them', async () => {
      const { violations, leftOut } = await settled(client().getDobViolations('3005340010'));
      expect(violations.map(({ houseNumber }) => houseNumber)).toEqual(['421']);
      expect(leftOut.testRecords).toBe(1);
    });

    it('shows the newest first, those without a readable date last with their text', async () => {
      const { violations } = await settled(client().getDobViolations(bbl));
      expect(violations[0]?.issueDate).toBe('2025-11-14');
      const last = violations.slice(-2);
      expect(last.map(({ issueDate }) => issueDate)).toEqual([null, null]);
      expect(last.map(({ issueDateRaw }) => issueDateRaw).sort()).toEqual(['000000', 'Y9990120']);
    });

    it('leaves out what is not wanted, and says how many have no date to go by', async () => {
      const open = await settled(client().getDobViolations(bbl, { activeOnly: true }));
      expect(open.violations.every(({ isActive, isDeleted }) => isActive && !isDeleted)).toBe(true);
      expect(open.total).toBe(5);
      const options = { issuedFrom: '2010-01-01', issuedTo: '2014-12-31', limit: 2 };
      const some = await settled(client().getDobViolations(bbl, options));
      expect(some.violations.map(({ issueDate }) => issueDate)).toEqual(['2014-01-15', '2012-02-10']);
      expect(some).toMatchObject({ total: 3, leftOut: { undated: 2 } });
    });

    it('walks to the end over pages, and stops at one that is not full', async () => {
      const operations: unknown[] = [];
      const nyc = client({ pageSize: 5 });
      nyc.events.on('answered', ({ operation, records }) => operations.push([operation, records]));
      const { total, violations } = await settled(nyc.getDobViolations(bbl));
      expect([total, new Set(violations.map(({ id }) => id)).size]).toEqual([17, 17]);
      expect(operations).toEqual([5, 5, 5, 2].map(records => ['dob-violations', records]));
    });

    it.each([
      ['6007200055', {}, /borough is 6/],
      [bbl, { limit: 0 }, /limit/],
      [bbl, { issuedFrom: '01/31/2024' }, /issuedFrom/],
      [bbl, { issuedTo: '2024-02-30' }, /issuedTo/],
      [bbl, { issuedFrom: '2024-02-01', issuedTo: '2024-01-01' }, /issuedTo/],
    ])('asks nobody when it cannot be asked (%s, %j)', async (lot, options, problem) => {
      for (const ask of [
        () => client().getDobViolations(lot, options),
        () => client().getPropertyViolations(lot, options),
      ]) {
        const error = await failureOf(ask());
        expect(error).toBeInstanceOf(ValidationError);
        expect(String(error)).toMatch(problem);
      }
      expect(standIn.stats().requests).toBe(0);
    });
  });

  describe('asked for all four data sets', () => {
    it('marks what is in two of them, and counts it once', async () => {
      const property = await settled(client().getPropertyViolations(bbl));
      expect(property.sources.map(({ dataset, status, total }) => [dataset, status, total])).toEqual([
        ['dob', 'answered', 17],
        ['ecb', 'answered', 6],
        ['hpd', 'answered', 5],
        ['dobSafety', 'answered', 3],
      ]);
      const kinds = property.crossReferences.map(({ kind, id }) => [kind, id]);
      expect(kinds.filter(([kind]) => kind === 'ecb-number')).toHaveLength(3);
      expect(kinds.filter(([kind]) => kind === 'same-violation')).toEqual([['same-violation', '040618LBLVIO00731']]);
      expect(property.counts).toEqual({ listed: 31, distinct: 27, active: 10 });
      expect(property.complete).toBe(true);
      for (const { provenance } of property.sources) expect(provenance?.origin).toBe('recorded');
    });

    it('reports the one that failed, and has the others', async () => {
      standIn.behave({ pathPrefix: safetyPath, failWith: 403 });
      const property = await settled(client().fetchData(bbl));
      expect(property.complete).toBe(false);
      expect(property.sources.map(({ status }) => status)).toEqual(['answered', 'answered', 'answered', 'failed']);
      expect(property.sources[3]).toMatchObject({
        datasetId: '855j-jady',
        total: 0,
        errorCode: 'UPSTREAM_ERROR',
        error: expect.stringMatching(/answered 403 for 855j-jady/),
      });
      expect(property.counts).toMatchObject({ listed: 28, distinct: 25 });
      expect(property.dobSafety).toEqual([]);
    });

    it('says which are empty', async () => {
      const { sources, complete } = await settled(client().getPropertyViolations('4050427504'));
      expect(sources.map(({ status }) => status)).toEqual(['empty', 'empty', 'empty', 'answered']);
      expect(complete).toBe(true);
    });

    it('counts without the limit that the lists have', async () => {
      const property = await settled(client().getPropertyViolations(bbl, { limit: 1 }));
      expect([property.dob, property.ecb, property.hpd, property.dobSafety].map(({ length }) => length)).toEqual([
        1, 1, 1, 1,
      ]);
      expect(property.counts.distinct).toBe(27);
    });

    it('fails when none answered, with every reason', async () => {
      standIn.behave({ failWith: 403 });
      const error = await failureOf(client().getPropertyViolations(bbl));
      expect(error).toBeInstanceOf(NycUnavailableError);
      expect((error as NycUnavailableError).sources.map(({ status }) => status)).toEqual(Array(4).fill('failed'));
    });

    it('ends as the caller wants', async () => {
      const controller = new AbortController();
      standIn.behave({ hang: true });
      const asked = client().getPropertyViolations(bbl, { signal: controller.signal });
      controller.abort(new DOMException('Enough', 'AbortError'));
      expect(await failureOf(asked)).toMatchObject({ name: 'AbortError' });
    });
  });

  describe('asked for any data set', () => {
    async function walk(pages: AsyncIterable<DatasetPage>): Promise<readonly DatasetPage[]> {
      const found: DatasetPage[] = [];
      for await (const page of pages) found.push(page);
      return found;
    }

    it('walks over its rows in an order that holds', async () => {
      const pages = await settled(walk(client().query('wvxf-dwi5', {}, { pageSize: 4 })));
      expect(pages.map(({ offset, rows }) => [offset, rows.length])).toEqual([
        [0, 4],
        [4, 4],
        [8, 1],
      ]);
      expect(new Set(pages.flatMap(({ rows }) => rows.map(row => row['violationid']))).size).toBe(9);
      expect(pages[0]).toMatchObject({ datasetId: 'wvxf-dwi5', provenance: { origin: 'recorded' } });
    });

    it('asks once more behind a last page that is full', async () => {
      const pages = await settled(walk(client().query('wvxf-dwi5', {}, { pageSize: 3 })));
      expect(pages.map(({ rows }) => rows.length)).toEqual([3, 3, 3, 0]);
    });

    it('asks no further than it is read', async () => {
      for await (const _page of client().query('wvxf-dwi5', {}, { pageSize: 2 })) break;
      expect(standIn.stats().requests).toBe(1);
    });

    it('has its columns, conditions, order and words', async () => {
      const query = {
        select: ['violationid', soql`class AS hazard`],
        where: soql`upper(streetname) like ${"%O'SAMPLE%"} AND violationstatus in ${['Open', 'Close']}`,
        orderBy: [soql`violationid DESC`],
        search: 'mice',
      };
      const [page] = await settled(walk(client().query('wvxf-dwi5', query)));
      expect(page?.rows.map(row => row['hazard'])).toEqual(['C', 'B', 'A']);
    });

    it('counts rows', async () => {
      expect(await settled(client().count('3h2n-5cm9'))).toBe(28);
      expect(await settled(client().count('3h2n-5cm9', soql`boro = ${'2'}`))).toBe(2);
    });

    it.each(['3h2n5cm9', '../admin', '3H2N-5CM9'])('asks nobody for %s', async id => {
      expect(await failureOf(walk(client().query(id)))).toBeInstanceOf(ValidationError);
      expect(await failureOf(client().count(id))).toBeInstanceOf(ValidationError);
      expect(standIn.stats().requests).toBe(0);
    });

    const folder = fileURLToPath(new URL('../../../../shared/data', import.meta.url));
    it.skipIf(!existsSync(`${folder}/nyc`))(
      'reads the recorded pages of others too, with truths and points (skipped without ../shared/data/nyc)',
      async () => {
        await using larger = await startStandIn({ clock, dataDirectory: folder });
        const nyc = client({ baseUrl: larger.addresses.nyc });
        const rowsOf = async (id: string): Promise<readonly Readonly<Record<string, unknown>>[]> =>
          (await walk(nyc.query(id, {}, { pageSize: 5 }))).flatMap(({ rows }) => rows);
        const pluto = await settled(rowsOf('64uk-42ks'));
        expect(pluto).toHaveLength(10);
        expect(pluto.filter(row => typeof row['splitzone'] === 'boolean')).toHaveLength(7);
        const where = soql`splitzone = ${true}`;
        const split = pluto.filter(row => row['splitzone'] === true).length;
        expect(await settled(nyc.count('64uk-42ks', where))).toBe(split);
        expect(await settled(rowsOf('im9z-53hg'))).toHaveLength(2);
        expect(await settled(rowsOf('ipu4-2q9a'))).toHaveLength(2);
        const calls = await settled(rowsOf('76ig-c548'));
        expect(calls.some(row => typeof row['location'] === 'object')).toBe(true);
        expect((await settled(nyc.getDobViolations('1015167502'))).total).toBe(5);
      },
    );
  });

  describe('told no', () => {
    it.each([
      [{ where: soql`not_a_column = 1` }, 'query.soql.no-such-column', /No such column: not_a_column$/],
      [{ where: soql`boro = 1` }, 'query.soql.type-mismatch', /Type mismatch/],
      [{ where: soql`boro = ` }, 'query.soql.parse-error', /Could not parse/],
    ])('knows a query that cannot be read, with its code, and does not repeat it', async (query, errorCode, text) => {
      const error = await failureOf(client().query('3h2n-5cm9', query).next());
      expect(error).toBeInstanceOf(NycDataError);
      expect(error).toMatchObject({ kind: 'query', status: 400, errorCode, datasetId: '3h2n-5cm9', retryable: false });
      expect((error as Error).message).toMatch(text);
      expect((error as Error).message.length).toBeLessThan(400);
      expect(standIn.stats().requests).toBe(1);
    });

    it('knows a data set that is gone', async () => {
      const error = await failureOf(client().query('zzzz-9999').next());
      expect(error).toMatchObject({ kind: 'gone', status: 404, errorCode: 'dataset.missing', retryable: false });
      expect(standIn.stats().requests).toBe(1);
    });

    it('knows a token that is none, and shows it to nobody', async () => {
      const error = await failureOf(client({ appToken: new Secret('bad-token') }).getDobViolations(bbl));
      expect(error).toMatchObject({ kind: 'rights', status: 403, errorCode: 'permission_denied', retryable: false });
      expect(JSON.stringify(error)).not.toContain('bad-token');
      expect(standIn.stats().requests).toBe(1);
      const good = client({ appToken: new Secret('good-token') });
      expect((await good.getDobViolations(bbl)).total).toBe(17);
    });

    it('asks again after a failure of the portal, and says so when it stays', async () => {
      const where = soql`${soql`((((((((((((((((((((((((((((((((((((((((((((((((((((((`}boro = ${'1'}`;
      const error = await failureOf(client().query('3h2n-5cm9', { where }).next());
      expect(error).toMatchObject({ kind: 'server', status: 500, errorCode: 'internal-error', retryable: true });
      expect(standIn.stats().requests).toBeGreaterThan(1);
    });

    it('gets through the limit of callers without a token, and asks less often afterwards', async () => {
      await standIn.close();
      standIn = await startStandIn({ clock, nyc: { requestsPerMinute: 3 } });
      const nyc = client({ baseUrl: standIn.addresses.nyc });
      const ask = (lot: number): Promise<unknown> =>
        nyc.getHpdViolations(`1-720-${lot}`).catch((error: unknown) => error);
      for (const lot of [55, 56, 57]) expect(await settled(ask(lot))).toHaveProperty('total');
      expect(await settled(ask(58))).toBeInstanceOf(RateLimitError);
      expect(standIn.stats().limited).toBeGreaterThan(0);
      expect(pace.ratePerSecond).toBeLessThan(2);
      await clock.advance(120_000);
      expect(await settled(ask(58))).toHaveProperty('total', 0);
    });

    it('takes nothing but a list of rows for an answer', async () => {
      await using other = await serve((_request, response) => {
        response.writeHead(200, { 'content-type': 'application/json' }).end('{"message":"soon"}');
      });
      expect(await failureOf(client({ baseUrl: other.url }).getDobViolations(bbl))).toBeInstanceOf(ScraperError);
    });
  });

  describe('told something else than before', () => {
    function served(rows: readonly unknown[], fields?: readonly string[]): ReturnType<typeof serve> {
      const headers = fields === undefined ? {} : { 'x-soda2-fields': JSON.stringify(fields) };
      return serve((_request, response) => {
        response.writeHead(200, { 'content-type': 'application/json', ...headers }).end(JSON.stringify(rows));
      });
    }

    it('puts rows that cannot be read aside, counts them, and tells of columns of another type', async () => {
      const good = { isn_dob_bis_viol: '1', boro: '1', block: '00720', lot: '00055', issue_date: '20200101' };
      const bad = { ...good, isn_dob_bis_viol: '2', street: { name: 'EXAMPLE STREET' } };
      await using other = await served([good, bad, { ...good, isn_dob_bis_viol: '3' }]);
      const nyc = client({ baseUrl: other.url });
      const drifts: ContractEvents['drift'][] = [];
      nyc.contracts.dob.events.on('drift', drift => drifts.push(drift));
      const { violations, leftOut, provenance } = await settled(nyc.getDobViolations(bbl));
      expect(violations.map(({ id }) => id)).toEqual(['1', '3']);
      expect(leftOut.unreadable).toBe(1);
      expect(provenance.origin).toBe('live');
      expect(drifts.map(({ path }) => path)).toContain('street');
    });

    it('refuses an answer in which most rows cannot be read', async () => {
      await using other = await served([{ a: '1' }, { a: '2' }, { isn_dob_bis_viol: '1' }]);
      expect(await failureOf(client({ baseUrl: other.url }).getDobViolations(bbl))).toMatchObject({
        name: 'ContractError',
        unreadable: 2,
      });
    });

    it('tells once of columns that are new or gone, although rows leave out what is empty', async () => {
      await using other = await served([], ['violation_number', 'bbl', 'brand_new', ':@computed']);
      const nyc = client({ baseUrl: other.url });
      const told: NycEvents['columns-changed'][] = [];
      nyc.events.on('columns-changed', change => told.push(change));
      await settled(nyc.getDobSafetyViolations(bbl));
      await settled(nyc.getDobSafetyViolations('1-720-56'));
      expect(told).toHaveLength(1);
      expect(told[0]).toMatchObject({ datasetId: '855j-jady', added: ['brand_new'] });
      expect(told[0]?.missing).toContain('violation_status');
    });

    it('has the columns that it expects, in every data set of the recordings', async () => {
      const nyc = client();
      const told: unknown[] = [];
      nyc.events.on('columns-changed', change => told.push(change));
      for (const { events } of Object.values(nyc.contracts)) {
        (events as EventSource<ContractEvents>).on('drift', drift => told.push(drift));
      }
      await settled(nyc.getPropertyViolations(bbl));
      expect(told).toEqual([]);
    });
  });

  it('tells of every answer for a log line with its duration and records', async () => {
    const lines: string[] = [];
    await using logging = createLogging({
      environment: 'production',
      level: 'INFO',
      files: false,
      console: { write: line => lines.push(line) },
      format: 'json',
      clock,
    });
    const nyc = client();
    logEvents(nyc.events, logging.getLogger('api.nyc_data_client'), {
      answered: ({ durationMs, records }) => ({
        message: 'API request successful',
        fields: { duration: durationMs / 1_000, records },
      }),
    });
    standIn.behave({ latencyMs: 460, count: 1 });
    // Here time has to pass while the request is on the wire.
    await settle(clock, nyc.getDobViolations(bbl));
    logging.flush();
    const line = JSON.parse(lines.find(each => each.includes('nyc_data_client')) ?? '{}') as Record<string, unknown>;
    expect(line).toMatchObject({ logger_name: 'api.nyc_data_client', message: 'API request successful', records: 17 });
    expect(line['duration']).toBeGreaterThanOrEqual(0.46);
  });

  it('asks twice a second without a token, and five times with one', async () => {
    const paces = [{}, { appToken: new Secret('good-token') }, { ratePerSecond: 1 }].map(options => {
      const nyc = new NYCDataClient({ pool, clock, ...options });
      opened.push(nyc);
      return nyc.pace?.ratePerSecond;
    });
    expect(paces).toEqual([2, 5, 1]);
  });

  it('tells of no request when its guard still has the answer', async () => {
    const nyc = client();
    let answers = 0;
    nyc.events.on('answered', () => {
      answers += 1;
    });
    await settled(nyc.getDobViolations(bbl));
    await clock.advance(1_000);
    const { provenance } = await settled(nyc.getDobViolations(bbl, { activeOnly: true }));
    expect([answers, standIn.stats().requests]).toEqual([1, 1]);
    expect(provenance.ageMs).toBeGreaterThanOrEqual(1_000);
  });

  it('answers from a cache around it with the same type, and tells of no request then', async () => {
    const nyc = client();
    let answers = 0;
    nyc.events.on('answered', () => {
      answers += 1;
    });
    const kept = new CachedScraper(nyc, { cache: new MemoryCache({ name: 'nyc', clock }) });
    const first = await kept.getDobViolations(bbl);
    const second = await kept.getDobViolations(bbl);
    expect(second.total).toBe(first.total);
    expect([answers, standIn.stats().requests]).toEqual([1, 1]);
  });
});

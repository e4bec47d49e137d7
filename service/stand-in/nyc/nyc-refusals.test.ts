import { NycDataError, type NycEvents, soql } from 'plinth/connectors/nyc';
import { RateLimitError, ScraperError } from 'plinth/errors';
import type { ContractEvents } from 'plinth/http';
import { type EventSource, Secret } from 'plinth/kernel';
import { describe, expect, it } from 'vitest';
import { startStandIn } from '../index.ts';
import { serve } from '../settle.fixture.ts';
import { useNycFixture } from './nyc.fixture.ts';

const bbl = '1007200055';
const fixture = useNycFixture();

describe('NYCDataClient', () => {
  describe('told no', () => {
    it.each([
      [{ where: soql`not_a_column = 1` }, 'query.soql.no-such-column', /No such column: not_a_column$/],
      [{ where: soql`boro = 1` }, 'query.soql.type-mismatch', /Type mismatch/],
      [{ where: soql`boro = ` }, 'query.soql.parse-error', /Could not parse/],
    ])('knows a query that cannot be read, with its code, and does not repeat it', async (query, errorCode, text) => {
      const error = await fixture.failureOf(fixture.client().query('3h2n-5cm9', query).next());
      expect(error).toBeInstanceOf(NycDataError);
      expect(error).toMatchObject({ kind: 'query', status: 400, errorCode, datasetId: '3h2n-5cm9', retryable: false });
      expect((error as Error).message).toMatch(text);
      expect((error as Error).message.length).toBeLessThan(400);
      expect(fixture.standIn.stats().requests).toBe(1);
    });

    it('knows a data set that is gone', async () => {
      const error = await fixture.failureOf(fixture.client().query('zzzz-9999').next());
      expect(error).toMatchObject({ kind: 'gone', status: 404, errorCode: 'dataset.missing', retryable: false });
      expect(fixture.standIn.stats().requests).toBe(1);
    });

    it('knows a token that is none, and shows it to nobody', async () => {
      const error = await fixture.failureOf(
        fixture.client({ appToken: new Secret('bad-token') }).getDobViolations(bbl),
      );
      expect(error).toMatchObject({ kind: 'rights', status: 403, errorCode: 'permission_denied', retryable: false });
      expect(JSON.stringify(error)).not.toContain('bad-token');
      expect(fixture.standIn.stats().requests).toBe(1);
      const good = fixture.client({ appToken: new Secret('good-token') });
      expect((await good.getDobViolations(bbl)).total).toBe(17);
    });

    it('asks again after a failure of the portal, and says so when it stays', async () => {
      const where = soql`${soql`((((((((((((((((((((((((((((((((((((((((((((((((((((((`}boro = ${'1'}`;
      const error = await fixture.failureOf(fixture.client().query('3h2n-5cm9', { where }).next());
      expect(error).toMatchObject({ kind: 'server', status: 500, errorCode: 'internal-error', retryable: true });
      expect(fixture.standIn.stats().requests).toBeGreaterThan(1);
    });

    it('gets through the limit of callers without a token, and asks less often afterwards', async () => {
      await fixture.standIn.close();
      fixture.standIn = await startStandIn({ clock: fixture.clock, nyc: { requestsPerMinute: 3 } });
      const nyc = fixture.client({ baseUrl: fixture.standIn.addresses.nyc });
      const ask = (lot: number): Promise<unknown> =>
        nyc.getHpdViolations(`1-720-${lot}`).catch((error: unknown) => error);
      for (const lot of [55, 56, 57]) expect(await fixture.settled(ask(lot))).toHaveProperty('total');
      expect(await fixture.settled(ask(58))).toBeInstanceOf(RateLimitError);
      expect(fixture.standIn.stats().limited).toBeGreaterThan(0);
      expect(fixture.pace.ratePerSecond).toBeLessThan(2);
      await fixture.clock.advance(120_000);
      expect(await fixture.settled(ask(58))).toHaveProperty('total', 0);
    });

    it('takes nothing but a list of rows for an answer', async () => {
      await using other = await serve((_request, response) => {
        response.writeHead(200, { 'content-type': 'application/json' }).end('{"message":"soon"}');
      });
      expect(await fixture.failureOf(fixture.client({ baseUrl: other.url }).getDobViolations(bbl))).toBeInstanceOf(
        ScraperError,
      );
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
      const nyc = fixture.client({ baseUrl: other.url });
      const drifts: ContractEvents['drift'][] = [];
      nyc.contracts.dob.events.on('drift', drift => drifts.push(drift));
      const { violations, leftOut, provenance } = await fixture.settled(nyc.getDobViolations(bbl));
      expect(violations.map(({ id }) => id)).toEqual(['1', '3']);
      expect(leftOut.unreadable).toBe(1);
      expect(provenance.origin).toBe('live');
      expect(drifts.map(({ path }) => path)).toContain('street');
    });

    it('refuses an answer in which most rows cannot be read', async () => {
      await using other = await served([{ a: '1' }, { a: '2' }, { isn_dob_bis_viol: '1' }]);
      expect(await fixture.failureOf(fixture.client({ baseUrl: other.url }).getDobViolations(bbl))).toMatchObject({
        name: 'ContractError',
        unreadable: 2,
      });
    });

    it('tells once of columns that are new or gone, although rows leave out what is empty', async () => {
      await using other = await served([], ['violation_number', 'bbl', 'brand_new', ':@computed']);
      const nyc = fixture.client({ baseUrl: other.url });
      const told: NycEvents['columns-changed'][] = [];
      nyc.events.on('columns-changed', change => told.push(change));
      await fixture.settled(nyc.getDobSafetyViolations(bbl));
      await fixture.settled(nyc.getDobSafetyViolations('1-720-56'));
      expect(told).toHaveLength(1);
      expect(told[0]).toMatchObject({ datasetId: '855j-jady', added: ['brand_new'] });
      expect(told[0]?.missing).toContain('violation_status');
    });

    it('has the columns that it expects, in every data set of the recordings', async () => {
      const nyc = fixture.client();
      const told: unknown[] = [];
      nyc.events.on('columns-changed', change => told.push(change));
      for (const { events } of Object.values(nyc.contracts)) {
        (events as EventSource<ContractEvents>).on('drift', drift => told.push(drift));
      }
      await fixture.settled(nyc.getPropertyViolations(bbl));
      expect(told).toEqual([]);
    });
  });
});

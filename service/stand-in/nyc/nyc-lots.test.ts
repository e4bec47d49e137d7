import { NycUnavailableError } from 'plinth/connectors/nyc';
import { ValidationError } from 'plinth/errors';
import { describe, expect, it } from 'vitest';
import { useNycFixture } from './nyc.fixture.ts';

const bbl = '1007200055';
const safetyPath = '/resource/855j-jady.json';
const fixture = useNycFixture();

describe('NYCDataClient', () => {
  describe('asked for the violations of a lot', () => {
    it('finds the row with the lot of four digits among those with five', async () => {
      const { violations, total, leftOut, provenance, dataUpdatedAt } = await fixture.settled(
        fixture.client().getDobViolations(bbl),
      );
      expect(total).toBe(17);
      expect(violations.map(({ lot }) => lot).sort()).toEqual(['0055', ...Array<string>(16).fill('00055')].sort());
      expect(new Set(violations.map(each => each.bbl))).toEqual(new Set([bbl]));
      expect(leftOut).toEqual({ testRecords: 0, unreadable: 0, undated: 0 });
      expect(provenance).toMatchObject({ source: 'nyc', origin: 'recorded', freshness: 'fresh', ageMs: 0 });
      expect(dataUpdatedAt).toBe('2026-11-21T17:40:22.000Z');
    });

    it('finds the five-digit lot among those of four before the Board', async () => {
      const { violations } = await fixture.settled(fixture.client().getEcbViolations(1007200055));
      expect(violations.map(({ lot }) => lot).sort()).toEqual(['00055', '0055', '0055', '0055', '0055', '0055']);
      expect(violations.find(({ number }) => number === '35261401K')).toMatchObject({
        isActive: true,
        penaltyImposed: 1_500,
        balanceDue: 1_500,
        hearingStatus: 'DEFAULT',
      });
    });

    it('reads the two that know the BBL themselves', async () => {
      const hpd = await fixture.settled(fixture.client().getHpdViolations('1-00720-0055'));
      expect(hpd.violations.map(({ hazardClass, isActive }) => `${hazardClass} ${isActive}`)).toEqual([
        'C true',
        'B true',
        'A false',
        'B false',
        'I true',
      ]);
      const safety = await fixture.settled(fixture.client().getDobSafetyViolations(bbl));
      expect(safety.violations.map(({ number }) => number)).toContain('040618LBLVIO00731');
    });

    it('has nothing for a lot that nobody knows, and nothing is an answer', async () => {
      const answer = await fixture.settled(fixture.client().getDobViolations('5-00001-0001'));
      expect(answer).toMatchObject({ violations: [], total: 0, provenance: { origin: 'recorded' } });
    });

    it('finds the lot of a whole condominium, and says of one unit that it has nothing of its own', async () => {
      expect((await fixture.settled(fixture.client().getDobViolations('1015167502'))).total).toBe(3);
      const unit = await fixture.settled(fixture.client().getDobViolations('1015161109'));
      expect(unit).toMatchObject({ total: 0, bbl: { note: expect.stringMatching(/condominium/) } });
    });

    it('drops test records, and counts them', async () => {
      const { violations, leftOut } = await fixture.settled(fixture.client().getDobViolations('3005340010'));
      expect(violations.map(({ houseNumber }) => houseNumber)).toEqual(['421']);
      expect(leftOut.testRecords).toBe(1);
    });

    it('shows the newest first, those without a readable date last with their text', async () => {
      const { violations } = await fixture.settled(fixture.client().getDobViolations(bbl));
      expect(violations[0]?.issueDate).toBe('2025-11-14');
      const last = violations.slice(-2);
      expect(last.map(({ issueDate }) => issueDate)).toEqual([null, null]);
      expect(last.map(({ issueDateRaw }) => issueDateRaw).sort()).toEqual(['000000', 'Y9990120']);
    });

    it('leaves out what is not wanted, and says how many have no date to go by', async () => {
      const open = await fixture.settled(fixture.client().getDobViolations(bbl, { activeOnly: true }));
      expect(open.violations.every(({ isActive, isDeleted }) => isActive && !isDeleted)).toBe(true);
      expect(open.total).toBe(5);
      const options = { issuedFrom: '2010-01-01', issuedTo: '2014-12-31', limit: 2 };
      const some = await fixture.settled(fixture.client().getDobViolations(bbl, options));
      expect(some.violations.map(({ issueDate }) => issueDate)).toEqual(['2014-01-15', '2012-02-10']);
      expect(some).toMatchObject({ total: 3, leftOut: { undated: 2 } });
    });

    it('walks to the end over pages, and stops at one that is not full', async () => {
      const operations: unknown[] = [];
      const nyc = fixture.client({ pageSize: 5 });
      nyc.events.on('answered', ({ operation, records }) => operations.push([operation, records]));
      const { total, violations } = await fixture.settled(nyc.getDobViolations(bbl));
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
        () => fixture.client().getDobViolations(lot, options),
        () => fixture.client().getPropertyViolations(lot, options),
      ]) {
        const error = await fixture.failureOf(ask());
        expect(error).toBeInstanceOf(ValidationError);
        expect(String(error)).toMatch(problem);
      }
      expect(fixture.standIn.stats().requests).toBe(0);
    });
  });

  describe('asked for all four data sets', () => {
    it('marks what is in two of them, and counts it once', async () => {
      const property = await fixture.settled(fixture.client().getPropertyViolations(bbl));
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
      fixture.standIn.behave({ pathPrefix: safetyPath, failWith: 403 });
      const property = await fixture.settled(fixture.client().fetchData(bbl));
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
      const { sources, complete } = await fixture.settled(fixture.client().getPropertyViolations('4050427504'));
      expect(sources.map(({ status }) => status)).toEqual(['empty', 'empty', 'empty', 'answered']);
      expect(complete).toBe(true);
    });

    it('counts without the limit that the lists have', async () => {
      const property = await fixture.settled(fixture.client().getPropertyViolations(bbl, { limit: 1 }));
      expect([property.dob, property.ecb, property.hpd, property.dobSafety].map(({ length }) => length)).toEqual([
        1, 1, 1, 1,
      ]);
      expect(property.counts.distinct).toBe(27);
    });

    it('fails when none answered, with every reason', async () => {
      fixture.standIn.behave({ failWith: 403 });
      const error = await fixture.failureOf(fixture.client().getPropertyViolations(bbl));
      expect(error).toBeInstanceOf(NycUnavailableError);
      expect((error as NycUnavailableError).sources.map(({ status }) => status)).toEqual(Array(4).fill('failed'));
    });

    it('ends as the caller wants', async () => {
      const controller = new AbortController();
      fixture.standIn.behave({ hang: true });
      const asked = fixture.client().getPropertyViolations(bbl, { signal: controller.signal });
      controller.abort(new DOMException('Enough', 'AbortError'));
      expect(await fixture.failureOf(asked)).toMatchObject({ name: 'AbortError' });
    });
  });
});

import { existsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { type DatasetPage, soql } from 'plinth/connectors/nyc';
import { ValidationError } from 'plinth/errors';
import { describe, expect, it } from 'vitest';
import { startStandIn } from '../index.ts';
import { useNycFixture } from './nyc.fixture.ts';

const fixture = useNycFixture();

describe('NYCDataClient', () => {
  describe('asked for any data set', () => {
    async function walk(pages: AsyncIterable<DatasetPage>): Promise<readonly DatasetPage[]> {
      const found: DatasetPage[] = [];
      for await (const page of pages) found.push(page);
      return found;
    }

    it('walks over its rows in an order that holds', async () => {
      const pages = await fixture.settled(walk(fixture.client().query('wvxf-dwi5', {}, { pageSize: 4 })));
      expect(pages.map(({ offset, rows }) => [offset, rows.length])).toEqual([
        [0, 4],
        [4, 4],
        [8, 1],
      ]);
      expect(new Set(pages.flatMap(({ rows }) => rows.map(row => row['violationid']))).size).toBe(9);
      expect(pages[0]).toMatchObject({ datasetId: 'wvxf-dwi5', provenance: { origin: 'recorded' } });
    });

    it('asks once more behind a last page that is full', async () => {
      const pages = await fixture.settled(walk(fixture.client().query('wvxf-dwi5', {}, { pageSize: 3 })));
      expect(pages.map(({ rows }) => rows.length)).toEqual([3, 3, 3, 0]);
    });

    it('asks no further than it is read', async () => {
      for await (const _page of fixture.client().query('wvxf-dwi5', {}, { pageSize: 2 })) break;
      expect(fixture.standIn.stats().requests).toBe(1);
    });

    it('has its columns, conditions, order and words', async () => {
      const query = {
        select: ['violationid', soql`class AS hazard`],
        where: soql`upper(streetname) like ${"%O'SAMPLE%"} AND violationstatus in ${['Open', 'Close']}`,
        orderBy: [soql`violationid DESC`],
        search: 'mice',
      };
      const [page] = await fixture.settled(walk(fixture.client().query('wvxf-dwi5', query)));
      expect(page?.rows.map(row => row['hazard'])).toEqual(['C', 'B', 'A']);
    });

    it('counts rows', async () => {
      expect(await fixture.settled(fixture.client().count('3h2n-5cm9'))).toBe(28);
      expect(await fixture.settled(fixture.client().count('3h2n-5cm9', soql`boro = ${'2'}`))).toBe(2);
    });

    it.each(['3h2n5cm9', '../admin', '3H2N-5CM9'])('asks nobody for %s', async id => {
      expect(await fixture.failureOf(walk(fixture.client().query(id)))).toBeInstanceOf(ValidationError);
      expect(await fixture.failureOf(fixture.client().count(id))).toBeInstanceOf(ValidationError);
      expect(fixture.standIn.stats().requests).toBe(0);
    });

    const folder = fileURLToPath(new URL('../../../../shared/data', import.meta.url));
    it.skipIf(!existsSync(`${folder}/nyc`))(
      'reads the recorded pages of others too, with truths and points (skipped without ../shared/data/nyc)',
      async () => {
        await using larger = await startStandIn({ clock: fixture.clock, dataDirectory: folder });
        const nyc = fixture.client({ baseUrl: larger.addresses.nyc });
        const rowsOf = async (id: string): Promise<readonly Readonly<Record<string, unknown>>[]> =>
          (await walk(nyc.query(id, {}, { pageSize: 5 }))).flatMap(({ rows }) => rows);
        const pluto = await fixture.settled(rowsOf('64uk-42ks'));
        expect(pluto).toHaveLength(10);
        expect(pluto.filter(row => typeof row['splitzone'] === 'boolean')).toHaveLength(7);
        const where = soql`splitzone = ${true}`;
        const split = pluto.filter(row => row['splitzone'] === true).length;
        expect(await fixture.settled(nyc.count('64uk-42ks', where))).toBe(split);
        expect(await fixture.settled(rowsOf('im9z-53hg'))).toHaveLength(2);
        expect(await fixture.settled(rowsOf('ipu4-2q9a'))).toHaveLength(2);
        const calls = await fixture.settled(rowsOf('76ig-c548'));
        expect(calls.some(row => typeof row['location'] === 'object')).toBe(true);
        expect((await fixture.settled(nyc.getDobViolations('1015167502'))).total).toBe(5);
      },
    );
  });
});

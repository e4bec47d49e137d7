import { FDAOrangeBookScraper } from 'plinth/connectors/fda';
import { RejectedError, ValidationError } from 'plinth/errors';
import { describe, expect, it } from 'vitest';
import { useFdaFixture } from './fda.fixture.ts';

const fixture = useFdaFixture();

describe('FDAOrangeBookScraper', () => {
  it('needs no options, and asks nobody before it is asked', async () => {
    const live = new FDAOrangeBookScraper();
    await expect(live.searchDrug('')).rejects.toBeInstanceOf(ValidationError);
    await live.close();
  });

  it('takes undefined for every option as its default', async () => {
    const keys = [
      'orangeBook',
      'openFda',
      'pool',
      'openFdaGuard',
      'orangeBookGuard',
      'refreshIntervalMs',
      'clock',
    ] as const;
    await new FDAOrangeBookScraper(Object.fromEntries(keys.map(key => [key, undefined]))).close();
  });
});

describe('searchDrug()', () => {
  it('makes one list of both sources, and says where everything comes from', async () => {
    const answer = await fixture.fda.searchDrug('osimertinib');
    expect(answer).toMatchObject({ name: 'osimertinib', total: 2 });
    expect(
      answer.results.map(result => [result.productNumber, result.source, result.sources, result.strength]),
    ).toEqual([
      ['001', 'orange-book', ['orange-book', 'drugsfda'], 'EQ 40MG BASE'],
      ['002', 'orange-book', ['orange-book', 'drugsfda'], 'EQ 80MG BASE'],
    ]);
    const fetchedAt = new Date(fixture.clock.now()).toISOString();
    const common = {
      status: 'answered',
      origin: 'recorded',
      freshness: 'fresh',
      ageMs: 0,
      found: 2,
      complete: true,
      fetchedAt,
    };
    expect(answer.sources).toEqual([
      { source: 'orange-book', edition: '2024-05-10', ...common },
      { source: 'drugsfda', lastUpdated: '2025-07-09', ...common },
    ]);
  });

  it('finds a biologic at openFDA alone', async () => {
    const answer = await fixture.fda.searchDrug('PEMBROLIZUMAB');
    expect(answer.results).toMatchObject([
      { applicationNumber: 'BLA125514', source: 'drugsfda', brandName: 'KEYTRUDA', route: null },
    ]);
    expect(answer.sources).toMatchObject([
      { status: 'empty', found: 0 },
      { status: 'answered', found: 1 },
    ]);
  });

  it('finds nothing for unknown names and parts of words', async () => {
    for (const name of ['tinib', 'no such drug', '\u043e\u0441\u0438', 'osimer*']) {
      const answer = await fixture.fda.searchDrug(name);
      expect(answer.results).toEqual([]);
      expect(answer.sources.map(source => source.status)).toEqual(['empty', 'empty']);
    }
  });

  it('asks openFDA nothing that it cannot read, whatever is typed', async () => {
    for (const name of [
      'a"b',
      'a\\',
      'x(',
      'y)',
      'AND OR NOT',
      'a:b',
      '[1 TO',
      'a~b^2',
      "o'neil's",
      '% & <x>',
      'a/b',
    ]) {
      expect((await fixture.fda.searchDrug(name)).sources[1]).toMatchObject({ status: 'empty' });
    }
  });

  it('finds a name with quotation marks', async () => {
    expect((await fixture.fda.searchDrug('hy-pam "25"')).results).toMatchObject([
      { brandName: 'HY-PAM "25"', match: 'exact' },
    ]);
  });

  it('gives at most limit, and the total', async () => {
    const answer = await fixture.fda.searchDrug('metformin', { limit: 3 });
    expect(answer.results).toHaveLength(3);
    expect(answer.total).toBe(10);
  });

  it('refuses what cannot be a name, and asks nobody', async () => {
    for (const name of ['', ' ', 'a'.repeat(1_000), 'a\u0000b', '***']) {
      await expect(fixture.fda.searchDrug(name)).rejects.toBeInstanceOf(ValidationError);
      await expect(fixture.fda.getApprovalInfo(name)).rejects.toBeInstanceOf(ValidationError);
    }
    await expect(fixture.fda.searchDrug('a', { limit: 0 })).rejects.toMatchObject({ code: 'INVALID_ARGUMENT' });
    expect(fixture.standIn.stats().requests).toBe(0);
  });

  it('ends when its signal does', async () => {
    fixture.standIn.behave({ hang: true });
    const controller = new AbortController();
    const work = fixture.fda.searchDrug('tagrisso', { signal: controller.signal });
    while (fixture.standIn.stats().requests < 2) await fixture.clock.advance(0);
    controller.abort(new RejectedError('Enough', 'closed'));
    await expect(work).rejects.toThrow('Enough');
  });
});

describe('getApprovalInfo()', () => {
  it('knows pembrolizumab', async () => {
    const answer = await fixture.fda.getApprovalInfo('pembrolizumab');
    expect(answer.firstApproval).toEqual({ applicationNumber: 'BLA125514', date: '2014-09-04' });
    expect(answer.applications).toMatchObject([
      {
        applicationNumber: 'BLA125514',
        applicationType: 'BLA',
        sources: ['drugsfda'],
        firstApprovalSource: 'drugsfda',
        reviewPriority: 'PRIORITY',
        submissionClass: 'TYPE 1',
        orphan: true,
        supplementCount: 31,
        patents: [],
        exclusivities: [],
      },
    ]);
  });

  it('knows TAGRISSO with its patents and exclusivities', async () => {
    const { applications } = await fixture.fda.getApprovalInfo('tagrisso');
    expect(applications).toHaveLength(1);
    expect(applications[0]).toMatchObject({
      applicationNumber: 'NDA208065',
      firstApprovalDate: '2015-11-13',
      latestAction: { date: '2024-09-25' },
    });
    expect(applications[0]?.products.map(product => [product.productNumber, product.approvalDate])).toEqual([
      ['001', '2015-11-13'],
      ['002', '2015-11-13'],
    ]);
    expect([applications[0]?.patents.length, applications[0]?.exclusivities.length]).toEqual([26, 6]);
  });

  it('gives every application of a name by date, and names the earliest', async () => {
    const answer = await fixture.fda.getApprovalInfo('iressa');
    expect(answer.applications.map(application => application.firstApprovalDate)).toEqual(['2003-05-05', '2015-07-13']);
    expect(answer.firstApproval).toEqual({ applicationNumber: 'NDA021399', date: '2003-05-05' });
  });

  it('counts a tentative approval as none', async () => {
    const { applications } = await fixture.fda.getApprovalInfo('pemetrexed');
    const tentative = applications.find(application => application.applicationNumber === 'ANDA090352');
    expect(tentative).toMatchObject({ firstApprovalDate: null, products: [{ status: 'tentative' }] });
    expect(applications[0]).toMatchObject({ applicationNumber: 'NDA021462' });
  });

  it('has no applications for an unknown name', async () => {
    expect(await fixture.fda.getApprovalInfo('no such drug')).toMatchObject({
      applications: [],
      total: 0,
      firstApproval: null,
    });
  });
});

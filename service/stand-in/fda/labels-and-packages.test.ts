import { MemoryCache } from 'plinth/cache';
import { OpenFdaClient } from 'plinth/connectors/fda';
import { RejectedError, ValidationError } from 'plinth/errors';
import { CachedScraper } from 'plinth/http';
import { describe, expect, it } from 'vitest';
import { serve } from '../settle.fixture.ts';
import { createScraper, useFdaFixture } from './fda.fixture.ts';

const fixture = useFdaFixture();

/** Names of the labels with why they were not chosen. */
function reasons(notChosen: readonly { readonly brandNames: readonly string[]; readonly reason: string }[]): unknown {
  return Object.fromEntries(notChosen.map(({ brandNames, reason }) => [brandNames[0], reason]));
}

describe('getLabel()', () => {
  it('trap: gives KEYTRUDA for pembrolizumab, not KEYTRUDA QLEX which is newer', async () => {
    for (const name of ['keytruda', 'pembrolizumab']) {
      const answer = await fixture.fda.getLabel(name);
      expect(answer).toMatchObject({ total: 2, complete: true, unreadable: 0, applicationNumbers: ['BLA125514'] });
      expect(answer.label).toMatchObject({
        setId: '9333c79b-d487-4538-a9f0-71b91a02b287',
        brandNames: ['KEYTRUDA'],
        applicationNumbers: ['BLA125514'],
      });
      expect(answer.labels).toHaveLength(1);
      expect(reasons(answer.notChosen)).toEqual({ 'KEYTRUDA QLEX': 'combination' });
      const [qlex] = answer.notChosen;
      expect((qlex?.effectiveDate ?? '') > (answer.label?.effectiveDate ?? '')).toBe(true);
    }
  });

  it('trap: gives AVASTIN for bevacizumab, and MVASI for itself', async () => {
    const { label, notChosen } = await fixture.fda.getLabel('bevacizumab');
    expect(label?.brandNames).toEqual(['AVASTIN']);
    expect(reasons(notChosen)).toEqual({ MVASI: 'biosimilar' });
    expect((await fixture.fda.getLabel('mvasi')).label?.brandNames).toEqual(['MVASI']);
  });

  it('maps the sections, with where they come from', async () => {
    const answer = await fixture.fda.getLabel('tagrisso');
    expect(answer.label).toMatchObject({
      setId: '5e81b4a7-b971-45e1-9c31-29cea8c87ce7',
      id: 'd703b5ed-4b1c-44fe-8005-ebe3d8f563e6',
      version: 1,
      effectiveDate: '2024-09-25',
      genericNames: ['OSIMERTINIB'],
      isOriginalPackager: true,
    });
    expect(Object.keys(answer.label?.sections ?? {})).toEqual([
      'indicationsAndUsage',
      'dosageAndAdministration',
      'dosageFormsAndStrengths',
      'contraindications',
      'warningsAndPrecautions',
      'adverseReactions',
      'drugInteractions',
      'useInSpecificPopulations',
      'mechanismOfAction',
    ]);
    expect(answer.label?.sections.contraindications).toEqual(['4 CONTRAINDICATIONS None.']);
    expect(answer.provenance).toMatchObject({ source: 'openfda', origin: 'recorded', freshness: 'fresh', ageMs: 0 });
    expect(answer.lastUpdated).toBe('2026-08-11');
    expect((await fixture.fda.getLabel('ozempic')).label?.sections.boxedWarning).toHaveLength(1);
  });

  it('gives the original before generics, and says so', async () => {
    const { label, notChosen } = await fixture.fda.getLabel('metformin');
    expect(label?.brandNames).toEqual(['GLUCOPHAGE']);
    expect(reasons(notChosen)).toEqual({
      'METFORMIN HYDROCHLORIDE': 'generic',
      'GLIPIZIDE AND METFORMIN HYDROCHLORIDE': 'combination',
    });
  });

  it('takes the application that is asked for', async () => {
    const options = { applicationNumber: ' anda091184 ' };
    const answer = await fixture.fda.getLabel('metformin', options);
    expect(answer).toMatchObject({
      label: { brandNames: ['METFORMIN HYDROCHLORIDE'] },
      applicationNumbers: ['ANDA091184'],
    });
    expect(await fixture.fda.getLabel('tagrisso', { applicationNumber: 'BLA125514' })).toMatchObject({ label: null });
  });

  it('finds the label of the original among more than are read', async () => {
    const { clock, pool, standIn } = fixture;
    const openFda = new OpenFdaClient({ baseUrl: standIn.url, pool, clock, pageSize: 1, maxRecords: 1 });
    expect(await openFda.findLabels('metformin')).toMatchObject({ total: 3, complete: false });
    expect((await openFda.findLabelsOf(['NDA020357', '"'])).items).toMatchObject([{ brandNames: ['GLUCOPHAGE'] }]);
    expect((await openFda.findLabelsOf([])).provenance).toBeNull();
    await openFda.close();
  });

  it('has no label for an unknown name, and none for letters that no name has', async () => {
    expect(await fixture.fda.getLabel('no such drug')).toMatchObject({
      label: null,
      labels: [],
      notChosen: [],
      total: 0,
      lastUpdated: null,
      provenance: { source: 'openfda', origin: 'recorded' },
    });
    expect(await fixture.fda.getLabel('\u043e\u0441\u0438')).toMatchObject({ label: null, provenance: null });
  });

  it('refuses bad input, and asks nobody', async () => {
    await expect(fixture.fda.getLabel('')).rejects.toBeInstanceOf(ValidationError);
    await expect(fixture.fda.getPackages('***')).rejects.toBeInstanceOf(ValidationError);
    for (const applicationNumber of ['125514', 'BLA1', 'BLA125514"', '']) {
      await expect(fixture.fda.getLabel('keytruda', { applicationNumber })).rejects.toBeInstanceOf(ValidationError);
    }
    expect(fixture.standIn.stats().requests).toBe(0);
  });

  it('ends when its signal does', async () => {
    fixture.standIn.behave({ hang: true });
    const controller = new AbortController();
    const { signal } = controller;
    const work = [fixture.fda.getLabel('tagrisso', { signal }), fixture.fda.getPackages('tagrisso', { signal })];
    const ended = Promise.allSettled(work);
    while (fixture.standIn.stats().requests < 3) await fixture.clock.advance(0);
    controller.abort(new RejectedError('Enough', 'closed'));
    expect(await ended).toMatchObject([{ reason: { message: 'Enough' } }, { reason: { message: 'Enough' } }]);
  });
});

describe('getPackages()', () => {
  it('gives the products with their packages', async () => {
    const answer = await fixture.fda.getPackages('osimertinib');
    expect(answer).toMatchObject({ name: 'osimertinib', total: 2, complete: true, unreadable: 0 });
    expect(answer.products[1]).toEqual({
      match: 'exact',
      productNdc: '0310-1350',
      productId: '0310-1350_d703b5ed-4b1c-44fe-8005-ebe3d8f563e6',
      labelId: 'd703b5ed-4b1c-44fe-8005-ebe3d8f563e6',
      labelSetIds: ['5e81b4a7-b971-45e1-9c31-29cea8c87ce7'],
      labeler: 'AstraZeneca Pharmaceuticals LP',
      brandName: 'Tagrisso',
      brandNameBase: 'Tagrisso',
      brandNameSuffix: null,
      genericName: 'osimertinib',
      ingredients: [{ name: 'OSIMERTINIB', strength: '80 mg/1' }],
      dosageForm: 'TABLET, FILM COATED',
      routes: ['ORAL'],
      productType: 'HUMAN PRESCRIPTION DRUG',
      marketingCategory: 'NDA',
      applicationNumber: 'NDA208065',
      marketingStartDate: '2015-11-13',
      marketingEndDate: null,
      listingExpirationDate: '2027-12-31',
      deaSchedule: null,
      finished: true,
      pharmacologicClasses: ['Kinase Inhibitor [EPC]', 'Kinase Inhibitors [MoA]'],
      rxcuis: [],
      uniis: [],
      packages: [
        {
          packageNdc: '0310-1350-30',
          description: '30 TABLET, FILM COATED in 1 BOTTLE (0310-1350-30)',
          marketingStartDate: '2015-11-13',
          marketingEndDate: null,
          sample: false,
        },
      ],
    });
    expect(answer.provenance).toMatchObject({ source: 'openfda', origin: 'recorded' });
  });

  it('follows the pages to the end, and takes the 404 behind a full last one for it', async () => {
    const { clock, pool, standIn } = fixture;
    for (const [pageSize, requests] of [
      [4, 3],
      [1, 12],
      [500, 1],
    ] as const) {
      const openFda = new OpenFdaClient({ baseUrl: standIn.url, pool, clock, pageSize });
      const before = standIn.stats().byRoute['/drug/ndc.json'] ?? 0;
      const { items, total, complete } = await openFda.findProducts('semaglutide');
      expect([new Set(items.map(({ productNdc }) => productNdc)).size, items.length, total]).toEqual([11, 11, 11]);
      expect(complete).toBe(true);
      expect((standIn.stats().byRoute['/drug/ndc.json'] ?? 0) - before).toBe(requests);
      await openFda.close();
    }
  });

  it('finds nothing for an unknown name', async () => {
    expect(await fixture.fda.getPackages('no such drug')).toMatchObject({ products: [], total: 0, complete: true });
  });

  it('is kept by a CachedScraper with its type', async () => {
    const cached = new CachedScraper(fixture.fda, { cache: new MemoryCache({ name: 'fda', clock: fixture.clock }) });
    const { products } = await cached.getPackages('osimertinib');
    expect((await cached.getPackages('osimertinib')).products).toEqual(products);
    expect((await cached.fetchData('osimertinib')).total).toBe(2);
    expect(cached.name).toBe('fda');
  });
});

describe('what openFDA sends otherwise', () => {
  const meta = { last_updated: '2026-01-01', results: { skip: 0, limit: 500, total: 3 } };

  it('is told: fields of another type, and records that cannot be read are counted and kept', async () => {
    const good = { product_ndc: '1-1', brand_name: 'Tagrisso', packaging: [{ package_ndc: '1-1-1', sample: 'no' }] };
    const bad = { brand_name: 'Tagrisso', packaging: [] };
    const results = [good, bad, { ...good, product_ndc: '1-2', novelty: 1 }];
    await using server = await serve((_, response) => {
      response.writeHead(200, { 'content-type': 'application/json' }).end(JSON.stringify({ meta, results }));
    });
    const fda = createScraper(fixture, { openFda: { baseUrl: server.url } });
    const told: string[] = [];
    fda.contracts.ndc.events.on('drift', ({ kind, path }) => told.push(`${kind} ${path}`));
    fda.contracts.ndc.events.on('quarantined', ({ path, url }) =>
      told.push(`quarantined ${path} ${new URL(url).pathname}`),
    );
    const answer = await fda.getPackages('tagrisso');
    expect(answer).toMatchObject({ total: 3, complete: true, unreadable: 1 });
    expect(answer.products.map(({ productNdc }) => productNdc)).toEqual(['1-1', '1-2']);
    expect(told).toEqual([
      'retyped-field packaging[].sample',
      'new-field novelty',
      'quarantined product_ndc /drug/ndc.json',
    ]);
    expect(await fda.contracts.ndc.replay()).toMatchObject({ recovered: [], remaining: [{ record: bad }] });
    await fda.close();
  });

  it('is counted in the report of drugsfda', async () => {
    const record = { application_number: 'NDA1', products: [{ brand_name: 'TAGRISSO' }] };
    const results = [record, { ...record, application_number: null }, { ...record, application_number: 'NDA2' }];
    await using server = await serve((_, response) => {
      response.writeHead(200, { 'content-type': 'application/json' }).end(JSON.stringify({ meta, results }));
    });
    const fda = createScraper(fixture, { openFda: { baseUrl: server.url } });
    const { results: found, sources } = await fda.searchDrug('tagrisso');
    expect(found.map(({ applicationNumber }) => applicationNumber)).toEqual(expect.arrayContaining(['NDA1', 'NDA2']));
    expect(sources[1]).toMatchObject({ status: 'answered', unreadable: 1 });
    await fda.close();
  });

  it('ends when nothing of it can be read', async () => {
    await using server = await serve((_, response) => {
      response.writeHead(200, { 'content-type': 'application/json' }).end(JSON.stringify({ meta, results: [{}, {}] }));
    });
    const fda = createScraper(fixture, { openFda: { baseUrl: server.url } });
    expect(await fda.getPackages('tagrisso').catch(error => error)).toMatchObject({
      name: 'ContractError',
      unreadable: 2,
    });
    await fda.close();
  });
});

describe('the pace', () => {
  it('never asks more often than openFDA allows: 60 at once, then 3 a second', async () => {
    const { clock, pool, standIn } = fixture;
    const openFda = new OpenFdaClient({ baseUrl: standIn.url, pool, clock });
    const ask = (from: number, to: number): Promise<unknown>[] =>
      Array.from({ length: to - from }, (_, index) => openFda.findApplications(`unknown ${from + index}`));
    await Promise.all(ask(0, 60));
    const late = ask(60, 63);
    await clock.advance(330);
    expect(standIn.stats().requests).toBe(60);
    await clock.advance(10);
    await late[0];
    expect(standIn.stats().requests).toBe(61);
    await clock.advance(670);
    await Promise.all(late);
    expect(standIn.stats().limited).toBe(0);
    await openFda.close();
  });
});

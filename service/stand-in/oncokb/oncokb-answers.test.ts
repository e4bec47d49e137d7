import { existsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { MemoryCache } from 'plinth/cache';
import { ConfigurationError, ValidationError } from 'plinth/errors';
import { CachedScraper } from 'plinth/http';
import { describe, expect, it } from 'vitest';
import { useOncoKBFixture } from './oncokb.fixture.ts';

const fixture = useOncoKBFixture();
const table = '/api/v1/utils/allActionableVariants';
const byProteinChange = '/api/v1/annotate/mutations/byProteinChange';

function asked(): Readonly<Record<string, number>> {
  return fixture.standIn.stats().byRoute;
}

describe('the annotations of a drug', () => {
  it('come from the table with a premium token', async () => {
    const answer = await fixture.settle(fixture.scraper('premium-1').getDrugAnnotations('examplinib'));
    expect(answer).toMatchObject({
      drug: 'examplinib',
      via: 'actionable-variants',
      complete: true,
      biomarkers: [],
      unreadable: 0,
      dataVersion: { version: 'v0.1', date: '2026-11-21' },
      terms: expect.stringContaining('licence'),
      provenance: { source: 'oncokb', origin: 'recorded', freshness: 'fresh' },
    });
    expect(answer.annotations.map(({ gene, alterations, level }) => `${level} ${gene} ${alterations.join()}`)).toEqual([
      '1 EXMP1 K101R',
      '1 EXMP1 T222M',
      '2 EXMP1 K101R',
      '3A EXMP1 Amplification',
      '4 DEMO2 Oncogenic Mutations (excluding K9N, K9R)',
      'R2 EXMP1 C333S',
    ]);
    expect(answer.annotations[2]?.regimens).toEqual([['Examplinib', 'Chemotherapy']]);
  });

  it('are fewer for two drugs together, and none for a part of a name or a drug that is unknown', async () => {
    const oncoKB = fixture.scraper('premium-1');
    const together = await fixture.settle(oncoKB.getDrugAnnotations('Trialomab + demotinib'));
    expect(together.annotations).toMatchObject([{ gene: 'DEMO2', regimens: [['Demotinib', 'Trialomab']] }]);
    for (const name of ['exampl', 'osimertinib']) {
      const { annotations, complete } = await fixture.settle(oncoKB.getDrugAnnotations(name));
      expect({ annotations, complete }).toEqual({ annotations: [], complete: true });
    }
    expect(asked()).toMatchObject({ [table]: 1, '/api/v1/info': 1 });
  });

  it('come from the text form of the table with a token for data downloads, and are the same', async () => {
    const download = await fixture.settle(fixture.scraper('download-1').getDrugAnnotations('examplinib'));
    const premium = await fixture.settle(fixture.scraper('premium-1').getDrugAnnotations('examplinib'));
    expect(download.annotations).toEqual(premium.annotations);
    expect(asked()).toMatchObject({ [table]: 2, [`${table}.txt`]: 1 });
  });

  it('are put together from biomarkers when the token lacks the right, and say so', async () => {
    const oncoKB = fixture.scraper('ordinary');
    const biomarkers = [
      { gene: 'EXMP1', alteration: 'p.Lys101Arg' },
      { gene: 'exmp1', alteration: 'T222M' },
      { gene: 'EXMP1', alteration: 'p.K101R' },
      { gene: 'EGFR', alteration: 'T790M' },
    ];
    const answer = await fixture.settle(oncoKB.getDrugAnnotations('Examplinib', { biomarkers }));
    expect(answer).toMatchObject({ via: 'annotations', complete: false, dataVersion: { version: 'v0.1' } });
    expect(answer.biomarkers).toEqual([
      { gene: 'EXMP1', alteration: 'K101R', known: true },
      { gene: 'EXMP1', alteration: 'T222M', known: true },
      { gene: 'EXMP1', alteration: 'K101R', known: true },
      { gene: 'EGFR', alteration: 'T790M', known: false },
    ]);
    expect(answer.annotations.map(({ level, alterations, regimens }) => [level, alterations, regimens])).toEqual([
      ['1', ['K101R'], [['Examplinib']]],
      ['1', ['T222M'], [['Examplinib']]],
      ['2', ['K101R'], [['Examplinib', 'Chemotherapy']]],
    ]);
    await fixture.settle(oncoKB.getDrugAnnotations('Demotinib', { biomarkers }));
    // A refusal is remembered, and a POST of the same questions is in the cache.
    expect(asked()).toMatchObject({ [table]: 1, [`${table}.txt`]: 1, [byProteinChange]: 1 });
    await fixture.clock.advance(90_000_000);
    await fixture.settle(oncoKB.getDrugAnnotations('Demotinib', { biomarkers }));
    expect(asked()).toMatchObject({ [table]: 2 });
  });

  it('are a question that CachedScraper and batches can ask', async () => {
    const oncoKB = new CachedScraper(fixture.scraper('premium-1'), {
      cache: new MemoryCache({ clock: fixture.clock }),
    });
    const first = await fixture.settle(oncoKB.fetchData('examplinib'));
    expect(await fixture.settle(oncoKB.fetchData('examplinib'))).toBe(first);
  });
});

describe('resistance', () => {
  it('stands apart from what the same alteration responds to: both R1 and 1', async () => {
    const answer = await fixture.settle(fixture.scraper('ordinary').getResistanceInfo('EXMP1', 'p.Thr222Met'));
    expect(answer).toMatchObject({
      known: true,
      geneExist: true,
      variantExist: true,
      query: { gene: 'EXMP1', entrezGeneId: 990001, alteration: 'T222M' },
      highestResistanceLevel: 'R1',
      highestSensitiveLevel: '1',
      resistance: [{ level: 'R1', drugs: [{ name: 'Demotinib', ncitCode: 'CX000002' }] }],
      sensitive: [{ level: '1', drugs: [{ name: 'Examplinib', ncitCode: 'CX000001' }] }],
      dataVersion: { version: 'v0.1', date: '2026-11-21' },
      provenance: { origin: 'recorded' },
      unreadable: 0,
    });
    expect(answer).not.toHaveProperty('treatments');
  });

  it('has two levels: R2 as well as R1', async () => {
    const answer = await fixture.settle(fixture.scraper('ordinary').getResistanceInfo('EXMP1', 'C333S'));
    expect(answer).toMatchObject({ highestResistanceLevel: 'R2', resistance: [{ level: 'R2' }], sensitive: [] });
  });

  it('of an unknown gene or alteration is an answer: 200 with geneExist false', async () => {
    const oncoKB = fixture.scraper('ordinary');
    const gene = await fixture.settle(oncoKB.getResistanceInfo('EGFR', 'T790M'));
    expect(gene).toMatchObject({ known: false, geneExist: false, oncogenic: 'Unknown', resistance: [], sensitive: [] });
    const variant = await fixture.settle(oncoKB.getResistanceInfo('EXMP1', 'Q1H'));
    expect(variant).toMatchObject({ known: false, geneExist: true, variantExist: false, resistance: [] });
  });

  it('and response may be known for a variant that does not exist, by a rule for its position', async () => {
    const answer = await fixture.settle(fixture.scraper('ordinary').getResistanceInfo('EXMP1', 'K101W'));
    expect(answer).toMatchObject({ known: true, variantExist: false, alleleExist: true, sensitive: [{ level: '4' }] });
  });

  it('is weighted by the tumour type: 3B outside the indication, and no R1', async () => {
    const oncoKB = fixture.scraper('ordinary');
    const inside = await fixture.settle(oncoKB.getResistanceInfo('EXMP1', 'T222M', { tumorType: 'EXMP' }));
    const outside = await fixture.settle(oncoKB.getResistanceInfo('EXMP1', 'T222M', { tumorType: 'Demonoma' }));
    expect([inside.highestResistanceLevel, inside.highestSensitiveLevel]).toEqual(['R1', '1']);
    expect([outside.highestResistanceLevel, outside.highestSensitiveLevel]).toEqual([null, '3B']);
    expect(outside.query.tumorType).toBe('Demonoma');
  });

  it('is refused for names that are none, before anybody is asked', async () => {
    const oncoKB = fixture.scraper('ordinary');
    for (const [gene, alteration] of [
      ['', 'T790M'],
      ['EGFR', 'c.2369C>T'],
      ['EGFR', ''],
      ['<b>', 'T790M'],
    ] as const) {
      await expect(oncoKB.getResistanceInfo(gene, alteration)).rejects.toThrow(ValidationError);
    }
    await expect(oncoKB.getResistanceInfo('EXMP1', 'T222M', { tumorType: ' ' })).rejects.toThrow(/tumorType/);
    expect(fixture.standIn.stats().requests).toBe(0);
  });
});

describe('annotations', () => {
  it('of 450 mutations go out in three POSTs at the pace of OncoKB, and keep their order', async () => {
    const oncoKB = fixture.scraper('ordinary');
    const queries = Array.from({ length: 450 }, (_, index) => ({
      gene: index % 2 === 0 ? 'EXMP1' : 'DEMO2',
      alteration: index === 203 ? 'Fusions' : `K${index + 1}R`,
    }));
    const startMs = fixture.clock.monotonic();
    const { annotations, unreadable } = await fixture.settle(oncoKB.annotateMutations(queries));
    expect(annotations.map(annotation => annotation?.query.alteration)).toEqual(queries.map(query => query.alteration));
    expect(annotations.map(annotation => annotation?.query.gene)).toEqual(queries.map(query => query.gene));
    expect(annotations.flatMap((annotation, index) => (annotation?.variantExist ? [index] : []))).toEqual([100, 203]);
    expect(unreadable).toBe(0);
    expect(asked()[byProteinChange]).toBe(3);
    expect(fixture.clock.monotonic() - startMs).toBeGreaterThanOrEqual(6_000); // 3 POSTs and /info, one in two seconds
    await expect(oncoKB.annotateMutations([])).rejects.toThrow(ValidationError);
  });

  it('by POST are asked again after a failure, because they change nothing', async () => {
    fixture.standIn.behave({ pathPrefix: byProteinChange, failWith: 503, count: 1 });
    const queries = [{ gene: 'EXMP1', alteration: 'K101R' }];
    const { annotations } = await fixture.settle(fixture.scraper('ordinary').annotateMutations(queries));
    expect(annotations).toMatchObject([
      { known: true, oncogenic: 'Oncogenic', mutationEffect: { effect: 'Gain-of-function' } },
    ]);
    expect(fixture.standIn.stats().faults).toBe(1);
  });

  it('exist for copies of genes and for fusions', async () => {
    const oncoKB = fixture.scraper('ordinary');
    const copies = await fixture.settle(oncoKB.annotateCopyNumberAlteration('EXMP1', 'AMPLIFICATION'));
    expect(copies.annotation).toMatchObject({ known: true, treatments: [{ level: '3A' }] });
    const fusion = { geneA: 'DEMO2', geneB: 'EXMP1', type: 'FUSION', isFunctionalFusion: true } as const;
    const { annotation } = await fixture.settle(oncoKB.annotateStructuralVariant(fusion));
    expect(annotation.treatments.map(({ drugs }) => drugs.map(({ name }) => name))).toEqual([
      ['Demotinib'],
      ['Demotinib', 'Trialomab'],
    ]);
    await expect(oncoKB.annotateCopyNumberAlteration('EXMP1', 'MORE' as never)).rejects.toThrow(ValidationError);
  });

  it('carry diagnoses and prognoses', async () => {
    const { annotation } = await fixture.settle(fixture.scraper('ordinary').annotateMutation('TRYB3', 'p.Arg50Ter'));
    expect(annotation).toMatchObject({
      diagnosticImplications: [{ level: 'Dx2', cancerType: { code: 'DEMN' } }],
      prognosticImplications: [{ level: 'Px1' }],
      treatments: [],
    });
  });
});

describe('what needs no token', () => {
  it('is answered without one: /info and the lists of genes', async () => {
    const oncoKB = fixture.scraper(undefined);
    const { info } = await fixture.settle(oncoKB.getInfo());
    expect(info).toMatchObject({ dataVersion: { version: 'v0.1' }, apiVersion: 'v1.6.0', publicInstance: false });
    const curated = await fixture.settle(oncoKB.getCuratedGenes());
    expect(curated.genes.map(({ gene }) => gene)).toEqual(['EXMP1', 'DEMO2', 'TRYB3']);
    const cancer = await fixture.settle(oncoKB.getCancerGenes());
    expect(cancer.genes.filter(({ annotated }) => !annotated)).toMatchObject([{ gene: 'NOTE4', lists: ['mSKHeme'] }]);
    expect(cancer.dataVersion).toEqual({ version: 'v0.1', date: '2026-11-21' });
  });

  it('is all: everything else says how to get a token, and asks nobody', async () => {
    const oncoKB = fixture.scraper(undefined);
    for (const work of [
      () => oncoKB.getDrugAnnotations('examplinib'),
      () => oncoKB.getResistanceInfo('EXMP1', 'T222M'),
      () => oncoKB.getDrugs(),
    ]) {
      const error = await fixture.failureOf(work());
      expect(error).toBeInstanceOf(ConfigurationError);
      expect(String(error)).toMatch(/token.*https:\/\/www\.oncokb\.org\/account\/register/s);
    }
    expect(fixture.standIn.stats().requests).toBe(0);
  });
});

describe('the version of the data', () => {
  it('is asked once a day, and its failure hides no answer', async () => {
    fixture.standIn.behave({ pathPrefix: '/api/v1/info', failWith: 404 });
    const oncoKB = fixture.scraper('premium-1');
    expect((await fixture.settle(oncoKB.getDrugs())).dataVersion).toBeNull();
    const { dataVersion } = await fixture.settle(oncoKB.annotateMutation('EXMP1', 'K101R'));
    expect(dataVersion).toEqual({ version: 'v0.1', date: null }); // the answer says it itself
    fixture.standIn.behave('normal');
    expect(asked()['/api/v1/info']).toBe(1);
    await fixture.clock.advance(600_000);
    expect((await fixture.settle(oncoKB.getDrugs())).dataVersion).toEqual({ version: 'v0.1', date: '2026-11-21' });
    await fixture.settle(oncoKB.getDrugs());
    expect(asked()['/api/v1/info']).toBe(2);
  });
});

describe('other tables', () => {
  it('are read whole: drugs, annotated variants, versions', async () => {
    const oncoKB = fixture.scraper('premium-1');
    const { drugs } = await fixture.settle(oncoKB.getDrugs());
    expect(drugs.map(({ name }) => name)).toEqual(['Examplinib', 'Demotinib', 'Trialomab', 'Chemotherapy']);
    const json = await fixture.settle(oncoKB.getAnnotatedVariants({ version: 'v0.1' }));
    const text = await fixture.settle(fixture.scraper('download-1').getAnnotatedVariants());
    expect(json.variants).toHaveLength(8);
    expect(text.variants).toEqual(json.variants);
    const failure = await fixture.failureOf(oncoKB.getActionableVariants({ version: 'v99' }));
    expect(failure).toMatchObject({ kind: 'not-found', status: 404 });
  });
});

const shared = fileURLToPath(new URL('../../../../shared/data', import.meta.url));

describe.skipIf(!existsSync(`${shared}/oncokb`))('with real data (skipped without ../shared/data/oncokb)', () => {
  const real = useOncoKBFixture({ dataDirectory: shared });

  it('real recorded answers are given over HTTP', async () => {
    const { annotation } = await real.settle(real.scraper('ordinary').annotateMutation('BRAF', 'p.Val600Glu'));
    expect(annotation).toMatchObject({ known: true, unreadable: 0, dataVersion: 'v7.1', lastUpdate: '2025-02-05' });
    expect([annotation.treatments.length, annotation.diagnosticImplications.length]).toEqual([30, 4]);
    const { genes } = await real.settle(real.scraper(undefined).getCuratedGenes());
    expect(genes).toHaveLength(1_131 + 3);
  });

  it('EGFR T790M resists some drugs (R1) and responds to another (1)', async () => {
    const answer = await real.settle(real.scraper('ordinary').getResistanceInfo('EGFR', 'T790M'));
    expect(answer).toMatchObject({ known: true, highestResistanceLevel: 'R1', highestSensitiveLevel: '1' });
    expect([answer.resistance.length, answer.sensitive.length]).toEqual([3, 1]);
    const { annotations } = await real.settle(real.scraper('premium-1').getDrugAnnotations('OSIMERTINIB'));
    expect(annotations.length).toBeGreaterThan(10);
    expect(annotations.every(({ regimens }) => regimens.flat().includes('Osimertinib'))).toBe(true);
  });
});

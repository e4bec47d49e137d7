import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { shapeOf } from 'plinth/http';
import { describe, expect, it } from 'vitest';
import { normaliseAlteration, normaliseGene } from './alteration-name.ts';
import { readAnnotation, readDrug } from './annotation-record.ts';
import { createContracts } from './contracts.ts';
import { annotationsOfTable } from './drug-annotations.ts';
import { parseDrug } from './drug-string.ts';
import { readCancerGene, readCuratedGene } from './gene-record.ts';
import { readInfo } from './info.ts';
import { isResistanceLevel, parseLevel } from './levels.ts';
import { parseActionableVariants, parseAnnotatedVariants, parseCuratedGenes } from './table-files.ts';
import { valuesAt } from './values-at.fixture.ts';

const folder = fileURLToPath(new URL('../../../shared/data/oncokb', import.meta.url));

/** Files with the shape of an endpoint that the connector reads. */
const parsedFiles = [
  'actionable/allAnnotatedVariants_2017.txt',
  'actionable/oncokb_biomarker_drug_associations.tsv',
  'annotations/visualizer_responses.json',
  'api_test/response_genomic_change_7_140710000_140710000_G_T.json',
  'api_test/response_protein_change_BRAF_V600E.json',
  'datahub_v7.4/allCuratedGenes.json',
  'datahub_v7.4/allCuratedGenes.txt',
  'datahub_v7.4/cancerGeneList.json',
  'drugs/drugs_demo_v7_1.json',
  'site_recordings/api-v1-info.json',
  'site_recordings/utils-allCuratedGenes.json',
];

/** The others, and why nothing is made of them. */
const otherFiles: Readonly<Record<string, string>> = {
  'api_test/query_genomic_change_7_140710000_140710000_G_T.json': 'the question of a test, no answer',
  'api_test/query_protein_change_BRAF_V600E.json': 'the question of a test, no answer',
  'core_tests/test_cancer_type_treatments.tsv': "expectations of OncoKB's own tests, no answer",
  'core_tests/test_tumor_type_summaries.tsv': "expectations of OncoKB's own tests, no answer",
  'openapi/OncoKbAPI-docs.json': 'the description of the API',
  'site_recordings/api-private-search-variants-cli-BRAF.json': '/api/private: for the site alone',
  'site_recordings/api-private-search-variants-cli-ROS1.json': '/api/private: for the site alone',
  'site_recordings/api-private-utils-variantAnnotation-BRAF-V600E-MEL.json': '/api/private: for the site alone',
  'site_recordings/api-v1-genes-BRAF.json': '/genes/lookup is for the site and those who are logged in to it',
  'site_recordings/api-v1-variants-BRAF-V600E.json':
    '/variants/lookup is for the site and those who are logged in to it',
};

type Raw = Readonly<Record<string, unknown>>;

function text(name: string): string {
  return readFileSync(`${folder}/${name}`, 'utf8');
}

function json<Content>(name: string): Content {
  return JSON.parse(text(name)) as Content;
}

/** `LEVEL_1` and `1` are one. */
function asLevel(value: unknown): unknown {
  return parseLevel(value) ?? value;
}

function asDay(value: unknown): string {
  return String(value).replace(/^(\d\d)\/(\d\d)\/(\d{4})$/, '$3-$1-$2');
}

function trimmed(value: unknown): unknown {
  return typeof value === 'string' ? value.trim() : value;
}

/** The values of a field in the raw file are those that the connector gave, one by one. */
function expectSame(raw: unknown, rawPath: string, read: unknown, path: string, as = trimmed): number {
  const expected = valuesAt(raw, rawPath).map(as);
  expect(valuesAt(read, path), `${rawPath} as ${path}`).toEqual(expected);
  return expected.length;
}

const reference = [
  ['pmids[]', 'pmids[]'],
  ['abstracts[].abstract', 'abstracts[].text'],
  ['abstracts[].link', 'abstracts[].link'],
] as const;

function cancerType(raw: string, read: string): readonly (readonly [string, string])[] {
  return ['id', 'code', 'name', 'mainType.name', 'tissue', 'tumorForm'].map(field => [
    `${raw}.${field}`,
    `${read}.${field.replace('.name', '')}`,
  ]);
}

const annotationTexts: readonly (readonly [string, string])[] = [
  ['query.hugoSymbol', 'query.gene'],
  ['query.entrezGeneId', 'query.entrezGeneId'],
  ['query.alteration', 'query.alteration'],
  ['query.tumorType', 'query.tumorType'],
  ['query.referenceGenome', 'query.referenceGenome'],
  ...['geneExist', 'variantExist', 'alleleExist', 'oncogenic', 'vus', 'hotspot', 'exon', 'dataVersion'].map(
    field => [field, field] as const,
  ),
  ...['geneSummary', 'variantSummary', 'tumorTypeSummary', 'diagnosticSummary', 'prognosticSummary'].map(
    field => [field, field] as const,
  ),
  ['mutationEffect.knownEffect', 'mutationEffect.effect'],
  ['mutationEffect.description', 'mutationEffect.description'],
  ...reference.map(([raw, read]) => [`mutationEffect.citations.${raw}`, `mutationEffect.${read}`] as const),
  ['treatments[].drugs[].drugName', 'treatments[].drugs[].name'],
  ['treatments[].drugs[].ncitCode', 'treatments[].drugs[].ncitCode'],
  ['treatments[].alterations[]', 'treatments[].alterations[]'],
  ['treatments[].approvedIndications[]', 'treatments[].approvedIndications[]'],
  ['treatments[].description', 'treatments[].description'],
  ...reference.map(([raw, read]) => [`treatments[].${raw}`, `treatments[].${read}`] as const),
  ...cancerType('treatments[].levelAssociatedCancerType', 'treatments[].cancerType'),
  ...cancerType('treatments[].levelExcludedCancerTypes[]', 'treatments[].excludedCancerTypes[]'),
  ...['diagnosticImplications[]', 'prognosticImplications[]'].flatMap(list => [
    [`${list}.alterations[]`, `${list}.alterations[]`] as const,
    [`${list}.description`, `${list}.description`] as const,
    ...reference.map(([raw, read]) => [`${list}.${raw}`, `${list}.${read}`] as const),
    ...cancerType(`${list}.tumorType`, `${list}.cancerType`),
  ]),
];

const annotationLevels = [
  ['highestSensitiveLevel', 'highestSensitiveLevel'],
  ['highestResistanceLevel', 'highestResistanceLevel'],
  ['highestDiagnosticImplicationLevel', 'highestDiagnosticLevel'],
  ['highestPrognosticImplicationLevel', 'highestPrognosticLevel'],
  ['highestFdaLevel', 'highestFdaLevel'],
  ['otherSignificantSensitiveLevels[]', 'otherSensitiveLevels[]'],
  ['otherSignificantResistanceLevels[]', 'otherResistanceLevels[]'],
  ['treatments[].level', 'treatments[].level'],
  ['treatments[].fdaLevel', 'treatments[].fdaLevel'],
  ['diagnosticImplications[].levelOfEvidence', 'diagnosticImplications[].level'],
  ['prognosticImplications[].levelOfEvidence', 'prognosticImplications[].level'],
] as const;

const transcripts = ['grch37Isoform', 'grch37RefSeq', 'grch38Isoform', 'grch38RefSeq'] as const;

/** Rows of a table as their own header says, independently of the connector. */
function rowsOf(name: string): readonly Readonly<Record<string, string>>[] {
  const [header = '', ...lines] = text(name).trimEnd().split('\n');
  const names = header.split('\t');
  return lines.map(line => Object.fromEntries(line.split('\t').map((cell, index) => [names[index] ?? '', cell])));
}

describe.skipIf(!existsSync(folder))('the real files of OncoKB (skipped without ../shared/data/oncokb)', () => {
  it('are all read, or named with the reason why not', () => {
    const names = readdirSync(folder, { recursive: true, encoding: 'utf8' }).filter(name => /\/.*\.\w+$/.test(name));
    expect(names.sort()).toEqual([...parsedFiles, ...Object.keys(otherFiles)].sort());
  });

  it('give every mapped value of recorded annotations', () => {
    const raw = [
      json<Raw>('api_test/response_protein_change_BRAF_V600E.json'),
      json<Raw>('api_test/response_genomic_change_7_140710000_140710000_G_T.json'),
      ...json<Raw[]>('annotations/visualizer_responses.json'),
    ];
    const read = raw.map(readAnnotation);
    const texts = annotationTexts.map(([from, to]) => expectSame(raw, `[].${from}`, read, `[].${to}`));
    const levels = annotationLevels.map(([from, to]) => expectSame(raw, `[].${from}`, read, `[].${to}`, asLevel));
    const days = expectSame(raw, '[].lastUpdate', read, '[].lastUpdate', asDay);
    const count = (path: string): number => valuesAt(read, path).length;
    expect([count('[]'), count('[].treatments[]'), count('[].diagnosticImplications[]')]).toEqual([5, 37, 4]);
    expect([count('[].treatments[].drugs[]'), count('[].treatments[].pmids[]')]).toEqual([63, 123]);
    expect([...texts, ...levels, days].reduce((sum, number) => sum + number, 0)).toBe(807);
    expect(read.map(({ unreadable }) => unreadable)).toEqual([0, 0, 0, 0, 0]);
    expect(read.map(({ known }) => known)).toEqual([true, false, true, true, true]);
  });

  it('give every mapped value of the lists of genes', () => {
    const curated = ['datahub_v7.4/allCuratedGenes.json', 'site_recordings/utils-allCuratedGenes.json'].map(name => {
      const raw = json<Raw[]>(name);
      const read = raw.map(readCuratedGene);
      expectSame(raw, '[].hugoSymbol', read, '[].gene');
      const same = ['entrezGeneId', 'geneType', 'setting', 'summary', 'background', ...transcripts];
      for (const field of same) expectSame(raw, `[].${field}`, read, `[].${field}`);
      for (const field of ['highestSensitiveLevel', 'highestResistanceLevel']) {
        expectSame(raw, `[].${field}`, read, `[].${field}`, asLevel);
      }
      return read.length;
    });
    expect(curated).toEqual([1_131, 3]);
    const raw = json<Raw[]>('datahub_v7.4/cancerGeneList.json');
    const read = raw.map(readCancerGene);
    expectSame(raw, '[].hugoSymbol', read, '[].gene');
    expectSame(raw, '[].oncokbAnnotated', read, '[].annotated');
    for (const field of ['entrezGeneId', 'geneType', 'occurrenceCount', ...transcripts]) {
      expectSame(raw, `[].${field}`, read, `[].${field}`);
    }
    expect(expectSame(raw, '[].geneAliases[]', read, '[].aliases[]')).toBe(3_402);
    const lists = ['mSKImpact', 'mSKHeme', 'foundation', 'foundationHeme', 'vogelstein', 'sangerCGC'];
    const marked = raw.flatMap(gene => lists.filter(list => gene[list] === true));
    expect(read.flatMap(gene => gene.lists)).toEqual(marked);
    expect(read).toHaveLength(1_245);
  });

  it('give every cell of the text form of the curated genes, as the JSON form has it', () => {
    const { rows, unreadable } = parseCuratedGenes(text('datahub_v7.4/allCuratedGenes.txt'));
    const raw = rowsOf('datahub_v7.4/allCuratedGenes.txt');
    expect([rows.length, unreadable, raw.length]).toEqual([1_131, 0, 1_131]);
    const ofJson = json<Raw[]>('datahub_v7.4/allCuratedGenes.json').map(readCuratedGene);
    expect(rows).toEqual(ofJson.map(gene => ({ ...gene, summary: null, background: null })));
  });

  it('give every cell of the table of the site', () => {
    const name = 'actionable/oncokb_biomarker_drug_associations.tsv';
    const { rows, unreadable } = parseActionableVariants(text(name));
    const raw = rowsOf(name);
    expect([rows.length, unreadable, raw.length]).toEqual([872, 0, 872]);
    expect(expectSame(raw, '[].Level', rows, '[].level')).toBe(872);
    expect(expectSame(raw, '[].Gene', rows, '[].gene')).toBe(872);
    expect(expectSame(raw, '[].Alterations', rows, '[].variant')).toBe(872);
    expect(expectSame(raw, '[].Cancer Types', rows, '[].cancerType')).toBe(872);
    expect(expectSame(raw, '[].Drugs (for therapeutic implications only)', rows, '[].drugs')).toBe(600);
    const withoutDrugs = rows.filter(row => row.regimens.length === 0);
    expect(withoutDrugs.every(row => /^(?:Dx|Px)/.test(row.level))).toBe(true);
    expect(withoutDrugs).toHaveLength(272);
    const joined = rows.map(row => row.regimens.map(regimen => regimen.join(' + ')).join(', '));
    expect(joined.filter(drugs => drugs !== '')).toEqual(rows.flatMap(row => row.drugs ?? []));
  });

  it('give every cell of the table of 2017, which had other columns', () => {
    const name = 'actionable/allAnnotatedVariants_2017.txt';
    const { rows, unreadable } = parseAnnotatedVariants(text(name));
    const raw = rowsOf(name);
    expect([rows.length, unreadable, raw.length]).toEqual([3_753, 0, 3_753]);
    expect(expectSame(raw, '[].Gene', rows, '[].gene')).toBe(3_753);
    expect(expectSame(raw, '[].Alteration', rows, '[].variant')).toBe(3_753);
    const known = raw.map(row => Object.fromEntries(Object.entries(row).filter(([, cell]) => cell !== 'null')));
    expect(expectSame(known, '[].Oncogenicity', rows, '[].oncogenicity')).toBe(3_752);
    expect(expectSame(known, '[].Mutation Effect', rows, '[].mutationEffect')).toBe(3_751);
    expectSame(raw, '[].Abstracts for Mutation Effect', rows, '[].abstracts');
    const pmids = raw.flatMap(row => (row['PMIDs for Mutation Effect'] ?? '').split(', ').filter(id => id !== ''));
    expect(rows.flatMap(row => row.pmids)).toEqual(pmids);
  });

  it('give the drugs and what OncoKB says about itself', () => {
    const raw = json<Raw[]>('drugs/drugs_demo_v7_1.json');
    const drugs = raw.map(readDrug);
    expect(expectSame(raw, '[].drugName', drugs, '[].name')).toBe(21);
    expect(expectSame(raw, '[].ncitCode', drugs, '[].ncitCode')).toBe(21);
    const info = readInfo(json('site_recordings/api-v1-info.json'));
    expect(info).toMatchObject({
      dataVersion: { version: 'v3.16', date: '2022-09-06' },
      apiVersion: 'v1.4.0',
      appVersion: 'v3.10.0',
      oncoTreeVersion: 'oncotree_2019_12_01',
      ncitVersion: '19.03d',
      publicInstance: false,
    });
    expect(info.levels).toHaveLength(16);
  });

  it('have names that normalising leaves as they are', () => {
    const { rows } = parseAnnotatedVariants(text('actionable/allAnnotatedVariants_2017.txt'));
    for (const { variant } of rows) expect(normaliseAlteration(variant)).toBe(variant);
    const site = parseActionableVariants(text('actionable/oncokb_biomarker_drug_associations.tsv')).rows;
    for (const name of site.flatMap(row => row.alterations)) expect(normaliseAlteration(name)).toBe(name);
    const genes = json<Raw[]>('datahub_v7.4/cancerGeneList.json').map(gene => String(gene['hugoSymbol']));
    const curated = json<Raw[]>('datahub_v7.4/allCuratedGenes.json').map(gene => String(gene['hugoSymbol']));
    for (const gene of [...genes, ...curated]) {
      expect(normaliseGene(gene)).toBe(gene);
      if (!gene.includes(' ')) expect(normaliseGene(gene.toLowerCase())).toBe(gene);
    }
    expect(new Set(curated.filter(gene => gene.includes(' ')))).toEqual(new Set(['CDKN2A (p14)', 'Other Biomarkers']));
  });

  it('have no record that differs from the recorded shapes', async () => {
    const contracts = createContracts({
      add: async () => {},
      entries: async function* () {},
      remove: async () => 0,
      stats: async () => ({ records: 0, dropped: 0 }),
    });
    const source = { url: 'file:', fetchedAt: 0 };
    const annotations = json<Raw[]>('annotations/visualizer_responses.json');
    const recorded = json<Raw>('api_test/response_protein_change_BRAF_V600E.json');
    expect((await contracts.annotations.read([recorded, ...annotations], source)).drifts).toEqual([]);
    const genes = json<Raw[]>('datahub_v7.4/allCuratedGenes.json');
    expect((await contracts.curatedGenes.read(genes, source)).drifts).toEqual([]);
    const cancerGenes = json<Raw[]>('datahub_v7.4/cancerGeneList.json');
    expect((await contracts.cancerGenes.read(cancerGenes, source)).drifts).toEqual([]);
    expect(Object.keys(shapeOf(cancerGenes))).toHaveLength(Object.keys(contracts.cancerGenes.shape).length);
  });

  it('have one alteration that resists some drugs and responds to another: EGFR T790M', () => {
    const { rows } = parseActionableVariants(text('actionable/oncokb_biomarker_drug_associations.tsv'));
    const found = rows.filter(({ gene, variant }) => gene === 'EGFR' && variant === 'T790M');
    expect(new Set(found.map(({ level }) => isResistanceLevel(level)))).toEqual(new Set([true, false]));
    const ofDrug = annotationsOfTable(rows, parseDrug('osimertinib'));
    expect(ofDrug.every(({ gene }) => gene === 'EGFR' || gene === 'MET')).toBe(true);
    expect(ofDrug.filter(({ regimens }) => regimens.some(regimen => regimen.length === 2))).toHaveLength(
      rows.filter(({ drugs }) => drugs === 'Osimertinib + Chemotherapy').length,
    );
  });
});

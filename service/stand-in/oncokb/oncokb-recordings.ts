import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { ConfigurationError } from 'plinth/errors';

/** A record as it is sent. */
export type WireRecord = Readonly<Record<string, unknown>>;

/** A row of the table of actionable variants. */
export interface ActionableRow extends WireRecord {
  readonly gene: string;
  readonly variant: string;
  readonly cancerType: string;
  readonly level: string;
  readonly drugs: string;
}

/** A whole answer of the annotation endpoints, as it was recorded. */
export interface RecordedAnnotation extends WireRecord {
  readonly query: WireRecord;
}

/** What the stand-in of OncoKB answers with. */
export interface OncoKBRecordings {
  readonly info: WireRecord;
  readonly curatedGenes: readonly WireRecord[];
  readonly cancerGenes: readonly WireRecord[];
  readonly drugs: readonly WireRecord[];
  readonly actionable: readonly ActionableRow[];
  readonly annotated: readonly WireRecord[];
  readonly cancerTypes: readonly WireRecord[];
  /** Answers that are given as they are. */
  readonly annotations: readonly RecordedAnnotation[];
  /** `YYYY-MM-DD`. */
  readonly recordedOn: string;
}

const folder = fileURLToPath(new URL('./recordings', import.meta.url));

/**
 * Reads the invented recordings of this project, and what a folder has in their place below `oncokb/`: the release's lists
 * of genes, `/info`, drugs, recorded annotations, and the site's table of biomarkers with their drugs.
 */
export async function readOncoKBRecordings(dataDirectory: string | undefined): Promise<OncoKBRecordings> {
  const [info, curatedGenes, cancerGenes, drugs, actionable, annotated, cancerTypes, { writtenOn }] = await Promise.all(
    [
      readOwn<WireRecord>('info'),
      readOwn<WireRecord[]>('allCuratedGenes'),
      readOwn<WireRecord[]>('cancerGeneList'),
      readOwn<WireRecord[]>('drugs'),
      readOwn<ActionableRow[]>('allActionableVariants'),
      readOwn<WireRecord[]>('allAnnotatedVariants'),
      readOwn<WireRecord[]>('cancerTypes'),
      readOwn<{ readonly writtenOn: string }>('recordings'),
    ],
  );
  const added = dataDirectory === undefined ? undefined : await readAdded(join(dataDirectory, 'oncokb'));
  return {
    info: added?.info ?? info,
    curatedGenes: [...curatedGenes, ...(added?.curatedGenes ?? [])],
    cancerGenes: [...cancerGenes, ...(added?.cancerGenes ?? [])],
    drugs: [...drugs, ...(added?.drugs ?? [])],
    actionable: [...actionable, ...(added?.actionable ?? [])],
    annotated,
    cancerTypes,
    annotations: added?.annotations ?? [],
    recordedOn: writtenOn,
  };
}

interface Added {
  readonly info: WireRecord | undefined;
  readonly curatedGenes: readonly WireRecord[];
  readonly cancerGenes: readonly WireRecord[];
  readonly drugs: readonly WireRecord[];
  readonly actionable: readonly ActionableRow[];
  readonly annotations: readonly RecordedAnnotation[];
}

/** Files are known by what is in them, not by their names, except the table of the site. */
async function readAdded(root: string): Promise<Added | undefined> {
  const names = await readdir(root, { recursive: true }).catch(() => []);
  if (names.length === 0) return undefined;
  const files = names.filter(name => name.endsWith('.json') && !name.startsWith('openapi')).sort();
  const contents = await Promise.all(files.map(name => readJson(join(root, name))));
  const lists = contents.filter(Array.isArray) as (readonly WireRecord[])[];
  const singles = contents.filter(content => !Array.isArray(content)) as WireRecord[];
  const longest = (field: string, other?: string): readonly WireRecord[] =>
    lists
      .filter(([first]) => first !== undefined && field in first && (other === undefined || other in first))
      .reduce<readonly WireRecord[]>((best, list) => (list.length > best.length ? list : best), []);
  const annotations = [...singles, ...lists.flat()].filter(isAnnotation);
  const tables = names.filter(name => name.endsWith('drug_associations.tsv'));
  const rows = await Promise.all(tables.map(async name => readSiteTable(await readFile(join(root, name), 'utf8'))));
  return {
    info: singles.find(content => 'dataVersion' in content && 'oncoTreeVersion' in content),
    curatedGenes: longest('highestSensitiveLevel', 'hugoSymbol'),
    cancerGenes: longest('oncokbAnnotated'),
    drugs: longest('drugName'),
    actionable: rows.flat(),
    annotations,
  };
}

function isAnnotation(content: WireRecord): content is RecordedAnnotation {
  return 'geneExist' in content && 'query' in content && 'treatments' in content && !('tumorTypes' in content);
}

/** The site's five columns, as rows of the API: what it does not say is empty. Its level 3 is 3A there. */
function readSiteTable(text: string): readonly ActionableRow[] {
  const [, ...lines] = text.split('\n').filter(line => line !== '');
  return lines.map(line => {
    const [level = '', gene = '', variant = '', cancerType = '', drugs = ''] = line.split('\t');
    return {
      grch37Isoform: '',
      grch37RefSeq: '',
      grch38Isoform: '',
      grch38RefSeq: '',
      entrezGeneId: null,
      gene,
      referenceGenome: '',
      setting: 'Somatic',
      variant,
      proteinChange: '',
      cancerType,
      level: level === '3' ? '3A' : level,
      solidPropagationLevel: '',
      liquidPropagationLevel: '',
      drugs,
      pmids: '',
      abstracts: '',
      description: '',
    };
  });
}

async function readOwn<Content>(name: string): Promise<Content> {
  return JSON.parse(await readFile(join(folder, `${name}.json`), 'utf8')) as Content;
}

async function readJson(path: string): Promise<unknown> {
  try {
    return JSON.parse(await readFile(path, 'utf8'));
  } catch (cause) {
    const problem = { name: path, message: 'Not readable as JSON' };
    throw new ConfigurationError('Cannot use the data folder', [problem], { cause });
  }
}

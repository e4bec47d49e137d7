import { ValidationError } from 'plinth/errors';
import type {
  OncoKBAbstract,
  OncoKBAnnotation,
  OncoKBCancerType,
  OncoKBDrug,
  OncoKBImplication,
  OncoKBMutationEffect,
  OncoKBQuery,
  OncoKBTreatment,
} from './annotation-types.ts';
import {
  type DiagnosticLevel,
  diagnosticLevels,
  type FdaLevel,
  fdaLevels,
  type OncoKBLevel,
  type PrognosticLevel,
  parseLevel,
  prognosticLevels,
} from './levels.ts';
import {
  booleanOf,
  dayOf,
  isRecord,
  listOf,
  numberOf,
  requireRecord,
  requireText,
  textOf,
  textsOf,
  type WireRecord,
} from './wire-values.ts';

/**
 * Reads an answer of the annotation endpoints.
 *
 * @throws {ValidationError} when it does not say whether the gene exists: it is no annotation then
 */
export function readAnnotation(value: unknown): OncoKBAnnotation {
  const record = requireRecord(value);
  const geneExist = booleanOf(record['geneExist']);
  if (geneExist === null) {
    throw new ValidationError('Expected geneExist to be true or false', { geneExist: 'Not a boolean' });
  }
  const treatments = readEach(record['treatments'], readTreatment);
  const diagnostic = readEach(record['diagnosticImplications'], entry => readImplication(entry, diagnosticLevels));
  const prognostic = readEach(record['prognosticImplications'], entry => readImplication(entry, prognosticLevels));
  const facts = {
    geneExist,
    variantExist: record['variantExist'] === true,
    alleleExist: record['alleleExist'] === true,
    oncogenic: textOf(record['oncogenic']) ?? 'Unknown',
    treatments: treatments.read,
    diagnosticImplications: diagnostic.read,
    prognosticImplications: prognostic.read,
  };
  return {
    query: readQuery(record['query']),
    known: isKnown(facts),
    ...facts,
    vus: record['vus'] === true,
    hotspot: record['hotspot'] === true,
    exon: textOf(record['exon']),
    mutationEffect: readMutationEffect(record['mutationEffect']),
    ...readHighestLevels(record),
    geneSummary: textOf(record['geneSummary']),
    variantSummary: textOf(record['variantSummary']),
    tumorTypeSummary: textOf(record['tumorTypeSummary']),
    diagnosticSummary: textOf(record['diagnosticSummary']),
    prognosticSummary: textOf(record['prognosticSummary']),
    dataVersion: textOf(record['dataVersion']),
    lastUpdate: dayOf(record['lastUpdate']),
    unreadable: treatments.unreadable + diagnostic.unreadable + prognostic.unreadable,
  };
}

type KnownBy = Pick<
  OncoKBAnnotation,
  'geneExist' | 'variantExist' | 'oncogenic' | 'treatments' | 'diagnosticImplications' | 'prognosticImplications'
>;

/** A variant that does not exist may still carry annotations: rules for a range of positions or for a hotspot. */
function isKnown(facts: KnownBy): boolean {
  if (!facts.geneExist) return false;
  const { treatments, diagnosticImplications, prognosticImplications } = facts;
  const statements = treatments.length + diagnosticImplications.length + prognosticImplications.length;
  return facts.variantExist || facts.oncogenic !== 'Unknown' || statements > 0;
}

function readHighestLevels(
  record: WireRecord,
): Pick<
  OncoKBAnnotation,
  | 'highestSensitiveLevel'
  | 'highestResistanceLevel'
  | 'highestDiagnosticLevel'
  | 'highestPrognosticLevel'
  | 'highestFdaLevel'
  | 'otherSensitiveLevels'
  | 'otherResistanceLevels'
> {
  return {
    highestSensitiveLevel: parseLevel(record['highestSensitiveLevel']) ?? null,
    highestResistanceLevel: parseLevel(record['highestResistanceLevel']) ?? null,
    highestDiagnosticLevel: levelOf(record['highestDiagnosticImplicationLevel'], diagnosticLevels),
    highestPrognosticLevel: levelOf(record['highestPrognosticImplicationLevel'], prognosticLevels),
    highestFdaLevel: levelOf<FdaLevel>(record['highestFdaLevel'], fdaLevels),
    otherSensitiveLevels: levelsOf(record['otherSignificantSensitiveLevels']),
    otherResistanceLevels: levelsOf(record['otherSignificantResistanceLevels']),
  };
}

function readQuery(value: unknown): OncoKBQuery {
  const query = isRecord(value) ? value : {};
  return {
    gene: textOf(query['hugoSymbol']),
    entrezGeneId: numberOf(query['entrezGeneId']),
    alteration: textOf(query['alteration']),
    tumorType: textOf(query['tumorType']),
    referenceGenome: textOf(query['referenceGenome']),
  };
}

function readMutationEffect(value: unknown): OncoKBMutationEffect | null {
  if (!isRecord(value)) return null;
  const citations = isRecord(value['citations']) ? value['citations'] : {};
  return {
    effect: textOf(value['knownEffect']) ?? 'Unknown',
    description: textOf(value['description']),
    pmids: textsOf(citations['pmids']),
    abstracts: readAbstracts(citations['abstracts']),
  };
}

function readTreatment(value: unknown): OncoKBTreatment {
  const record = requireRecord(value);
  return {
    level: requireLevel(record['level'], 'level'),
    fdaLevel: levelOf<FdaLevel>(record['fdaLevel'], fdaLevels),
    drugs: listOf(record['drugs']).map(readDrug),
    alterations: textsOf(record['alterations']),
    approvedIndications: textsOf(record['approvedIndications']),
    cancerType: readCancerType(record['levelAssociatedCancerType']),
    excludedCancerTypes: listOf(record['levelExcludedCancerTypes']).flatMap(entry => readCancerType(entry) ?? []),
    pmids: textsOf(record['pmids']),
    abstracts: readAbstracts(record['abstracts']),
    description: textOf(record['description']),
  };
}

function readImplication<Level extends DiagnosticLevel | PrognosticLevel>(
  value: unknown,
  levels: readonly Level[],
): OncoKBImplication<Level> {
  const record = requireRecord(value);
  const level = levelOf(record['levelOfEvidence'], levels);
  if (level === null) throw unknownLevel(record['levelOfEvidence'], 'levelOfEvidence');
  return {
    level,
    alterations: textsOf(record['alterations']),
    cancerType: readCancerType(record['tumorType']),
    pmids: textsOf(record['pmids']),
    abstracts: readAbstracts(record['abstracts']),
    description: textOf(record['description']),
  };
}

/** Reads `{ drugName, ncitCode }`. @throws {ValidationError} without a name */
export function readDrug(value: unknown): OncoKBDrug {
  const record = requireRecord(value);
  return { name: requireText(record, 'drugName'), ncitCode: textOf(record['ncitCode']) };
}

function readCancerType(value: unknown): OncoKBCancerType | null {
  if (!isRecord(value)) return null;
  const mainType = isRecord(value['mainType']) ? value['mainType']['name'] : value['mainType'];
  return {
    id: numberOf(value['id']),
    code: textOf(value['code']),
    name: textOf(value['name']),
    mainType: textOf(mainType),
    tissue: textOf(value['tissue']),
    tumorForm: textOf(value['tumorForm']),
  };
}

function readAbstracts(value: unknown): readonly OncoKBAbstract[] {
  return listOf(value).flatMap(entry => {
    const text = isRecord(entry) ? (textOf(entry['abstract']) ?? textOf(entry['link'])) : null;
    return text === null || !isRecord(entry) ? [] : [{ text, link: textOf(entry['link']) }];
  });
}

function requireLevel(value: unknown, field: string): OncoKBLevel {
  const level = parseLevel(value);
  if (level === undefined) throw unknownLevel(value, field);
  return level;
}

function unknownLevel(value: unknown, field: string): ValidationError {
  return new ValidationError(`Expected a level such as LEVEL_1, got ${JSON.stringify(value)}`, {
    [field]: 'Unknown level',
  });
}

/** A level of one kind; `null` for `NO`, for nothing, and for levels of other kinds. */
function levelOf<Level extends OncoKBLevel>(value: unknown, levels: readonly Level[]): Level | null {
  const level = parseLevel(value);
  return levels.find(known => known === level) ?? null;
}

function levelsOf(value: unknown): readonly OncoKBLevel[] {
  return listOf(value).flatMap(entry => parseLevel(entry) ?? []);
}

/** One entry that cannot be read does not hide the others. */
function readEach<Value>(
  value: unknown,
  read: (entry: unknown) => Value,
): { readonly read: readonly Value[]; readonly unreadable: number } {
  const found: Value[] = [];
  let unreadable = 0;
  for (const entry of listOf(value)) {
    try {
      found.push(read(entry));
    } catch (error) {
      if (!(error instanceof ValidationError)) throw error;
      unreadable += 1;
    }
  }
  return { read: found, unreadable };
}

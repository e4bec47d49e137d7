import { ScraperError, ValidationError } from 'plinth/errors';
import { normaliseAlteration, normaliseGene } from './alteration-name.ts';
import type {
  AnnotationOptions,
  CopyNumberAlterationType,
  MutationQuery,
  StructuralVariantQuery,
  StructuralVariantType,
} from './oncokb-types.ts';
import { isRecord } from './wire-values.ts';

/** Parameters of an address; `undefined` ones are left out. */
export type Parameters = Readonly<Record<string, string | number | boolean | undefined>>;

/** How many questions one POST may have: as many as OncoKB's own annotator sends. */
export const maxBatch = 200;

const copyNumberTypes: readonly CopyNumberAlterationType[] = ['AMPLIFICATION', 'DELETION', 'GAIN', 'LOSS'];
const structuralTypes: readonly StructuralVariantType[] = [
  'DELETION',
  'TRANSLOCATION',
  'DUPLICATION',
  'INSERTION',
  'INVERSION',
  'FUSION',
  'UNKNOWN',
];

/** A question with its names normalised. @throws {ValidationError} */
export function normaliseMutation(query: MutationQuery): MutationQuery {
  const { entrezGeneId, proteinStart, proteinEnd } = query;
  requireWhole({ proteinStart, proteinEnd });
  if (entrezGeneId !== undefined && !Number.isSafeInteger(entrezGeneId)) {
    throw unusable('entrezGeneId', entrezGeneId, 'a whole number');
  }
  requireTumorType(query.tumorType);
  requireGenome(query.referenceGenome);
  return { ...query, gene: normaliseGene(query.gene), alteration: normaliseAlteration(query.alteration) };
}

/** A normalised question as parameters of GET. */
export function mutationParameters(query: MutationQuery): Parameters {
  const { gene, alteration, entrezGeneId, consequence, proteinStart, proteinEnd, referenceGenome, tumorType } = query;
  return {
    hugoSymbol: gene,
    alteration,
    entrezGeneId,
    consequence,
    proteinStart,
    proteinEnd,
    referenceGenome,
    tumorType,
  };
}

/** Normalised questions as the body of a POST. Each says its number, by which its answer is known. */
export function mutationsBody(queries: readonly MutationQuery[]): string {
  return JSON.stringify(
    queries.map(({ gene, entrezGeneId, ...query }, index) => ({
      id: String(index),
      gene: { hugoSymbol: gene, entrezGeneId },
      alteration: query.alteration,
      consequence: query.consequence,
      proteinStart: query.proteinStart,
      proteinEnd: query.proteinEnd,
      referenceGenome: query.referenceGenome,
      tumorType: query.tumorType,
    })),
  );
}

/**
 * The answers to the questions of one POST, in their order.
 *
 * @throws {ScraperError} when there are more or fewer of them: nobody could say which is whose
 */
export function answersInOrder(body: unknown, questions: number): readonly unknown[] {
  if (!Array.isArray(body) || body.length !== questions) {
    const got = Array.isArray(body) ? `${body.length}` : typeof body;
    throw new ScraperError(`OncoKB was asked ${questions} questions at once: expected as many answers, got ${got}`);
  }
  const byId = new Map(body.map(reply => [idOf(reply), reply as unknown]));
  const ids = Array.from({ length: questions }, (_, index) => String(index));
  return ids.every(id => byId.has(id)) ? ids.map(id => byId.get(id)) : body;
}

function idOf(reply: unknown): unknown {
  return isRecord(reply) && isRecord(reply['query']) ? reply['query']['id'] : undefined;
}

/** Parameters about a change of copies. The misspelling of its type is OncoKB's. @throws {ValidationError} */
export function copyNumberParameters(
  gene: string,
  type: CopyNumberAlterationType,
  options: AnnotationOptions,
): Parameters {
  return {
    hugoSymbol: normaliseGene(gene),
    copyNameAlterationType: requireOneOf('type', type, copyNumberTypes),
    ...annotationParameters(options),
  };
}

/** Parameters about a structural variant. @throws {ValidationError} */
export function structuralParameters(query: StructuralVariantQuery, options: AnnotationOptions): Parameters {
  return {
    hugoSymbolA: normaliseGene(query.geneA),
    hugoSymbolB: query.geneB === undefined ? undefined : normaliseGene(query.geneB),
    structuralVariantType: requireOneOf('type', query.type, structuralTypes),
    isFunctionalFusion: query.isFunctionalFusion ?? false,
    ...annotationParameters(options),
  };
}

function annotationParameters({ referenceGenome, tumorType }: AnnotationOptions): Parameters {
  requireTumorType(tumorType);
  requireGenome(referenceGenome);
  return { referenceGenome, tumorType };
}

function requireTumorType(value: string | undefined): void {
  if (value === undefined || (value.trim() !== '' && value.length <= 200 && !/\p{Cc}/u.test(value))) return;
  throw unusable('tumorType', value.slice(0, 200), 'a code or name of OncoTree such as NSCLC');
}

function requireGenome(value: string | undefined): void {
  if (value !== undefined) requireOneOf('referenceGenome', value, ['GRCh37', 'GRCh38']);
}

function requireWhole(values: Readonly<Record<string, number | undefined>>): void {
  for (const [name, value] of Object.entries(values)) {
    if (value !== undefined && !(Number.isSafeInteger(value) && value > 0)) {
      throw unusable(name, value, 'a whole number from 1');
    }
  }
}

function requireOneOf<Value extends string>(field: string, value: Value, values: readonly Value[]): Value {
  if (values.includes(value)) return value;
  throw unusable(field, value, `one of ${values.join(', ')}`);
}

function unusable(field: string, value: unknown, expected: string): ValidationError {
  const message = `Cannot use the ${field} ${JSON.stringify(value)}: expected ${expected}`;
  return new ValidationError(message, { [field]: `Expected ${expected}` });
}

import { betterMatch, type DrugName, matchRank, matchWords, type NameMatch, toWords } from './drug-name.ts';
import type { ApprovedApplication, DrugSearchResult, FdaSource, MarketingStatus } from './fda-types.ts';
import {
  type DrugsFdaApplication,
  type DrugsFdaProduct,
  type FdaIngredient,
  firstApproval,
} from './open-fda-record.ts';
import type { OrangeBookEdition, OrangeBookHit } from './orange-book-edition.ts';
import type { OrangeBookMarketingStatus, OrangeBookProduct } from './orange-book-types.ts';

const orangeBookStatus = {
  RX: 'prescription',
  OTC: 'over-the-counter',
  DISCN: 'discontinued',
} as const satisfies Record<OrangeBookMarketingStatus, MarketingStatus>;

/** A hit of the Orange Book as a result. */
export function resultOfOrangeBook({ product, match }: OrangeBookHit): DrugSearchResult {
  const { applicationNumber, applicationType, productNumber, strength, approvalDate, approvalDateText, teCodes } =
    product;
  return {
    source: 'orange-book',
    sources: ['orange-book'],
    match,
    applicationNumber,
    applicationType,
    productNumber,
    brandName: product.tradeName,
    ingredients: pairIngredients(product),
    dosageForm: product.dosageForm === '' ? null : product.dosageForm,
    route: product.route === '' ? null : product.route,
    strength,
    status: orangeBookStatus[product.marketingStatus],
    sponsor: product.applicantFullName || product.applicant,
    approvalDate,
    approvalDateText,
    teCodes,
    referenceDrug: product.referenceListedDrug,
  };
}

/** A comma that separates, not one within a number: packs of several phases are written `15MG,N/A;N/A,250MG`. */
const separatingComma = /,(?!\d{3}(?!\d))/;

/** Strengths stand in the order of the ingredients. In packs and where the numbers differ, nobody can say which is whose. */
function pairIngredients({ ingredients, strengths, strength }: OrangeBookProduct): FdaIngredient[] {
  const [only] = ingredients;
  if (only !== undefined && ingredients.length === 1) return [{ name: only, strength: strength || null }];
  const isPaired = ingredients.length === strengths.length && !separatingComma.test(strength);
  return ingredients.map((name, index) => ({ name, strength: isPaired ? (strengths[index] ?? null) : null }));
}

/**
 * The products of a drugsfda record that carry the name. openFDA also finds records by the names of its `openfda` block;
 * then no product carries it and all of them count.
 */
export function resultsOfDrugsFda(application: DrugsFdaApplication, name: DrugName): DrugSearchResult[] {
  const matched = application.products.map(product => ({ product, match: matchProduct(product, name) }));
  const carrying = matched.filter(({ match }) => match !== undefined);
  const chosen = carrying.length > 0 ? carrying : matched;
  return chosen.map(({ product, match }) => ({
    source: 'drugsfda',
    sources: ['drugsfda'],
    match: match ?? 'contained',
    applicationNumber: application.applicationNumber,
    applicationType: application.applicationType,
    productNumber: product.productNumber,
    brandName: product.brandName,
    ingredients: product.ingredients,
    dosageForm: product.dosageForm,
    route: product.route,
    strength: product.ingredients.flatMap(({ strength }) => strength ?? []).join(';'),
    status: drugsFdaStatus(product.marketingStatus),
    sponsor: application.sponsor,
    approvalDate: null,
    approvalDateText: null,
    teCodes: product.teCodes,
    referenceDrug: product.referenceDrug,
  }));
}

/** How well a product's brand or ingredients fit a name; `undefined` when neither carries it. */
export function matchProduct(
  { brandName, ingredients }: Pick<DrugsFdaProduct, 'brandName' | 'ingredients'>,
  name: DrugName,
): NameMatch | undefined {
  const ofBrand = matchWords(toWords(brandName), name.words);
  const ofIngredients = ingredients.map((ingredient, index) => {
    const match = matchWords(toWords(ingredient.name), name.words);
    // One of several ingredients is not the whole drug.
    const isWhole = ingredients.length === 1;
    if (match === undefined || isWhole) return match;
    return index === 0 && match !== 'contained' ? 'leading' : 'contained';
  });
  return [ofBrand, ...ofIngredients].reduce(betterMatch, undefined);
}

function drugsFdaStatus(text: string | null): MarketingStatus {
  const status = (text ?? '').toLowerCase();
  if (status.includes('tentative')) return 'tentative';
  return (['prescription', 'over-the-counter', 'discontinued'] as const).find(known => status === known) ?? 'unknown';
}

/** One item for a product that both sources have. The first list wins where both say something. */
export function mergeResults(...lists: readonly (readonly DrugSearchResult[])[]): DrugSearchResult[] {
  const merged = new Map<string, DrugSearchResult>();
  for (const result of lists.flat()) {
    const key = `${result.applicationNumber}/${result.productNumber}`;
    const known = merged.get(key);
    merged.set(key, known === undefined ? result : mergeTwo(known, result));
  }
  return [...merged.values()].sort(byRelevance);
}

function mergeTwo(first: DrugSearchResult, second: DrugSearchResult): DrugSearchResult {
  return {
    ...first,
    sources: [...new Set([...first.sources, ...second.sources])],
    match: betterMatch(first.match, second.match) ?? first.match,
    dosageForm: first.dosageForm ?? second.dosageForm,
    route: first.route ?? second.route,
    referenceDrug: first.referenceDrug ?? second.referenceDrug,
  };
}

function byRelevance(one: DrugSearchResult, other: DrugSearchResult): number {
  return (
    matchRank[one.match] - matchRank[other.match] ||
    Number(one.applicationType === 'ANDA') - Number(other.applicationType === 'ANDA') ||
    compare(one.applicationNumber, other.applicationNumber) ||
    compare(one.productNumber, other.productNumber)
  );
}

/** What both sources know of the applications under a name, the earliest first approval first. */
export function mergeApplications(
  results: readonly DrugSearchResult[],
  records: readonly DrugsFdaApplication[],
  edition: OrangeBookEdition | undefined,
): ApprovedApplication[] {
  const byNumber = new Map<string, DrugSearchResult[]>();
  for (const record of records) byNumber.set(record.applicationNumber, []);
  for (const result of results) {
    byNumber.set(result.applicationNumber, [...(byNumber.get(result.applicationNumber) ?? []), result]);
  }
  const recordOf = new Map(records.map(record => [record.applicationNumber, record]));
  return [...byNumber]
    .map(([number, products]) => toApplication(number, { products, record: recordOf.get(number), edition }))
    .sort(byFirstApproval);
}

function toApplication(
  applicationNumber: string,
  known: {
    readonly products: readonly DrugSearchResult[];
    readonly record: DrugsFdaApplication | undefined;
    readonly edition: OrangeBookEdition | undefined;
  },
): ApprovedApplication {
  const { products, record, edition } = known;
  const sources = new Set(products.flatMap(product => product.sources));
  if (record !== undefined) sources.add('drugsfda');
  const original = record && firstApproval(record);
  return {
    sources: (['orange-book', 'drugsfda'] as const).filter(source => sources.has(source)),
    match: products.map(product => product.match).reduce<NameMatch | undefined>(betterMatch, undefined) ?? 'contained',
    applicationNumber,
    applicationType: record?.applicationType ?? products[0]?.applicationType ?? null,
    sponsor: record?.sponsor || (products[0]?.sponsor ?? ''),
    ...firstApprovalOf(original?.date ?? null, products),
    reviewPriority: original?.reviewPriority ?? null,
    submissionClass: original?.classCode ?? null,
    orphan: original?.orphan ?? null,
    products,
    patents: edition?.patentsOf(applicationNumber) ?? [],
    exclusivities: edition?.exclusivitiesOf(applicationNumber) ?? [],
    supplementCount: record?.submissions.filter(({ type }) => type === 'SUPPL').length ?? null,
    latestAction: record?.submissions.at(-1) ?? null,
  };
}

type FirstApproval = Pick<ApprovedApplication, 'firstApprovalDate' | 'firstApprovalText' | 'firstApprovalSource'>;

function firstApprovalOf(original: string | null, products: readonly DrugSearchResult[]): FirstApproval {
  const approval = (date: string | null, text: string | null, source: FdaSource | null): FirstApproval => ({
    firstApprovalDate: date,
    firstApprovalText: text,
    firstApprovalSource: source,
  });
  if (original !== null) return approval(original, null, 'drugsfda');
  // A product of before 1982 is older than every one with a date.
  const undated = products.find(product => product.approvalDate === null && product.approvalDateText);
  if (undated !== undefined) return approval(null, undated.approvalDateText, 'orange-book');
  const [earliest] = products.flatMap(product => product.approvalDate ?? []).sort();
  return earliest === undefined ? approval(null, null, null) : approval(earliest, null, 'orange-book');
}

function byFirstApproval(one: ApprovedApplication, other: ApprovedApplication): number {
  return (
    compare(sortKey(one), sortKey(other)) ||
    matchRank[one.match] - matchRank[other.match] ||
    compare(one.applicationNumber, other.applicationNumber)
  );
}

/** `Approved Prior to Jan 1, 1982` comes where 1981 ends, and what has no date comes last. */
function sortKey({ firstApprovalDate, firstApprovalText }: ApprovedApplication): string {
  return firstApprovalDate ?? (firstApprovalText === null ? '9999' : '1981-12-32');
}

function compare(one: string, other: string): number {
  return one < other ? -1 : one > other ? 1 : 0;
}

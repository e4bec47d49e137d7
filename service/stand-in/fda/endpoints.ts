/** A record as it is sent. */
export type OpenFdaRecord = Readonly<Record<string, unknown>>;

/** The endpoints that are stood in for. */
export type OpenFdaEndpointName = 'drugsfda' | 'label' | 'ndc';

/** What openFDA makes of the records of an endpoint, as its mapping and its field reference say. */
export interface OpenFdaEndpoint {
  readonly name: OpenFdaEndpointName;
  readonly path: string;
  /** What tells its records apart. */
  idOf(record: OpenFdaRecord): string;
  /** Whether a value is a record of this endpoint. */
  owns(record: OpenFdaRecord): boolean;
  /**
   * Whether a field is taken apart into words; only such fields have `.exact`. All others match as a whole, in their own
   * case.
   */
  isAnalysed(field: string): boolean;
  /** Fields that hold days. */
  readonly dateFields: ReadonlySet<string>;
  /** Fields that are not taken apart into words, besides dates and `.exact` ones: results can be sorted by them. */
  readonly keywordFields: ReadonlySet<string>;
}

function textOf(value: unknown): string {
  return typeof value === 'string' ? value : '';
}

const drugsFdaWords: ReadonlySet<string> = new Set([
  'products.active_ingredients.name',
  'products.brand_name',
  'products.dosage_form',
  'products.route',
  'submissions.application_docs.title',
]);

const drugsFda: OpenFdaEndpoint = {
  name: 'drugsfda',
  path: '/drug/drugsfda.json',
  idOf: record => textOf(record['application_number']),
  owns: record => 'application_number' in record && 'products' in record,
  isAnalysed: field => field.startsWith('openfda.') || drugsFdaWords.has(field),
  dateFields: new Set(['submissions.submission_status_date', 'submissions.application_docs.date']),
  keywordFields: new Set([
    'application_number',
    'sponsor_name',
    'products.marketing_status',
    'products.product_number',
    'products.reference_drug',
    'products.reference_standard',
    'products.te_code',
    'submissions.review_priority',
    'submissions.submission_class_code',
    'submissions.submission_number',
    'submissions.submission_status',
    'submissions.submission_type',
  ]),
};

const labelKeywords: ReadonlySet<string> = new Set(['id', 'set_id', 'version']);

const label: OpenFdaEndpoint = {
  name: 'label',
  path: '/drug/label.json',
  idOf: record => textOf(record['set_id']),
  owns: record => 'set_id' in record,
  // Everything else in a label is text to be read.
  isAnalysed: field => field !== 'effective_time' && !labelKeywords.has(field),
  dateFields: new Set(['effective_time']),
  keywordFields: labelKeywords,
};

const ndcWords: ReadonlySet<string> = new Set([
  'active_ingredients.name',
  'brand_name',
  'brand_name_base',
  'brand_name_suffix',
  'dosage_form',
  'generic_name',
  'labeler_name',
  'packaging.description',
  'pharm_class',
  'product_type',
  'route',
]);

const ndc: OpenFdaEndpoint = {
  name: 'ndc',
  path: '/drug/ndc.json',
  idOf: record => textOf(record['product_id']) || textOf(record['product_ndc']),
  owns: record => 'product_ndc' in record && 'packaging' in record,
  isAnalysed: field => field.startsWith('openfda.') || ndcWords.has(field),
  dateFields: new Set([
    'listing_expiration_date',
    'marketing_end_date',
    'marketing_start_date',
    'packaging.marketing_end_date',
    'packaging.marketing_start_date',
  ]),
  keywordFields: new Set([
    'application_number',
    'dea_schedule',
    'marketing_category',
    'packaging.package_ndc',
    'product_id',
    'product_ndc',
    'spl_id',
  ]),
};

export const openFdaEndpoints: readonly OpenFdaEndpoint[] = [drugsFda, label, ndc];

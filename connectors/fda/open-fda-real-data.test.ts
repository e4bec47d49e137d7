import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { shapeOf } from 'plinth/http';
import { describe, expect, it } from 'vitest';
import { parse } from 'yaml';
import { type OpenFdaContracts, openFdaContracts } from './open-fda-endpoints.ts';
import { type DrugLabel, type LabelSection, labelSections, readLabel } from './open-fda-label.ts';
import { type NdcPackage, type NdcProduct, readNdcProduct } from './open-fda-ndc.ts';
import {
  type DrugsFdaApplication,
  type DrugsFdaProduct,
  type DrugsFdaSubmission,
  readApplication,
} from './open-fda-record.ts';

const data = fileURLToPath(new URL('../../../shared/data/openfda/', import.meta.url));

/** Every file, and what it is. Files that hold no records say what they are instead. */
const files = {
  'OPENFDA_DRUGSFDA_NDA208065.json': { endpoint: 'drugsfda', records: 1 },
  'drugsfda_ANDA_2021.json': { endpoint: 'drugsfda', records: 1 },
  'derived/drugsfda_2019_A.json': { endpoint: 'drugsfda', records: 17 },
  'vcr/paging_semaglutide.json': { endpoint: 'drugsfda', records: 3 },
  'docs/drugsfda_examples.json': { endpoint: 'drugsfda', records: 1 },
  'biomcp/label_keytruda_20260811.json': { endpoint: 'label', records: 2 },
  'docs/label_examples.json': { endpoint: 'label', records: 1 },
  'docs/ndc_examples.json': { endpoint: 'ndc', records: 1 },
  'biomcp/device_510k_brca1_20260811.json': 'the body of a 404, without records',
  'vcr/errors.json': 'bodies of errors, without records',
  'docs/drugsfda_schema.json': "FDA's schema",
  'docs/druglabel_schema.json': "FDA's schema",
  'docs/ndc_schema.json': "FDA's schema",
  'docs/fields_drugsfda.yaml': "FDA's reference of the fields",
  'docs/fields_druglabel.yaml': "FDA's reference of the fields",
  'docs/fields_drugndc.yaml': "FDA's reference of the fields",
} as const satisfies Record<string, string | { readonly endpoint: keyof OpenFdaContracts; readonly records: number }>;

/** For every field that is read: what the connector made of all of its values, written as they were sent. */
type Mapping<Item> = Readonly<Record<string, (item: Item) => readonly unknown[]>>;

const compact = (date: string | null): string | undefined => date?.replaceAll('-', '');
const yes = (value: boolean | null): string | undefined => (value === null ? undefined : value ? 'Yes' : 'No');

function products(field: (product: DrugsFdaProduct) => unknown): (item: DrugsFdaApplication) => readonly unknown[] {
  return item => item.products.map(field);
}

function submissions(
  field: (submission: DrugsFdaSubmission) => unknown,
): (item: DrugsFdaApplication) => readonly unknown[] {
  return item => item.submissions.map(field);
}

const drugsFda: Mapping<DrugsFdaApplication> = {
  application_number: item => [item.applicationNumber],
  sponsor_name: item => [item.sponsor],
  'products.product_number': products(product => product.productNumber),
  'products.brand_name': products(product => product.brandName),
  'products.active_ingredients.name': item =>
    item.products.flatMap(({ ingredients }) => ingredients.map(({ name }) => name)),
  'products.active_ingredients.strength': item =>
    item.products.flatMap(({ ingredients }) => ingredients.map(({ strength }) => strength)),
  'products.dosage_form': products(product => product.dosageForm),
  'products.route': products(product => product.route),
  'products.marketing_status': products(product => product.marketingStatus),
  'products.reference_drug': products(product => yes(product.referenceDrug)),
  'products.reference_standard': products(product => yes(product.referenceStandard)),
  'products.te_code': products(product => product.teCodes.join(',')),
  'submissions.submission_type': submissions(submission => submission.type),
  'submissions.submission_number': submissions(submission => submission.number),
  'submissions.submission_status': submissions(submission => submission.status),
  'submissions.submission_status_date': submissions(submission => compact(submission.date)),
  'submissions.review_priority': submissions(submission => submission.reviewPriority),
  'submissions.submission_class_code': submissions(submission => submission.classCode),
  'submissions.submission_class_code_description': submissions(submission => submission.classDescription),
  'submissions.submission_property_type.code': submissions(submission => (submission.orphan ? 'Orphan' : undefined)),
};

const harmonised: Mapping<DrugsFdaApplication> = {
  'openfda.brand_name openfda.generic_name': item => item.harmonisedNames,
};

const label: Mapping<DrugLabel> = {
  set_id: item => [item.setId],
  id: item => [item.id],
  version: item => [item.version === null ? null : String(item.version)],
  effective_time: item => [compact(item.effectiveDate)],
  'openfda.brand_name': item => item.brandNames,
  'openfda.generic_name': item => item.genericNames,
  'openfda.substance_name': item => item.substanceNames,
  'openfda.manufacturer_name': item => item.manufacturers,
  'openfda.application_number': item => item.applicationNumbers,
  'openfda.product_ndc': item => item.productNdcs,
  'openfda.route': item => item.routes,
  'openfda.product_type': item => item.productTypes,
  'openfda.rxcui': item => item.rxcuis,
  'openfda.unii': item => item.uniis,
  'openfda.is_original_packager': item => [item.isOriginalPackager],
  ...Object.fromEntries(
    Object.entries(labelSections).map(([section, field]) => [
      field,
      (item: DrugLabel) => item.sections[section as LabelSection] ?? [],
    ]),
  ),
};

function packages(field: (entry: NdcPackage) => unknown): (item: NdcProduct) => readonly unknown[] {
  return item => item.packages.map(field);
}

const ndc: Mapping<NdcProduct> = {
  product_ndc: item => [item.productNdc],
  product_id: item => [item.productId],
  spl_id: item => [item.labelId],
  'openfda.spl_set_id': item => item.labelSetIds,
  labeler_name: item => [item.labeler],
  brand_name: item => [item.brandName],
  brand_name_base: item => [item.brandNameBase],
  brand_name_suffix: item => [item.brandNameSuffix],
  generic_name: item => [item.genericName],
  'active_ingredients.name': item => item.ingredients.map(({ name }) => name),
  'active_ingredients.strength': item => item.ingredients.map(({ strength }) => strength),
  dosage_form: item => [item.dosageForm],
  route: item => item.routes,
  product_type: item => [item.productType],
  marketing_category: item => [item.marketingCategory],
  application_number: item => [item.applicationNumber],
  marketing_start_date: item => [compact(item.marketingStartDate)],
  marketing_end_date: item => [compact(item.marketingEndDate)],
  listing_expiration_date: item => [compact(item.listingExpirationDate)],
  dea_schedule: item => [item.deaSchedule],
  finished: item => [item.finished],
  pharm_class: item => item.pharmacologicClasses,
  'openfda.rxcui': item => item.rxcuis,
  'openfda.unii': item => item.uniis,
  'packaging.package_ndc': packages(entry => entry.packageNdc),
  'packaging.description': packages(entry => entry.description),
  'packaging.marketing_start_date': packages(entry => compact(entry.marketingStartDate)),
  'packaging.marketing_end_date': packages(entry => compact(entry.marketingEndDate)),
  'packaging.sample': packages(entry => entry.sample),
};

/** All values at a path of a record, however deep its lists are; none for what is missing, null or blank. */
function valuesAt(value: unknown, path: readonly string[]): readonly unknown[] {
  if (Array.isArray(value)) return value.flatMap(entry => valuesAt(entry, path));
  const [field, ...rest] = path;
  if (field !== undefined) {
    return typeof value === 'object' && value !== null ? valuesAt((value as never)[field], rest) : [];
  }
  return said(value) ? [typeof value === 'string' ? value.trim() : value] : [];
}

function said(value: unknown): boolean {
  return value !== null && value !== undefined && value !== '';
}

function sorted(values: readonly unknown[]): readonly string[] {
  return values.filter(said).map(String).sort();
}

/** Values that mean nothing decided: they are `null` here. */
const undecided = /^(?:TBD|0)$/;

function readJson(name: string): unknown {
  return JSON.parse(readFileSync(`${data}${name}`, 'utf8'));
}

/** The records of a file, in whatever they are wrapped. */
function recordsOf(value: unknown): readonly unknown[] {
  if (Array.isArray(value)) return value.flatMap(recordsOf);
  if (typeof value !== 'object' || value === null) return [];
  if (['application_number', 'set_id', 'product_ndc'].some(field => field in value)) return [value];
  if ('body' in value && typeof value.body === 'string') return recordsOf(JSON.parse(value.body));
  const { results, result, response } = value as Readonly<Record<string, unknown>>;
  return [results, result, response].flatMap(recordsOf);
}

function recordsFor(endpoint: keyof OpenFdaContracts): readonly unknown[] {
  return Object.entries(files).flatMap(([name, holds]) =>
    typeof holds === 'object' && holds.endpoint === endpoint ? recordsOf(readJson(name)) : [],
  );
}

/** How many values a mapping kept, after it was compared with what was sent, field by field. */
function compare<Item>(mapping: Mapping<Item>, records: readonly unknown[], read: (record: unknown) => Item): number {
  const items = records.map(read);
  return Object.entries(mapping).reduce((count, [fields, found]) => {
    const isDecided = (value: unknown): boolean => !/reference_/.test(fields) || !undecided.test(String(value));
    const sent = fields.split(' ').flatMap(field => valuesAt(records, field.split('.')).filter(isDecided));
    expect(sorted(items.flatMap(found)), fields).toEqual(sorted(sent));
    return count + sent.length;
  }, 0);
}

describe.skipIf(!existsSync(data))('the real data of openFDA (skipped without ../shared/data/openfda)', () => {
  it('are all here, and each file is read or is known for what it is', () => {
    const found = readdirSync(data, { recursive: true, encoding: 'utf8' }).filter(name => /\.\w+$/.test(name));
    expect(found.sort()).toEqual(Object.keys(files).sort());
    for (const [name, holds] of Object.entries(files)) {
      if (typeof holds === 'object') expect(recordsOf(readJson(name)), name).toHaveLength(holds.records);
      else if (name.endsWith('.json')) expect(recordsOf(readJson(name)), name).toEqual([]);
    }
  });

  it('lose no value of a field that is mapped', () => {
    const applications = recordsFor('drugsfda');
    expect(compare(drugsFda, applications, readApplication)).toBe(2_047);
    expect(compare(harmonised, applications, readApplication)).toBe(10);
    expect(compare(label, recordsFor('label'), readLabel)).toBe(10);
    expect(compare(ndc, recordsFor('ndc'), readNdcProduct)).toBe(29);
    expect(applications.map(readApplication).reduce((count, item) => count + item.products.length, 0)).toBe(
      valuesAt(applications, ['products', 'product_number']).length,
    );
  });

  it('are as the shapes say: no field is new, missing or of another type', async () => {
    const contracts = openFdaContracts();
    const source = { url: 'https://api.fda.gov', fetchedAt: 0 };
    for (const endpoint of ['drugsfda', 'label', 'ndc'] as const) {
      // The oldest of FDA's own examples is of before the fields have their names of today.
      const records = recordsFor(endpoint).filter(record => !('application_docs_title' in firstSubmission(record)));
      const { values, quarantined, drifts } = await contracts[endpoint].read(records, source);
      expect(drifts, endpoint).toEqual([]);
      expect([values.length, quarantined.length], endpoint).toEqual([records.length, 0]);
      const seen = Object.keys(shapeOf(records));
      expect(seen.filter(path => !(path in contracts[endpoint].shape))).toEqual([]);
    }
  });
});

function firstSubmission(record: unknown): object {
  const { submissions: list } = record as { readonly submissions?: readonly object[] };
  return list?.[0] ?? {};
}

interface Schema {
  readonly type?: unknown;
  readonly properties?: Readonly<Record<string, Schema>>;
  readonly items?: Schema;
}

/** Every field that FDA describes, by its path without marks of lists. */
function fieldsOf(schema: Schema | undefined, path: readonly string[] = []): readonly string[] {
  if (schema?.properties !== undefined) {
    return Object.entries(schema.properties).flatMap(([name, field]) => fieldsOf(field, [...path, name]));
  }
  if (schema?.items?.properties !== undefined) return fieldsOf(schema.items, path);
  // In the reference, the fields of a list's elements stand directly below `items`.
  const { type, format, description, ...below } = (schema?.items ?? {}) as Readonly<Record<string, Schema>>;
  const nested = Object.entries(below).filter(
    ([, field]) => typeof field === 'object' && field !== null && 'type' in field,
  );
  const isList = nested.length > 0 && nested.every(([name]) => name !== 'possible_values');
  return isList ? nested.flatMap(([name, field]) => fieldsOf(field, [...path, name])) : [path.join('.')];
}

/** A record with every field of a schema, that notes which of them are looked at. */
function watched(schema: Schema, seen: Set<string>, path: readonly string[] = []): unknown {
  const inner = schema.properties === undefined ? schema.items : undefined;
  if (inner !== undefined) return [watched(inner, seen, path)];
  if (schema.properties === undefined) return schema.type === 'boolean' ? true : 'text';
  const { properties } = schema;
  return new Proxy(
    {},
    {
      get(_, name) {
        const field = typeof name === 'string' ? properties[name] : undefined;
        const below = [...path, String(name)];
        if (field?.properties === undefined && field?.items?.properties === undefined) seen.add(below.join('.'));
        return field === undefined ? undefined : watched(field, seen, below);
      },
    },
  );
}

describe.skipIf(!existsSync(data))("FDA's own references (skipped without ../shared/data/openfda)", () => {
  it.each([
    ['drugsfda', readApplication, { ...drugsFda, 'openfda.brand_name': 0, 'openfda.generic_name': 0 }, 'drugsfda'],
    ['druglabel', readLabel, label, 'druglabel'],
    ['ndc', readNdcProduct, ndc, 'drugndc'],
  ] as const)('know every field of %s that is read', (schemaName, read, mapping, referenceName) => {
    const schema = readJson(`docs/${schemaName}_schema.json`) as Schema;
    const reference = parse(readFileSync(`${data}docs/fields_${referenceName}.yaml`, 'utf8')) as Schema;
    const seen = new Set<string>();
    read(watched(schema, seen));
    expect([...seen].sort()).toEqual(Object.keys(mapping).sort());
    expect([...seen].filter(field => !fieldsOf(schema).includes(field))).toEqual([]);
    const known = fieldsOf(reference);
    // In FDA's schema and in its answers; its reference has one in a wrong place, and has forgotten the other.
    const forgotten = ['submissions.submission_class_code_description', 'labeler_name'];
    expect([...seen].filter(field => !known.includes(field) && !forgotten.includes(field))).toEqual([]);
  });

  it('know every field of the shapes, and the shapes every field of the schemas', () => {
    for (const [schemaName, endpoint] of [
      ['drugsfda', 'drugsfda'],
      ['druglabel', 'label'],
      ['ndc', 'ndc'],
    ] as const) {
      const { shape } = openFdaContracts()[endpoint];
      const inShape = new Set(Object.keys(shape).map(path => path.replaceAll('[]', '')));
      const inSchema = fieldsOf(readJson(`docs/${schemaName}_schema.json`) as Schema);
      expect(
        inSchema.filter(field => !inShape.has(field)),
        endpoint,
      ).toEqual([]);
    }
  });
});

import type { DrugName, NameMatch } from './drug-name.ts';
import { NameIndex } from './name-index.ts';
import { parseOrangeBookDate, splitList, splitStrength } from './orange-book-fields.ts';
import type { OrangeBookFiles } from './orange-book-files.ts';
import { type OrangeBookTable, readTable, StringPool, type TableName, tableNames } from './orange-book-tables.ts';
import type {
  OrangeBookApplicationType,
  OrangeBookExclusivity,
  OrangeBookMarketingStatus,
  OrangeBookPatent,
  OrangeBookProduct,
} from './orange-book-types.ts';

/** The tables of an edition. */
export interface OrangeBookTables {
  readonly products: OrangeBookTable<'products'>;
  readonly patent: OrangeBookTable<'patent'>;
  readonly exclusivity: OrangeBookTable<'exclusivity'>;
}

/** A product that carries the name that was searched for. */
export interface OrangeBookHit {
  readonly product: OrangeBookProduct;
  readonly match: NameMatch;
}

/**
 * One edition of the Orange Book in memory: about 45,000 products, 20,000 patents and 2,000 exclusivities in some tens of
 * megabytes. It never changes. Rows become objects when they are asked for.
 */
export class OrangeBookEdition {
  /** The newest date of its files, `YYYY-MM-DD`: the FDA renews them monthly. */
  readonly date: string;
  readonly #tables: OrangeBookTables;
  readonly #names = new NameIndex();
  readonly #products: ReadonlyMap<string, readonly number[]>;
  readonly #patents: ReadonlyMap<string, readonly number[]>;
  readonly #exclusivities: ReadonlyMap<string, readonly number[]>;

  constructor(tables: OrangeBookTables, date: string) {
    this.date = date;
    this.#tables = tables;
    const { products } = tables;
    for (let row = 0; row < products.rowCount; row += 1) {
      this.#names.add(products.text(row, 'Ingredient'), row);
      this.#names.add(products.text(row, 'Trade_Name'), row);
    }
    this.#products = rowsByApplication(products);
    this.#patents = rowsByApplication(tables.patent);
    this.#exclusivities = rowsByApplication(tables.exclusivity);
  }

  /** How many rows each file has. */
  get counts(): { readonly products: number; readonly patents: number; readonly exclusivities: number } {
    const { products, patent, exclusivity } = this.#tables;
    return { products: products.rowCount, patents: patent.rowCount, exclusivities: exclusivity.rowCount };
  }

  /**
   * The products with this name in their ingredients or their trade name, in whole words: `osimertinib` finds
   * `OSIMERTINIB MESYLATE`, `tinib` finds nothing. The best matches come first.
   */
  search(name: DrugName): OrangeBookHit[] {
    return this.#names.find(name.words).map(({ row, match }) => ({ product: this.#product(row), match }));
  }

  /** The products of an application, such as `NDA208065`. */
  productsOf(applicationNumber: string): OrangeBookProduct[] {
    return (this.#products.get(applicationNumber) ?? []).map(row => this.#product(row));
  }

  /** The patents of an application, of all its products. */
  patentsOf(applicationNumber: string): OrangeBookPatent[] {
    return (this.#patents.get(applicationNumber) ?? []).map(row => this.#patent(row));
  }

  /** The exclusivities of an application, of all its products. */
  exclusivitiesOf(applicationNumber: string): OrangeBookExclusivity[] {
    return (this.#exclusivities.get(applicationNumber) ?? []).map(row => this.#exclusivity(row));
  }

  /** All products, in the order of the file. */
  *products(): Generator<OrangeBookProduct> {
    for (let row = 0; row < this.#tables.products.rowCount; row += 1) yield this.#product(row);
  }

  /** All patents, in the order of the file. */
  *patents(): Generator<OrangeBookPatent> {
    for (let row = 0; row < this.#tables.patent.rowCount; row += 1) yield this.#patent(row);
  }

  /** All exclusivities, in the order of the file. */
  *exclusivities(): Generator<OrangeBookExclusivity> {
    for (let row = 0; row < this.#tables.exclusivity.rowCount; row += 1) yield this.#exclusivity(row);
  }

  #product(row: number): OrangeBookProduct {
    const table = this.#tables.products;
    const formAndRoute = table.text(row, 'DF;Route');
    const middle = formAndRoute.indexOf(';');
    const { strength, notes } = splitStrength(table.text(row, 'Strength'));
    const approvalDateText = table.text(row, 'Approval_Date');
    return {
      applicationNumber: applicationNumberOf(table, row),
      applicationType: applicationTypeOf(table, row),
      productNumber: table.text(row, 'Product_No'),
      ingredients: splitList(table.text(row, 'Ingredient')),
      tradeName: table.text(row, 'Trade_Name'),
      dosageForm: middle === -1 ? formAndRoute : formAndRoute.slice(0, middle).trim(),
      route: middle === -1 ? '' : formAndRoute.slice(middle + 1).trim(),
      strength,
      strengths: splitList(strength),
      notes,
      applicant: table.text(row, 'Applicant'),
      applicantFullName: table.text(row, 'Applicant_Full_Name'),
      teCodes: listOf(table.text(row, 'TE_Code')),
      approvalDate: parseOrangeBookDate(approvalDateText),
      approvalDateText,
      referenceListedDrug: table.text(row, 'RLD') === 'Yes',
      referenceStandard: table.has('RS') ? table.text(row, 'RS') === 'Yes' : null,
      // The reader refused every other value.
      marketingStatus: table.text(row, 'Type') as OrangeBookMarketingStatus,
    };
  }

  #patent(row: number): OrangeBookPatent {
    const table = this.#tables.patent;
    const number = table.text(row, 'Patent_No');
    const expiresOnText = table.text(row, 'Patent_Expire_Date_Text');
    const submittedOnText = table.text(row, 'Submission_Date');
    return {
      applicationNumber: applicationNumberOf(table, row),
      productNumber: table.text(row, 'Product_No'),
      patentNumber: number.replace(/\*PED$/, ''),
      pediatricExtension: number.endsWith('*PED'),
      expiresOn: parseOrangeBookDate(expiresOnText),
      expiresOnText,
      claimsSubstance: table.text(row, 'Drug_Substance_Flag') === 'Y',
      claimsProduct: table.text(row, 'Drug_Product_Flag') === 'Y',
      useCode: table.text(row, 'Patent_Use_Code'),
      delistRequested: table.text(row, 'Delist_Flag') === 'Y',
      submittedOn: parseOrangeBookDate(submittedOnText),
      submittedOnText,
    };
  }

  #exclusivity(row: number): OrangeBookExclusivity {
    const table = this.#tables.exclusivity;
    const expiresOnText = table.text(row, 'Exclusivity_Date');
    return {
      applicationNumber: applicationNumberOf(table, row),
      productNumber: table.text(row, 'Product_No'),
      code: table.text(row, 'Exclusivity_Code'),
      expiresOn: parseOrangeBookDate(expiresOnText),
      expiresOnText,
    };
  }
}

/**
 * Reads the three files into an edition. Throws `OrangeBookError` at the first thing that is wrong, so that there is
 * either a whole edition or none.
 */
export async function readEdition(source: OrangeBookFiles, signal?: AbortSignal): Promise<OrangeBookEdition> {
  const pool = new StringPool();
  const read = <Name extends TableName>(name: Name): Promise<OrangeBookTable<Name>> => {
    const file = source.files[name];
    return readTable(name, { file: file.label, chunks: untilAborted(file.read(), signal), pool });
  };
  const products = await read('products');
  const patent = await read('patent');
  const exclusivity = await read('exclusivity');
  const dates = tableNames.map(name => source.files[name].date).sort();
  return new OrangeBookEdition({ products, patent, exclusivity }, dates.at(-1) ?? '');
}

async function* untilAborted(chunks: AsyncIterable<Uint8Array>, signal?: AbortSignal): AsyncGenerator<Uint8Array> {
  for await (const chunk of chunks) {
    signal?.throwIfAborted();
    yield chunk;
  }
}

type AnyTable = OrangeBookTable<'products'> | OrangeBookTable<'patent'> | OrangeBookTable<'exclusivity'>;

function applicationTypeOf(table: AnyTable, row: number): OrangeBookApplicationType {
  return table.text(row, 'Appl_Type') === 'N' ? 'NDA' : 'ANDA';
}

function applicationNumberOf(table: AnyTable, row: number): string {
  return `${applicationTypeOf(table, row)}${table.text(row, 'Appl_No')}`;
}

function rowsByApplication(table: AnyTable): Map<string, number[]> {
  const rows = new Map<string, number[]>();
  for (let row = 0; row < table.rowCount; row += 1) {
    const application = applicationNumberOf(table, row);
    const known = rows.get(application);
    if (known === undefined) rows.set(application, [row]);
    else known.push(row);
  }
  return rows;
}

function listOf(text: string): string[] {
  return text
    .split(',')
    .map(part => part.trim())
    .filter(part => part !== '');
}

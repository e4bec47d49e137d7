import { OrangeBookError } from './errors.ts';
import { separator, splitRow } from './orange-book-fields.ts';

/** One column of a file of the Orange Book. */
interface Column {
  /** Whether editions without it are read too: older ones lack some columns. */
  readonly optional?: boolean;
  /** The only values that it may have. */
  readonly values?: readonly string[];
  /** Whether it must not be empty. */
  readonly filled?: boolean;
}

/** The columns that are read, by their names in the header. */
interface ColumnNames {
  products:
    | 'Ingredient'
    | 'DF;Route'
    | 'Trade_Name'
    | 'Applicant'
    | 'Strength'
    | 'Appl_Type'
    | 'Appl_No'
    | 'Product_No'
    | 'TE_Code'
    | 'Approval_Date'
    | 'RLD'
    | 'RS'
    | 'Type'
    | 'Applicant_Full_Name';
  patent:
    | 'Appl_Type'
    | 'Appl_No'
    | 'Product_No'
    | 'Patent_No'
    | 'Patent_Expire_Date_Text'
    | 'Drug_Substance_Flag'
    | 'Drug_Product_Flag'
    | 'Patent_Use_Code'
    | 'Delist_Flag'
    | 'Submission_Date';
  exclusivity: 'Appl_Type' | 'Appl_No' | 'Product_No' | 'Exclusivity_Code' | 'Exclusivity_Date';
}

/** The name of a file without `.txt`. */
export type TableName = keyof ColumnNames;
/** The name of a column of a table. */
export type ColumnName<Name extends TableName> = ColumnNames[Name];

/** The files in the order in which they are read. */
export const tableNames: readonly TableName[] = ['products', 'patent', 'exclusivity'];

const flag: Column = { values: ['', 'Y'] };
const yesOrNo: Column = { values: ['Yes', 'No'] };

const keyColumns: Readonly<Record<'Appl_Type' | 'Appl_No' | 'Product_No', Column>> = {
  Appl_Type: { values: ['N', 'A'] },
  Appl_No: { filled: true },
  Product_No: { filled: true },
};

const tableColumns: { readonly [Name in TableName]: Readonly<Record<ColumnName<Name>, Column>> } = {
  products: {
    ...keyColumns,
    Ingredient: { filled: true },
    'DF;Route': {},
    Trade_Name: {},
    Applicant: {},
    Strength: {},
    TE_Code: {},
    Approval_Date: {},
    RLD: yesOrNo,
    RS: { ...yesOrNo, optional: true },
    Type: { values: ['RX', 'OTC', 'DISCN'] },
    Applicant_Full_Name: { optional: true },
  },
  patent: {
    ...keyColumns,
    Patent_No: { filled: true },
    Patent_Expire_Date_Text: {},
    Drug_Substance_Flag: flag,
    Drug_Product_Flag: flag,
    Patent_Use_Code: {},
    Delist_Flag: { ...flag, optional: true },
    Submission_Date: { optional: true },
  },
  exclusivity: {
    ...keyColumns,
    Exclusivity_Code: { filled: true },
    Exclusivity_Date: {},
  },
};

/** The text of one table, column by column. Equal texts are one string. */
export class OrangeBookTable<Name extends TableName> {
  readonly name: Name;
  readonly #columns: Readonly<Record<string, readonly string[] | undefined>>;
  /** How many rows there are, without the header. */
  readonly rowCount: number;

  constructor(name: Name, columns: Readonly<Record<string, readonly string[] | undefined>>, rowCount: number) {
    this.name = name;
    this.#columns = columns;
    this.rowCount = rowCount;
  }

  /** Whether this edition has the column. */
  has(column: ColumnName<Name>): boolean {
    return this.#columns[column] !== undefined;
  }

  /** The text of a field; empty for a column that this edition does not have. */
  text(row: number, column: ColumnName<Name>): string {
    return this.#columns[column]?.[row] ?? '';
  }
}

/** Makes equal strings one, so that an edition needs little memory. */
export class StringPool {
  readonly #strings = new Map<string, string>();

  intern(text: string): string {
    const known = this.#strings.get(text);
    if (known !== undefined) return known;
    // A piece of a longer string keeps the whole of it alive; going through bytes makes a copy of the piece alone.
    const copy = Buffer.from(text, 'latin1').toString('latin1');
    this.#strings.set(copy, copy);
    return copy;
  }
}

/** Where a field of a row goes. */
interface Target {
  readonly name: string;
  readonly rule: Column;
  readonly texts: string[];
}

/** A longer line is not one of the Orange Book's: its longest has about 600 characters. */
const maxLineLength = 65_536;

/** Reads one table, line by line. Throws {@link OrangeBookError} at the first thing that is wrong. */
export async function readTable<Name extends TableName>(
  name: Name,
  source: { readonly file: string; readonly chunks: AsyncIterable<Uint8Array>; readonly pool: StringPool },
): Promise<OrangeBookTable<Name>> {
  const builder = new TableBuilder(name, source.file, source.pool);
  let carry = '';
  for await (const chunk of source.chunks) {
    const lines = (carry + Buffer.from(chunk.buffer, chunk.byteOffset, chunk.byteLength).toString('latin1')).split(
      '\n',
    );
    carry = lines.pop() ?? '';
    for (const line of lines) builder.add(line);
    if (carry.length > maxLineLength) builder.add(carry);
  }
  builder.add(carry);
  return builder.build();
}

class TableBuilder<Name extends TableName> {
  readonly #name: Name;
  readonly #file: string;
  readonly #pool: StringPool;
  readonly #rules: readonly (readonly [name: string, rule: Column])[];
  readonly #columns: Record<string, string[] | undefined> = {};
  #header: readonly string[] | undefined;
  /** For each field of a row: where it goes, unless the column is one that is not read. */
  #targets: readonly (Target | undefined)[] = [];
  #line = 0;
  #rowCount = 0;

  constructor(name: Name, file: string, pool: StringPool) {
    this.#name = name;
    this.#file = file;
    this.#pool = pool;
    this.#rules = Object.entries(tableColumns[name]);
  }

  add(rawLine: string): void {
    this.#line += 1;
    if (rawLine.length > maxLineLength) this.#fail(`The line is longer than ${maxLineLength} characters`);
    const line = rawLine.endsWith('\r') ? rawLine.slice(0, -1) : rawLine;
    if (line.trim() === '') return;
    if (this.#header === undefined) this.#readHeader(line);
    else this.#readRow(line, this.#header);
  }

  build(): OrangeBookTable<Name> {
    if (this.#header === undefined) {
      this.#line = 1;
      this.#fail(`The file is empty. Expected a header with ${this.#rules.map(([name]) => name).join(separator)}`);
    }
    if (this.#rowCount === 0 && this.#name === 'products') this.#fail('The file has a header but no products');
    return new OrangeBookTable(this.#name, this.#columns, this.#rowCount);
  }

  #fail(problem: string, column?: string): never {
    throw new OrangeBookError(problem, { file: this.#file, line: this.#line, column });
  }

  #readHeader(line: string): void {
    const text = line.startsWith('\u00ef\u00bb\u00bf') ? line.slice(3) : line;
    if (/^\s*</.test(text)) this.#fail('The file is an HTML page, not a table separated by ~');
    this.#checkCharacters(text, []);
    const header = splitRow(text);
    const positions = new Map(header.map((name, position) => [name.toLowerCase(), position]));
    if (positions.size !== header.length) this.#fail(`A column appears twice in the header: ${header.join(separator)}`);
    const missing = this.#rules.filter(([name, rule]) => !rule.optional && !positions.has(name.toLowerCase()));
    if (missing.length > 0) {
      const names = missing.map(([name]) => name);
      this.#fail(`The header lacks ${names.join(', ')}. Found ${header.join(separator)}`, names[0]);
    }
    const targets: (Target | undefined)[] = header.map(() => undefined);
    for (const [name, rule] of this.#rules) {
      const position = positions.get(name.toLowerCase());
      if (position === undefined) continue;
      const texts: string[] = [];
      this.#columns[name] = texts;
      targets[position] = { name, rule, texts };
    }
    this.#header = header;
    this.#targets = targets;
  }

  #readRow(line: string, header: readonly string[]): void {
    this.#checkCharacters(line, header);
    const fields = splitRow(line);
    if (fields.length !== header.length) {
      this.#fail(`The row has ${fields.length} fields, expected ${header.length} as in the header`);
    }
    for (const [position, target] of this.#targets.entries()) {
      if (target === undefined) continue;
      const field = fields[position] ?? '';
      const { values, filled } = target.rule;
      if (values !== undefined && !values.includes(field)) {
        const expected = values.map(value => (value === '' ? 'nothing' : value)).join(' or ');
        this.#fail(`Unknown value ${JSON.stringify(field.slice(0, 100))}, expected ${expected}`, target.name);
      }
      if (filled && field === '') this.#fail('The field is empty', target.name);
      target.texts.push(this.#pool.intern(field));
    }
    this.#rowCount += 1;
  }

  /** The files are plain ASCII in every edition: anything else is damage or another file. */
  #checkCharacters(line: string, header: readonly string[]): void {
    const position = line.search(/[^\t\x20-\x7e]/);
    if (position === -1) return;
    const code = line.charCodeAt(position).toString(16).padStart(2, '0');
    const column = header[line.slice(0, position).split(separator).length - 1];
    this.#fail(`Found the byte 0x${code} at character ${position + 1}, expected plain ASCII text`, column);
  }
}

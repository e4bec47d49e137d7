import { describe, expect, it } from 'vitest';
import { OrangeBookError } from './errors.ts';
import { type OrangeBookTable, readTable, StringPool, type TableName } from './orange-book-tables.ts';

const header =
  'Ingredient~DF;Route~Trade_Name~Applicant~Strength~Appl_Type~Appl_No~Product_No~TE_Code~Approval_Date~RLD~RS~Type~Applicant_Full_Name';
const row =
  'OSIMERTINIB MESYLATE~TABLET;ORAL~TAGRISSO~ASTRAZENECA~EQ 80MG BASE~N~208065~002~~Nov 13, 2015~Yes~Yes~RX~ASTRAZENECA';

function read<Name extends TableName>(name: Name, text: string, chunkLength = 7): Promise<OrangeBookTable<Name>> {
  async function* chunks(): AsyncGenerator<Uint8Array> {
    const bytes = Buffer.from(text, 'latin1');
    for (let start = 0; start < bytes.length; start += chunkLength) yield bytes.subarray(start, start + chunkLength);
  }
  return readTable(name, { file: `${name}.txt`, chunks: chunks(), pool: new StringPool() });
}

async function failure(name: TableName, text: string): Promise<OrangeBookError> {
  const error = await read(name, text).then(
    () => undefined,
    reason => reason,
  );
  expect(error).toBeInstanceOf(OrangeBookError);
  return error;
}

describe('readTable() reads', () => {
  it.each([
    ['CRLF', `${header}\r\n${row}\r\n`],
    ['LF', `${header}\n${row}\n`],
    ['no newline at the end', `${header}\r\n${row}`],
    ['empty lines', `${header}\r\n\r\n${row}\r\n\r\n`],
    ['a byte order mark', `\u00ef\u00bb\u00bf${header}\r\n${row}`],
    ['stray outer spaces', `${header}\r\n${row.replaceAll('~', ' ~ ')} \r\n`],
  ])('%s', async (_, text) => {
    for (const chunkLength of [1, 7, 10_000]) {
      const table = await read('products', text, chunkLength);
      expect(table.rowCount).toBe(1);
      expect(table.text(0, 'Trade_Name')).toBe('TAGRISSO');
      expect(table.text(0, 'Applicant_Full_Name')).toBe('ASTRAZENECA');
    }
  });

  it('columns by their names, in any order and case, with others between them', async () => {
    const names = header.split('~');
    const fields = row.split('~');
    const order = names.map((_, index) => (index * 5) % names.length);
    const reordered = (values: readonly string[], extra: string): string =>
      [extra, ...order.map(index => values[index])].join('~');
    const table = await read('products', `${reordered(names, 'New_Column').toUpperCase()}\n${reordered(fields, 'X')}`);
    expect(table.text(0, 'Appl_No')).toBe('208065');
    expect(table.text(0, 'RS')).toBe('Yes');
  });

  it('editions without the RS column', async () => {
    const without = (line: string): string =>
      line
        .split('~')
        .filter((_, index) => index !== 11)
        .join('~');
    const table = await read('products', `${without(header)}\n${without(row)}`);
    expect(table.has('RS')).toBe(false);
    expect(table.text(0, 'RS')).toBe('');
    expect(table.text(0, 'Type')).toBe('RX');
  });

  it('a patent file without rows, but no product file without', async () => {
    const patents =
      'Appl_Type~Appl_No~Product_No~Patent_No~Patent_Expire_Date_Text~Drug_Substance_Flag~Drug_Product_Flag~Patent_Use_Code';
    expect((await read('patent', patents)).rowCount).toBe(0);
    expect((await failure('products', header)).message).toMatch(/has a header but no products/);
  });
});

describe('readTable() refuses', () => {
  it('an empty file', async () => {
    expect(await failure('exclusivity', '')).toMatchObject({ file: 'exclusivity.txt', line: 1 });
  });

  it('a header without a needed column, and says what there is', async () => {
    const error = await failure('products', `${header.replace('Appl_No~', '')}\n${row}`);
    expect(error).toMatchObject({ file: 'products.txt', line: 1, column: 'Appl_No' });
    expect(error.message).toMatch(/lacks Appl_No\. Found Ingredient~DF;Route~/);
  });

  it('a header with a column twice', async () => {
    expect((await failure('products', `${header}~rs\n${row}~No`)).message).toMatch(/appears twice/);
  });

  it.each([
    ['few', row.slice(0, row.lastIndexOf('~')), 13],
    ['many', `${row}~more`, 15],
  ])('a row with too %s fields', async (_, line, count) => {
    const error = await failure('products', `${header}\r\n${row}\r\n${line}\r\n`);
    expect(error).toMatchObject({ file: 'products.txt', line: 3 });
    expect(error.message).toContain(`has ${count} fields, expected 14`);
  });

  it.each([
    ['Appl_Type', row.replace('~N~', '~B~')],
    ['Type', row.replace('~RX~', '~TENT~')],
    ['RLD', row.replace('~Yes~Yes~', '~TBD~Yes~')],
    ['Appl_No', row.replace('208065', '')],
    ['Ingredient', row.replace('OSIMERTINIB MESYLATE', '')],
  ])('an unknown or missing %s', async (column, line) => {
    const error = await failure('products', `${header}\n${line}`);
    expect(error).toMatchObject({ file: 'products.txt', line: 2, column });
  });

  it('an unknown flag of a patent', async () => {
    const patents =
      'Appl_Type~Appl_No~Product_No~Patent_No~Patent_Expire_Date_Text~Drug_Substance_Flag~Drug_Product_Flag~Patent_Use_Code';
    const error = await failure('patent', `${patents}\nN~208065~001~9732058~Jul 25, 2032~X~Y~U-1777`);
    expect(error).toMatchObject({ line: 2, column: 'Drug_Substance_Flag' });
    expect(error.message).toContain('expected nothing or Y');
  });

  it('bytes that are not ASCII', async () => {
    const error = await failure('products', `${header}\n${row.replace('TAGRISSO', 'TAGR\u00ffSSO')}`);
    expect(error).toMatchObject({ line: 2, column: 'Trade_Name' });
    expect(error.message).toContain('byte 0xff');
  });

  it('an HTML page', async () => {
    expect((await failure('products', '\n<!DOCTYPE html>\n<html>')).message).toMatch(/is an HTML page/);
  });

  it('a line without an end', async () => {
    expect((await failure('products', `${header}\n${'A'.repeat(100_000)}`)).message).toMatch(/longer than/);
  });

  it('what the source fails to give, with its error', async () => {
    async function* chunks(): AsyncGenerator<Uint8Array> {
      yield Buffer.from(header);
      throw new OrangeBookError('Torn', { file: 'x' });
    }
    await expect(readTable('products', { file: 'x', chunks: chunks(), pool: new StringPool() })).rejects.toThrow(
      'Torn',
    );
  });
});

import { existsSync } from 'node:fs';
import { readdir, readFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { beforeAll, describe, expect, it } from 'vitest';
import { parseDrugName } from './drug-name.ts';
import { OrangeBookEdition, readEdition } from './orange-book-edition.ts';
import { splitRow } from './orange-book-fields.ts';
import { openFolder, openZip } from './orange-book-files.ts';
import { type OrangeBookTable, readTable, StringPool, type TableName } from './orange-book-tables.ts';
import type { OrangeBookExclusivity, OrangeBookPatent, OrangeBookProduct } from './orange-book-types.ts';

const data = fileURLToPath(new URL('../../../shared/data/orange_book/', import.meta.url));
const folder = `${data}2024-06-01`;

async function linesOf(path: string): Promise<string[]> {
  return (await readFile(path, 'latin1')).split(/\r?\n/).filter(line => line !== '');
}

function withoutSpacing(field: string): string {
  return field.replace(/[\s*]+/g, '');
}

/** A product written as the fields that it was read from. */
function rowOf(product: OrangeBookProduct): string[] {
  const yes = (value: boolean | null): string => (value ? 'Yes' : 'No');
  return [
    withoutSpacing(product.ingredients.join(';')),
    `${product.dosageForm};${product.route}`,
    product.tradeName,
    product.applicant,
    withoutSpacing([product.strength, ...product.notes].join('')),
    product.applicationType === 'NDA' ? 'N' : 'A',
    product.applicationNumber.replace(/^A?NDA/, ''),
    product.productNumber,
    product.teCodes.join(','),
    product.approvalDateText,
    yes(product.referenceListedDrug),
    yes(product.referenceStandard),
    product.marketingStatus,
    product.applicantFullName,
  ];
}

function patentRowOf(patent: OrangeBookPatent): string {
  const flag = (value: boolean): string => (value ? 'Y' : '');
  return [
    'N',
    patent.applicationNumber.replace(/^NDA/, ''),
    patent.productNumber,
    `${patent.patentNumber}${patent.pediatricExtension ? '*PED' : ''}`,
    patent.expiresOnText,
    flag(patent.claimsSubstance),
    flag(patent.claimsProduct),
    patent.useCode,
    flag(patent.delistRequested),
    patent.submittedOnText,
  ].join('~');
}

function exclusivityRowOf({ applicationNumber, productNumber, code, expiresOnText }: OrangeBookExclusivity): string {
  return [
    applicationNumber.startsWith('N') ? 'N' : 'A',
    applicationNumber.slice(-6),
    productNumber,
    code,
    expiresOnText,
  ].join('~');
}

describe.skipIf(!existsSync(folder))('the May 2024 edition (skipped without ../shared/data/orange_book)', () => {
  let book: OrangeBookEdition;

  beforeAll(async () => {
    await using files = await openFolder(folder);
    book = await readEdition(files);
  });

  it('has every row of every file', async () => {
    expect(book.counts).toEqual({ products: 44_949, patents: 18_578, exclusivities: 2_089 });
    for (const [name, rows] of [
      ['products', book.products()],
      ['patent', book.patents()],
      ['exclusivity', book.exclusivities()],
    ] as const) {
      expect([...rows]).toHaveLength((await linesOf(`${folder}/${name}.txt`)).length - 1);
    }
  });

  it('loses no field of a product, a patent or an exclusivity', async () => {
    const expected = (await linesOf(`${folder}/products.txt`)).slice(1).map(splitRow);
    const found = [...book.products()].map(product => rowOf(product));
    for (const [row, fields] of expected.entries()) {
      // Lists are spaced in different ways, and notes stand between any number of stars.
      expect(found[row]).toEqual(
        fields.map((field, column) => ([0, 4, 8].includes(column) ? withoutSpacing(field) : field)),
      );
    }
    expect([...book.patents()].map(patentRowOf)).toEqual((await linesOf(`${folder}/patent.txt`)).slice(1));
    expect([...book.exclusivities()].map(exclusivityRowOf)).toEqual(
      (await linesOf(`${folder}/exclusivity.txt`)).slice(1),
    );
  });

  it('reads every date but the 5,870 that are none', () => {
    const undated = [...book.products()].filter(product => product.approvalDate === null);
    expect(undated).toHaveLength(5_870);
    expect(new Set(undated.map(product => product.approvalDateText))).toEqual(
      new Set(['Approved Prior to Jan 1, 1982']),
    );
    expect([...book.patents()].filter(patent => patent.expiresOn === null)).toEqual([]);
    expect([...book.patents()].filter(patent => patent.submittedOn === null)).toHaveLength(2_742);
    expect([...book.exclusivities()].filter(exclusivity => exclusivity.expiresOn === null)).toEqual([]);
  });

  it('unfolds the 30 quotation marks to 10', async () => {
    const marks = (texts: readonly string[]): number => texts.join('').split('"').length - 1;
    expect(marks(await linesOf(`${folder}/products.txt`))).toBe(30);
    const names = [...book.products()].map(product => product.tradeName).filter(name => name.includes('"'));
    expect(names).toHaveLength(5);
    expect(marks(names)).toBe(10);
    expect(names).toContain('HY-PAM "25"');
  });

  it('splits the notes off the strengths', () => {
    const products = [...book.products()];
    expect(products.filter(product => product.strength.includes('*'))).toEqual([]);
    expect(products.filter(product => product.notes.length > 0)).toHaveLength(2_094);
  });

  it('has as many strengths as ingredients in all combinations but five packs of several phases', () => {
    const isOdd = ({ ingredients, strengths }: OrangeBookProduct): boolean =>
      ingredients.length > 1 && ingredients.length !== strengths.length;
    const odd = [...book.products()].filter(isOdd);
    expect(odd).toHaveLength(5);
    expect(odd.every(product => product.strength.includes('N/A'))).toBe(true);
  });

  it('knows TAGRISSO', () => {
    const hits = book.search(parseDrugName('osimertinib'));
    expect(hits.map(({ product }) => product)).toEqual(book.productsOf('NDA208065'));
    expect(
      hits.map(({ product }) => [
        product.productNumber,
        product.strength,
        product.approvalDate,
        product.referenceStandard,
      ]),
    ).toEqual([
      ['001', 'EQ 40MG BASE', '2015-11-13', false],
      ['002', 'EQ 80MG BASE', '2015-11-13', true],
    ]);
    expect(book.patentsOf('NDA208065')).toHaveLength(26);
    expect(book.exclusivitiesOf('NDA208065')).toHaveLength(6);
    expect(book.search(parseDrugName('tinib'))).toEqual([]);
    expect(book.search(parseDrugName('pembrolizumab'))).toEqual([]);
  });

  it('has no patent or exclusivity without a product', () => {
    const keys = new Set([...book.products()].map(product => `${product.applicationNumber}/${product.productNumber}`));
    const orphans = [...book.patents(), ...book.exclusivities()].filter(
      ({ applicationNumber, productNumber }) => !keys.has(`${applicationNumber}/${productNumber}`),
    );
    expect(orphans).toEqual([]);
    expect(keys.size).toBe(44_949);
  });

  it('is the same from the ZIP, with the date of its files', async () => {
    await using files = await openZip(`${data}EOBZIP_download_2024-06-01.zip`);
    const zipped = await readEdition(files);
    expect(zipped.date).toBe('2024-05-10');
    expect([...zipped.products()]).toEqual([...book.products()]);
  });

  it('shares its form with the February 2026 files, of which no field is lost either', async () => {
    async function* bytes(path: string): AsyncGenerator<Uint8Array> {
      yield await readFile(path);
    }
    const pool = new StringPool();
    const read = async <Name extends TableName>(name: Name, path: string): Promise<OrangeBookTable<Name>> =>
      readTable(name, { file: path, chunks: bytes(path), pool });
    // The products of that edition are not here; those of 2024 stand in for them.
    const tables = {
      products: await read('products', `${folder}/products.txt`),
      patent: await read('patent', `${data}2026-02_patent.txt`),
      exclusivity: await read('exclusivity', `${data}2026-02_exclusivity.txt`),
    };
    const newer = new OrangeBookEdition(tables, '2026-02-13');
    expect(newer.counts).toMatchObject({ patents: 21_177, exclusivities: 2_483 });
    expect([...newer.patents()].map(patentRowOf)).toEqual((await linesOf(`${data}2026-02_patent.txt`)).slice(1));
    expect([...newer.exclusivities()].map(exclusivityRowOf)).toEqual(
      (await linesOf(`${data}2026-02_exclusivity.txt`)).slice(1),
    );
    expect([...newer.patents()].filter(({ expiresOn }) => expiresOn === null)).toEqual([]);
    expect([...newer.exclusivities()].filter(({ expiresOn }) => expiresOn === null)).toEqual([]);
  });

  it('has no file beside it that is not read here', async () => {
    const names = await readdir(data, { recursive: true });
    expect(names.filter(name => /\.\w+$/.test(name)).sort()).toEqual([
      '2024-06-01/exclusivity.txt',
      '2024-06-01/patent.txt',
      '2024-06-01/products.txt',
      '2026-02_exclusivity.txt',
      '2026-02_patent.txt',
      'EOBZIP_download_2024-06-01.zip',
    ]);
  });
});

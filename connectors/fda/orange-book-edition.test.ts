import { describe, expect, it } from 'vitest';
import { parseDrugName } from './drug-name.ts';
import { type OrangeBookEdition, readEdition } from './orange-book-edition.ts';
import { joinRow } from './orange-book-fields.ts';
import type { OrangeBookFile } from './orange-book-files.ts';

interface Row {
  readonly ingredient?: string;
  readonly formAndRoute?: string;
  readonly tradeName?: string;
  readonly strength?: string;
  readonly type?: 'N' | 'A';
  readonly number?: string;
  readonly product?: string;
  readonly teCode?: string;
  readonly approved?: string;
}

const productHeader =
  'Ingredient~DF;Route~Trade_Name~Applicant~Strength~Appl_Type~Appl_No~Product_No~TE_Code~Approval_Date~RLD~RS~Type~Applicant_Full_Name';
const patentHeader =
  'Appl_Type~Appl_No~Product_No~Patent_No~Patent_Expire_Date_Text~Drug_Substance_Flag~Drug_Product_Flag~Patent_Use_Code~Delist_Flag~Submission_Date';

function productRow(row: Row): string {
  const { ingredient = 'X', formAndRoute = 'TABLET;ORAL', tradeName = 'Y', strength = '1MG', type = 'N' } = row;
  const { number = '000001', product = '001', teCode = '', approved = 'Nov 13, 2015' } = row;
  const fields = [ingredient, formAndRoute, tradeName, 'APPLICANT', strength, type, number, product, teCode, approved];
  return joinRow([...fields, 'Yes', 'No', 'RX', 'APPLICANT INC']);
}

function file(label: string, lines: readonly string[], date = '2024-05-10'): OrangeBookFile {
  async function* read(): AsyncGenerator<Uint8Array> {
    yield Buffer.from(lines.join('\r\n'));
  }
  return { label, date, read };
}

function edition(
  rows: readonly Row[],
  patents: readonly string[] = [],
  exclusivities: readonly string[] = [],
): Promise<OrangeBookEdition> {
  return readEdition({
    files: {
      products: file('products.txt', [productHeader, ...rows.map(productRow)], '2024-05-08'),
      patent: file('patent.txt', [patentHeader, ...patents]),
      exclusivity: file('exclusivity.txt', [
        'Appl_Type~Appl_No~Product_No~Exclusivity_Code~Exclusivity_Date',
        ...exclusivities,
      ]),
    },
    async [Symbol.asyncDispose]() {},
  });
}

function find(book: OrangeBookEdition, name: string): string[] {
  return book.search(parseDrugName(name)).map(({ product, match }) => `${match} ${product.tradeName}`);
}

describe('OrangeBookEdition', () => {
  it('is dated by the newest of its files', async () => {
    expect((await edition([{}])).date).toBe('2024-05-10');
  });

  it('gives every field of a product', async () => {
    const note = 'Federal Register determination';
    const book = await edition([
      {
        ingredient: 'HYDROCHLOROTHIAZIDE;RESERPINE',
        formAndRoute: 'AEROSOL, FOAM;RECTAL',
        tradeName: 'HYDRO-SERP "25"',
        strength: `25MG;0.125MG **${note}**`,
        type: 'A',
        number: '084827',
        teCode: 'AB1,AB2, AB3',
        approved: 'Approved Prior to Jan 1, 1982',
      },
    ]);
    expect([...book.products()]).toEqual([
      {
        applicationNumber: 'ANDA084827',
        applicationType: 'ANDA',
        productNumber: '001',
        ingredients: ['HYDROCHLOROTHIAZIDE', 'RESERPINE'],
        tradeName: 'HYDRO-SERP "25"',
        dosageForm: 'AEROSOL, FOAM',
        route: 'RECTAL',
        strength: '25MG;0.125MG',
        strengths: ['25MG', '0.125MG'],
        notes: [note],
        applicant: 'APPLICANT',
        applicantFullName: 'APPLICANT INC',
        teCodes: ['AB1', 'AB2', 'AB3'],
        approvalDate: null,
        approvalDateText: 'Approved Prior to Jan 1, 1982',
        referenceListedDrug: true,
        referenceStandard: false,
        marketingStatus: 'RX',
      },
    ]);
  });

  it('gives patents with their pediatric extensions, and exclusivities', async () => {
    const book = await edition(
      [{ number: '208065' }],
      ['N~208065~001~RE41234~Jul 25, 2032~Y~~U-1777~Y~', 'N~208065~001~9732058*PED~Jan 25, 2033~~~~~Aug 29, 2017'],
      ['N~208065~001~ODE-176~Apr 18, 2025'],
    );
    const [reissue, extension] = book.patentsOf('NDA208065');
    expect(reissue).toMatchObject({
      patentNumber: 'RE41234',
      pediatricExtension: false,
      claimsSubstance: true,
      claimsProduct: false,
    });
    expect(reissue).toMatchObject({ delistRequested: true, submittedOn: null, submittedOnText: '', useCode: 'U-1777' });
    expect(extension).toMatchObject({
      patentNumber: '9732058',
      pediatricExtension: true,
      expiresOn: '2033-01-25',
      submittedOn: '2017-08-29',
    });
    expect(book.exclusivitiesOf('NDA208065')).toMatchObject([{ code: 'ODE-176', expiresOn: '2025-04-18' }]);
    expect(book.patentsOf('ANDA208065')).toEqual([]);
  });

  it('searches ingredients and trade names by whole words, in any case', async () => {
    const book = await edition([{ ingredient: 'OSIMERTINIB MESYLATE', tradeName: 'TAGRISSO' }]);
    expect(find(book, 'osimertinib')).toEqual(['leading TAGRISSO']);
    expect(find(book, 'Tagrisso')).toEqual(['exact TAGRISSO']);
    expect(find(book, 'mesylate')).toEqual(['contained TAGRISSO']);
    for (const name of ['tinib', 'osimertini', 'osimertinib tagrisso', 'mesylate osimertinib', 'osimer*']) {
      expect(find(book, name)).toEqual([]);
    }
  });

  it('puts exact matches before leading ones before contained ones', async () => {
    const book = await edition([
      { ingredient: 'GLIPIZIDE; METFORMIN HYDROCHLORIDE', tradeName: 'THIRD' },
      { ingredient: 'METFORMIN HYDROCHLORIDE', tradeName: 'SECOND' },
      { ingredient: 'METFORMIN', tradeName: 'FIRST' },
    ]);
    expect(find(book, 'metformin')).toEqual(['exact FIRST', 'leading SECOND', 'contained THIRD']);
  });

  it('does not find words across two ingredients', async () => {
    const book = await edition([{ ingredient: 'GLIPIZIDE; METFORMIN HYDROCHLORIDE', tradeName: 'COMBINATION' }]);
    expect(find(book, 'glipizide metformin')).toEqual([]);
    expect(find(book, 'metformin hydrochloride')).toEqual(['contained COMBINATION']);
  });
});

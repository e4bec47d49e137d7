import fc from 'fast-check';
import { ValidationError } from 'plinth/errors';
import { describe, expect, it } from 'vitest';
import { cancerAliases } from './cancer-aliases.ts';
import { findByCancer, findExactly } from './cancer-names.ts';

const catalogue = [
  'Acute Lymphoblastic Leukemia',
  'Acute Myeloid Leukemia',
  'B-Cell Lymphomas',
  'Bladder Cancer',
  'Breast Cancer',
  'Breast Cancer Screening and Diagnosis',
  'Chronic Lymphocytic Leukemia/Small Lymphocytic Lymphoma',
  'Colon Cancer',
  'Colorectal Cancer Screening',
  'Esophageal and Esophagogastric Junction Cancers',
  'Hodgkin Lymphoma',
  'Lung Cancer Screening',
  'Melanoma: Cutaneous',
  'Melanoma: Uveal',
  'Myeloid/Lymphoid Neoplasms with Eosinophilia and Tyrosine Kinase Gene Fusions',
  'Non-Small Cell Lung Cancer',
  'Ovarian Cancer/Fallopian Tube Cancer/Primary Peritoneal Cancer',
  'Pancreatic Adenocarcinoma',
  'Rectal Cancer',
  'Small Cell Lung Cancer',
  'T-Cell Lymphomas',
  'Waldenström Macroglobulinemia/Lymphoplasmacytic Lymphoma',
  'Wilms Tumor (Nephroblastoma)',
];

function find(cancer: string): readonly string[] {
  return findByCancer(catalogue, cancer, name => name).entries;
}

describe('findByCancer', () => {
  it.each([
    ['nsclc', ['Non-Small Cell Lung Cancer']],
    ['NSCLC', ['Non-Small Cell Lung Cancer']],
    ['cll', ['Chronic Lymphocytic Leukemia/Small Lymphocytic Lymphoma']],
    ['aml', ['Acute Myeloid Leukemia']],
    ['crc', ['Colon Cancer', 'Rectal Cancer']],
    ['colorectal cancer', ['Colon Cancer', 'Rectal Cancer']],
    ['lung cancer', ['Non-Small Cell Lung Cancer', 'Small Cell Lung Cancer']],
    ['dlbcl', ['B-Cell Lymphomas']],
    ['Non-Small-Cell Lung Cancer', ['Non-Small Cell Lung Cancer']],
    ['non small cell lung cancer', ['Non-Small Cell Lung Cancer']],
    ['pancreatic cancer', ['Pancreatic Adenocarcinoma']],
    ['ovarian cancer', ['Ovarian Cancer/Fallopian Tube Cancer/Primary Peritoneal Cancer']],
    ['waldenstrom', ['Waldenström Macroglobulinemia/Lymphoplasmacytic Lymphoma']],
    ['Waldenström macroglobulinemia', ['Waldenström Macroglobulinemia/Lymphoplasmacytic Lymphoma']],
    ['acute myeloid leukaemia', ['Acute Myeloid Leukemia']],
    ['oesophageal cancer', ['Esophageal and Esophagogastric Junction Cancers']],
    ["wilms' tumour", ['Wilms Tumor (Nephroblastoma)']],
    ['uveal melanoma', ['Melanoma: Uveal']],
    ['melanoma', ['Melanoma: Cutaneous', 'Melanoma: Uveal']],
    ['b cell lymphoma', ['B-Cell Lymphomas']],
    ['breast', ['Breast Cancer']],
    ['screening', ['Breast Cancer Screening and Diagnosis', 'Colorectal Cancer Screening', 'Lung Cancer Screening']],
    ['unobtainium', []],
  ])('%s finds %j', (cancer, expected) => {
    expect(find(cancer)).toEqual(expected);
  });

  it('trap: sclc is no part of NSCLC, and "small cell" no words of "Non-Small Cell"', () => {
    expect(find('sclc')).toEqual(['Small Cell Lung Cancer']);
    expect(find('small cell lung cancer')).toEqual(['Small Cell Lung Cancer']);
    expect(find('small cell')).toEqual(['Small Cell Lung Cancer']);
    expect(find('cell lung')).toEqual(['Non-Small Cell Lung Cancer', 'Small Cell Lung Cancer']);
    expect(find('non-hodgkin')).toEqual([]);
  });

  it('trap: colon finds Colon Cancer only, and no part of a word anything', () => {
    expect(find('colon')).toEqual(['Colon Cancer']);
    expect(find('colon cancer')).toEqual(['Colon Cancer']);
    expect(find('col')).toEqual([]);
    expect(find('rectal')).toEqual(['Rectal Cancer']);
  });

  it('says how it found them', () => {
    const how = (cancer: string): unknown => findByCancer(catalogue, cancer, name => name).matchedBy;
    expect(['colon cancer', 'crc', 'colon', 'screening', 'unobtainium'].map(how)).toEqual([
      'name',
      'alias',
      'short-name',
      'words',
      null,
    ]);
  });

  it('takes no single word for a cancer where it must not be mistaken', () => {
    const exactly = (cancer: string): unknown => findExactly(catalogue, cancer, name => name).entries;
    expect(exactly('melanoma')).toEqual([]);
    expect(exactly('nsclc')).toEqual(['Non-Small Cell Lung Cancer']);
    expect(exactly('breast')).toEqual(['Breast Cancer']);
  });

  it.each(['', '  ', 'cancer', 'Cancers', '!?', 'x'.repeat(201)])('refuses %j', cancer => {
    expect(() => find(cancer)).toThrow(ValidationError);
  });

  it('finds every name of the catalogue by itself alone, however it is written', () => {
    const spelling = fc.constantFrom(
      (name: string) => name,
      (name: string) => name.toUpperCase(),
      (name: string) => name.toLowerCase().replaceAll('-', ' '),
      (name: string) => ` ${name.replaceAll(' ', '  ')} `,
    );
    fc.assert(
      fc.property(fc.constantFrom(...catalogue), spelling, (name, spell) => {
        expect(find(spell(name))).toEqual([name]);
      }),
    );
  });

  it('never throws for words, and finds only what is there', () => {
    fc.assert(
      fc.property(fc.string({ maxLength: 40 }), text => {
        let found: readonly string[] = [];
        try {
          found = find(text);
        } catch (error) {
          expect(error).toBeInstanceOf(ValidationError);
        }
        for (const name of found) expect(catalogue).toContain(name);
      }),
    );
  });
});

describe('cancerAliases', () => {
  it.each(Object.entries(cancerAliases))('%s finds what it stands for, and nothing else', (alias, names) => {
    expect(findExactly([...names, 'Another Disease'], alias, name => name).entries).toEqual(names);
  });
});

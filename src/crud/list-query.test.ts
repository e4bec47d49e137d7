import { describe, expect, it } from 'vitest';
import { z } from 'zod';
import { ValidationError } from '../errors/index.ts';
import { defineTable } from './define-table.ts';
import { parseListQuery } from './list-query.ts';

const products = defineTable({
  name: 'products',
  schema: z.object({
    id: z.int(),
    title: z.string(),
    price: z.number().nullable(),
    madeAt: z.date(),
    isOpen: z.boolean(),
  }),
  columns: {
    id: { key: true },
    title: { filterable: true, sortable: true },
    price: { filterable: true, sortable: true },
    madeAt: { filterable: true },
    isOpen: { filterable: true },
  },
});

describe('parseListQuery()', () => {
  it('reads pages, sorts and filters', () => {
    const query = {
      page: '2',
      size: 50,
      sort: '-price,title',
      total: 'true',
      'filter[price][gte]': '10.5',
      'filter[title][in]': 'a,b',
      'filter[id][in]': ['1', '2'],
      'filter[madeAt][lt]': '2026-01-15T10:00:00Z',
      'filter[isOpen][eq]': 'false',
      'filter[price][isNull]': 'false',
    };
    expect(parseListQuery(products, query)).toEqual({
      pagination: { page: 2, size: 50, cursor: undefined },
      sort: [
        { field: 'price', order: 'desc' },
        { field: 'title', order: 'asc' },
      ],
      filters: [
        { field: 'price', operator: 'gte', value: 10.5 },
        { field: 'title', operator: 'in', value: ['a', 'b'] },
        { field: 'id', operator: 'in', value: [1, 2] },
        { field: 'madeAt', operator: 'lt', value: new Date('2026-01-15T10:00:00Z') },
        { field: 'isOpen', operator: 'eq', value: false },
        { field: 'price', operator: 'isNull', value: false },
      ],
      search: undefined,
      total: true,
    });
    expect(parseListQuery(products, products.querySchema.parse(query)).pagination).toMatchObject({ page: 2, size: 50 });
    expect(parseListQuery(products, {})).toMatchObject({ filters: [] });
  });

  it.each([
    '2026-02-31',
    '2026-02-29T10:00:00Z',
    '2026-04-31T23:59:59+02:00',
    '2026-13-01',
    '2026-01-00',
    '2026-01-15T25:00:00Z',
    '2026-01-15T10:60:00Z',
    '2026-01-15T10:00:00+30:00',
    '2026-01-15T::::::Z',
    '0000-01-01',
  ])('refuses a time that does not exist: %s', text => {
    for (const query of [{ 'filter[madeAt][gte]': text }, { 'filter[madeAt][in]': `2026-01-15,${text}` }]) {
      const [name = ''] = Object.keys(query);
      expect(() => parseListQuery(products, query)).toThrow(
        expect.objectContaining({ fieldErrors: { [name]: expect.stringContaining('a time that exists') } }),
      );
    }
  });

  it.each([
    ['2024-02-29', '2024-02-29T00:00:00.000Z'],
    ['2026-01-15T10:00+02:00', '2026-01-15T08:00:00.000Z'],
    ['2026-01-15T10:00:00.123456Z', '2026-01-15T10:00:00.123Z'],
    ['2026-12-31T23:59:59-01:00', '2027-01-01T00:59:59.000Z'],
  ])('reads a time that exists: %s', (text, expected) => {
    const { filters } = parseListQuery(products, { 'filter[madeAt][eq]': text });
    expect(filters).toEqual([{ field: 'madeAt', operator: 'eq', value: new Date(expected) }]);
  });

  it('names every parameter that is wrong', () => {
    const query = {
      page: '-1',
      size: 'x',
      total: 'yes',
      cursor: ['a', 'b'],
      color: 'red',
      ['__proto__']: 'x',
      'filter[price][gte]': 'ten',
      'filter[price][contains]': '1',
      'filter[madeAt][lt]': 'today',
      'filter[title][eq]': ['a', 'b'],
      'filter[title][startsWith]': 'a\0',
      'filter[title][in]': 'a,b\0',
      sort: 'title,-color',
      'filter[constructor][eq]': 'x',
    };
    const parse = () => parseListQuery(products, query);
    expect(parse).toThrow(ValidationError);
    try {
      parse();
    } catch (error) {
      expect(Object.keys((error as ValidationError).fieldErrors).sort()).toEqual(Object.keys(query).sort());
    }
  });

  it.each([
    ['-color', 'Expected one of '],
    ['title,-title', 'Expected title only once'],
    ['id,id,id,id,id,id', 'Expected at most 5 fields'],
  ])('says of a sort under its own name what is wrong with it: %s', (sort, problem) => {
    expect(() => parseListQuery(products, { sort })).toThrow(
      expect.objectContaining({ fieldErrors: { sort: expect.stringContaining(problem) } }),
    );
  });
});

import { describe, expect, it } from 'vitest';
import type { SodaDataset } from './soda-dataset.ts';
import { SodaQueryError } from './soda-error.ts';
import { search } from './soda-search.ts';

const dataset: SodaDataset = {
  id: 'test-0001',
  key: 'name',
  columns: new Map([
    ['name', 'text'],
    ['lots', 'number'],
    ['seen', 'floating_timestamp'],
    ['split', 'checkbox'],
    ['note', 'text'],
  ]),
  rows: [
    { name: 'Ada', lots: '10', seen: '2026-01-02T00:00:00.000', split: true },
    { name: "O'Hara", lots: '9', seen: '2025-01-02T00:00:00.000', split: false, note: 'has a note' },
    { name: 'ada', lots: '100', note: '100% done' },
    { name: 'Bob' },
  ],
};

function names(query: Readonly<Record<string, string>>): readonly unknown[] {
  return search(dataset, new URLSearchParams(query)).rows.map(({ name }) => name);
}

function where(condition: string): readonly unknown[] {
  return names({ $where: condition });
}

describe('search of SODA', () => {
  it.each([
    ["name = 'Ada'", ['Ada']],
    ["upper(name) = 'ADA'", ['Ada', 'ada']],
    ["name = 'O''Hara'", ["O'Hara"]],
    ["name != 'Ada'", ["O'Hara", 'ada', 'Bob']],
    ['lots > 9', ['Ada', 'ada']],
    ["lots >= '9'", ['Ada', "O'Hara", 'ada']],
    ['lots < 10', ["O'Hara"]],
    ['lots between 9 and 10', ['Ada', "O'Hara"]],
    ['lots not between 9 and 10', ['ada']],
    ["name in ('Ada','Bob')", ['Ada', 'Bob']],
    ["name not in ('Ada','Bob')", ["O'Hara", 'ada']],
    ["name like '%a'", ['Ada', "O'Hara", 'ada']],
    ["note not like '%note'", ['ada']],
    ['note is null', ['Ada', 'Bob']],
    ['note is not null', ["O'Hara", 'ada']],
    ["seen > '2025-06-01'", ['Ada']],
    ['split', ['Ada']],
    ['NOT split', ["O'Hara"]],
    ['split = false', ["O'Hara"]],
    ["name = 'Ada' OR name = 'Bob' AND lots = 10", ['Ada']],
    ["(name = 'Ada' OR name = 'Bob') AND lots is null", ['Bob']],
    ['NOT (lots > 9)', ["O'Hara"]],
    ["NOT lots > 9 OR name = 'Bob'", ["O'Hara", 'Bob']],
    ["`name` = 'Ada'", ['Ada']],
  ])('finds what %s says', (condition, expected) => {
    expect(where(condition)).toEqual(expected);
  });

  it('finds equal values and words', () => {
    expect(names({ name: 'Ada' })).toEqual(['Ada']);
    expect(names({ lots: '100' })).toEqual(['ada']);
    expect(names({ $q: 'NOTE' })).toEqual(["O'Hara"]);
    expect(names({ name: 'Ada', $where: 'lots = 9' })).toEqual([]);
  });

  it('orders numbers as numbers, with what is empty last, and pages', () => {
    expect(names({ $order: 'lots' })).toEqual(["O'Hara", 'Ada', 'ada', 'Bob']);
    expect(names({ $order: 'lots DESC' })).toEqual(['Bob', 'ada', 'Ada', "O'Hara"]);
    expect(names({ $order: 'lots', $limit: '2', $offset: '1' })).toEqual(['Ada', 'ada']);
    expect(names({ $order: ':id', $limit: '2', $offset: '4' })).toEqual([]);
  });

  it('gives a thousand rows unless more are asked for', () => {
    const many = { ...dataset, rows: Array.from({ length: 1_500 }, (_, index) => ({ name: String(index) })) };
    expect(search(many, new URLSearchParams()).rows).toHaveLength(1_000);
    expect(search(many, new URLSearchParams({ $limit: '50000' })).rows).toHaveLength(1_500);
    const ids = search(many, new URLSearchParams({ $select: ':id', $limit: '50000' })).rows.map(row => row[':id']);
    expect(new Set(ids).size).toBe(1_500);
  });

  it('selects columns and counts', () => {
    expect(search(dataset, new URLSearchParams({ $select: 'name AS who, lots', $where: 'lots = 9' }))).toEqual({
      fields: [
        ['who', 'text'],
        ['lots', 'number'],
      ],
      rows: [{ who: "O'Hara", lots: '9' }],
    });
    expect(search(dataset, new URLSearchParams({ $select: 'count(*) AS n, count(note)' })).rows).toEqual([
      { n: '4', count_note: '2' },
    ]);
  });

  it.each([
    [{ $where: 'nothing = 1' }, 'no-such-column'],
    [{ $select: 'nothing' }, 'no-such-column'],
    [{ $order: 'nothing' }, 'no-such-column'],
    [{ nothing: '1' }, 'no-such-column'],
    [{ $where: "split = 'Y'" }, 'type-mismatch'],
    [{ $where: 'name = 1' }, 'type-mismatch'],
    [{ $where: "lots = 'many'" }, 'type-mismatch'],
    [{ $where: 'upper(lots) = 1' }, 'type-mismatch'],
    [{ $where: "name like 'A%' and" }, 'syntax'],
    [{ $where: 'name in ()' }, 'syntax'],
    [{ $where: "name = 'Ada" }, 'syntax'],
    [{ $where: "name = 'Ada'; drop" }, 'syntax'],
    [{ $select: 'count(*), name' }, 'syntax'],
    [{ $limit: 'all' }, 'syntax'],
    [{ $group: 'name' }, 'syntax'],
    [{ $where: `${'('.repeat(60)}lots = 1${')'.repeat(60)}` }, 'too-complex'],
  ])('refuses %j as %s', (query, refusal) => {
    try {
      search(dataset, new URLSearchParams(query as Record<string, string>));
      expect.fail('It was not refused');
    } catch (error) {
      expect(error).toBeInstanceOf(SodaQueryError);
      expect(error).toMatchObject({ refusal });
    }
  });
});

import { describe, expect, it } from 'vitest';
import { z } from 'zod';
import { ArgumentError, ScraperError } from '../../errors/index.ts';
import {
  ContractError,
  type ContractEvents,
  type Drift,
  MemoryQuarantine,
  type RecordReader,
  ResponseContract,
  type ResponseContractOptions,
  shapeOf,
} from '../index.ts';

const source = { url: 'https://api.example.org/drugs', fetchedAt: 1_700_000_000_000 };
const label = (id: number): Record<string, unknown> => ({
  id,
  name: `drug ${id}`,
  price: id % 2 === 0 ? null : 1.5,
  products: [{ code: 'A', ingredients: [{ name: 'x', strength: '5 mg' }] }],
  tags: ['a', 1],
});
const labels = (count: number, change: (record: Record<string, unknown>, index: number) => object = it => it) =>
  Array.from({ length: count }, (_, index) => ({ ...label(index), ...change(label(index), index) }));
const shape = shapeOf(labels(10));

function make<Value = unknown>(options: Partial<ResponseContractOptions<Value>> = {}) {
  const read = ((record: unknown) => record) as RecordReader<Value>;
  const contract = new ResponseContract<Value>({ name: 'drugs', shape, read, ...options });
  const drifts: ContractEvents['drift'][] = [];
  contract.events.on('drift', drift => drifts.push(drift));
  return { contract, drifts };
}

const brief = ({ kind, path, expected, found }: Drift): string =>
  `${kind} ${path} ${expected.join('|')} > ${found ?? 'nothing'}`;

describe('a contract and an endpoint that changes', () => {
  it('says nothing while records are as they were', async () => {
    const { contract, drifts } = make();
    const { values } = await contract.read(labels(500), source);
    expect([values.length, drifts, contract.drifts]).toEqual([500, [], []]);
  });

  it.each<[string, (record: Record<string, unknown>) => object, string[]]>([
    ['a new field', () => ({ route: 'oral' }), ['new-field route  > string']],
    ['a new field with fields of its own, once', () => ({ meta: { page: { no: 1 } } }), ['new-field meta  > object']],
    ['another type', () => ({ id: 'one' }), ['retyped-field id number > string']],
    ['null where there was none', () => ({ name: null }), ['retyped-field name string > null']],
    ['an object where a list was', () => ({ products: {} }), ['retyped-field products array > object']],
    [
      'a new type among the elements of a list',
      () => ({ tags: ['a', true] }),
      ['retyped-field tags[] number|string > boolean'],
    ],
    [
      'a new field far below',
      () => ({ products: [{ code: 'A', ingredients: [{ name: 'x', strength: '', unii: 'U' }] }] }),
      ['new-field products[].ingredients[].unii  > string'],
    ],
    ['a missing field', () => ({ name: undefined }), ['missing-field name string > nothing']],
    [
      'a field that is missing far below',
      () => ({ products: [{ code: 'A', ingredients: [{ name: 'x' }] }] }),
      ['missing-field products[].ingredients[].strength string > nothing'],
    ],
    [
      'a renamed field',
      ({ name }) => ({ name: undefined, title: name }),
      ['new-field title  > string', 'missing-field name string > nothing'],
    ],
  ])('tells %s once, and not once per record', async (_, change, expected) => {
    const { contract, drifts } = make();
    const first = await contract.read(labels(30, change), source);
    const second = await contract.read(labels(30, change), source);
    expect(first.drifts.map(brief)).toEqual(expected);
    expect(second.drifts).toEqual([]);
    expect(drifts.map(brief)).toEqual(expected);
    expect(contract.drifts.map(brief)).toEqual(expected);
  });

  it('tells a second type of the same field as well', async () => {
    const { contract } = make();
    await contract.read(
      labels(4, (_, index) => ({ id: index % 2 === 0 ? 'text' : null })),
      source,
    );
    expect(contract.drifts.map(brief)).toEqual(['retyped-field id number > string', 'retyped-field id number > null']);
  });

  it('says where it was found, and shows the beginning of the value', async () => {
    const { contract, drifts } = make();
    await contract.read([...labels(3), { ...label(3), note: 'n'.repeat(1_000_000) }], source);
    expect(drifts).toEqual([
      {
        contract: 'drugs',
        url: source.url,
        kind: 'new-field',
        path: 'note',
        expected: [],
        found: 'string',
        sample: `"${'n'.repeat(199)}`,
        records: 4,
      },
    ]);
  });

  it('does not miss a field because a few records have none', async () => {
    const { contract } = make({ minRecords: 20 });
    await contract.read(
      labels(19, () => ({ name: undefined })),
      source,
    );
    expect(contract.drifts).toEqual([]);
    await contract.read(labels(1), source);
    await contract.read(
      labels(40, (_, index) => (index === 7 ? {} : { name: undefined })),
      source,
    );
    expect(contract.drifts).toEqual([]);
    await contract.read(
      labels(20, () => ({ name: undefined })),
      source,
    );
    expect(contract.drifts.map(brief)).toEqual(['missing-field name string > nothing']);
  });

  it('misses a field over many answers of one record each', async () => {
    const { contract } = make({ minRecords: 5 });
    for (let index = 0; index < 5; index += 1) await contract.readOne({ ...label(index), name: undefined }, source);
    expect(contract.drifts.map(brief)).toEqual(['missing-field name string > nothing']);
  });

  it('does not miss a field of an object that is seldom there because of the one time that it was there', async () => {
    const page = {
      $: { types: ['object'], presence: 'always' },
      meta: { types: ['object'], presence: 'sometimes' },
    } as const;
    const { contract } = make({
      shape: { ...page, 'meta.no': { types: ['number'], presence: 'always' } },
      minRecords: 5,
    });
    const records = (count: number, record: object) => Array.from({ length: count }, () => record);
    await contract.read(records(5, { meta: { no: 1 } }), source);
    await contract.read([...records(9, {}), { meta: {} }], source);
    expect(contract.drifts).toEqual([]);
    await contract.read(records(5, { meta: {} }), source);
    expect(contract.drifts.map(brief)).toEqual(['missing-field meta.no number > nothing']);
  });

  it('takes no field below an object that is gone for missing', async () => {
    const { contract } = make();
    await contract.read(
      labels(50, () => ({ products: [] })),
      source,
    );
    expect(contract.drifts).toEqual([]);
  });

  it('looks at records from all over a large answer, and reads all of them', async () => {
    const { contract } = make({ maxCompared: 10 });
    const { values } = await contract.read(
      labels(1_000, (_, index) => (index >= 500 ? { late: 1 } : {})),
      source,
    );
    expect(values).toHaveLength(1_000);
    expect(contract.drifts.map(brief)).toEqual(['new-field late  > number']);
    expect(contract.drifts[0]?.records).toBe(6);
  });

  it('stops telling at a bound, however many fields a source makes up', async () => {
    const { contract } = make({ maxDrifts: 5 });
    await contract.read(
      labels(100, (_, index) => ({ [`field ${index}`]: index })),
      source,
    );
    expect(contract.drifts).toHaveLength(5);
    expect(Object.keys(contract.observed()).length).toBeLessThan(300);
  });

  it('observes what comes, and accepts it besides what was expected', async () => {
    const { contract } = make({ minRecords: 5 });
    const change = () => ({ name: undefined, route: 'oral', id: 'x' });
    await contract.read(labels(5, change), source);
    expect(contract.drifts).toHaveLength(3);
    expect(contract.observed()['id']).toEqual({ types: ['string'], presence: 'always' });
    expect(contract.observed()['name']).toBeUndefined();
    const accepted = contract.accept();
    expect(accepted['id']).toEqual({ types: ['number', 'string'], presence: 'always' });
    expect(accepted['name']).toEqual({ types: ['string'], presence: 'sometimes' });
    expect(accepted['route']).toEqual({ types: ['string'], presence: 'sometimes' });
    await contract.read([...labels(20, change), ...labels(20)], source);
    expect([contract.drifts, contract.shape]).toEqual([[], accepted]);
  });

  it('knows objects whose keys are data', async () => {
    const counts = (index: number) => ({ [`c${index}`]: { n: 1 } });
    const { contract } = make({ shape: shapeOf([{ counts: counts(0) }], { maps: ['counts'] }) });
    await contract.read(
      Array.from({ length: 50 }, (_, index) => ({ counts: counts(index) })),
      source,
    );
    expect(contract.drifts).toEqual([]);
    expect(Object.keys(contract.observed())).toEqual(['$', 'counts', 'counts.*', 'counts.*.n']);
    await contract.read([{ counts: { z: { n: '1' } } }], source);
    expect(contract.drifts.map(brief)).toEqual(['retyped-field counts.*.n number > string']);
  });

  it('discovers the shape when none is recorded yet', async () => {
    const { contract } = make({ shape: undefined });
    await contract.read(labels(10), source);
    expect([contract.drifts, contract.observed()]).toEqual([[], shape]);
    contract.accept();
    await contract.read([{ ...label(1), extra: 1 }], source);
    expect(contract.drifts.map(brief)).toEqual(['new-field extra  > number']);
  });
});

describe('records that cannot be read', () => {
  const Label = z.object({ id: z.number(), products: z.array(z.object({ code: z.string() })) });
  const broken = { ...label(3), products: [{ code: 7 }] };

  it.each<[string, RecordReader<{ id: number }>, string | undefined]>([
    ['a schema', Label, 'products[0].code'],
    ['something with parse', { parse: record => Label.parse(record) }, 'products[0].code'],
    [
      'a function',
      record => {
        const { id, products } = record as { id: number; products: { code: unknown }[] };
        if (typeof products[0]?.code !== 'string') throw new ScraperError('The code is no text');
        return { id };
      },
      undefined,
    ],
  ])('go to quarantine and leave the others alone, with %s', async (_, read, path) => {
    const quarantine = new MemoryQuarantine();
    const { contract } = make<{ id: number }>({ read, quarantine });
    const events: ContractEvents['quarantined'][] = [];
    contract.events.on('quarantined', event => events.push(event));
    const { values, quarantined } = await contract.read([label(1), broken, label(2)], source);
    expect(values.map(({ id }) => id)).toEqual([1, 2]);
    expect(quarantined).toEqual([
      {
        id: expect.stringMatching(/^[0-9a-f]{32}$/),
        contract: 'drugs',
        record: broken,
        error: { name: expect.any(String), message: expect.any(String), ...(path && { path }) },
        ...source,
      },
    ]);
    expect(events).toEqual([
      { contract: 'drugs', id: quarantined[0]?.id, url: source.url, error: quarantined[0]?.error.message, path },
    ]);
    expect(await quarantine.stats()).toEqual({ records: 1, dropped: 0 });
  });

  it('have the same id whenever they come, and are kept once', async () => {
    const quarantine = new MemoryQuarantine();
    const { contract } = make({ read: Label, quarantine });
    await contract.read([label(1), broken], source);
    await contract.read([label(1), structuredClone(broken)], { ...source, fetchedAt: source.fetchedAt + 1 });
    expect((await quarantine.stats()).records).toBe(1);
    const other = make({ name: 'other', read: Label, quarantine }).contract;
    await other.read([label(1), broken], source);
    expect((await quarantine.stats()).records).toBe(2);
  });

  it('come back with their facts after the reader was mended, and the others stay with what is wrong now', async () => {
    const quarantine = new MemoryQuarantine();
    const before = make({ read: Label, quarantine }).contract;
    const worse = { ...label(4), products: [{ code: null }] };
    await before.read([label(1), label(2), broken, worse], source);
    const Mended = z.object({ id: z.number(), products: z.array(z.object({ code: z.coerce.string().min(1).max(3) })) });
    const { contract } = make({ read: Mended, quarantine });
    const { recovered, remaining } = await contract.replay();
    expect(recovered).toEqual([{ id: expect.any(String), value: { id: 3, products: [{ code: '7' }] }, ...source }]);
    expect(remaining.map(({ record, error }) => [record, error.message])).toEqual([
      [worse, expect.stringMatching(/Too big|<=3/)],
    ]);
    expect(await quarantine.stats()).toEqual({ records: 1, dropped: 0 });
    for await (const entry of quarantine.entries('drugs')) expect(entry).toEqual(remaining[0]);
  });

  it('stay when whoever takes the facts fails', async () => {
    const quarantine = new MemoryQuarantine();
    await make({ read: Label, quarantine }).contract.read([label(1), broken], source);
    const { contract } = make({ quarantine });
    const failure = new ScraperError('No room');
    await expect(contract.replay(() => Promise.reject(failure))).rejects.toBe(failure);
    expect((await quarantine.stats()).records).toBe(1);
    expect((await contract.replay(() => {})).recovered).toHaveLength(1);
    expect((await quarantine.stats()).records).toBe(0);
  });

  it('fail the answer when they are more than half of it: what is left would pass for the whole', async () => {
    const quarantine = new MemoryQuarantine();
    const { contract } = make({ read: Label, quarantine });
    const error = await contract.read([broken, { id: 9 }, label(1)], source).catch((it: unknown) => it);
    expect(error).toBeInstanceOf(ContractError);
    expect(error).toBeInstanceOf(ScraperError);
    expect(error).toMatchObject({ contract: 'drugs', unreadable: 2, total: 3, retryable: false });
    expect(String(error)).toMatch(/2 of 3 records of drugs cannot be read.+products\[0\]\.code.+replay/);
    expect((await quarantine.stats()).records).toBe(2);
    await expect(contract.read([broken, label(1)], source)).resolves.toMatchObject({ values: [{ id: 1 }] });
    await expect(contract.readOne(broken, source)).rejects.toThrow(/1 of 1/);
    await expect(contract.read([], source)).resolves.toEqual({ values: [], quarantined: [], drifts: [] });
    const lenient = make({ read: Label, maxUnreadableRatio: 1 }).contract;
    await expect(lenient.read([broken], source)).resolves.toMatchObject({ values: [] });
    await expect(contract.read({ error: 'x' } as never, source)).rejects.toThrow(/Expected a list.+got object/);
  });

  it('are with the caller when the quarantine fails, and that is told', async () => {
    const failure = new ScraperError('The disk is full');
    const quarantine = Object.assign(new MemoryQuarantine(), { add: () => Promise.reject(failure) });
    const { contract } = make({ read: Label, quarantine });
    const failures: unknown[] = [];
    contract.events.on('quarantine-failed', event => failures.push(event));
    const { quarantined } = await contract.read([label(1), broken], source);
    expect(quarantined.map(({ record }) => record)).toEqual([broken]);
    expect(failures).toEqual([{ contract: 'drugs', records: 1, error: failure }]);
    await expect(contract.readOne(broken, source)).rejects.toThrow(/could not take them/);
  });

  it('are not mistaken for a mistake in the program', async () => {
    const rejected = () => Promise.reject(new ScraperError('Too late'));
    await expect(make({ read: rejected }).contract.readOne({}, source)).rejects.toThrow(ArgumentError);
    const schema = z.object({}).refine(async () => true);
    await expect(make({ read: schema }).contract.readOne({}, source)).rejects.toThrow(/asynchronous/);
    const fails = () => {
      throw new ScraperError('No');
    };
    await expect(make({ read: fails }).contract.readOne({ n: 1n }, source)).rejects.toThrow(/expected JSON/);
    expect(() => make({ name: ' ' })).toThrow(ArgumentError);
    expect(() => make({ maxUnreadableRatio: 2 })).toThrow(/from 0 to 1, got 2/);
  });
});

describe('keys that could change prototypes', () => {
  const hostile = '{"id":1,"__proto__":{"isAdmin":true},"constructor":{"prototype":{"isAdmin":true}}}';

  it('are fields like others: told, kept and given back, and nothing inherits from them', async () => {
    const quarantine = new MemoryQuarantine();
    const read = (record: unknown): unknown => {
      throw new ScraperError(JSON.stringify(record));
    };
    const { contract } = make({ shape: shapeOf([{ id: 1 }]), read, quarantine });
    await expect(contract.readOne(JSON.parse(hostile), source)).rejects.toThrow(ContractError);
    expect(contract.drifts.map(({ path }) => path)).toEqual(['__proto__', 'constructor']);
    const accepted = contract.accept();
    expect(Object.getPrototypeOf(accepted)).toBe(Object.prototype);
    expect(Object.keys(accepted)).toContain('__proto__.isAdmin');
    for await (const { record } of quarantine.entries()) expect(JSON.stringify(record)).toBe(hostile);
    expect(({} as Record<string, unknown>)['isAdmin']).toBeUndefined();
  });

  it('do not come through a schema', async () => {
    const { contract } = make<{ id: number }>({ read: z.object({ id: z.number() }) });
    const value = await contract.readOne(JSON.parse(hostile), source);
    expect(Object.getOwnPropertyNames(value)).toEqual(['id']);
    expect(Object.getPrototypeOf(value)).toBe(Object.prototype);
  });
});

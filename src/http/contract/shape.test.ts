import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { ArgumentError } from '../../errors/index.ts';
import { DriftDetector } from './drift-detector.ts';
import { mergeShapes, parseShape, type Shape, type ShapeOptions, shapeOf } from './shape.ts';
import { joinPath, parsePath, pathOf, type Step } from './shape-path.ts';

const small: ShapeOptions = { maxKeys: 4, maxDepth: 3 };
const samples = fc.array(
  fc.letrec(tie => ({
    value: fc.oneof(
      { depthSize: 'small', withCrossShrink: true },
      fc.constantFrom<unknown>(null, 1, 'text', true),
      fc.array(tie('value'), { maxLength: 3 }),
      fc.dictionary(fc.constantFrom('a', 'b', 'c', 'd', 'e.f', '__proto__', '*', '$', ''), tie('value'), {
        maxKeys: 6,
      }),
    ),
  })).value,
  { maxLength: 5 },
);
const shapes = samples.map(values => shapeOf(values, small));
const sizes = fc.record({
  maxKeys: fc.integer({ min: 1, max: 8 }),
  maxDepth: fc.integer({ min: 1, max: 6 }),
  maxPaths: fc.integer({ min: 1, max: 40 }),
});
const merge = (left: Shape, right: Shape): Shape => mergeShapes(left, right, small);

/** A shape in short: `?` for what is missing sometimes. */
function brief(shape: Shape): Record<string, string> {
  return Object.fromEntries(
    Object.entries(shape).map(([path, { types, presence, cut }]) => [
      path,
      `${types.join('|')}${presence === 'always' ? '' : '?'}${cut ? ' cut' : ''}`,
    ]),
  );
}

describe('the shape of samples', () => {
  it('names every path with its types, and whether its parent always had it', () => {
    const shape = shapeOf([
      {
        id: 1,
        products: [
          { name: 'A', strength: null },
          { name: 'B', strength: '5 mg', tags: [] },
        ],
        open: { fda: {} },
      },
      { id: 'x', products: [], 'a.b': true },
    ]);
    expect(brief(shape)).toEqual({
      $: 'object',
      '["a.b"]': 'boolean?',
      id: 'number|string',
      open: 'object?',
      'open.fda': 'object',
      products: 'array',
      'products[]': 'object?',
      'products[].name': 'string',
      'products[].strength': 'null|string',
      'products[].tags': 'array?',
    });
    expect(Object.keys(shape)).toEqual([...Object.keys(shape)].sort());
    expect(JSON.parse(JSON.stringify(shape))).toEqual(shape);
  });

  it('takes the keys of an object for data above the number of keys that was given, or when told', () => {
    const groups = Object.fromEntries(Array.from({ length: 5 }, (_, index) => [`g${index}`, { n: index }]));
    const expected = { $: 'object', groups: 'object', 'groups.*': 'object?', 'groups.*.n': 'number' };
    expect(brief(shapeOf([{ groups }], { maxKeys: 4 }))).toEqual(expected);
    expect(brief(shapeOf([{ groups: { g0: { n: 1 } } }], { maps: ['groups'] }))).toEqual(expected);
    expect(brief(shapeOf([{ groups }], { maxKeys: 5 }))['groups.g4.n']).toBe('number');
  });

  it('is bounded in depth and in paths, and says where it was cut', () => {
    const deep = { a: { b: { c: { d: 1 } } } };
    expect(brief(shapeOf([deep], { maxDepth: 2 }))).toEqual({ $: 'object', a: 'object', 'a.b': 'object cut' });
    const wide = { a: { x: 1, y: 1, z: 1 }, b: 1 };
    expect(brief(shapeOf([wide], { maxPaths: 5 }))).toEqual({ $: 'object', a: 'object cut', b: 'number' });
    let endless: unknown = 1;
    for (let level = 0; level < 50_000; level += 1) endless = [endless];
    expect(Object.keys(shapeOf([endless]))).toHaveLength(25);
  });

  it('takes what JSON does not know for `other`, and a property that is undefined for absent', () => {
    expect(brief(shapeOf([{ a: new Map(), b: undefined, c: 1n }]))).toEqual({ $: 'object', a: 'other', c: 'other' });
  });
});

describe('merging shapes', () => {
  it('does not depend on order or grouping, and repeats change nothing', () => {
    fc.assert(
      fc.property(shapes, shapes, shapes, (a, b, c) => {
        expect(merge(a, b)).toEqual(merge(b, a));
        expect(merge(merge(a, b), c)).toEqual(merge(a, merge(b, c)));
        expect(merge(a, a)).toEqual(a);
        expect(merge(a, {})).toEqual(a);
      }),
      { numRuns: 500 },
    );
  });

  it('makes what all the samples together make', () => {
    fc.assert(
      fc.property(samples, samples, (left, right) => {
        expect(merge(shapeOf(left, small), shapeOf(right, small))).toEqual(shapeOf([...left, ...right], small));
      }),
      { numRuns: 500 },
    );
  });

  it('stays commutative and idempotent where there are more paths than may be', () => {
    fc.assert(
      fc.property(samples, samples, sizes, (left, right, size) => {
        const [a, b] = [shapeOf(left, size), shapeOf(right, size)];
        expect(mergeShapes(a, b, size)).toEqual(mergeShapes(b, a, size));
        expect(mergeShapes(a, a, size)).toEqual(a);
        expect(Object.keys(mergeShapes(a, b, size)).length).toBeLessThanOrEqual(size.maxPaths);
      }),
      { numRuns: 500 },
    );
  });
});

describe('a shape and the samples that it was made of', () => {
  const limits = { minRecords: 1, maxDrifts: 10, maxElements: 2 };
  const driftsOf = (shape: Shape, values: readonly unknown[]) => {
    const detector = new DriftDetector(shape, limits);
    for (const value of values) detector.compare(value);
    return detector.take();
  };

  it('never differ, whatever the sizes, whatever else was merged', () => {
    fc.assert(
      fc.property(samples, samples, sizes, (left, right, size) => {
        fc.pre(left.length > 0);
        const shape = mergeShapes(shapeOf(left, size), shapeOf(right, size), size);
        expect(driftsOf(shape, left)).toEqual([]);
        for (const sample of left) expect(driftsOf(shape, [sample])).toEqual([]);
      }),
      { numRuns: 500 },
    );
  });

  it('fit into a shape exactly when they would not change it by a path or a type', () => {
    fc.assert(
      fc.property(samples, samples, (known, more) => {
        const shape = shapeOf(known, small);
        fc.pre(known.length > 0);
        const merged = mergeShapes(shape, shapeOf(more, small), small);
        const typesIn = (of: Shape) => Object.entries(of).map(([path, { types }]) => [path, types]);
        const isSame = JSON.stringify(typesIn(merged)) === JSON.stringify(typesIn(shape));
        const drifts = new DriftDetector(shape, { ...limits, maxElements: Number.POSITIVE_INFINITY });
        for (const sample of more) drifts.compare(sample);
        const told = drifts.take().filter(({ kind }) => kind !== 'missing-field');
        if (isSame) expect(told).toEqual([]);
        if (told.length > 0) expect(isSame).toBe(false);
      }),
      { numRuns: 500 },
    );
  });
});

describe('paths', () => {
  it('come back from text as they were, whatever the keys', () => {
    const step = fc.oneof(
      fc.constantFrom<Step>('elements', 'rest'),
      fc.string({ unit: 'binary' }).map((key): Step => ({ key })),
      fc.constantFrom('a', '*', '[]', '$', '__proto__', 'a"b', 'a\\', 'ä', 'x:y', '').map((key): Step => ({ key })),
    );
    fc.assert(
      fc.property(fc.array(step, { maxLength: 6 }), steps => void expect(parsePath(pathOf(steps))).toEqual(steps)),
    );
    expect(joinPath('a[]', { key: 'b c' })).toBe('a[]["b c"]');
  });
});

describe('a shape out of a file', () => {
  it('is refused with what is wrong with it', () => {
    const field = { types: ['string'], presence: 'always' };
    const object = { types: ['object'], presence: 'always' };
    for (const [json, message] of [
      [[], /expected an object/],
      [{ $: object, 'a..b': field }, /"a\.\.b"/],
      [{ $: object, a: { types: ['text'], presence: 'always' } }, /a needs types/],
      [{ $: object, a: { types: ['string'] } }, /a needs types/],
      [{ $: object, 'a.b': field }, /a\.b, but nothing above/],
      [{ $: object, a: field, 'a[]': field }, /a\[\], but nothing above/],
      [{ $: object, '*': field, a: field }, /keys are names/],
    ] as const) {
      expect(() => parseShape(json)).toThrow(ArgumentError);
      expect(() => parseShape(json)).toThrow(message);
    }
    const shape = shapeOf([{ a: [{ b: 1 }] }]);
    expect(parseShape(JSON.parse(JSON.stringify(shape)))).toEqual(shape);
  });
});

import { describe, expect, it } from 'vitest';
import { ArgumentError, CacheError } from '../errors/index.ts';
import { decodeJson, decodeStructured, encodeJson, encodeStructured } from './codecs.ts';
import { encodeEntry } from './entry.ts';

function refusalOf(encode: () => unknown): ArgumentError {
  try {
    encode();
  } catch (error) {
    if (error instanceof ArgumentError) return error;
    throw error;
  }
  throw new TypeError('Nothing was refused');
}

const circle: Record<string, unknown> = { name: 'round' };
circle['self'] = circle;
const deep = (levels: number): unknown => {
  let value: unknown = 1;
  for (let level = 0; level < levels; level += 1) value = [value];
  return value;
};

describe('the JSON codec', () => {
  it.each([
    [() => 1, 'a function at $; leave it out'],
    [Symbol('s'), 'a symbol at $; leave it out'],
    [{ rows: [1, { total() {} }] }, 'a function at $.rows[1].total; leave it out'],
    [{ a: Symbol('s') }, 'a symbol at $.a; leave it out'],
    [{ rows: [1, 2n] }, "a bigint at $.rows[1]; use codec: 'structured', or change it into what JSON has"],
    [circle, "a cycle at $.self; use codec: 'structured', or change it into what JSON has"],
    [{ a: new Map() }, "a Map at $.a; use codec: 'structured', or change it into what JSON has"],
    [[new Set([1])], "a Set at $[0]; use codec: 'structured', or change it into what JSON has"],
    [new Uint8Array(2), "a Uint8Array at $; use codec: 'structured', or change it into what JSON has"],
    [{ soon: Promise.resolve() }, "a Promise at $.soon; use codec: 'structured', or change it into what JSON has"],
  ])('refuses what it would lose: %#', (value, found) => {
    const error = refusalOf(() => encodeJson(value));
    expect(error.message).toBe(`Cannot keep the value: JSON cannot carry ${found}`);
    expect(error.argument).toBe('value');
  });

  it('refuses what is too deep', () => {
    expect(refusalOf(() => encodeJson(deep(200_000))).message).toContain('JSON cannot carry');
  });

  it('refuses what fails when it is asked for its JSON, and says why', () => {
    const cause = new TypeError('not now');
    const failing = {
      toJSON() {
        throw cause;
      },
    };
    expect(refusalOf(() => encodeJson({ failing })).cause).toBe(cause);
    expect(refusalOf(() => encodeJson({ toJSON: () => undefined })).message).toContain('JSON cannot carry');
  });

  it('carries what says itself how it looks in JSON, and instances with their own data', () => {
    class Point {
      readonly x = 1;
      norm(): number {
        return this.x;
      }
    }
    const value = {
      at: new Date(0),
      url: new URL('http://a.b/'),
      point: new Point(),
      bytes: Buffer.from('a'),
      gone: undefined,
    };
    expect(decodeJson(Buffer.from(encodeJson(value)), 0)).toEqual({
      at: '1970-01-01T00:00:00.000Z',
      url: 'http://a.b/',
      point: { x: 1 },
      bytes: { type: 'Buffer', data: [97] },
    });
    expect(encodeJson(Object.assign(Object.create(null), { a: 1 }))).toBe('{"a":1}');
  });
});

describe('the structured codec', () => {
  it('carries dates, maps, sets, buffers, bigints and cycles', () => {
    const value = {
      at: new Date(5),
      map: new Map([['a', new Set([1n])]]),
      bytes: Uint16Array.of(1, 2),
      nan: Number.NaN,
      circle,
    };
    expect(decodeStructured(encodeStructured(value), 0)).toEqual(value);
  });

  it.each([
    [() => 'secret', 'a function at $; leave it out'],
    [{ rows: [1, { total() {} }] }, 'a function at $.rows[1].total; leave it out'],
    [new Map([['a', Symbol('s')]]), 'a symbol at $[1]; leave it out'],
    [{ circle, soon: Promise.resolve() }, 'a Promise at $.soon; leave it out'],
  ])('refuses what it cannot carry: %#', (value, found) => {
    const { message } = refusalOf(() => encodeStructured(value));
    expect(message).toBe(`Cannot keep the value: the structured codec cannot carry ${found}`);
  });

  it('does not read what has changed', () => {
    const bytes = encodeStructured({ a: 1 });
    bytes[bytes.length - 3] = 0xff;
    expect(() => decodeStructured(bytes, 0)).toThrow(CacheError);
    expect(() => decodeStructured(bytes.subarray(0, 3), 0)).toThrow(CacheError);
  });
});

describe('the size of a value', () => {
  const header = { token: '000000000000', createdAtMs: 0, ttlMs: 1, staleMs: 0, marks: [] };

  it('is bounded in bytes, before compression', () => {
    for (const codec of ['json', 'structured'] as const) {
      const form = { codec, compressAboveBytes: 0, maxValueBytes: 3_000 };
      expect(() => encodeEntry('x'.repeat(2_900), header, form)).not.toThrow();
      const { message } = refusalOf(() => encodeEntry('字'.repeat(2_900), header, form));
      expect(message).toMatch(/^Cannot keep the value: expected at most 3000 bytes \(maxValueBytes\), got \d+$/);
    }
  });

  it('of a hundred megabytes is refused', () => {
    const form = { codec: 'json', compressAboveBytes: 1_024, maxValueBytes: 16_777_216 } as const;
    expect(refusalOf(() => encodeEntry('x'.repeat(100_000_000), header, form)).message).toContain('got 100000002');
  });
});

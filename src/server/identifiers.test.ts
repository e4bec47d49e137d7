import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { seededRandom } from '../testing/index.ts';
import { acceptRequestId, formatTraceparent, parseTraceparent } from './index.ts';
import { newTraceparent } from './traceparent.ts';

const valid = '00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01';
const hex = (length: number) =>
  fc
    .array(fc.constantFrom(...'0123456789abcdef'), { minLength: length, maxLength: length })
    .map(digits => digits.join(''));
const notZero = (text: string) => !/^0+$/.test(text);

describe('acceptRequestId()', () => {
  it.each(['req-123', 'abc-123', '0b7e5e8e-8d1c-4f0e-9f0a-3f1d0d9b1c11', '!', '~'.repeat(128)])('accepts %s', id => {
    expect(acceptRequestId(id)).toBe(id);
  });

  it.each([undefined, '', ' ', 'a b', 'a\nb', 'a\0', 'ä', '~'.repeat(129), ['a', 'b']])('refuses %j', id => {
    expect(acceptRequestId(id)).toBeUndefined();
  });

  it('accepts exactly 1 to 128 visible ASCII characters', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary', maxLength: 140 }), text => {
        const visible = [...text].every(character => character > ' ' && character < '\u007f');
        expect(acceptRequestId(text)).toBe(visible && text.length >= 1 && text.length <= 128 ? text : undefined);
      }),
    );
  });
});

describe('parseTraceparent()', () => {
  it('reads what W3C shows as an example', () => {
    expect(parseTraceparent(valid)).toEqual({
      traceId: '4bf92f3577b34da6a3ce929d0e0e4736',
      parentId: '00f067aa0ba902b7',
      sampled: true,
    });
  });

  it('reads later versions, which may be longer', () => {
    expect(parseTraceparent(valid.replace(/^00/, '01'))?.sampled).toBe(true);
    expect(parseTraceparent(`${valid.replace(/^00/, 'cc')}-what-the-future-brings`)?.sampled).toBe(true);
  });

  it.each([
    undefined,
    '',
    `${valid}-more`,
    `${valid}.`,
    valid.replace(/^00/, 'ff'),
    valid.replace(/^00/, '0'),
    valid.toUpperCase(),
    valid.replace('4bf92f3577b34da6a3ce929d0e0e4736', '0'.repeat(32)),
    valid.replace('00f067aa0ba902b7', '0'.repeat(16)),
    `${valid}, ${valid}`,
    ` ${valid}`,
    [valid, valid],
  ])('refuses %j', header => {
    expect(parseTraceparent(header)).toBeUndefined();
  });

  it('reads back everything that formatTraceparent() writes', () => {
    fc.assert(
      fc.property(hex(32).filter(notZero), hex(16).filter(notZero), fc.boolean(), (traceId, parentId, sampled) => {
        const parent = { traceId, parentId, sampled };
        expect(parseTraceparent(formatTraceparent(parent))).toEqual(parent);
      }),
    );
  });

  it('never throws, and what it accepts has the right form', () => {
    const nearly = fc
      .tuple(fc.constant(valid), fc.nat(valid.length), fc.string({ maxLength: 3 }))
      .map(([text, at, change]) => text.slice(0, at) + change + text.slice(at + change.length));
    fc.assert(
      fc.property(fc.oneof(fc.string(), nearly), text => {
        const parent = parseTraceparent(text);
        if (parent === undefined) return;
        expect(parent.traceId).toMatch(/^[0-9a-f]{32}$/);
        expect(parent.parentId).toMatch(/^[0-9a-f]{16}$/);
      }),
    );
  });
});

describe('newTraceparent()', () => {
  it('is always valid, even when randomness is not random at all', () => {
    for (const random of [seededRandom(1), { next: () => 0 }, { next: () => 0.999_999_999_9 }]) {
      expect(parseTraceparent(newTraceparent(random))).toBeDefined();
    }
  });

  it('differs every time', () => {
    const random = seededRandom(7);
    expect(new Set(Array.from({ length: 1_000 }, () => newTraceparent(random))).size).toBe(1_000);
  });
});

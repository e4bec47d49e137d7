import {
  array,
  assert,
  asyncProperty,
  constantFrom,
  integer,
  jsonValue,
  nat,
  property,
  string,
  uint8Array,
} from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type Decoded, decodeEntry, type EntryForm, encodeEntry, withHeader } from './entry.ts';
import { decodeEnvelope, type EntryHeader, freePlace, maxHeaderLifetimeMs, placeholder } from './envelope.ts';

const json: EntryForm = { codec: 'json', compressAboveBytes: 1_024, maxValueBytes: 16_777_216 };
const structured: EntryForm = { ...json, codec: 'structured' };
const token = '0123456789ab';
const header: EntryHeader = { token, createdAtMs: 1_768_518_000_123, ttlMs: 300_000, staleMs: 60_000, marks: [] };
const marks = [
  { tag: 'user:7', deletion: 'AAAAAAAAAAAA', expiry: 'BBBBBBBBBBBB' },
  { tag: 'größe 100%', deletion: 'CCCCCCCCCCCC', expiry: 'DDDDDDDDDDDD' },
];

async function stored(value: unknown, form: EntryForm = json, head: EntryHeader = header): Promise<Buffer> {
  return Buffer.from((await encodeEntry(value, head, form)) as Uint8Array);
}

async function roundTrip(value: unknown, form: EntryForm = json, head: EntryHeader = header): Promise<unknown> {
  const decoded = await decodeEntry(await stored(value, form, head), form);
  return decoded.state === 'entry' ? decoded.value : decoded;
}

describe('the stored form of an entry', () => {
  it('is a header in ASCII, and JSON that anybody can read', async () => {
    const bytes = await encodeEntry({ name: 'Ann' }, header, json);
    expect(bytes).toBe('\x01j0123456789abI_3hagk0019?P000>YP0000>0000>0{"name":"Ann"}');
  });

  it('gives the header back', async () => {
    const decoded = await decodeEntry(await stored('é', json, { ...header, marks }), json);
    expect(decoded).toMatchObject({
      state: 'entry',
      value: 'é',
      envelope: {
        version: `\x01j${token}`,
        kind: 'j',
        createdAtMs: 1_768_518_000_123,
        ttlMs: 300_000,
        staleMs: 60_000,
        marks,
      },
    });
  });

  it('carries any header', () => {
    const digits = string({ unit: constantFrom(...'09:;?@AZ[\\]_`ao'), minLength: 12, maxLength: 12 });
    const text = string({ unit: 'grapheme', minLength: 1, maxLength: 40 });
    assert(
      property(
        digits,
        nat({ max: 4_000_000_000_000 }),
        nat({ max: maxHeaderLifetimeMs }),
        nat({ max: maxHeaderLifetimeMs }),
        array(text, { maxLength: 32 }),
        (own, createdAtMs, ttlMs, staleMs, tags) => {
          const given = tags.map(tag => ({ tag, deletion: own, expiry: [...own].reverse().join('') }));
          const head = { token: own, createdAtMs, ttlMs, staleMs, marks: given };
          const bytes = Buffer.from(encodeEntry(undefined, head, json) as string);
          expect(decodeEnvelope(bytes)).toMatchObject({
            version: `\x01u${own}`,
            createdAtMs,
            ttlMs,
            staleMs,
            marks: given,
          });
        },
      ),
    );
  });

  it.each([json, structured, { ...json, compressAboveBytes: 0 }, { ...structured, compressAboveBytes: 0 }])(
    'gives any JSON value back (%j)',
    async form => {
      await assert(
        asyncProperty(jsonValue({ maxDepth: 5 }), nat({ max: 300 }), async (value, times) => {
          const whole = JSON.parse(JSON.stringify(Array.from({ length: times }, () => value)));
          expect(await roundTrip(whole, form)).toEqual(whole);
        }),
        { numRuns: 60 },
      );
    },
  );

  it.each([json, structured])('carries undefined, null and nothing ($codec)', async form => {
    for (const value of [undefined, null, '', 0, false, [], {}]) expect(await roundTrip(value, form)).toEqual(value);
  });

  it('reads what the other codec has written', async () => {
    const value = { when: new Date(5), list: new Map([[1, new Set([2n])]]), bytes: Uint8Array.of(1, 2) };
    expect((await decodeEntry(await stored(value, structured), json)) as { value?: unknown }).toMatchObject({ value });
    expect((await decodeEntry(await stored({ a: 1 }), structured)) as { value?: unknown }).toMatchObject({
      value: { a: 1 },
    });
  });

  it('never gives a key of an object power over others', async () => {
    const hostile = JSON.parse('{"__proto__":{"polluted":true},"constructor":{"prototype":{"polluted":true}}}');
    for (const form of [json, structured]) {
      const back = (await roundTrip(hostile, form)) as Record<string, unknown>;
      expect(({} as Record<string, unknown>)['polluted']).toBeUndefined();
      expect(Object.getPrototypeOf(back)).toBe(Object.prototype);
      expect(Object.hasOwn(back, '__proto__')).toBe(true);
    }
  });

  it('keeps the payload when the header changes', async () => {
    const bytes = await stored({ a: 'x'.repeat(5_000) });
    const envelope = decodeEnvelope(bytes);
    if (envelope.state !== 'entry') throw new TypeError('No entry');
    const other = withHeader(bytes, envelope, { ...envelope, token: 'oooooooooooo', ttlMs: 7, marks });
    expect(await decodeEntry(other, json)).toMatchObject({
      value: { a: 'x'.repeat(5_000) },
      envelope: { version: '\x01Joooooooooooo', ttlMs: 7, staleMs: 60_000, marks },
    });
  });
});

describe('what is stored and no entry', () => {
  it.each([
    [placeholder(token), { state: 'placeholder', isFree: false, version: `\x01l${token}` }],
    [freePlace(token), { state: 'placeholder', isFree: true, version: `\x01f${token}` }],
    ['0', { state: 'counter', value: 0, version: '0' }],
    ['-12', { state: 'counter', value: -12, version: '-12' }],
    ['9007199254740991', { state: 'counter', value: Number.MAX_SAFE_INTEGER, version: '9007199254740991' }],
  ])('is known: %j', (text, expected) => expect(decodeEntry(Buffer.from(text), json)).toEqual(expected));

  it.each([
    ['', 'corrupt'],
    ['hello', 'corrupt'],
    ['007', 'corrupt'],
    ['-0', 'corrupt'],
    ['1.5', 'corrupt'],
    ['1e3', 'corrupt'],
    [' 1', 'corrupt'],
    ['9007199254740993', 'corrupt'],
    ['{"a":1}', 'corrupt'],
    ['\x01', 'corrupt'],
    ['\x01j', 'corrupt'],
    [`${placeholder(token)}x`, 'corrupt'],
    ['\x01l0123456789a\x7f', 'corrupt'],
    ['\x02j whatever comes later', 'unknown-version'],
    ['\x02', 'unknown-version'],
    ['\x01z0123456789ab', 'unknown-version'],
    ['\x01t0123456789ab', 'unknown-version'],
  ])('cannot be used: %j', (text, reason) => {
    expect(decodeEntry(Buffer.from(text), json)).toEqual({ state: 'unusable', reason });
  });

  it('is too large, without being unpacked', async () => {
    const small = { ...json, maxValueBytes: 2_000 };
    const tooLarge = { state: 'unusable', reason: 'too-large' };
    expect(await decodeEntry(await stored('x'.repeat(2_001)), small)).toEqual(tooLarge);
    expect(await decodeEntry(await stored('x'.repeat(200_000)), small)).toEqual(tooLarge);
    expect(await decodeEntry(Buffer.alloc(200_000, '1'), small)).toEqual(tooLarge);
    expect(await decodeEntry(await stored('x'.repeat(1_998)), small)).toMatchObject({ value: 'x'.repeat(1_998) });
  });

  it('never unpacks to more than it says, small or large', async () => {
    for (const length of [5_000, 5_000_000]) {
      const bomb = await stored('x'.repeat(length));
      // Says that it was a thousandth of it.
      const { payloadAt } = decodeEnvelope(bomb) as { payloadAt: number };
      const lying = Buffer.from(bomb);
      lying.write('000?X', payloadAt - 6, 'latin1');
      expect(await decodeEntry(lying, json)).toEqual({ state: 'unusable', reason: 'corrupt' });
    }
  });

  it('never throws, whatever the bytes are', async () => {
    await assert(
      asyncProperty(
        uint8Array({ maxLength: 200 }),
        constantFrom('', '\x01', '\x01j', '\x01S0123456789ab', '\x01J'),
        async (bytes, head) => {
          await decodeEntry(Buffer.concat([Buffer.from(head), bytes]), json);
        },
      ),
      { numRuns: 2_000 },
    );
  });

  const originals = [
    stored({ rows: [1, 2, { name: 'Ann' }] }),
    stored({ rows: [1, 2, { name: 'Ann' }] }, json, { ...header, marks }),
    stored({ rows: Array.from({ length: 300 }, (_, id) => ({ id, name: 'Ann' })) }),
    stored({ when: new Date(5), list: new Map([[1, 2n]]) }, structured),
    stored(
      Array.from({ length: 300 }, (_, id) => ({ id, when: new Date(id) })),
      structured,
      { ...header, marks },
    ),
  ];

  it('never takes what was cut off for an entry', async () => {
    for (const original of originals) {
      const bytes = await original;
      for (let length = 0; length < bytes.length; length += 1) {
        const decoded = await decodeEntry(bytes.subarray(0, length), json);
        expect(decoded).toEqual({ state: 'unusable', reason: 'corrupt' });
      }
      expect(await decodeEntry(Buffer.concat([bytes, Buffer.from('x')]), json)).toMatchObject({ reason: 'corrupt' });
    }
  });

  it('never gives another structured value than was kept, whichever bits have flipped', async () => {
    for (const original of originals.slice(3)) {
      const bytes = await original;
      const { value } = (await decodeEntry(bytes, json)) as { value: unknown };
      await assert(
        asyncProperty(nat({ max: bytes.length - 1 }), integer({ min: 1, max: 255 }), async (at, change) => {
          const flipped = Buffer.from(bytes);
          flipped[at] = (flipped[at] as number) ^ change;
          const decoded: Decoded = await decodeEntry(flipped, json);
          if (decoded.state === 'entry') expect(decoded.value).toEqual(value);
        }),
        { numRuns: 500 },
      );
    }
  });

  it('never throws, whichever bits of JSON have flipped', async () => {
    for (const original of originals.slice(0, 3)) {
      const bytes = await original;
      await assert(
        asyncProperty(nat({ max: bytes.length - 1 }), integer({ min: 1, max: 255 }), async (at, change) => {
          const flipped = Buffer.from(bytes);
          flipped[at] = (flipped[at] as number) ^ change;
          await decodeEntry(flipped, json);
        }),
        { numRuns: 500 },
      );
    }
  });
});

describe('compression', () => {
  const rows = (count: number): unknown =>
    Array.from({ length: count }, (_, id) => ({ id, name: 'Ann', active: true }));
  const noise = (bytes: number): Uint8Array => {
    let state = 1;
    return Uint8Array.from({ length: bytes }, () => {
      state = (state * 48_271) % 2_147_483_647;
      return state >> 8;
    });
  };
  const kindOf = async (value: unknown, form: EntryForm = json): Promise<string> =>
    (await stored(value, form)).toString('latin1', 1, 2);

  it('is not tried for what could hardly save a kilobyte', async () => {
    expect(await kindOf('x'.repeat(2_000))).toBe('j');
    expect(await kindOf('x'.repeat(2_100))).toBe('J');
    expect(await kindOf('x'.repeat(2_100), { ...json, compressAboveBytes: 4_000 })).toBe('j');
    expect(await kindOf('x'.repeat(2_100), { ...json, compressAboveBytes: Number.POSITIVE_INFINITY })).toBe('j');
  });

  it('is not kept when it does not pay', async () => {
    expect(await kindOf(noise(3_000), structured)).toBe('s');
    expect(await kindOf(noise(200_000), structured)).toBe('s');
    expect(await roundTrip(noise(200_000), structured)).toEqual(noise(200_000));
  });

  it('keeps rows in a fraction, and is done beside the event loop when they are many', async () => {
    for (const form of [json, structured]) {
      const small = encodeEntry(rows(100), header, form);
      expect(small).toBeInstanceOf(Buffer);
      const large = encodeEntry(rows(10_000), header, form);
      expect(large).toBeInstanceOf(Promise);
      expect((await large).length).toBeLessThan(100_000);
      expect(await roundTrip(rows(10_000), form)).toEqual(rows(10_000));
    }
  });
});

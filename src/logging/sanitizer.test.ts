import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { Secret } from '../kernel/index.ts';
import { Redactor } from './redactor.ts';
import { Sanitizer } from './sanitizer.ts';

const sanitizer = new Sanitizer(new Redactor());
const clean = (value: unknown): unknown => JSON.parse(JSON.stringify(sanitizer.fields({ value })))['value'];

describe('Sanitizer', () => {
  it('hides by key at any depth, in arrays, maps, headers, parameters and header lists', () => {
    const headers = new Headers({ authorization: 'opaque', accept: 'text/html' });
    expect(clean({ a: [{ b: { apiKey: 'opaque' } }] })).toEqual({ a: [{ b: { apiKey: '[redacted]' } }] });
    expect(clean(new Map([['client-secret', 'opaque']]))).toEqual({ 'client-secret': '[redacted]' });
    expect(clean(headers)).toEqual({ accept: 'text/html', authorization: '[redacted]' });
    expect(clean(new URLSearchParams('token=opaque&page=2'))).toEqual({ token: '[redacted]', page: '2' });
    expect(clean(['Host', 'a.example', 'Cookie', 'opaque'])).toEqual(['Host', 'a.example', 'Cookie', '[redacted]']);
    expect(clean([{ name: 'Authorization', value: 'opaque' }])).toEqual([
      { name: 'Authorization', value: '[redacted]' },
    ]);
    expect(clean(new URL('https://bob:opaque@example.org/?api_key=opaque'))).toBe(
      'https://bob:[redacted]@example.org/?api_key=[redacted]',
    );
    expect(clean(new Secret('opaque'))).toBe('[secret]');
    expect(clean({ password: new Secret('opaque') })).toEqual({ password: '[secret]' });
  });

  it('names the machinery that hangs on an error, and takes only its data apart', () => {
    class Client {
      readonly settings = { host: 'db.example', options: {} };
    }
    const odd = Object.create(Object.create(null)) as object;
    const error = Object.assign(new RangeError('lost'), {
      client: new Client(),
      odd,
      facts: { attempt: 2 },
      at: new Date(0),
    });
    expect(clean(error)).toMatchObject({
      client: '[Client]',
      odd: '[unreadable]',
      facts: { attempt: 2 },
      at: '1970-01-01T00:00:00.000Z',
    });
  });

  it('keeps counts, flags and absence under secret names', () => {
    const value = { tokens: 512, hasPassword: true, password: null, token: '' };
    expect(clean(value)).toEqual(value);
  });

  it('writes errors with causes, facts and stacks, without their secrets', () => {
    const cause = Object.assign(new TypeError('token=opaque1'), { config: { headers: { Authorization: 'opaque2' } } });
    const error = new AggregateError([new Error('password=opaque3')], 'several', { cause });
    const written = clean(error);
    expect(written).toMatchObject({
      name: 'AggregateError',
      message: 'several',
      stack: expect.stringContaining('sanitizer.test'),
      cause: { name: 'TypeError', message: 'token=[redacted]', config: { headers: { Authorization: '[redacted]' } } },
      errors: [{ message: 'password=[redacted]' }],
    });
    expect(JSON.stringify(written)).not.toContain('opaque');
  });

  it('survives cycles, getters and proxies that throw, BigInt, symbols, functions and bytes', () => {
    const cyclic: Record<string, unknown> = { name: 'a' };
    cyclic['self'] = cyclic;
    const hostile = {
      get broken(): string {
        throw new TypeError('no');
      },
    };
    const proxy = new Proxy({}, { ownKeys: () => ['a', 'a'] });
    expect(clean(cyclic)).toEqual({ name: 'a', self: '[circular]' });
    expect(clean(hostile)).toEqual({ broken: '[unreadable]' });
    expect(clean(proxy)).toBe('[unreadable]');
    expect(clean([1n, Symbol('s'), () => 1, Number.NaN, new Uint8Array(3), new Date(0), new Set([1])])).toEqual([
      '1',
      'Symbol(s)',
      '[function]',
      null,
      '[3 bytes]',
      '1970-01-01T00:00:00.000Z',
      [1],
    ]);
    expect(clean(JSON.parse('{"__proto__":{"admin":true}}'))).not.toHaveProperty('admin');
  });

  it('bounds depth, items and nodes', () => {
    let deep: unknown = 'bottom';
    for (let level = 0; level < 10_000; level += 1) deep = { deep };
    const wide = Array.from({ length: 100_000 }, (_, index) => ({ index }));
    const bushy = Array.from({ length: 100 }, () =>
      Array.from({ length: 100 }, () => Array.from({ length: 100 }, () => 1)),
    );
    expect(JSON.stringify(clean(deep)).length).toBeLessThan(200);
    expect(clean(wide)).toHaveLength(101);
    expect(JSON.stringify(clean(bushy)).length).toBeLessThan(100_000);
  });

  it('changes nothing that it is given, and never throws', () => {
    fc.assert(
      fc.property(
        fc.object({ withBigInt: true, withMap: true, withSet: true, withDate: true, withNullPrototype: true }),
        value => {
          const before = fc.stringify(value);
          expect(() => JSON.stringify(sanitizer.fields(value))).not.toThrow();
          expect(fc.stringify(value)).toBe(before);
        },
      ),
    );
  });

  it('hides a secret wherever a random object holds it', () => {
    const secret = 'hunter2-opaque-9';
    fc.assert(
      fc.property(fc.array(fc.constantFrom('user', 'items', 'headers', 'a'), { maxLength: 6 }), path => {
        let value: unknown = { accessToken: secret };
        for (const key of path) value = key === 'items' ? [value] : { [key]: value };
        expect(JSON.stringify(clean(value))).not.toContain(secret);
      }),
    );
  });
});

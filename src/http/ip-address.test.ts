import { existsSync, readFileSync } from 'node:fs';
import { isIP } from 'node:net';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { isPublicAddress } from './index.ts';

/** The last address before each special range, its first, its last, and the one behind it. */
const edges4: readonly [string | undefined, string, string, string | undefined][] = [
  [undefined, '0.0.0.0', '0.255.255.255', '1.0.0.0'],
  ['9.255.255.255', '10.0.0.0', '10.255.255.255', '11.0.0.0'],
  ['100.63.255.255', '100.64.0.0', '100.127.255.255', '100.128.0.0'],
  ['126.255.255.255', '127.0.0.0', '127.255.255.255', '128.0.0.0'],
  ['168.63.129.15', '168.63.129.16', '168.63.129.16', '168.63.129.17'],
  ['169.253.255.255', '169.254.0.0', '169.254.255.255', '169.255.0.0'],
  ['172.15.255.255', '172.16.0.0', '172.31.255.255', '172.32.0.0'],
  ['191.255.255.255', '192.0.0.0', '192.0.0.255', '192.0.1.0'],
  ['192.0.1.255', '192.0.2.0', '192.0.2.255', '192.0.3.0'],
  ['192.88.98.255', '192.88.99.0', '192.88.99.255', '192.88.100.0'],
  ['192.167.255.255', '192.168.0.0', '192.168.255.255', '192.169.0.0'],
  ['198.17.255.255', '198.18.0.0', '198.19.255.255', '198.20.0.0'],
  ['198.51.99.255', '198.51.100.0', '198.51.100.255', '198.51.101.0'],
  ['203.0.112.255', '203.0.113.0', '203.0.113.255', '203.0.114.0'],
  ['223.255.255.255', '224.0.0.0', '239.255.255.255', undefined],
  [undefined, '240.0.0.0', '255.255.255.255', undefined],
];

const edges6: typeof edges4 = [
  [undefined, '::', '1fff:ffff:ffff:ffff:ffff:ffff:ffff:ffff', '2000::'],
  ['2000:ffff:ffff:ffff:ffff:ffff:ffff:ffff', '2001::', '2001:1ff:ffff:ffff:ffff:ffff:ffff:ffff', '2001:200::'],
  ['2001:db7:ffff::', '2001:db8::', '2001:db8:ffff:ffff:ffff:ffff:ffff:ffff', '2001:db9::'],
  ['2001:ffff::1', '2002::', '2002:ffff:ffff:ffff:ffff:ffff:ffff:ffff', '2003::'],
  ['3ffe:ffff::1', '3fff::', '3fff:fff:ffff:ffff:ffff:ffff:ffff:ffff', '3fff:1000::'],
  ['3fff:ffff:ffff:ffff:ffff:ffff:ffff:ffff', '4000::', 'ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff', undefined],
];

describe('isPublicAddress', () => {
  it.each([...edges4, ...edges6])('knows the edges: %s | %s to %s | %s', (before, first, last, after) => {
    expect([first, last].map(isPublicAddress)).toEqual([false, false]);
    for (const outside of [before, after]) if (outside !== undefined) expect(isPublicAddress(outside)).toBe(true);
  });

  it.each([
    '::ffff:127.0.0.1',
    '::FFFF:7f00:1',
    '0:0:0:0:0:ffff:a9fe:a9fe',
    '::127.0.0.1',
    '::7f00:1',
    '::ffff:0:127.0.0.1',
    '64:ff9b::10.0.0.1',
    '64:ff9b::a9fe:a9fe',
    '64:ff9b:1::8.8.8.8',
    '2002:7f00:1::',
    '2001:0:7f00:1::',
    'fe80::1%eth0',
    'fe80::1%25lo',
    '2606:4700::1111%eth0',
  ])('sees through %s', address => {
    expect(isPublicAddress(address)).toBe(false);
  });

  it.each(['::ffff:8.8.8.8', '::ffff:808:808', '64:ff9b::8.8.8.8', '2606:4700:4700::1111', '2a00:1450:4001:80b::200e'])(
    'lets %s be public',
    address => {
      expect(isPublicAddress(address)).toBe(true);
    },
  );

  it.each(['', 'localhost', '8.8.8', '0x8.8.8.8', '08.8.8.8', '8.8.8.8.', '[2606:4700::1]', '8.8.8.8:80', ' 8.8.8.8'])(
    'takes %j for no address',
    text => {
      expect(isPublicAddress(text)).toBe(false);
    },
  );

  it('decides the same about an IPv4 address however it is written', () => {
    fc.assert(
      fc.property(fc.ipV4(), address => {
        const [a = 0, b = 0, c = 0, d = 0] = address.split('.').map(Number);
        const groups = `${(a * 256 + b).toString(16)}:${(c * 256 + d).toString(16)}`;
        const spellings = [`::ffff:${address}`, `::FFFF:${groups}`, `0:0:0:0:0:ffff:${groups}`, `64:ff9b::${groups}`];
        for (const spelling of spellings) expect(isPublicAddress(spelling)).toBe(isPublicAddress(address));
        expect(isPublicAddress(`::${address}`)).toBe(false);
      }),
    );
  });

  it('decides the same about an IPv6 address however it is shortened', () => {
    fc.assert(
      fc.property(fc.ipV6(), address => {
        const short = new URL(`http://[${address}]`).hostname.slice(1, -1);
        expect(isIP(short)).toBe(6);
        expect(isPublicAddress(address)).toBe(isPublicAddress(short));
      }),
    );
  });
});

interface StoredCase {
  readonly address: string;
  readonly expect: 'allow' | 'block';
}

const stored = '../shared/suites/ssrf/addresses.json';
const cases: readonly StoredCase[] = existsSync(stored) ? JSON.parse(readFileSync(stored, 'utf8')).addresses : [];

describe.skipIf(cases.length === 0)('isPublicAddress, the stored cases', () => {
  it.each(cases)('$address: $expect', ({ address, expect: expected }) => {
    expect(isPublicAddress(address)).toBe(expected === 'allow');
  });
});

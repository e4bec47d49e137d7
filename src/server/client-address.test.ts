import { describe, expect, it } from 'vitest';
import { clientOf } from './client-address.ts';

describe('clientOf()', () => {
  it.each([
    ['203.0.113.7', '203.0.113.7'],
    ['::ffff:203.0.113.7', '203.0.113.7'],
    ['::ffff:cb00:7107', '203.0.113.7'],
    ['64:ff9b::203.0.113.7', '203.0.113.7'],
    ['203.0.113.7:4711', '203.0.113.7'],
  ])('takes %s for the IPv4 client %s', (address, client) => {
    expect(clientOf(address)).toBe(client);
  });

  it.each([
    ['2001:db8:1:2:3:4:5:6', '2001:db8:1:2::/64'],
    ['2001:0DB8:0001:0002::1', '2001:db8:1:2::/64'],
    ['[2001:db8:1:2::9]:4711', '2001:db8:1:2::/64'],
    ['2001:db8::1', '2001:db8:0:0::/64'],
    ['fe80::1%eth0', 'fe80:0:0:0::/64'],
    ['::1', '0:0:0:0::/64'],
  ])('counts the /64 of %s, which is one client’s: %s', (address, client) => {
    expect(clientOf(address)).toBe(client);
  });

  it('takes everything that is no address for one client, however it is written', () => {
    expect(new Set(['', undefined, 'ohno', '@', '999.1.1.1', '1.2.3', ':::'].map(clientOf))).toEqual(
      new Set(['unknown']),
    );
  });
});

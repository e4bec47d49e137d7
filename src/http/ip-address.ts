import { isIPv4, isIPv6 } from 'node:net';

/** A network: the first address as a number, and how many leading bits count. */
type Network = readonly [first: bigint, prefixBits: number];

/** What the IANA registry of special-purpose IPv4 addresses does not hold for globally reachable, and multicast. */
const specialNetworks4 = [
  '0.0.0.0/8', // this network
  '10.0.0.0/8', // private
  '100.64.0.0/10', // shared by a carrier's customers; metadata at Alibaba
  '127.0.0.0/8', // loopback
  '168.63.129.16/32', // in no registry: the host of every machine at Azure
  '169.254.0.0/16', // link-local; metadata nearly everywhere
  '172.16.0.0/12', // private
  '192.0.0.0/24', // protocol assignments; metadata at Oracle
  '192.0.2.0/24', // documentation
  '192.88.99.0/24', // relays of 6to4, given up
  '192.168.0.0/16', // private
  '198.18.0.0/15', // benchmarks
  '198.51.100.0/24', // documentation
  '203.0.113.0/24', // documentation
  '224.0.0.0/4', // multicast
  '240.0.0.0/4', // reserved, and broadcast
] as const;

/** What is special within the global unicast addresses, 2000::/3; of IPv6, nothing else is public. */
const specialNetworks6 = [
  '2001::/23', // protocol assignments, Teredo among them
  '2001:db8::/32', // documentation
  '2002::/16', // 6to4, given up: leads to the IPv4 address that it holds
  '3fff::/20', // documentation
] as const;

const special4: readonly Network[] = specialNetworks4.map(text => networkOf(text, valueOf4));
const special6: readonly Network[] = specialNetworks6.map(text => networkOf(text, valueOf6));
const globalUnicast: Network = [0x2000n << 112n, 3];
const mappedIPv4: Network = [0xffffn << 32n, 96];
const nat64: Network = [(0x64n << 112n) | (0xff9bn << 96n), 96];

/**
 * Whether an IP address is one that the whole internet can reach: no private, loopback, link-local, metadata,
 * documentation, multicast or reserved address, in IPv6 notation neither (mapped, compatible, NAT64, 6to4, Teredo). What
 * is no IP address is not public, and neither is one with a zone.
 *
 * @example
 * isPublicAddress('8.8.8.8'); // true
 * isPublicAddress('::ffff:169.254.169.254'); // false
 */
export function isPublicAddress(address: string): boolean {
  if (isIPv4(address)) return isPublic4(valueOf4(address));
  if (!isIPv6(address) || address.includes('%')) return false;
  const value = valueOf6(address);
  // What is reached in the end is the IPv4 address within.
  if (isWithin(value, mappedIPv4, 128) || isWithin(value, nat64, 128)) return isPublic4(value & 0xffff_ffffn);
  return isWithin(value, globalUnicast, 128) && !special6.some(network => isWithin(value, network, 128));
}

function isPublic4(value: bigint): boolean {
  return !special4.some(network => isWithin(value, network, 32));
}

function isWithin(value: bigint, [first, prefixBits]: Network, bits: number): boolean {
  const rest = BigInt(bits - prefixBits);
  return value >> rest === first >> rest;
}

function networkOf(text: string, parse: (address: string) => bigint): Network {
  const [address = '', prefixBits] = text.split('/');
  return [parse(address), Number(prefixBits)];
}

function valueOf4(address: string): bigint {
  return address.split('.').reduce((value, part) => (value << 8n) | BigInt(part), 0n);
}

/** The 128 bits of an address that is known to be well-formed. */
function valueOf6(address: string): bigint {
  const dotted = /[\d.]+\.\d+$/.exec(address)?.[0];
  const plain = dotted === undefined ? address : address.slice(0, -dotted.length) + groupsOf4(dotted);
  const [head = '', tail] = plain.split('::');
  const before = head === '' ? [] : head.split(':');
  const after = tail === undefined || tail === '' ? [] : tail.split(':');
  const zeros = new Array<string>(8 - before.length - after.length).fill('0');
  return [...before, ...zeros, ...after].reduce((value, group) => (value << 16n) | BigInt(`0x${group}`), 0n);
}

function groupsOf4(dotted: string): string {
  const value = valueOf4(dotted);
  return `${(value >> 16n).toString(16)}:${(value & 0xffffn).toString(16)}`;
}

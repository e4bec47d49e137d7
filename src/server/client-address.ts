import { isIP, isIPv4, isIPv6 } from 'node:net';

/** What is no address counts as one client: a proxy that is trusted and sends nonsense must not lift a limit. */
const unknownClient = 'unknown';

/** The well-known prefix under which a translator shows an IPv4 client to an IPv6 server (RFC 6052). */
const translatedPrefix = [0x64, 0xff9b, 0, 0, 0, 0];
const mappedPrefix = [0, 0, 0, 0, 0, 0xffff];

/**
 * The client that an address stands for. An IPv4 address is a client. An IPv6 client is given a whole network, at least a
 * /64, and may send from any address in it, so the /64 counts. A port behind the address is left out.
 *
 * @example
 * clientOf('203.0.113.7'); // '203.0.113.7'
 * clientOf('::ffff:203.0.113.7'); // '203.0.113.7'
 * clientOf('2001:db8:1:2:3:4:5:6'); // '2001:db8:1:2::/64'
 */
export function clientOf(address: string | undefined): string {
  const bare = withoutPort(address ?? '');
  if (isIPv4(bare)) return bare;
  if (!isIPv6(bare)) return unknownClient;
  const groups = groupsOf(bare.replace(/%.*$/, ''));
  const startsWith = (prefix: readonly number[]): boolean => prefix.every((group, index) => groups[index] === group);
  if (startsWith(mappedPrefix) || startsWith(translatedPrefix)) {
    const [high = 0, low = 0] = groups.slice(6);
    return [high >> 8, high & 255, low >> 8, low & 255].join('.');
  }
  const network = groups.slice(0, 4).map(group => group.toString(16));
  return `${network.join(':')}::/64`;
}

/** Some proxies name the client with its port: `203.0.113.7:4711`, `[2001:db8::1]:4711`. */
function withoutPort(address: string): string {
  if (isIP(address) !== 0) return address;
  return address.replace(/^\[(.*)\](?::\d+)?$/, '$1').replace(/^([\d.]+):\d+$/, '$1');
}

/** The eight groups of an IPv6 address that is known to be one. */
function groupsOf(address: string): readonly number[] {
  const [left = '', right] = address.split('::');
  const head = readGroups(left);
  const tail = right === undefined ? [] : readGroups(right);
  return [...head, ...new Array<number>(8 - head.length - tail.length).fill(0), ...tail];
}

function readGroups(text: string): readonly number[] {
  if (text === '') return [];
  return text.split(':').flatMap(group => {
    if (!group.includes('.')) return [Number.parseInt(group, 16)];
    const [a = 0, b = 0, c = 0, d = 0] = group.split('.').map(Number);
    return [a * 256 + b, c * 256 + d];
  });
}

import { lookup as systemLookup } from 'node:dns';
import { BlockList, isIP, isIPv6, type LookupFunction } from 'node:net';
import { buildConnector } from 'undici';
import { ArgumentError } from '../errors/index.ts';
import { requireInteger } from '../kernel/index.ts';
import { ForbiddenAddressError } from './errors.ts';
import { isPublicAddress } from './ip-address.ts';
import type { TlsConnectionOptions } from './tls-options.ts';

/** Where requests may go. */
export interface DestinationOptions {
  /** Whether only public addresses may be connected to: what users name must not lead inside. @default false */
  readonly publicOnly?: boolean | undefined;
  /** Hosts that may be asked: names, IP addresses, or `*.example.org` for every name below one. @default all */
  readonly allowedHosts?: readonly string[] | undefined;
  /** Ports that may be asked. @default all */
  readonly allowedPorts?: readonly number[] | undefined;
  /** Addresses and networks that may be connected to although they are not public, such as `10.1.2.0/24`. @default none */
  readonly allowedAddresses?: readonly string[] | undefined;
  /** How names become addresses. @default the platform's lookup */
  readonly lookup?: LookupFunction | undefined;
}

type LookupCallback = Parameters<LookupFunction>[2];

/** Decides where connections may go: by scheme, host and port before a name is looked up, and by the address that came of it. */
export class Destinations {
  readonly #publicOnly: boolean;
  readonly #hosts: readonly string[] | undefined;
  readonly #ports: readonly number[] | undefined;
  readonly #exempt: BlockList;
  readonly #lookup: LookupFunction;

  constructor(options: DestinationOptions) {
    this.#publicOnly = options.publicOnly ?? false;
    this.#hosts = options.allowedHosts?.map(requireHost);
    this.#ports = options.allowedPorts?.map(port => requireInteger('allowedPorts', port, 1, 65_535));
    this.#exempt = exemptions(options.allowedAddresses ?? []);
    this.#lookup = options.lookup ?? systemLookup;
  }

  /** Why an address may not be asked, as far as that can be said without looking its name up. */
  refusalOf({
    protocol,
    hostname,
    port,
  }: Pick<URL, 'protocol' | 'hostname' | 'port'>): ForbiddenAddressError | undefined {
    if (protocol !== 'http:' && protocol !== 'https:') {
      return new ForbiddenAddressError(`Cannot use ${protocol} addresses: expected http or https`, 'scheme');
    }
    const host = plainHost(hostname);
    if (this.#hosts !== undefined && !this.#hosts.some(pattern => matches(pattern, host))) {
      return new ForbiddenAddressError(`Cannot connect to ${host}: it is not among the allowed hosts`, 'host');
    }
    const number = port === '' ? (protocol === 'https:' ? 443 : 80) : Number(port);
    if (this.#ports !== undefined && !this.#ports.includes(number)) {
      return new ForbiddenAddressError(
        `Cannot connect to port ${number} of ${host}: it is not among the allowed ports`,
        'port',
      );
    }
    if (isIP(host) !== 0) return this.#allows(host) ? undefined : notPublic(host, host);
    // A name for oneself needs no lookup, and no lookup may say otherwise (RFC 6761).
    const isOwnName = host === 'localhost' || host.endsWith('.localhost');
    return isOwnName && !this.#allows('127.0.0.1') ? notPublic(host, '127.0.0.1') : undefined;
  }

  /** Opens connections within the rules: to the very address that was checked, because it is looked up only once. */
  connector(timeoutMs: number, tls: TlsConnectionOptions = {}): buildConnector.connector {
    const lookup: LookupFunction = (hostname, options, callback) => this.#find(hostname, options, callback);
    const connect = buildConnector({ ...tls, timeout: timeoutMs, lookup });
    return (options, callback) => {
      const refusal = this.refusalOf(options);
      if (refusal === undefined) connect(options, callback);
      else queueMicrotask(() => callback(refusal, null));
    };
  }

  #find(hostname: string, options: Parameters<LookupFunction>[1], callback: LookupCallback): void {
    this.#lookup(hostname, { ...options, all: true }, (error, found, family) => {
      if (error) return callback(error, []);
      const addresses = typeof found === 'string' ? [{ address: found, family: family ?? isIP(found) }] : found;
      // A name that leads inside and outside at once is a trap, whichever address would be tried first.
      const forbidden = addresses.find(({ address }) => !this.#allows(address));
      const [first] = addresses;
      if (forbidden !== undefined) callback(notPublic(plainHost(hostname), forbidden.address), []);
      else if (options.all || first === undefined) callback(null, addresses);
      else callback(null, first.address, first.family);
    });
  }

  #allows(address: string): boolean {
    if (!this.#publicOnly || isPublicAddress(address)) return true;
    return isIP(address) !== 0 && this.#exempt.check(address, isIPv6(address) ? 'ipv6' : 'ipv4');
  }
}

/**
 * Reads an address that a user has given, for a pool with the same rules: http or https, no credentials in it, and
 * neither a host nor a port that may not be asked. Where a name leads is checked when it is connected to.
 *
 * @throws {ForbiddenAddressError} that says why, and repeats nothing but the host.
 * @example
 * const url = parseOutboundUrl(hook.address, { publicOnly: true, allowedPorts: [443] });
 */
export function parseOutboundUrl(text: string, options: DestinationOptions = { publicOnly: true }): URL {
  if (!URL.canParse(text)) {
    throw new ForbiddenAddressError('Cannot use this address: expected a complete http or https address', 'syntax');
  }
  const url = new URL(text);
  const refusal = new Destinations(options).refusalOf(url);
  if (refusal !== undefined) throw refusal;
  if (url.username !== '' || url.password !== '') {
    throw new ForbiddenAddressError(
      `Cannot use this address of ${url.host}: expected none with a name or password before the host`,
      'credentials',
    );
  }
  return url;
}

function notPublic(host: string, address: string): ForbiddenAddressError {
  return new ForbiddenAddressError(`Cannot connect to ${host}: it is not at a public address`, 'address', address);
}

/** A host as it is compared: without the brackets of IPv6 and the dot that ends a complete name. */
function plainHost(hostname: string): string {
  return hostname
    .toLowerCase()
    .replace(/^\[(.*)\]$/, '$1')
    .replace(/\.+$/, '');
}

function matches(pattern: string, host: string): boolean {
  return pattern.startsWith('*.') ? host.endsWith(pattern.slice(1)) : host === pattern;
}

function requireHost(text: string): string {
  const [, wildcard = '', name = ''] = /^(\*\.)?(.*)$/.exec(text) ?? [];
  const address = `http://${isIPv6(name) ? `[${name}]` : name}`;
  const url = URL.canParse(address) ? new URL(address) : undefined;
  const isPlain = url?.href === `http://${url?.host}/` && (isIPv6(name) || !name.includes(':'));
  if (url === undefined || !isPlain) {
    throw new ArgumentError(
      `Cannot use "${text}" in allowedHosts: expected a host such as "example.org" or "*.example.org"`,
      'allowedHosts',
    );
  }
  return wildcard + plainHost(url.hostname);
}

function exemptions(texts: readonly string[]): BlockList {
  const list = new BlockList();
  for (const text of texts) {
    const [address = '', bits, ...rest] = text.split('/');
    const type = isIPv6(address) ? 'ipv6' : 'ipv4';
    const maxBits = type === 'ipv6' ? 128 : 32;
    const prefixBits = bits === undefined ? maxBits : Number(bits);
    const isUsable =
      isIP(address) !== 0 && bits !== '' && rest.length === 0 && prefixBits >= 0 && prefixBits <= maxBits;
    if (!isUsable || !Number.isInteger(prefixBits)) {
      throw new ArgumentError(
        `Cannot use "${text}" in allowedAddresses: expected an IP address or a network such as "10.1.2.0/24"`,
        'allowedAddresses',
      );
    }
    list.addSubnet(address, prefixBits, type);
  }
  return list;
}

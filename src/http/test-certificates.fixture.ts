import { createHash, generateKeyPairSync, type KeyObject, sign } from 'node:crypto';
import { isIP } from 'node:net';

/** A certificate with its private key. */
export interface TestCertificate {
  readonly name: string;
  /** In PEM form, as the key. */
  readonly cert: string;
  readonly key: string;
  readonly privateKey: KeyObject;
  /** As the option `pins` takes it. */
  readonly pin: string;
}

/** What a test certificate says. */
export interface TestCertificateOptions {
  /** Who signs it. @default itself */
  readonly issuer?: TestCertificate;
  /** The hosts that it is for: names and IPv4 addresses. */
  readonly hosts?: readonly string[];
  readonly isAuthority?: boolean;
  /** The last day on which it is valid, as `YYMMDD`. @default 491231 */
  readonly until?: string;
}

const ecdsaWithSha256 = sequence(Buffer.from('06082a8648ce3d040302', 'hex'));

/** Makes an X.509 certificate, so that the tests need no program for it and none of theirs ever expires. */
export function testCertificate(name: string, options: TestCertificateOptions = {}): TestCertificate {
  const { issuer, hosts = [], isAuthority = false, until = '491231' } = options;
  const { privateKey, publicKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  const publicInfo = publicKey.export({ type: 'spki', format: 'der' });
  const content = sequence(
    element(0xa0, element(0x02, Buffer.of(2))),
    element(0x02, serialOf(publicInfo)),
    ecdsaWithSha256,
    nameOf(issuer?.name ?? name),
    sequence(element(0x17, Buffer.from('200101000000Z')), element(0x17, Buffer.from(`${until}235959Z`))),
    nameOf(name),
    publicInfo,
    element(0xa3, sequence(...extensionsOf(hosts, isAuthority))),
  );
  const signature = sign('sha256', content, issuer?.privateKey ?? privateKey);
  const der = sequence(content, ecdsaWithSha256, element(0x03, Buffer.of(0), signature));
  const lines = der.toString('base64').match(/.{1,64}/g);
  return {
    name,
    cert: `-----BEGIN CERTIFICATE-----\n${lines?.join('\n')}\n-----END CERTIFICATE-----\n`,
    key: privateKey.export({ type: 'pkcs8', format: 'pem' }).toString(),
    privateKey,
    pin: `sha256/${createHash('sha256').update(publicInfo).digest('base64')}`,
  };
}

function extensionsOf(hosts: readonly string[], isAuthority: boolean): Buffer[] {
  const names = hosts.map(host =>
    isIP(host) === 4 ? element(0x87, Buffer.from(host.split('.').map(Number))) : element(0x82, Buffer.from(host)),
  );
  const constraints = sequence(...(isAuthority ? [Buffer.from('0101ff', 'hex')] : []));
  const alternatives = names.length === 0 ? [] : [extension('0603551d11', sequence(...names))];
  return [extension('0603551d13', constraints), ...alternatives];
}

function extension(identifier: string, value: Buffer): Buffer {
  return sequence(Buffer.from(identifier, 'hex'), element(0x04, value));
}

function nameOf(commonName: string): Buffer {
  return sequence(element(0x31, sequence(Buffer.from('0603550403', 'hex'), element(0x0c, Buffer.from(commonName)))));
}

/** Of 31 bits, so that it is positive in four bytes, and not so small that they are too many. */
function serialOf(publicInfo: Buffer): Buffer {
  const serial = createHash('sha256').update(publicInfo).digest().subarray(0, 4);
  serial.writeUInt8(0x40 | (serial.readUInt8() & 0x3f));
  return serial;
}

function sequence(...parts: readonly Buffer[]): Buffer {
  return element(0x30, ...parts);
}

/** One element of DER: its tag, its length, and what it is made of. */
function element(tag: number, ...parts: readonly Buffer[]): Buffer {
  const content = Buffer.concat(parts);
  const { length } = content;
  const header = length < 128 ? [tag, length] : [tag, 0x82, length >>> 8, length & 0xff];
  return Buffer.concat([Buffer.from(header), content]);
}

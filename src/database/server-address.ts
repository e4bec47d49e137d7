import { checkServerIdentity, type PeerCertificate } from 'node:tls';
import { ArgumentError } from '../errors/index.ts';
import { Secret } from '../kernel/index.ts';

/** How the way to a server is encrypted. With this the connection is never made without TLS. */
export interface DatabaseTlsOptions {
  /** The certificates that are trusted, as PEM. @default those that Node trusts */
  readonly ca?: string | Buffer | undefined;
  /** Our own certificate, for servers that want one, as PEM. @default none */
  readonly cert?: string | Buffer | undefined;
  /** The key of `cert`, as PEM. @default none */
  readonly key?: string | Buffer | Secret | undefined;
  /** The name that the server's certificate must have. @default the host of the url */
  readonly servername?: string | undefined;
  /** Whether the server must prove who it is. Without, anybody on the way can pretend to be it. @default true */
  readonly rejectUnauthorized?: boolean | undefined;
}

/** An address as the driver is given it. */
export interface ServerAddress {
  readonly connectionString: string;
  /** What the driver hands to `tls.connect`; `undefined` when the address says it. */
  readonly ssl: Readonly<Record<string, unknown>> | undefined;
  /** Host, port and database, to be shown: no user and no password. */
  readonly name: string;
}

/** The modes that encrypt and check. `prefer` and `allow` are not among them: they go without encryption in silence. */
const encrypting: ReadonlySet<string> = new Set(['require', 'verify-ca', 'verify-full']);

/**
 * Reads an address, with what it says of TLS: `sslmode=disable` is none; `require`, `verify-ca` and `verify-full` all
 * check the server's certificate and its name; `no-verify` only encrypts.
 *
 * @throws {ArgumentError} that names the option, and never shows the address: it may hold a password.
 */
export function readAddress(text: string | Secret, tls: DatabaseTlsOptions | undefined, option: string): ServerAddress {
  const given = text instanceof Secret ? text.reveal() : text;
  const url = parse(given, option);
  const name = `${url.host === '' ? 'localhost' : url.host}${url.pathname}`;
  const mode = url.searchParams.get('sslmode');
  if (mode !== null && mode !== 'disable' && mode !== 'no-verify' && !encrypting.has(mode)) {
    throw new ArgumentError(
      `Cannot use sslmode ${JSON.stringify(mode)} of ${option}: expected disable, no-verify, require, verify-ca or verify-full`,
      option,
    );
  }
  if (tls === undefined) {
    if (mode === null || !encrypting.has(mode)) return { connectionString: given, ssl: undefined, name };
    url.searchParams.set('sslmode', 'verify-full');
    return { connectionString: url.href, ssl: undefined, name };
  }
  if (mode === 'disable') {
    throw new ArgumentError(`Cannot use tls with an ${option} that says sslmode=disable: leave one of them out`, 'tls');
  }
  // What the address says would be taken instead of the options, and not together with them.
  for (const parameter of ['sslmode', 'ssl', 'sslcert', 'sslkey', 'sslrootcert']) url.searchParams.delete(parameter);
  return { connectionString: url.href, ssl: sslOf(tls, mode), name };
}

function sslOf(tls: DatabaseTlsOptions, mode: string | null): Readonly<Record<string, unknown>> {
  const { ca, cert, key, servername, rejectUnauthorized = mode !== 'no-verify' } = tls;
  if ((cert === undefined) !== (key === undefined)) {
    throw new ArgumentError('Cannot use a tls certificate without its key, or a key without its certificate', 'tls');
  }
  const secret = key instanceof Secret ? key.reveal() : key;
  // The driver asks for the host of the address by name, whatever it is given: so the answer is checked here.
  const checkName =
    servername === undefined
      ? undefined
      : (_host: string, certificate: PeerCertificate) => checkServerIdentity(servername, certificate);
  const given = { ca, cert, key: secret, checkServerIdentity: checkName };
  return {
    rejectUnauthorized,
    ...Object.fromEntries(Object.entries(given).filter(([, value]) => value !== undefined)),
  };
}

function parse(url: string, option: string): URL {
  const expected =
    'expected postgresql://user:password@host:5432/name, with special characters in the password percent-encoded';
  const scheme = /^([a-z][a-z0-9+.-]*):\/\//i.exec(url)?.[1];
  if (scheme !== 'postgresql' && scheme !== 'postgres') {
    const found = scheme === undefined ? 'an address without a scheme' : `an address that begins with ${scheme}://`;
    throw new ArgumentError(`Cannot use ${found} as ${option}: ${expected}`, option);
  }
  if (!URL.canParse(url)) {
    throw new ArgumentError(`Cannot read the ${option} (not shown, it may hold a password): ${expected}`, option);
  }
  return new URL(url);
}

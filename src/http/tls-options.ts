import { createPrivateKey, type KeyObject, X509Certificate } from 'node:crypto';
import { isIP } from 'node:net';
import { type ConnectionOptions, createSecureContext } from 'node:tls';
import { ArgumentError } from '../errors/index.ts';
import { Secret } from '../kernel/index.ts';

/** How a {@link ConnectionPool} speaks TLS. */
export interface TlsOptions {
  /** Certificates of the issuers to trust, in PEM form, instead of the platform's. @default the platform's */
  readonly ca?: string | readonly string[] | undefined;
  /** Our own certificate in PEM form, with those between it and its issuer, for servers that want one. @default none */
  readonly cert?: string | undefined;
  /** The private key of our own certificate, in PEM form. @default none */
  readonly key?: Secret | string | undefined;
  /** What the private key is encrypted with. @default it is not */
  readonly passphrase?: Secret | undefined;
  /** The oldest version that is spoken. @default 'TLSv1.2' */
  readonly minVersion?: 'TLSv1.2' | 'TLSv1.3' | undefined;
  /** The name that the server is asked for and its certificate has to have. @default the host of the address */
  readonly servername?: string | undefined;
  /** Whether a server must prove who it is. With `false` anybody on the way can read and change everything. @default true */
  readonly rejectUnauthorized?: boolean | undefined;
  /**
   * Public keys of which the server's certificate must have one: `sha256/` and the Base64 form of the SHA-256 of its
   * SubjectPublicKeyInfo. @default any key
   */
  readonly pins?: readonly string[] | undefined;
}

/** What sockets are opened with. */
export interface TlsConnectionOptions
  extends Pick<ConnectionOptions, 'secureContext' | 'rejectUnauthorized' | 'servername'> {
  readonly maxCachedSessions?: number;
}

/** TLS options that were found to be usable. */
export interface TlsSettings {
  /** What sockets are opened with. */
  readonly connection: TlsConnectionOptions;
  readonly pins: ReadonlySet<string> | undefined;
}

const versions: readonly string[] = ['TLSv1.2', 'TLSv1.3'];

/**
 * Checks TLS options once, so that a wrong file is found when the service starts and not at its first request.
 *
 * @throws {ArgumentError} that names the option; secrets are not in it.
 */
export function requireTls(options: TlsOptions): TlsSettings {
  const { ca, cert, servername, pins, minVersion = 'TLSv1.2', rejectUnauthorized = true } = options;
  const issuers = ca === undefined ? undefined : [ca].flat();
  if (issuers?.length === 0) throw unusable('ca', 'expected certificates in PEM form, got none');
  for (const issuer of issuers ?? []) requireCertificate('ca', issuer);
  if (!versions.includes(minVersion)) throw unusable('minVersion', `expected TLSv1.2 or TLSv1.3, got "${minVersion}"`);
  if (servername !== undefined && (servername === '' || isIP(servername) !== 0)) {
    throw unusable('servername', `expected the name of a host, got "${servername}"`);
  }
  if (typeof rejectUnauthorized !== 'boolean') {
    throw unusable('rejectUnauthorized', `expected true or false, got "${String(rejectUnauthorized)}"`);
  }
  const identity = requireIdentity(cert, options);
  const secureContext = createSecureContext({
    minVersion,
    ...(issuers === undefined ? {} : { ca: issuers }),
    ...identity,
  });
  return {
    connection: {
      secureContext,
      rejectUnauthorized,
      ...(servername === undefined ? {} : { servername }),
      // A session that is resumed shows no certificate to compare with the pins.
      ...(pins === undefined ? {} : { maxCachedSessions: 0 }),
    },
    pins: pins === undefined ? undefined : new Set(pins.map(requirePin)),
  };
}

/** Our own certificate, with the key that belongs to it. */
function requireIdentity(
  cert: string | undefined,
  { key, passphrase }: TlsOptions,
): { readonly cert: string; readonly key: string } | undefined {
  if (key === undefined) {
    if (cert !== undefined) throw unusable('key', 'expected the private key of the certificate, got none');
    if (passphrase !== undefined) throw unusable('passphrase', 'expected a private key that it belongs to, got none');
    return undefined;
  }
  if (cert === undefined) throw unusable('cert', 'expected the certificate of the private key, got none');
  const privateKey = requireKey(key instanceof Secret ? key.reveal() : key, passphrase);
  if (!requireCertificate('cert', cert).checkPrivateKey(privateKey)) {
    throw unusable('key', 'expected the private key of the certificate, got that of another one');
  }
  return { cert, key: privateKey.export({ type: 'pkcs8', format: 'pem' }).toString() };
}

function requireKey(pem: string, passphrase: Secret | undefined): KeyObject {
  try {
    return createPrivateKey({ key: pem, ...(passphrase === undefined ? {} : { passphrase: passphrase.reveal() }) });
  } catch {
    const hint = passphrase === undefined ? 'and its passphrase, if it is encrypted' : 'and the passphrase of it';
    // Without what the platform says, which may repeat what it was given.
    throw unusable('key', `expected a private key in PEM form, ${hint}`);
  }
}

function requireCertificate(name: string, pem: string): X509Certificate {
  try {
    return new X509Certificate(pem);
  } catch {
    throw unusable(name, 'expected a certificate in PEM form, which begins with "-----BEGIN CERTIFICATE-----"');
  }
}

function requirePin(pin: string): string {
  if (!/^sha256\/[A-Za-z0-9+/]{43}=$/.test(pin)) {
    throw unusable('pins', `expected "sha256/" and 44 characters of Base64, got "${pin}"`);
  }
  return pin;
}

function unusable(name: string, expectation: string): ArgumentError {
  return new ArgumentError(`Cannot use tls.${name}: ${expectation}`, `tls.${name}`);
}

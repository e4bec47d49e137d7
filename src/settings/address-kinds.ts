import { Secret } from '../kernel/index.ts';
import { form, hide, list, quote, secret, textKind, type ValueKind } from './value-kind.ts';

/** Text as an address, or `undefined`. */
export function toUrl(text: string): URL | undefined {
  return URL.canParse(text) ? new URL(text) : undefined;
}

/** User name, password and query of an address, decoded; `undefined` where the percent-encoding is broken. */
export function credentialsOf(url: URL): { readonly user: string; readonly password: string } | undefined {
  try {
    return {
      user: decodeURIComponent(url.username || url.searchParams.get('user') || ''),
      password: decodeURIComponent(url.password) || url.searchParams.get('password') || '',
    };
  } catch {
    return undefined;
  }
}

/** An address for people: passwords and everything in the query that sounds like one are replaced. */
export function maskAddress(address: string): string {
  const url = toUrl(address);
  if (url === undefined) return '[secret]';
  const password = url.password === '' ? '' : ':[secret]';
  const user = url.username === '' && password === '' ? '' : `${url.username}${password}@`;
  const query = [...url.searchParams].map(
    ([name, value]) => `${name}=${/pass|secret|token|key|auth|cred|sig/i.test(name) ? '[secret]' : value}`,
  );
  return `${url.protocol}//${user}${url.host}${url.pathname}${query.length === 0 ? '' : `?${query.join('&')}`}`;
}

/** Names at most the scheme: the rest of what is not even an address may be a password. */
function foundAddress(value: unknown): string {
  const text = value instanceof Secret ? value.reveal() : value;
  const scheme = typeof text === 'string' ? /^[a-z][a-z0-9+.-]{0,30}:\/\//i.exec(text)?.[0] : undefined;
  return scheme === undefined ? hide(value) : `an address that begins with ${scheme} (the rest is not shown)`;
}

interface ConnectionOptions {
  /** Schemes that are accepted, with their colon. */
  readonly schemes: readonly string[];
  /** What is accepted, for messages. */
  readonly expected: string;
  /** @default any address with such a scheme */
  readonly accepts?: (url: URL) => boolean;
  /** Rewrites the text before it is read. @default as it is */
  readonly normalise?: (text: string) => string;
}

function connection(options: ConnectionOptions): ValueKind<Secret> {
  const { schemes, expected, accepts = () => true, normalise = text => text } = options;
  const parse = (text: string): Secret | undefined => {
    const address = normalise(text);
    const url = toUrl(address);
    const usable =
      url !== undefined && schemes.includes(url.protocol) && credentialsOf(url) !== undefined && accepts(url);
    return usable ? new Secret(address) : undefined;
  };
  return {
    ...secret(expected, () => true),
    fromText: raw => (typeof raw === 'string' ? parse(raw) : undefined),
    fromCode: value => (value instanceof Secret ? parse(value.reveal()) : undefined),
    write: value => maskAddress(value.reveal()),
    found: foundAddress,
  };
}

/** PostgreSQL. The driver that Python names in the scheme (`postgresql+asyncpg`) is dropped. */
export const postgresAddress: ValueKind<Secret> = connection({
  schemes: ['postgresql:', 'postgres:'],
  expected:
    'a PostgreSQL address such as postgresql://user:password@host:5432/name, special characters of the password percent-encoded (leave it unset for the embedded database)',
  normalise: text => text.replace(/^(postgres(?:ql)?)\+[a-z0-9]+:/i, '$1:'),
});

/** Redis, with or without TLS and database number. */
export const redisAddress: ValueKind<Secret> = connection({
  schemes: ['redis:', 'rediss:'],
  expected: 'a Redis address such as redis://:password@host:6379/0, special characters of the password percent-encoded',
  accepts: url => url.hostname !== '' && /^\/?\d{0,2}$/.test(url.pathname),
});

/** A bucket of an S3-compatible store. */
export const bucketAddress: ValueKind<Secret> = connection({
  schemes: ['s3:'],
  expected: 'the address of a bucket such as s3://bucket/prefix',
  accepts: url => url.hostname !== '',
});

/** An HTTP address without credentials, without a trailing slash; `path` stands in where the address has none. */
export function webAddress(path = ''): ValueKind<string> {
  return textKind({
    expected: 'an address such as https://host:443/path, without user, password, query or fragment',
    parse: text => {
      const url = toUrl(text);
      if (url === undefined || !/^https?:$/.test(url.protocol)) return undefined;
      if (url.username !== '' || url.password !== '' || url.search !== '' || url.hash !== '') return undefined;
      return `${url.origin}${url.pathname.replace(/\/+$/, '') || path}`;
    },
    found: value => (typeof value === 'string' && /[@?#]/.test(value) ? foundAddress(value) : quote(value)),
  });
}

/** Origins of browsers, or `*`. */
export const origins: ValueKind<readonly string[]> = list(
  textKind({
    expected: 'an origin such as https://app.example.org, or *',
    parse: text => {
      if (text === '*') return text;
      const url = toUrl(text);
      const bare = url !== undefined && /^https?:$/.test(url.protocol) && `${url.origin}/` === url.href;
      return bare ? url.origin : undefined;
    },
    found: value => (typeof value === 'string' && /[@?#]/.test(value) ? hide(value) : quote(value)),
  }),
);

/** Servers as `host:port`. */
export const servers: ValueKind<readonly string[]> = list(
  textKind({
    expected: 'a server such as host:9092',
    parse: text => {
      const port = /^(?:[A-Za-z0-9._-]+|\[[0-9A-Fa-f:.]+\]):(\d{1,5})$/.exec(text)?.[1];
      return port !== undefined && Number(port) >= 1 && Number(port) <= 65_535 ? text : undefined;
    },
  }),
);

/** The path part of an address: a leading slash, no trailing one. */
export const urlPath: ValueKind<string> = textKind({
  expected: 'a path such as /api/v1, with a leading slash and at least one segment',
  parse: text => /^((?:\/(?!\.{1,2}(?:\/|$))[A-Za-z0-9._~-]+)+)\/?$/.exec(text)?.[1],
});

/** A machine: a name, an IPv4 or an IPv6 address. */
export const host: ValueKind<string> = form(
  'the name or address of a machine, such as localhost or 127.0.0.1',
  /^(?:[A-Za-z0-9._-]+|[0-9A-Fa-f:.]*:[0-9A-Fa-f:.]+)$/,
);

import { createPrivateKey } from 'node:crypto';
import { once } from 'node:events';
import { createServer, type Server as PlainServer } from 'node:http';
import { createServer as createSecureServer, type Server } from 'node:https';
import type { AddressInfo } from 'node:net';
import type { TlsOptions as ServerOptions, TLSSocket } from 'node:tls';
import { inspect } from 'node:util';
import { afterEach, describe, expect, it } from 'vitest';
import { NetworkError } from '../errors/index.ts';
import { Secret } from '../kernel/index.ts';
import { pipeline } from '../pipeline/index.ts';
import { constantBackoff } from '../resilience/index.ts';
import { ConnectionPool, type TlsOptions } from './index.ts';
import { testCertificate } from './test-certificates.fixture.ts';

const authority = testCertificate('Test authority', { isAuthority: true });
const otherAuthority = testCertificate('Other authority', { isAuthority: true });
const local = testCertificate('local', { issuer: authority, hosts: ['127.0.0.1', 'api.example.org'] });
const expired = testCertificate('expired', { issuer: authority, hosts: ['127.0.0.1'], until: '210101' });
const elsewhere = testCertificate('elsewhere', { issuer: authority, hosts: ['other.example.org'] });
const itself = testCertificate('itself', { hosts: ['127.0.0.1'] });
const ours = testCertificate('our service', { issuer: authority });

const servers: (Server | PlainServer)[] = [];
let asked = 0;

afterEach(async () => {
  for (const server of servers.splice(0)) {
    server.closeAllConnections();
    await once(server.close(), 'close');
  }
});

/** A server that says who asks. */
async function listen(options: ServerOptions): Promise<string> {
  const server = createSecureServer(options, (request, response) => {
    asked += 1;
    const socket = request.socket as TLSSocket;
    const { subject } = socket.getPeerCertificate();
    response.end(JSON.stringify({ client: subject?.CN, version: socket.getProtocol(), name: socket.servername }));
  });
  servers.push(server);
  server.on('tlsClientError', () => {});
  await once(server.listen(0, '127.0.0.1'), 'listening');
  return `https://127.0.0.1:${(server.address() as AddressInfo).port}`;
}

async function ask(baseUrl: string, tls: TlsOptions): Promise<unknown> {
  await using pool = new ConnectionPool({ tls });
  const retry = { maxAttempts: 3, backoff: constantBackoff({ waitMs: 0 }) };
  const guard = pipeline('local').retry(retry).build();
  return (await pool.client({ baseUrl, guard }).json({ path: '/', query: { key: 'k-123' } })).value.body;
}

/** Asks in vain, once and not three times. */
async function failureOf(baseUrl: string, tls: TlsOptions): Promise<NetworkError> {
  asked = 0;
  const error = await ask(baseUrl, tls).catch((reason: unknown) => reason);
  expect(error).toBeInstanceOf(NetworkError);
  expect(asked).toBe(0);
  return error as NetworkError;
}

describe('a pool with TLS options', () => {
  it('trusts the issuers that it is given, and speaks TLS 1.2 at least', async () => {
    const origin = await listen(local);
    expect(await ask(origin, { ca: authority.cert })).toMatchObject({ version: 'TLSv1.3' });
    expect(await ask(origin, { ca: [otherAuthority.cert, authority.cert] })).toMatchObject({ version: 'TLSv1.3' });
    const older = await listen({ ...local, maxVersion: 'TLSv1.2' });
    expect(await ask(older, { ca: authority.cert })).toMatchObject({ version: 'TLSv1.2' });
  });

  it('asks for the name that it is told, whatever the address', async () => {
    const origin = await listen(local);
    const tls = { ca: authority.cert, servername: 'api.example.org' };
    expect(await ask(origin, tls)).toMatchObject({ name: 'api.example.org' });
    expect((await failureOf(origin, { ...tls, servername: 'www.example.org' })).message).toMatch('for another host');
  });

  it.each([
    ['that has expired', expired, 'its certificate has expired', 'CERT_HAS_EXPIRED'],
    ['of another host', elsewhere, 'its certificate is for another host', 'ERR_TLS_CERT_ALTNAME_INVALID'],
    ['that is signed by itself', itself, 'its certificate is signed by itself', 'DEPTH_ZERO_SELF_SIGNED_CERT'],
  ])('says that a certificate is one %s, once', async (_what, certificate, meaning, reason) => {
    const origin = await listen(certificate);
    const failure = await failureOf(origin, { ca: authority.cert });
    expect(failure).toMatchObject({ retryable: false, details: { reason } });
    expect(failure.message).toBe(`GET ${origin}/ could not be reached: ${meaning} (${reason})`);
    expect(await ask(origin, { ca: authority.cert, rejectUnauthorized: false })).toBeDefined();
  });

  it.each([
    ['the platform trusts', {}],
    ['it is given', { ca: otherAuthority.cert }],
  ])('says that an issuer is none of those that %s', async (_what, tls) => {
    const origin = await listen(local);
    const failure = await failureOf(origin, tls);
    expect(failure).toMatchObject({ retryable: false, details: { reason: 'UNABLE_TO_VERIFY_LEAF_SIGNATURE' } });
    expect(failure.message).toMatch('the issuer of its certificate is not known');
  });

  it('says that the versions do not meet', async () => {
    const origin = await listen({ ...local, maxVersion: 'TLSv1.2' });
    const failure = await failureOf(origin, { ca: authority.cert, minVersion: 'TLSv1.3' });
    expect(failure).toMatchObject({ retryable: false });
    expect(failure.message).toMatch('it speaks no version of TLS that we accept');
  });

  it('says that there is no TLS', async () => {
    const server = createServer();
    servers.push(server);
    await once(server.listen(0, '127.0.0.1'), 'listening');
    const failure = await failureOf(`https://127.0.0.1:${(server.address() as AddressInfo).port}`, {});
    expect(failure).toMatchObject({ retryable: false });
    expect(failure.message).toMatch('it does not speak TLS');
  });

  describe.each(['TLSv1.2', 'TLSv1.3'] as const)('where a certificate of ours is wanted, with %s', version => {
    const wanting = (): Promise<string> =>
      listen({
        ...local,
        ca: authority.cert,
        requestCert: true,
        rejectUnauthorized: true,
        minVersion: version,
        maxVersion: version,
      });

    it('shows it', async () => {
      const origin = await wanting();
      const { cert, key } = ours;
      expect(await ask(origin, { ca: authority.cert, cert, key })).toMatchObject({ client: 'our service', version });
      expect(await ask(origin, { ca: authority.cert, cert, key: new Secret(key) })).toMatchObject({ version });
      const passphrase = 'sesame 123';
      const encrypted = createPrivateKey(key).export({
        type: 'pkcs8',
        format: 'pem',
        cipher: 'aes-256-cbc',
        passphrase,
      });
      const tls = { ca: authority.cert, cert, key: encrypted.toString(), passphrase: new Secret(passphrase) };
      expect(await ask(origin, tls)).toMatchObject({ client: 'our service' });
    });

    it('is refused without one, or with one of an unknown issuer', async () => {
      const origin = await wanting();
      await failureOf(origin, { ca: authority.cert });
      const { cert, key } = testCertificate('a stranger', { issuer: otherAuthority });
      await failureOf(origin, { ca: authority.cert, cert, key });
    });
  });

  describe('with pins', () => {
    it('talks to the holder of one of the keys', async () => {
      const origin = await listen(local);
      expect(await ask(origin, { ca: authority.cert, pins: [expired.pin, local.pin] })).toBeDefined();
    });

    it.each([{}, { rejectUnauthorized: false }])('talks to nobody else, %o', async options => {
      const origin = await listen(local);
      const failure = await failureOf(origin, { ca: authority.cert, pins: [expired.pin], ...options });
      expect(failure).toMatchObject({ retryable: false, details: { reason: 'PIN_MISMATCH', pin: local.pin } });
      expect(failure.message).toBe(
        `Cannot connect to 127.0.0.1: the public key of its certificate is ${local.pin}, which is none of the pins`,
      );
    });

    it.each(['TLSv1.2', 'TLSv1.3'] as const)(
      'hold for each connection, of %s, and not for the first one only',
      async maxVersion => {
        const origin = await listen({ ...local, maxVersion });
        await using pool = new ConnectionPool({ tls: { ca: authority.cert, pins: [local.pin] } });
        const client = pool.client({ baseUrl: origin, guard: pipeline('local').build() });
        for (let index = 0; index < 3; index += 1) await client.json({ path: '/', headers: { connection: 'close' } });
      },
    );
  });

  it('says at its making what cannot be used, and no secret', () => {
    const { cert, key } = ours;
    const encrypted = createPrivateKey(key)
      .export({ type: 'pkcs8', format: 'pem', cipher: 'aes-256-cbc', passphrase: 'sesame 123' })
      .toString();
    const wrong: readonly (readonly [string, object])[] = [
      ['ca', { ca: 'no certificate' }],
      ['ca', { ca: [] }],
      ['cert', { cert: 'no certificate', key }],
      ['cert', { key }],
      ['key', { cert }],
      ['key', { cert, key: 'k-123' }],
      ['key', { cert, key: local.key }],
      ['key', { cert, key: encrypted }],
      ['key', { cert, key: encrypted, passphrase: new Secret('sesame 124') }],
      ['passphrase', { passphrase: new Secret('sesame 123') }],
      ['minVersion', { minVersion: 'TLSv1.1' }],
      ['servername', { servername: '' }],
      ['servername', { servername: '127.0.0.1' }],
      ['rejectUnauthorized', { rejectUnauthorized: 'no' }],
      ['pins', { pins: ['sha1/abc'] }],
      ['pins', { pins: [`sha256/${'a'.repeat(43)}`] }],
    ];
    for (const [name, tls] of wrong) {
      const make = (): ConnectionPool => new ConnectionPool({ tls });
      expect(make, name).toThrow(expect.objectContaining({ code: 'INVALID_ARGUMENT', argument: `tls.${name}` }));
      let shown = '';
      try {
        make();
      } catch (error) {
        shown = inspect(error, { depth: 10 });
      }
      expect(shown).not.toMatch(/k-123|sesame|BEGIN [A-Z ]*PRIVATE/);
    }
  });

  it('keeps its secrets out of what is printed of it', () => {
    const { cert, key } = ours;
    const pool = new ConnectionPool({ tls: { cert, key } });
    const shown = inspect(pool, { depth: 20, showHidden: true });
    expect(shown).not.toContain(key.split('\n')[1]);
  });
});

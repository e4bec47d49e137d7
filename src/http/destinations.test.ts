import { once } from 'node:events';
import { createServer, type RequestListener, type Server } from 'node:http';
import type { AddressInfo, LookupFunction } from 'node:net';
import { fetch as undiciFetch } from 'undici';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { RejectedError } from '../errors/index.ts';
import { type CallRecord, pipeline } from '../pipeline/index.ts';
import { constantBackoff } from '../resilience/index.ts';
import { ConnectionPool, type DestinationOptions, ForbiddenAddressError, parseOutboundUrl } from './index.ts';

/** Servers of the test: one inside, at 127.0.0.1, and one that stands for the outside, at 127.0.0.2. */
let inside: Server;
let outside: Server;
let insideConnections: number;
let answer: RequestListener;

const portOf = (server: Server): number => (server.address() as AddressInfo).port;

beforeEach(async () => {
  insideConnections = 0;
  answer = (_request, response) => response.end('{"from":"outside"}');
  inside = createServer((_request, response) => response.end('{"from":"inside"}'));
  inside.on('connection', () => {
    insideConnections += 1;
  });
  outside = createServer((request, response) => answer(request, response));
  await listenTogether();
});

/** On one port, which may be taken at one of the two addresses. */
async function listenTogether(): Promise<void> {
  await once(outside.listen(0, '127.0.0.2'), 'listening');
  try {
    await once(inside.listen(portOf(outside), '127.0.0.1'), 'listening');
  } catch {
    await once(outside.close(), 'close');
    await listenTogether();
  }
}

afterEach(async () => {
  for (const server of [inside, outside]) {
    server.closeAllConnections();
    await once(server.close(), 'close');
  }
});

/** A resolver whose answers are given, the last of them again and again. */
function resolver(...answers: readonly (readonly string[])[]): LookupFunction & { readonly asked: string[] } {
  const asked: string[] = [];
  const lookup: LookupFunction = (hostname, _options, callback) => {
    const addresses = answers[Math.min(asked.length, answers.length - 1)] ?? [];
    asked.push(hostname);
    callback(
      null,
      addresses.map(address => ({ address, family: address.includes(':') ? 6 : 4 })),
    );
  };
  return Object.assign(lookup, { asked });
}

const guarded = (options: DestinationOptions = {}): ConnectionPool =>
  new ConnectionPool({ publicOnly: true, allowedAddresses: ['127.0.0.2'], ...options });

async function ask(pool: ConnectionPool, host: string): Promise<unknown> {
  const client = pool.client({ baseUrl: `http://${host}:${portOf(inside)}`, guard: pipeline('hook').build() });
  return (await client.json({ path: '/' })).value.body;
}

describe('a pool for public addresses only', () => {
  it('connects to what is allowed, and to where a name leads', async () => {
    await using pool = guarded({ lookup: resolver(['127.0.0.2']) });
    expect(await ask(pool, '127.0.0.2')).toEqual({ from: 'outside' });
    expect(await ask(pool, 'outside.example')).toEqual({ from: 'outside' });
  });

  it.each([
    ['loopback', ['127.0.0.1']],
    ['metadata', ['169.254.169.254']],
    ['a private network in IPv6 notation', ['::ffff:10.0.0.1']],
    ['the outside and the inside at once', ['127.0.0.2', '127.0.0.1']],
    ['something that is no address', ['inside']],
  ])('refuses a name that leads to %s', async (_where, addresses) => {
    await using pool = guarded({ lookup: resolver(addresses) });
    const refused = ask(pool, 'trap.example');
    await expect(refused).rejects.toThrow(ForbiddenAddressError);
    await expect(refused).rejects.toMatchObject({
      code: 'FORBIDDEN_ADDRESS',
      rule: 'address',
      retryable: false,
      message: 'Cannot connect to trap.example: it is not at a public address',
    });
    expect(insideConnections).toBe(0);
  });

  it('tells where a name leads to those who run the service, and to nobody else', async () => {
    await using pool = guarded({ lookup: resolver(['10.1.2.3']) });
    const error = await ask(pool, 'trap.example').catch((thrown: unknown) => thrown);
    expect(error).toMatchObject({ address: '10.1.2.3' });
    expect(JSON.stringify([error, { ...(error as object) }, String(error)])).not.toContain('10.1.2.3');
  });

  it('looks a name up once for a connection, and connects to the address that it has checked', async () => {
    const lookup = resolver(['127.0.0.2'], ['127.0.0.1']);
    await using pool = guarded({ lookup });
    expect(await ask(pool, 'rebind.example')).toEqual({ from: 'outside' });
    expect(lookup.asked).toEqual(['rebind.example']);
  });

  it('refuses a name that has come to lead inside when it connects anew', async () => {
    answer = (_request, response) => response.setHeader('connection', 'close').end('{"from":"outside"}');
    await using pool = guarded({ lookup: resolver(['127.0.0.2'], ['127.0.0.1']) });
    expect(await ask(pool, 'rebind.example')).toEqual({ from: 'outside' });
    for (let index = 0; index < 5; index += 1) {
      await expect(ask(pool, 'rebind.example')).rejects.toThrow(ForbiddenAddressError);
    }
    expect(insideConnections).toBe(0);
  });

  it('refuses every request of many at once', async () => {
    await using pool = guarded({ lookup: resolver(['127.0.0.1']), maxConnections: 3 } as DestinationOptions);
    const asked = await Promise.allSettled(Array.from({ length: 20 }, () => ask(pool, 'trap.example')));
    for (const { status, reason } of asked as PromiseRejectedResult[]) {
      expect([status, reason]).toEqual(['rejected', expect.any(ForbiddenAddressError)]);
    }
    expect(insideConnections).toBe(0);
    expect(pool.stats()[0]).toMatchObject({ requests: 20, active: 0 });
  });

  it('refuses for good: no retry, no failure of the other side, and a record that says so', async () => {
    await using pool = guarded({ lookup: resolver(['127.0.0.1']) });
    const retry = { maxAttempts: 3, backoff: constantBackoff({ waitMs: 0 }) };
    const guard = pipeline('hook').retry(retry).breaker({ failureThreshold: 1 }).build();
    const records: CallRecord[] = [];
    guard.events.on('call', record => records.push(record));
    const client = pool.client({ baseUrl: 'http://trap.example', guard });
    for (let index = 0; index < 3; index += 1) {
      await expect(client.json({ path: '/' })).rejects.toThrow(ForbiddenAddressError);
    }
    expect(records.map(({ result, attempts }) => [result, attempts])).toEqual([
      ['rejected', 1],
      ['rejected', 1],
      ['rejected', 1],
    ]);
  });

  it('gives on what a lookup fails with', async () => {
    const lookup: LookupFunction = (_name, _options, callback) =>
      callback(Object.assign(new TypeError('nobody there'), { code: 'ENOTFOUND' }), []);
    await using pool = guarded({ lookup });
    await expect(ask(pool, 'nobody.example')).rejects.toMatchObject({ details: { reason: 'ENOTFOUND' } });
  });

  it('takes a lookup that gives one address only', async () => {
    const lookup: LookupFunction = (_name, _options, callback) => callback(null, '127.0.0.1', 4);
    await using pool = guarded({ lookup });
    await expect(ask(pool, 'trap.example')).rejects.toThrow(ForbiddenAddressError);
  });

  // Every name leads inside here, so that whatever is taken for a name is a hit as well.
  const spellings = [
    '127.0.0.1',
    '127.0.0.1.',
    '127.1',
    '127.0.1',
    '127.000.000.001',
    '0177.0.0.1',
    '0177.1',
    '017700000001',
    '0x7f.0.0.1',
    '0x7F.1',
    '0x7f000001',
    '2130706433',
    '0',
    '0.0.0.0',
    '0x0',
    '[::]',
    '[::1]',
    '[0:0:0:0:0:0:0:1]',
    '[0000:0000:0000:0000:0000:0000:0000:0001]',
    '[::ffff:127.0.0.1]',
    '[::ffff:7f00:1]',
    '[0:0:0:0:0:ffff:127.0.0.1]',
    '[::127.0.0.1]',
    '[64:ff9b::127.0.0.1]',
    '[2002:7f00:1::]',
    'localhost',
    'LOCALHOST',
    'localhost.',
    'a.localhost',
    'localhost.localdomain',
    '127.0.0.1.example',
    '①②⑦.⓪.⓪.①',
    '１２７.0.0.1',
    '127。0。0。1',
    '127．0．0．1',
    '127｡0｡0｡1',
    'ⓛⓞⓒⓐⓛⓗⓞⓢⓣ',
    '127%2e0%2e0%2e1',
    '%31%32%37.0.0.1',
    'example.org@127.0.0.1',
    'example.org:80@127.0.0.1',
    '169.254.169.254',
    '2852039166',
    '0xa9fea9fe',
    '0251.0376.0251.0376',
    '[::ffff:a9fe:a9fe]',
    '[fd00:ec2::254]',
    'metadata.google.internal',
  ];

  it.each(spellings)('cannot be led inside by http://%s, whoever asks', async host => {
    await using pool = guarded({ lookup: resolver(['127.0.0.1']) });
    const url = `http://${host}:${portOf(inside)}/`;
    await expect(ask(pool, host)).rejects.toThrow(RejectedError);
    await expect(undiciFetch(url, { dispatcher: pool.dispatcher })).rejects.toThrow();
    // A redirect that leads inside is as bad.
    answer = (_request, response) => response.writeHead(302, { location: Buffer.from(url).toString('latin1') }).end();
    const asked = `http://127.0.0.2:${portOf(outside)}/`;
    await expect(undiciFetch(asked, { dispatcher: pool.dispatcher })).rejects.toThrow();
    expect(insideConnections).toBe(0);
  });
});

describe('a pool with allowed hosts and ports', () => {
  it.each([
    ['api.example', ['api.example'], true],
    ['API.EXAMPLE.', ['api.example'], true],
    ['api.example', ['API.example.'], true],
    ['a.api.example', ['api.example'], false],
    ['a.api.example', ['*.api.example'], true],
    ['a.b.api.example', ['*.api.example'], true],
    ['api.example', ['*.api.example'], false],
    ['evilapi.example', ['*.api.example', 'api.example'], false],
    ['api.example.evil', ['api.example'], false],
    ['xn--bcher-kva.example', ['bücher.example'], true],
    ['127.0.0.2', ['127.0.0.2'], true],
    ['0x7f.2', ['127.0.0.2'], true],
    ['127.0.0.2', ['api.example'], false],
    ['api.example', [], false],
  ])('lets %s be asked under %j: %s', async (host, allowedHosts, isAllowed) => {
    await using pool = new ConnectionPool({ allowedHosts, lookup: resolver(['127.0.0.2']) });
    if (isAllowed) expect(await ask(pool, host)).toEqual({ from: 'outside' });
    else await expect(ask(pool, host)).rejects.toMatchObject({ rule: 'host' });
  });

  it('does not let an allowed host lead inside', async () => {
    await using pool = guarded({ allowedHosts: ['api.example'], lookup: resolver(['127.0.0.1']) });
    await expect(ask(pool, 'api.example')).rejects.toMatchObject({ rule: 'address' });
  });

  it.each([
    ['http://127.0.0.2', [80], undefined],
    ['https://127.0.0.2', [443], undefined],
    ['https://127.0.0.2', [80], 'port'],
    ['http://127.0.0.2', [443], 'port'],
    ['http://127.0.0.2:6379', [80, 443], 'port'],
  ])('asks %s only on a port among %j', (text, allowedPorts, rule) => {
    const parse = (): URL => parseOutboundUrl(text, { allowedPorts });
    if (rule === undefined) expect(parse().hostname).toBe('127.0.0.2');
    else expect(parse).toThrow(expect.objectContaining({ rule }));
  });

  it.each<[DestinationOptions, string]>([
    [{ allowedHosts: ['http://api.example'] }, 'allowedHosts'],
    [{ allowedHosts: ['api.example:80'] }, 'allowedHosts'],
    [{ allowedHosts: ['api.example/x'] }, 'allowedHosts'],
    [{ allowedHosts: ['user@api.example'] }, 'allowedHosts'],
    [{ allowedHosts: [''] }, 'allowedHosts'],
    [{ allowedHosts: ['*.'] }, 'allowedHosts'],
    [{ allowedPorts: [0] }, 'allowedPorts'],
    [{ allowedPorts: [70_000] }, 'allowedPorts'],
    [{ allowedAddresses: ['localhost'] }, 'allowedAddresses'],
    [{ allowedAddresses: ['10.0.0.0/33'] }, 'allowedAddresses'],
    [{ allowedAddresses: ['10.0.0.0/'] }, 'allowedAddresses'],
    [{ allowedAddresses: ['10.0.0.0/8/8'] }, 'allowedAddresses'],
    [{ allowedAddresses: ['10.0.0.0/x'] }, 'allowedAddresses'],
  ])('does not take %j', (options, argument) => {
    expect(() => new ConnectionPool(options)).toThrow(expect.objectContaining({ code: 'INVALID_ARGUMENT', argument }));
  });

  it.each([
    ['10.1.0.0/16', '10.1.2.3', true],
    ['10.1.0.0/16', '10.2.2.3', false],
    ['fd00::/8', 'fd00::7', true],
    ['fd00::/8', 'fe80::7', false],
    ['10.1.2.3', '10.1.2.3', true],
    ['10.1.2.3', '10.1.2.4', false],
  ])('exempts with %s the address %s: %s', (exempt, address, isAllowed) => {
    const host = address.includes(':') ? `[${address}]` : address;
    const parse = (): URL => parseOutboundUrl(`http://${host}/`, { publicOnly: true, allowedAddresses: [exempt] });
    if (isAllowed) expect(parse().hostname).toBe(host);
    else expect(parse).toThrow(ForbiddenAddressError);
  });
});

describe('parseOutboundUrl', () => {
  it.each([
    ['https://example.org/hook?a=1', 'https://example.org/hook?a=1'],
    ['HTTP://EXAMPLE.org:80', 'http://example.org/'],
    [' https://8.8.8.8/ ', 'https://8.8.8.8/'],
  ])('reads %j', (text, href) => {
    expect(parseOutboundUrl(text).href).toBe(href);
  });

  it.each([
    ['', 'syntax'],
    ['example.org', 'syntax'],
    ['//example.org', 'syntax'],
    ['http://', 'syntax'],
    ['http://[::1', 'syntax'],
    ['http://a b/', 'syntax'],
    ['http://256.0.0.1/', 'syntax'],
    ['javascript:alert(1)', 'scheme'],
    ['file:///etc/passwd', 'scheme'],
    ['gopher://example.org/', 'scheme'],
    ['ws://example.org/', 'scheme'],
    ['https://me:hunter2@example.org/', 'credentials'],
    ['https://hunter2@example.org/', 'credentials'],
    ['https://example.org@127.0.0.1/hunter2', 'address'],
    ['https://localhost/', 'address'],
    ['https://10.0.0.1/?key=hunter2', 'address'],
    ['https://0x7f.1/', 'address'],
    ['https://[::1]/', 'address'],
  ])('refuses %j by its %s, and repeats no secret', (text, rule) => {
    const parse = (): URL => parseOutboundUrl(text);
    expect(parse).toThrow(expect.objectContaining({ name: 'ForbiddenAddressError', rule }));
    expect(parse).toThrow(expect.objectContaining({ message: expect.not.stringContaining('hunter2') }));
  });
});

import { once } from 'node:events';
import { createServer, type RequestListener, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { gzipSync } from 'node:zlib';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { ArgumentError, FailedError, RejectedError, TimeoutError, UpstreamError } from '../errors/index.ts';
import { VirtualClock } from '../testing/index.ts';
import {
  ConnectionPool,
  ForbiddenAddressError,
  type RobotsAccess,
  RobotsDisallowedError,
  RobotsPolicy,
  type RobotsPolicyOptions,
} from './index.ts';

const dayMs = 86_400_000;
const rules = 'User-agent: *\nCrawl-delay: 1\nDisallow: /private\nSitemap: https://a.example/s.xml\n';

async function listen(answer: RequestListener): Promise<{ server: Server; origin: string }> {
  const server = createServer(answer);
  await once(server.listen(0, '127.0.0.1'), 'listening');
  return { server, origin: `http://127.0.0.1:${(server.address() as AddressInfo).port}` };
}

describe('RobotsPolicy', () => {
  let site: { server: Server; origin: string };
  let elsewhere: { server: Server; origin: string };
  let pool: ConnectionPool;
  let clock: VirtualClock;
  let seen: string[];
  let answer: RequestListener;

  const text =
    (body: string, status = 200): RequestListener =>
    (_request, response) =>
      response.writeHead(status, { 'content-type': 'text/plain' }).end(body);
  const policyOf = (options: Partial<RobotsPolicyOptions> = {}): RobotsPolicy =>
    new RobotsPolicy({ pool, clock, ...options });
  const at = (path: string): string => site.origin + path;

  beforeEach(async () => {
    seen = [];
    answer = text(rules);
    site = await listen((request, response) => {
      seen.push(`${request.method} ${request.url} ${request.headers['user-agent']}`);
      answer(request, response);
    });
    elsewhere = await listen((_request, response) => response.end('User-agent: *\nDisallow: /moved'));
    pool = new ConnectionPool();
    clock = new VirtualClock();
  });

  afterEach(async () => {
    await pool.close();
    for (const { server } of [site, elsewhere]) {
      server.closeAllConnections();
      if (server.listening) await once(server.close(), 'close');
    }
  });

  it('says what the site says, and as whom it asks', async () => {
    const policy = policyOf({ userAgent: 'plinth/1.0 (+https://example.org)' });
    expect(await policy.check(at('/private/1'))).toEqual({
      allowed: false,
      rule: 'Disallow: /private',
      crawlDelayMs: 1_000,
      sitemaps: ['https://a.example/s.xml'],
      source: 'rules',
      ageMs: 0,
    });
    expect(await policy.check(new URL(at('/public')))).toMatchObject({ allowed: true, crawlDelayMs: 1_000 });
    expect(seen).toEqual(['GET /robots.txt plinth/1.0 (+https://example.org)']);
  });

  it('refuses what is not allowed, and gives what is', async () => {
    const policy = policyOf();
    expect(await policy.require(at('/public'))).toMatchObject({ allowed: true });
    const error = await policy.require(at('/private?token=secret')).catch((caught: unknown) => caught);
    expect(error).toBeInstanceOf(RobotsDisallowedError);
    expect(error).toBeInstanceOf(RejectedError);
    expect(error).not.toBeInstanceOf(FailedError);
    expect(error).toMatchObject({
      message: `Cannot fetch ${site.origin}/private: ${site.origin}/robots.txt says "Disallow: /private"`,
      reason: 'forbidden',
      retryable: false,
      origin: site.origin,
      rule: 'Disallow: /private',
    });
  });

  it.each([400, 401, 403, 404, 410, 418, 451])('takes %i for a permission', async status => {
    answer = text('User-agent: *\nDisallow: /', status);
    expect(await policyOf().check(at('/private'))).toEqual({ allowed: true, sitemaps: [], source: 'none', ageMs: 0 });
  });

  it.each([429, 500, 501, 502, 503, 504, 599])('takes %i for a refusal of everything but the file', async status => {
    answer = text(rules, status);
    const policy = policyOf();
    const access = await policy.check(at('/public'));
    expect(access).toMatchObject({ allowed: false, source: 'unreachable', failure: { status } });
    expect(access.failure).toBeInstanceOf(UpstreamError);
    expect((await policy.check(at('/robots.txt'))).allowed).toBe(true);
    await expect(policy.require(at('/public'))).rejects.toMatchObject({
      message: `Cannot fetch ${at('/public')}: ${at('/robots.txt')} cannot be read, so nothing is allowed`,
      cause: access.failure,
    });
  });

  it('takes a refused connection and one that breaks for a refusal of everything', async () => {
    answer = (_request, response) => {
      response.writeHead(200, { 'content-length': '100' }).write('User-agent: *');
      setImmediate(() => response.destroy());
    };
    expect(await policyOf().check(at('/'))).toMatchObject({ allowed: false, source: 'unreachable' });
    site.server.closeAllConnections();
    await once(site.server.close(), 'close');
    expect(await policyOf().check(at('/'))).toMatchObject({ allowed: false, source: 'unreachable' });
  });

  it('allows /robots.txt whatever it says', async () => {
    answer = text('User-agent: *\nDisallow: /');
    expect((await policyOf().check(at('/robots.txt'))).allowed).toBe(true);
    expect((await policyOf().check(at('/robots.txt.bak'))).allowed).toBe(false);
  });

  it('asks once for all who ask at once, and once a day', async () => {
    const policy = policyOf();
    await Promise.all(Array.from({ length: 50 }, (_, index) => policy.check(at(`/${index}`))));
    await clock.advance(dayMs - 1);
    expect(await policy.check(at('/private'))).toMatchObject({ allowed: false, ageMs: dayMs - 1 });
    expect(seen).toHaveLength(1);
    answer = text('User-agent: *\nDisallow: /public');
    await clock.advance(1);
    expect(await policy.check(at('/private'))).toMatchObject({ allowed: true, ageMs: 0 });
    expect(seen).toHaveLength(2);
  });

  it('keeps to an older file while there is no answer, and no longer', async () => {
    const policy = policyOf();
    await policy.check(at('/'));
    answer = text('', 503);
    await clock.advance(40 * dayMs);
    expect(await policy.check(at('/private'))).toMatchObject({
      allowed: false,
      rule: 'Disallow: /private',
      source: 'rules',
      ageMs: 40 * dayMs,
      failure: { status: 503 },
    });
    expect((await policy.check(at('/public'))).allowed).toBe(true);
    expect(seen).toHaveLength(2);
    answer = text('', 404);
    await clock.advance(60_000);
    expect(await policy.check(at('/private'))).toMatchObject({ allowed: true, source: 'none' });
  });

  it('forgets that there was no file when there is no answer', async () => {
    answer = text('', 404);
    const policy = policyOf();
    await policy.check(at('/'));
    answer = text('', 500);
    await clock.advance(dayMs);
    expect(await policy.check(at('/'))).toMatchObject({ allowed: false, source: 'unreachable' });
  });

  it('takes 30 days without an answer for a permission, until there is one', async () => {
    answer = text('', 500);
    const policy = policyOf();
    const later = async (days: number): Promise<RobotsAccess> => {
      await clock.advance(days * dayMs);
      return policy.check(at('/private'));
    };
    expect(await later(0)).toMatchObject({ allowed: false });
    expect(await later(29.9)).toMatchObject({ allowed: false });
    expect(await later(0.1)).toMatchObject({ allowed: true, source: 'unreachable' });
    answer = text(rules);
    expect(await later(1)).toMatchObject({ allowed: false, source: 'rules' });
  });

  it('does not ask an unreachable site again within a minute', async () => {
    answer = text('', 500);
    const policy = policyOf();
    await policy.check(at('/'));
    await clock.advance(59_999);
    expect(await policy.check(at('/'))).toMatchObject({ ageMs: 59_999 });
    expect(seen).toHaveLength(1);
    await clock.advance(1);
    await policy.check(at('/'));
    expect(seen).toHaveLength(2);
  });

  describe('redirected', () => {
    const chain =
      (length: number, end: string): RequestListener =>
      (request, response) => {
        const hop = Number(/\d+$/.exec(request.url ?? '')?.[0] ?? 0);
        if (hop === length && end === '') response.end(rules);
        else response.writeHead(302, { location: hop === length ? end : `/hop/${hop + 1}` }).end();
      };

    it('follows five in a row', async () => {
      answer = chain(5, '');
      expect(await policyOf().check(at('/private'))).toMatchObject({ allowed: false, source: 'rules' });
      expect(seen).toHaveLength(6);
    });

    it('takes six in a row, and a circle, for no file', async () => {
      answer = chain(6, '');
      expect(await policyOf().check(at('/private'))).toMatchObject({ allowed: true, source: 'none' });
      expect(seen).toHaveLength(6);
      answer = (_request, response) => response.writeHead(301, { location: '/robots.txt' }).end();
      expect(await policyOf().check(at('/private'))).toMatchObject({ allowed: true, source: 'none' });
    });

    it('uses the file of another site for the one that was asked', async () => {
      answer = chain(2, `${elsewhere.origin}/robots.txt`);
      const policy = policyOf();
      expect(await policy.check(at('/moved'))).toMatchObject({ allowed: false, rule: 'Disallow: /moved' });
      expect(await policy.check(at('/private'))).toMatchObject({ allowed: true });
    });

    it('is not led to where the pool must not go', async () => {
      const port = Number(new URL(site.origin).port);
      await using narrow = new ConnectionPool({ allowedPorts: [port] });
      answer = chain(0, `${elsewhere.origin}/robots.txt`);
      const access = await policyOf({ pool: narrow }).check(at('/'));
      expect(access).toMatchObject({ allowed: false, source: 'unreachable' });
      expect(access.failure?.cause).toBeInstanceOf(ForbiddenAddressError);
    });
  });

  it('refuses an origin that the pool must not ask, and remembers nothing of it', async () => {
    await using narrow = new ConnectionPool({ publicOnly: true });
    await expect(policyOf({ pool: narrow }).check(at('/'))).rejects.toBeInstanceOf(ForbiddenAddressError);
    const closed = new ConnectionPool();
    await closed.close();
    await expect(policyOf({ pool: closed }).check(at('/'))).rejects.toMatchObject({ reason: 'closed' });
    expect(seen).toEqual([]);
  });

  it('reads 500 KiB of 10 MB, up to the end of a line', async () => {
    const filler = `${'#'.repeat(99)}\n`;
    let sentBytes = 0;
    // The limit falls into "/private", of which "/p" would have been read.
    const head = `User-agent: *\nDisallow: /early\n${filler.repeat(5_119)}`;
    const padding = `${'#'.repeat(512_000 - head.length - '\nDisallow: /p'.length)}`;
    const body = `${head}${padding}\nDisallow: /private\n${filler.repeat(95_000)}`;
    answer = (_request, response) => {
      response.on('close', () => {
        sentBytes = response.socket?.bytesWritten ?? sentBytes;
      });
      response.end(body);
    };
    const policy = policyOf();
    expect(await policy.check(at('/early'))).toMatchObject({ allowed: false });
    expect(await policy.check(at('/public'))).toMatchObject({ allowed: true });
    expect(await policy.check(at('/private'))).toMatchObject({ allowed: true });
    expect(sentBytes).toBeLessThan(body.length);
  });

  it('reads a compressed file, one with a mark before it, and a page of HTML', async () => {
    answer = (_request, response) => response.writeHead(200, { 'content-encoding': 'gzip' }).end(gzipSync(rules));
    expect((await policyOf().check(at('/private'))).allowed).toBe(false);
    answer = text(`\ufeff${rules.replaceAll('\n', '\r\n')}`);
    expect((await policyOf().check(at('/private'))).allowed).toBe(false);
    answer = text('<!doctype html><title>Home</title><p>Welcome');
    expect(await policyOf().check(at('/private'))).toMatchObject({ allowed: true, source: 'rules' });
    answer = text('');
    expect(await policyOf().check(at('/private'))).toMatchObject({ allowed: true, source: 'rules' });
    answer = (_request, response) => response.writeHead(200, { 'content-encoding': 'zstd' }).end('?');
    expect(await policyOf().check(at('/private'))).toMatchObject({ allowed: false, source: 'unreachable' });
  });

  it.each(['headers', 'body'])('does not wait for %s longer than it may', async part => {
    const asked = new Promise<void>(resolve => {
      answer = (_request, response) => {
        if (part === 'body') response.write('User-agent: *\nAllow: /\n');
        resolve();
      };
    });
    const checking = policyOf({ timeoutMs: 5_000 }).check(at('/'));
    await asked;
    await clock.advance(5_000);
    const access = await checking;
    expect(access).toMatchObject({ allowed: false, source: 'unreachable' });
    expect(access.failure).toBeInstanceOf(TimeoutError);
    expect(clock.pendingTimers).toBe(0);
  });

  it('stops asking when everybody who wanted to know has left, and asks anew for the next', async () => {
    const controller = new AbortController();
    const asked = new Promise<void>(resolve => {
      answer = () => resolve();
    });
    const policy = policyOf();
    const checking = policy.check(at('/'), { signal: controller.signal });
    await asked;
    controller.abort(new Error('Enough'));
    await expect(checking).rejects.toThrow('Enough');
    answer = text(rules);
    expect(await policy.check(at('/private'))).toMatchObject({ allowed: false, source: 'rules' });
  });

  it('remembers as many origins as it may, those that were asked about last', async () => {
    const policy = policyOf({ maxOrigins: 1 });
    await policy.check(at('/'));
    await policy.check(`${elsewhere.origin}/`);
    await policy.check(at('/'));
    expect(seen).toHaveLength(2);
  });

  it.each([
    [{ userAgent: '1bot' }, 'userAgent'],
    [{ ttlMs: dayMs + 1 }, 'ttlMs'],
    [{ maxBytes: 511_999 }, 'maxBytes'],
    [{ maxOrigins: 0 }, 'maxOrigins'],
    [{ timeoutMs: 0 }, 'timeoutMs'],
  ])('refuses the options %j', (options, argument) => {
    expect(() => policyOf(options)).toThrow(expect.objectContaining({ argument }));
  });

  it.each(['/path', 'ftp://example.org/', 'example.org'])('refuses the address %j', async address => {
    await expect(policyOf().check(address)).rejects.toBeInstanceOf(ArgumentError);
  });
});

import { spawn } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { NetworkError, TimeoutError, UpstreamError } from 'plinth/errors';
import { Secret } from 'plinth/kernel';
import { standardGuard } from 'plinth/pipeline';
import { type ObjectInfo, StorageError } from 'plinth/storage';
import type { S3StorageStrategy } from 'plinth/storage/s3';
import { storageStrategyContract } from 'plinth/testing';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { startLosingProxy } from '../servers/losing-proxy.ts';
import { type S3Server, startS3 } from '../servers/s3.ts';
import { chunksOf, failureOf, isMissing, partBytes, strategyOf, textOf } from './s3-strategies.ts';

describe.skipIf(isMissing).each([
  ['that knows conditional writes', true],
  ['that ignores conditions', false],
])('S3StorageStrategy keeps the promises of a strategy on a server %s', (_, conditions) => {
  let server: S3Server;
  let strategy: S3StorageStrategy;
  beforeAll(async () => {
    server = await startS3({ conditions });
    strategy = strategyOf(server, { prefix: 'contract' });
  });
  afterAll(() => server.dispose());

  it('finds out which one it is', async () => {
    expect(await strategy.supportsConditionalWrites()).toBe(conditions);
    expect(server.objects()).toEqual([]);
  });

  for (const { name, run } of storageStrategyContract) it(name, () => run({ strategy }), 30_000);

  it('has left nothing but the files and their contents', () => {
    const names = server.objects();
    const entries = names.filter(name => name.startsWith('contract/entries/'));
    expect(names.length).toBe(2 * entries.length);
    expect(server.uploads()).toEqual([]);
  });
});

describe.skipIf(isMissing)('S3StorageStrategy on a server that fails', { timeout: 60_000 }, () => {
  let server: S3Server;
  let strategy: S3StorageStrategy;
  beforeAll(async () => {
    server = await startS3();
    strategy = strategyOf(server);
  });
  afterEach(async () => {
    for (const key of (await strategy.list({ limit: 1_000 })).keys) await strategy.delete(key);
    await strategy.abortStaleUploads(0);
    expect([...server.objects(), ...server.uploads()]).toEqual([]);
  });
  afterAll(async () => {
    await strategy.close();
    await server.dispose();
  });

  it('says which bucket is missing', async () => {
    await using stranger = strategyOf(server, { bucket: 'no-such-bucket' });
    const failure = await failureOf(stranger.put('a.txt', chunksOf('a'), { finish: () => '' }));
    expect(failure).toBeInstanceOf(StorageError);
    expect(failure).toMatchObject({
      message: expect.stringContaining('the bucket "no-such-bucket" does not exist'),
      retryable: false,
      details: { s3_code: 'NoSuchBucket', status: 404 },
    });
    expect(await failureOf(stranger.open('a.txt'))).toMatchObject({ details: { s3_code: 'NoSuchBucket' } });
  });

  it.each([
    ['an unknown id', 'NOBODY', 'S3RVER', 'InvalidAccessKeyId'],
    ['a wrong secret', 'S3RVER', 'sesame-open', 'SignatureDoesNotMatch'],
  ])('says that credentials with %s are refused, without showing them', async (_, accessKeyId, secret, code) => {
    const credentials = { accessKeyId, secretAccessKey: new Secret(secret) };
    await using stranger = strategyOf(server, { credentials });
    const failure = await failureOf(stranger.put('a.txt', chunksOf('a'), { finish: () => '' }));
    expect(failure).toMatchObject({
      message: expect.stringContaining('does not accept the credentials'),
      retryable: false,
      details: { s3_code: code },
      cause: expect.any(UpstreamError),
    });
    expect(JSON.stringify(failure) + String((failure as Error).stack)).not.toContain(
      secret === 'S3RVER' ? 'NOBODY' : secret,
    );
  });

  it('leaves nothing when the caller leaves in the middle of a part', async () => {
    const leaving = new AbortController();
    const reason = new RangeError('Left');
    async function* content(): AsyncGenerator<Uint8Array> {
      for (let part = 0; part < 5; part += 1) yield Buffer.alloc(partBytes, part);
      expect(server.uploads()).toHaveLength(1);
      leaving.abort(reason);
      yield Buffer.alloc(partBytes);
    }
    expect(await failureOf(strategy.put('a.bin', content(), { finish: () => '', signal: leaving.signal }))).toBe(
      reason,
    );
    expect([...server.objects(), ...server.uploads()]).toEqual([]);
  });

  it('keeps what was there when the server dies in the middle of an upload, and sweeps the rest', async () => {
    await strategy.put('a.bin', chunksOf('before'), { finish: () => 'before' });
    async function* content(): AsyncGenerator<Uint8Array> {
      for (let part = 0; part < 8; part += 1) {
        if (part === 4) await server.kill();
        yield Buffer.alloc(partBytes, part);
      }
    }
    const failure = await failureOf(strategy.put('a.bin', content(), { finish: () => 'after' }));
    expect(failure).toBeInstanceOf(StorageError);
    expect(failure).toMatchObject({ retryable: true, cause: expect.any(NetworkError) });
    await server.start();
    expect(await textOf(strategy, 'a.bin')).toBe('before');
    expect(server.uploads()).toHaveLength(1);
    expect(await strategy.abortStaleUploads(3_600_000)).toEqual({ uploads: 0, contents: 0 });
    expect(await strategy.abortStaleUploads(0)).toEqual({ uploads: 1, contents: 0 });
    expect(await textOf(strategy, 'a.bin')).toBe('before');
  });

  it('sweeps what killed processes have left, and nothing that is in use', async () => {
    await strategy.put('kept.bin', chunksOf('kept'), { finish: () => '' });
    for (let round = 0; round < 3; round += 1) await killWriter(server, `killed/${round}.bin`);
    expect(server.uploads()).toHaveLength(3);
    expect((await strategy.list({ limit: 10 })).keys).toEqual(['kept.bin']);
    async function* content(): AsyncGenerator<Uint8Array> {
      for (let part = 0; part < 4; part += 1) yield Buffer.alloc(partBytes, part);
      expect(await strategy.abortStaleUploads(0)).toEqual({ uploads: 3, contents: 0 });
      yield Buffer.from('end');
    }
    const { bytes } = await strategy.put('mine.bin', content(), { finish: () => '' });
    expect(bytes).toBe(4 * partBytes + 3);
    expect(await textOf(strategy, 'kept.bin')).toBe('kept');
  });

  it('gives up on a server that does not answer', async () => {
    await using hasty = strategyOf(server, { requestTimeoutMs: 300 });
    await hasty.put('a.txt', chunksOf('a'), { finish: () => '' });
    server.hang();
    const failure = await failureOf(hasty.open('a.txt')).finally(() => server.resume());
    expect(failure).toMatchObject({
      message: 'Cannot open "a.txt": the S3 server did not answer within 300 ms',
      retryable: true,
      cause: expect.any(TimeoutError),
    });
  });

  it('knows its own write again when the answer to it is lost', async () => {
    await using proxy = await startLosingProxy(server.port);
    await using shaken = strategyOf(server, { endpoint: proxy.endpoint });
    await shaken.put('a.txt', chunksOf('old'), { finish: () => 'old' });
    proxy.loses((method, path) => method === 'PUT' && path.includes('/entries/'));
    const written = await shaken.put('a.txt', chunksOf('new'), { finish: () => 'new' });
    expect(written.metadata).toBe('new');
    expect(await textOf(strategy, 'a.txt')).toBe('new');
    await shaken.close();
    expect(server.objects()).toHaveLength(2);
  });

  it('knows it under a guard that asks twice, too', async () => {
    await using proxy = await startLosingProxy(server.port);
    const guard = standardGuard('s3', { maxAttempts: 3 });
    await using shaken = strategyOf(server, { endpoint: proxy.endpoint, guard });
    let lost = 0;
    proxy.loses((method, path) => {
      const isLost = method === 'PUT' && path.includes('/entries/') && lost === 0;
      if (isLost) lost += 1;
      return isLost;
    });
    const asked: (ObjectInfo | undefined)[] = [];
    const finish = (current: ObjectInfo | undefined): string => {
      asked.push(current);
      return 'once';
    };
    await shaken.put('a.txt', chunksOf('new'), { finish });
    expect({ lost, asked }).toEqual({ lost: 1, asked: [undefined] });
    expect(await textOf(strategy, 'a.txt')).toBe('new');
  });

  it('deletes no content that an entry may name, when nobody can say whether it does', async () => {
    await using proxy = await startLosingProxy(server.port);
    await using shaken = strategyOf(server, { endpoint: proxy.endpoint });
    let hasWritten = false;
    proxy.loses((method, path) => {
      hasWritten ||= method === 'PUT' && path.includes('/entries/');
      return hasWritten;
    });
    const failure = await failureOf(shaken.put('a.txt', chunksOf('new'), { finish: () => 'new' }));
    expect(failure).toMatchObject({ retryable: true, cause: expect.any(NetworkError) });
    expect(await strategy.abortStaleUploads(0)).toEqual({ uploads: 0, contents: 0 });
    expect(await textOf(strategy, 'a.txt')).toBe('new');
  });
});

/** Has a process of its own upload, and kills it in the middle. */
async function killWriter({ endpoint, bucket }: S3Server, key: string): Promise<void> {
  const program = fileURLToPath(new URL('./s3-writer.fixture.ts', import.meta.url));
  const words = ['--conditions=plinth-source', '--import', 'tsx', program, endpoint, bucket, key];
  const writer = spawn(process.execPath, words, { stdio: ['ignore', 'pipe', 'inherit'] });
  const exited = new Promise(resolve => writer.once('exit', resolve));
  await new Promise(resolve => writer.stdout.once('data', resolve));
  writer.kill('SIGKILL');
  await exited;
}

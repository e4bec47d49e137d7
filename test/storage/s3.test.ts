import { spawn } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { NetworkError, TimeoutError, UpstreamError } from 'plinth/errors';
import { Secret } from 'plinth/kernel';
import { standardGuard } from 'plinth/pipeline';
import { FileStorageManager, KeyRing, type ObjectInfo, StorageError } from 'plinth/storage';
import { S3StorageStrategy, type S3StorageStrategyOptions } from 'plinth/storage/s3';
import { storageStrategyContract, VirtualClock } from 'plinth/testing';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { startLosingProxy } from '../servers/losing-proxy.ts';
import { serverOrSkip } from '../servers/require.ts';
import { findS3rver, type S3Server, startS3 } from '../servers/s3.ts';

// The SDK says on every Node 20 that it will need a newer one from January 2027 on: here it need not.
process.env['AWS_SDK_JS_NODE_VERSION_SUPPORT_WARNING_DISABLED'] = 'true';

const isMissing = serverOrSkip('s3rver', findS3rver()) === undefined;
const partBytes = 5_242_880;

function strategyOf(server: S3Server, options: Partial<S3StorageStrategyOptions> = {}): S3StorageStrategy {
  const { endpoint, bucket, accessKeyId } = server;
  const credentials = { accessKeyId, secretAccessKey: new Secret(accessKeyId) };
  return new S3StorageStrategy({ endpoint, bucket, credentials, partBytes, ...options });
}

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

describe.skipIf(isMissing)('S3StorageStrategy beside others', { timeout: 60_000 }, () => {
  let server: S3Server;
  beforeAll(async () => {
    server = await startS3();
  });
  afterAll(() => server.dispose());

  it('loses no answer of several that write the same key at once', async () => {
    const writers = Array.from({ length: 3 }, () => strategyOf(server, { prefix: 'several' }));
    const count = (current: ObjectInfo | undefined): string => String(Number(current?.metadata ?? 0) + 1);
    await writers[0]?.put('count.txt', chunksOf('0'), { finish: count });
    const work = writers.flatMap(writer =>
      Array.from({ length: 6 }, async (_, index) => {
        if (index % 2 === 0) await writer.put('count.txt', chunksOf(`${index}`), { finish: count });
        else await writer.updateMetadata('count.txt', count);
      }),
    );
    await Promise.all(work);
    await using found = await writers[0]?.open('count.txt');
    expect(found?.info.metadata).toBe('19');
    expect(await bytesOf(found?.read() ?? [])).toHaveLength(1);
    // Every content that was replaced is gone: one entry and one content are left.
    expect(server.objects().filter(name => name.startsWith('several/'))).toHaveLength(2);
  });

  it('copies through itself what the server must not copy', async () => {
    await using strategy = strategyOf(server, { prefix: 'large', maxServerCopyBytes: 1_000 });
    const large = Buffer.alloc(2 * partBytes + 7, 'content');
    await strategy.put('a+b %.bin', chunksOf(large), { finish: () => 'source' });
    await strategy.copy('a+b %.bin', 'copy.bin', { finish: source => `copy of ${source.metadata}` });
    await using copied = await strategy.open('copy.bin');
    expect(copied?.info.metadata).toBe('copy of source');
    expect((await bytesOf(copied?.read() ?? [])).equals(large)).toBe(true);
  });

  it('serves a manager: encrypted, in parts, moved, rotated, listed and deleted', async () => {
    const [first, second] = [KeyRing.generateKey(), KeyRing.generateKey()];
    const strategy = strategyOf(server, { prefix: 'managed' });
    const before = new FileStorageManager({
      strategy,
      encryption: new KeyRing({ currentKeyId: '1', keys: { 1: first } }),
    });
    const text = 'All is well. '.repeat(600_000);
    await before.saveFile(text, 'notes/ä.txt', { owner: 'me', metadata: { tags: ['日本'] } });
    const part = await before.readBytes('notes/ä.txt', { owner: 'me', range: { start: 7_000_000, end: 7_000_040 } });
    expect(part.toString()).toBe(text.slice(7_000_000, 7_000_040));
    await using files = new FileStorageManager({
      strategy,
      encryption: new KeyRing({ currentKeyId: '2', keys: { 1: first, 2: second } }),
    });
    expect(await files.rotateKeys()).toMatchObject({ rewrapped: 1, failed: [] });
    await files.moveFile('notes/ä.txt', 'kept/b.txt', { owner: 'me' });
    expect((await files.readBytes('kept/b.txt', { owner: 'me' })).equals(Buffer.from(text))).toBe(true);
    const page = await files.listFiles({ limit: 10 });
    expect(page.files.map(({ key, metadata }) => ({ key, metadata }))).toEqual([
      { key: 'kept/b.txt', metadata: { tags: ['日本'] } },
    ]);
    await expect(files.saveFile('MZ\x90\0', 'evil.txt')).rejects.toThrow();
    expect(await files.deleteFile('kept/b.txt', { owner: 'me' })).toBe(true);
    expect(server.objects().filter(name => name.startsWith('managed/'))).toEqual([]);
  });

  it('signs URLs that read a file, until they expire', async () => {
    const clock = new VirtualClock({ now: Date.now() });
    await using strategy = strategyOf(server, { prefix: 'urls', clock });
    await strategy.put('a.pdf', chunksOf('%PDF'), { finish: () => '' });
    const options = { expiresInMs: 60_000, contentType: 'application/pdf', filename: 'Übersicht "1".pdf' };
    const url = await strategy.signUrl('a.pdf', options);
    const answer = await fetch(url);
    expect(await answer.text()).toBe('%PDF');
    expect(answer.headers.get('content-type')).toBe('application/pdf');
    expect(answer.headers.get('content-disposition')).toBe(
      `attachment; filename="_bersicht _1_.pdf"; filename*=UTF-8''%C3%9Cbersicht%20%221%22.pdf`,
    );
    expect((await fetch(url.replace('application%2Fpdf', 'text%2Fhtml'))).status).toBe(403);
    await using past = strategyOf(server, { prefix: 'urls', clock: new VirtualClock({ now: Date.now() - 120_000 }) });
    expect((await fetch(await past.signUrl('a.pdf', options))).status).toBe(403);
    for (const expiresInMs of [0, 999, 604_800_001]) {
      await expect(strategy.signUrl('a.pdf', { ...options, expiresInMs })).rejects.toThrow('expiresInMs');
    }
    await expect(strategy.signUrl('b.pdf', options)).rejects.toMatchObject({ code: 'NOT_FOUND', resourceId: 'b.pdf' });
  });

  it('takes what was uploaded to a signed URL, and only then', async () => {
    await using strategy = strategyOf(server, { prefix: 'inbox' });
    const { url, uploadId } = await strategy.signUploadUrl('scan.pdf', { expiresInMs: 60_000, bytes: 4 });
    const finish = (current: ObjectInfo | undefined, bytes: number): string => `${current?.metadata ?? 'new'} ${bytes}`;
    expect(await strategy.takeUpload('scan.pdf', uploadId, { finish })).toBeUndefined();
    expect((await fetch(url, { method: 'PUT', body: 'longer' })).status).toBe(403);
    expect((await fetch(url, { method: 'PUT', body: '%PDF' })).status).toBe(200);
    expect((await strategy.list({ limit: 10 })).keys).toEqual([]);
    expect(await strategy.takeUpload('scan.pdf', uploadId, { finish })).toMatchObject({ bytes: 4, metadata: 'new 4' });
    expect((await fetch(url, { method: 'PUT', body: 'EVIL' })).status).toBe(200);
    expect(await textOf(strategy, 'scan.pdf')).toBe('%PDF');
    expect(await strategy.abortStaleUploads(0)).toEqual({ uploads: 0, contents: 1 });
    expect(await strategy.takeUpload('scan.pdf', '../../entries/x', { finish })).toBeUndefined();
  });

  it('refuses an entry that cannot be read, and lets it be replaced', async () => {
    const { PutObjectCommand, S3Client } = await import('@aws-sdk/client-s3');
    const { endpoint, bucket, accessKeyId } = server;
    const credentials = { accessKeyId, secretAccessKey: accessKeyId };
    const client = new S3Client({ endpoint, credentials, region: 'us-east-1', forcePathStyle: true });
    await using strategy = strategyOf(server, { prefix: 'damaged', client });
    await client.send(new PutObjectCommand({ Bucket: bucket, Key: 'damaged/entries/a.txt', Body: '{"format":1' }));
    await expect(strategy.open('a.txt')).rejects.toMatchObject({ code: 'FILE_CORRUPT', key: 'a.txt' });
    const versions: (string | undefined)[] = [];
    const finish = (current: ObjectInfo | undefined): string => {
      versions.push(current?.version);
      return 'whole';
    };
    await strategy.put('a.txt', chunksOf('whole'), { finish });
    expect(versions).toEqual(['damaged']);
    await strategy.close();
    expect((await client.config.credentials()).accessKeyId).toBe(accessKeyId);
    await expect(strategy.open('a.txt')).rejects.toMatchObject({ code: 'CLOSED' });
    client.destroy();
  });
});

async function* chunksOf(content: string | Uint8Array): AsyncGenerator<Uint8Array> {
  yield Buffer.from(content);
}

async function bytesOf(content: AsyncIterable<Uint8Array> | Iterable<Uint8Array>): Promise<Buffer> {
  const parts: Uint8Array[] = [];
  for await (const part of content) parts.push(part);
  return Buffer.concat(parts);
}

async function textOf(strategy: S3StorageStrategy, key: string): Promise<string | undefined> {
  await using found = await strategy.open(key);
  return found === undefined ? undefined : (await bytesOf(found.read())).toString();
}

async function failureOf(work: Promise<unknown>): Promise<unknown> {
  return await work.then(
    () => undefined,
    (error: unknown) => error,
  );
}

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

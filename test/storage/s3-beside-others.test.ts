import { FileStorageManager, KeyRing, type ObjectInfo } from 'plinth/storage';
import { VirtualClock } from 'plinth/testing';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type S3Server, startS3 } from '../servers/s3.ts';
import { bytesOf, chunksOf, clientOf, failureOf, isMissing, partBytes, strategyOf, textOf } from './s3-strategies.ts';

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
    await Promise.all(writers.map(writer => writer.close()));
    // Every content that was replaced is gone: one entry and one content are left.
    expect(server.objects().filter(name => name.startsWith('several/'))).toHaveLength(2);
  });

  it('writes a file anew that another deletes while it replaces it or describes it', async () => {
    await using strategy = strategyOf(server, { prefix: 'deleted' });
    await using other = strategyOf(server, { prefix: 'deleted' });
    await strategy.put('a.txt', chunksOf('old'), { finish: () => 'old' });
    const seen: (string | undefined)[] = [];
    const finish = async (current: ObjectInfo | undefined): Promise<string> => {
      seen.push(current?.metadata);
      if (current !== undefined) await other.delete('a.txt');
      return 'new';
    };
    await strategy.put('a.txt', chunksOf('new'), { finish });
    expect(seen).toEqual(['old', undefined]);
    expect(await textOf(other, 'a.txt')).toBe('new');
    const describe = async (): Promise<string> => {
      await other.delete('a.txt');
      return 'described';
    };
    expect(await strategy.updateMetadata('a.txt', describe)).toBeUndefined();
    const client = await clientOf(server);
    const { PutObjectCommand } = await import('@aws-sdk/client-s3');
    const late = { Bucket: server.bucket, Key: 'deleted/none', Body: 'late', IfMatch: '"1"' };
    expect(await failureOf(client.send(new PutObjectCommand(late)))).toMatchObject({ name: 'NoSuchKey' });
    client.destroy();
  });

  it('keeps the file that several move to one name at once', async () => {
    const [one, other] = [0, 1].map(
      () => new FileStorageManager({ strategy: strategyOf(server, { prefix: 'movers' }) }),
    ) as [FileStorageManager, FileStorageManager];
    for (let round = 0; round < 5; round += 1) {
      await one.saveFile('job', 'a.txt');
      const movers = [one, other, one];
      const outcomes = await Promise.allSettled(movers.map(files => files.moveFile('a.txt', 'b.txt')));
      // In one process one alone succeeds. Who finds it gone after a try to delete it may have done so: it is told that it did.
      const done = outcomes.map(({ status }) => status === 'fulfilled');
      expect(done.some(Boolean) && !(done[0] && done[2])).toBe(true);
      expect((await one.listFiles()).files.map(({ key }) => key)).toEqual(['b.txt']);
      expect((await other.readBytes('b.txt')).toString()).toBe('job');
    }
    await Promise.all([one.close(), other.close()]);
  });

  it('leaves out what others have put among its entries', async () => {
    await using strategy = strategyOf(server, { prefix: 'foreign' });
    for (const key of ['b.txt', 'd.txt']) await strategy.put(key, chunksOf('x'), { finish: () => '' });
    const client = await clientOf(server);
    const { PutObjectCommand } = await import('@aws-sdk/client-s3');
    for (const name of ['a/', 'c/', 'c/.hidden', 'e/']) {
      await client.send(new PutObjectCommand({ Bucket: server.bucket, Key: `foreign/entries/${name}`, Body: 'x' }));
    }
    client.destroy();
    expect(await strategy.list({ limit: 1 })).toEqual({ keys: ['b.txt'], more: true });
    expect(await strategy.list({ limit: 1, after: 'b.txt' })).toEqual({ keys: ['d.txt'], more: true });
    expect(await strategy.list({ limit: 1, after: 'd.txt' })).toEqual({ keys: [], more: false });
    expect(await strategy.list({ limit: 10 })).toEqual({ keys: ['b.txt', 'd.txt'], more: false });
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

  it('reads what was opened although it is replaced meanwhile, and deletes it a while later', async () => {
    const clock = new VirtualClock({ now: Date.now() });
    await using strategy = strategyOf(server, { prefix: 'hot', clock });
    const contents = (): readonly string[] => server.objects().filter(name => name.startsWith('hot/contents/'));
    await strategy.put('a.txt', chunksOf('opened'), { finish: () => '' });
    await using found = await strategy.open('a.txt');
    for (const next of ['second', 'third']) await strategy.put('a.txt', chunksOf(next), { finish: () => '' });
    expect(contents()).toHaveLength(3);
    expect((await bytesOf(found?.read() ?? [])).toString()).toBe('opened');
    await clock.advance(10_000);
    await expect.poll(contents).toHaveLength(1);
    await strategy.put('a.txt', chunksOf('last'), { finish: () => '' });
    await strategy.close();
    expect(contents()).toHaveLength(1);
  });

  it('reads a file that is replaced all the time', async () => {
    await using strategy = strategyOf(server, { prefix: 'busy' });
    await strategy.put('a.txt', chunksOf('0'), { finish: () => '' });
    let isDone = false;
    const replacing = (async () => {
      for (let round = 1; !isDone; round += 1) await strategy.put('a.txt', chunksOf(`${round}`), { finish: () => '' });
    })();
    const reading = Array.from({ length: 4 }, async () => {
      for (let round = 0; round < 40; round += 1) expect(await textOf(strategy, 'a.txt')).toMatch(/^\d+$/);
    });
    const outcomes = await Promise.allSettled(reading);
    isDone = true;
    await replacing;
    expect(outcomes.map(({ status }) => status)).toEqual(['fulfilled', 'fulfilled', 'fulfilled', 'fulfilled']);
  });

  it('says that a file is damaged whose content is gone, and asks no longer', async () => {
    const { DeleteObjectCommand } = await import('@aws-sdk/client-s3');
    const client = await clientOf(server);
    await using strategy = strategyOf(server, { prefix: 'gone', client });
    await strategy.put('a.txt', chunksOf('content'), { finish: () => '' });
    const [content = ''] = server.objects().filter(name => name.startsWith('gone/contents/'));
    await client.send(new DeleteObjectCommand({ Bucket: server.bucket, Key: content }));
    let requests = 0;
    client.middlewareStack.add(
      next => async given => {
        requests += 1;
        return await next(given);
      },
      { step: 'build', name: 'count' },
    );
    const damage = { code: 'FILE_CORRUPT', key: 'a.txt', message: expect.stringContaining('its content is not in') };
    expect(await failureOf(textOf(strategy, 'a.txt'))).toMatchObject(damage);
    expect(await failureOf(strategy.copy('a.txt', 'b.txt', { finish: () => '' }))).toMatchObject(damage);
    expect(requests).toBeLessThan(10);
    expect(await strategy.delete('a.txt')).toBe(true);
    client.destroy();
  });

  it('copies files whose names the server reads in another way than we write them', async () => {
    await using strategy = strategyOf(server, { prefix: 'signs' });
    for (const key of ['a&b.txt', 'a+b=c.txt', "it's @1,2.txt"]) {
      await strategy.put(key, chunksOf(key), { finish: () => '' });
      await strategy.copy(key, 'copy.txt', { finish: () => '' });
      expect(await textOf(strategy, 'copy.txt')).toBe(key);
    }
  });

  it.each<[string, readonly string[], 'IfMatch' | 'IfNoneMatch']>([
    ['If-None-Match', ['PutObjectCommand'], 'IfNoneMatch'],
    ['If-Match when it writes', ['PutObjectCommand'], 'IfMatch'],
    ['If-Match when it deletes', ['DeleteObjectCommand'], 'IfMatch'],
  ])('finds out that a server does not know %s', async (_, commands, condition) => {
    const client = await clientOf(server);
    await using strategy = strategyOf(server, { prefix: 'weak', client });
    expect(await strategy.supportsConditionalWrites()).toBe(true);
    client.middlewareStack.add(
      (next, { commandName = '' }) =>
        async given => {
          const input = { ...(given.input as Record<string, unknown>) };
          if (commands.includes(commandName)) delete input[condition];
          return await next({ ...given, input });
        },
      { step: 'initialize', name: 'forget' },
    );
    expect(await strategy.supportsConditionalWrites()).toBe(false);
    expect(server.objects().filter(name => name.startsWith('weak/'))).toEqual([]);
    client.destroy();
  });

  it('sweeps by itself, at opening and from time to time, once for all who use the bucket', async () => {
    const { CreateMultipartUploadCommand, PutObjectCommand } = await import('@aws-sdk/client-s3');
    const client = await clientOf(server);
    const leave = async (key: string): Promise<void> => {
      const place = { Bucket: server.bucket, Key: `swept/contents/${key}/id` };
      await client.send(new CreateMultipartUploadCommand(place));
      await client.send(new PutObjectCommand({ ...place, Body: 'left' }));
    };
    const left = (): readonly string[] =>
      [...server.uploads(), ...server.objects()].filter(name => name.startsWith('swept/contents/'));
    const clock = new VirtualClock({ now: Date.now() + 3_600_000 });
    const options = { prefix: 'swept', clock, sweepIntervalMs: 86_400_000, staleAfterMs: 60_000 };
    await leave('one.txt');
    await using first = strategyOf(server, options);
    await first.list({ limit: 1 });
    await expect.poll(left).toEqual([]);
    await leave('two.txt');
    await using second = strategyOf(server, options);
    await second.list({ limit: 1 });
    await second.put('kept.txt', chunksOf('kept'), { finish: () => '' });
    expect(left()).toHaveLength(3);
    await clock.advance(86_400_000);
    await expect.poll(left).toHaveLength(1);
    expect(await textOf(first, 'kept.txt')).toBe('kept');
    client.destroy();
  });

  it('refuses an entry that cannot be read, and lets it be replaced', async () => {
    const { PutObjectCommand } = await import('@aws-sdk/client-s3');
    const { bucket, accessKeyId } = server;
    const client = await clientOf(server);
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

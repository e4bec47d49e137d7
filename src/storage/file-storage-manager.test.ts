import { randomBytes } from 'node:crypto';
import { mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { afterAll, describe, expect, it } from 'vitest';
import { Secret } from '../kernel/index.ts';
import { VirtualClock } from '../testing/index.ts';
import { FileStorageManager, type FileStorageManagerOptions, LocalStorageStrategy } from './index.ts';

const root = mkdtempSync(join(tmpdir(), 'plinth-files-'));
afterAll(() => rmSync(root, { recursive: true, force: true }));
let folders = 0;

function manager(options: Partial<FileStorageManagerOptions> = {}): FileStorageManager {
  const directory = join(root, String(folders++));
  return new FileStorageManager({ strategy: new LocalStorageStrategy({ directory, sync: false }), ...options });
}

const png = Buffer.concat([Buffer.from('89504e470d0a1a0a', 'hex'), randomBytes(3_000)]);

async function* endless(chunk: Buffer, seen: { chunks: number; closed: boolean }): AsyncGenerator<Buffer> {
  try {
    for (;;) {
      seen.chunks += 1;
      yield chunk;
    }
  } finally {
    seen.closed = true;
  }
}

function filesBelow(folder: string): readonly string[] {
  return readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter(entry => entry.isFile())
    .map(entry => entry.name);
}

describe('saving and reading', () => {
  it('gives back what was saved, with everything that is known of it', async () => {
    const clock = new VirtualClock();
    await using files = manager({ clock });
    const saved = await files.saveFile(png, 'pictures/Été 1.png', {
      owner: 'user-1',
      metadata: { title: 'Summer ☀', tags: ['a', 'b'], size: 3 },
      contentType: 'image/png; charset=binary',
    });
    expect(saved).toMatchObject({
      key: 'pictures/Été 1.png',
      filename: 'Été 1.png',
      extension: '.png',
      contentType: 'image/png',
      bytes: png.length,
      checksum: undefined,
      owner: 'user-1',
      metadata: { title: 'Summer ☀', tags: ['a', 'b'], size: 3 },
      isCompressed: false,
      encryptionKeyId: undefined,
    });
    expect(saved.createdAt.getTime()).toBe(Math.floor(clock.now()));
    expect(await files.getFileInfo(saved.key)).toEqual(saved);
    expect(await files.readBytes(saved.key)).toEqual(png);
    const { file, range, stream } = await files.readFile(saved.key, { range: { start: 10, end: 20 } });
    expect([file, range]).toEqual([saved, { start: 10, end: 20 }]);
    expect(Buffer.concat(await stream.toArray())).toEqual(png.subarray(10, 20));
  });

  it.each([
    ['text', 'héllo'],
    ['bytes', Buffer.from('héllo')],
    ['a stream', Readable.from([Buffer.from('hé'), Buffer.from('llo')])],
    ['a web stream', new Blob(['héllo']).stream()],
    ['text in tiny parts', Readable.from([...'héllo'])],
  ])('takes %s', async (_, content) => {
    await using files = manager();
    await files.saveFile(content, 'a.txt');
    expect((await files.readBytes('a.txt')).toString()).toBe('héllo');
  });

  it('keeps text compressed where that pays, and reads any part of it', async () => {
    await using files = manager();
    const text = 'The same line again and again\n'.repeat(20_000);
    const saved = await files.saveFile(text, 'long.txt');
    expect(saved.isCompressed).toBe(true);
    expect(saved.storedBytes).toBeLessThan(text.length / 10);
    expect((await files.readBytes('long.txt')).toString()).toBe(text);
    const part = await files.readBytes('long.txt', { range: { start: 300_005, end: 300_100 } });
    expect(part.toString()).toBe(text.slice(300_005, 300_100));
    const noise = await files.saveFile(randomBytes(300_000).toString('base64'), 'noise.md');
    expect(noise.bytes).toBeGreaterThan(noise.storedBytes);
    expect((await files.saveFile('short', 'short.txt')).isCompressed).toBe(false);
  });

  it('says what is not there, and takes nothing of another owner for there', async () => {
    await using files = manager();
    await files.saveFile('mine', 'a.txt', { owner: 'one' });
    await expect(files.readFile('b.txt')).rejects.toMatchObject({ code: 'NOT_FOUND' });
    await expect(files.readFile('a.txt', { owner: 'two' })).rejects.toMatchObject({ code: 'NOT_FOUND' });
    expect(await files.getFileInfo('a.txt', { owner: 'two' })).toBeUndefined();
    expect(await files.deleteFile('a.txt', { owner: 'two' })).toBe(false);
    await expect(files.copyFile('a.txt', 'c.txt', { owner: 'two' })).rejects.toMatchObject({ code: 'NOT_FOUND' });
    await expect(files.saveFile('yours', 'a.txt', { owner: 'two' })).rejects.toMatchObject({ code: 'DUPLICATE' });
    await expect(files.saveFile('nobody', 'a.txt')).rejects.toMatchObject({ code: 'DUPLICATE' });
    expect((await files.readBytes('a.txt', { owner: 'one' })).toString()).toBe('mine');
    expect(await files.deleteFile('a.txt', { owner: 'one' })).toBe(true);
    expect(await files.deleteFile('a.txt')).toBe(false);
  });

  it.each([{ start: -1 }, { start: 5 }, { start: 3, end: 2 }, { start: 0.5 }, { end: Number.NaN }])(
    'refuses the range %j of four bytes',
    async range => {
      await using files = manager();
      await files.saveFile('1234', 'a.txt');
      await expect(files.readFile('a.txt', { range })).rejects.toMatchObject({ code: 'VALIDATION_ERROR' });
    },
  );

  it('gives nothing to who has left while the file was opened', async () => {
    await using files = manager({ compression: false });
    await files.saveFile(Buffer.alloc(300_000, 'a'), 'a.txt');
    const reading = [
      (signal: AbortSignal) => files.readFile('a.txt', { signal }),
      (signal: AbortSignal) => files.readBytes('a.txt', { signal }),
      (signal: AbortSignal) => files.readBlocks('a.txt', () => undefined, { signal }),
    ];
    for (const read of reading) {
      const leaving = new AbortController();
      const call = read(leaving.signal);
      leaving.abort(new RangeError('Left'));
      await expect(call).rejects.toThrow('Left');
    }
  });
});

describe('limits', () => {
  it('stops an upload within one chunk of the limit, and leaves nothing', async () => {
    const directory = join(root, 'limit');
    await using files = manager({ strategy: new LocalStorageStrategy({ directory }), maxFileBytes: 1_000_000 });
    const seen = { chunks: 0, closed: false };
    await expect(files.saveFile(endless(Buffer.alloc(100_000, 'a'), seen), 'a.txt')).rejects.toMatchObject({
      name: 'FileTooLargeError',
      code: 'VALIDATION_ERROR',
      maxFileBytes: 1_000_000,
    });
    expect(seen).toEqual({ chunks: 11, closed: true });
    expect(filesBelow(directory)).toEqual([]);
  });

  it('leaves a source that hangs when the signal aborts', async () => {
    const directory = join(root, 'hang');
    await using files = manager({ strategy: new LocalStorageStrategy({ directory }) });
    const leaving = new AbortController();
    const reason = new RangeError('Left');
    async function* hanging(): AsyncGenerator<Buffer> {
      yield Buffer.alloc(2_000_000, 'a');
      queueMicrotask(() => leaving.abort(reason));
      await new Promise(() => undefined);
    }
    await expect(files.saveFile(hanging(), 'a.txt', { signal: leaving.signal })).rejects.toBe(reason);
    expect(filesBelow(directory)).toEqual([]);
  });

  it('does not let uploads at the same time overrun a quota', async () => {
    await using files = manager({ quota: { maxBytes: 1_000, maxFiles: 5 } });
    await files.saveFile('a'.repeat(100), 'first.txt', { owner: 'one' });
    const many = Array.from({ length: 12 }, (_, index) =>
      files.saveFile(Readable.from([Buffer.alloc(150, 'a'), Buffer.alloc(150, 'b')]), `${index}.txt`, { owner: 'one' }),
    );
    const outcomes = await Promise.allSettled(many);
    const stored = outcomes.filter(({ status }) => status === 'fulfilled').length;
    expect(stored).toBe(3);
    for (const outcome of outcomes) {
      if (outcome.status === 'rejected') expect(outcome.reason).toMatchObject({ code: 'QUOTA_EXCEEDED' });
    }
    expect(await files.getOwnerUsage('one')).toMatchObject({ files: 4, bytes: 1_000 });
    await files.saveFile('a'.repeat(1_000), 'other.txt', { owner: 'two' });
    await expect(files.saveFile('a', 'nobody.txt')).rejects.toMatchObject({ code: 'VALIDATION_ERROR' });
    await files.deleteFile('first.txt');
    await files.saveFile('a'.repeat(100), 'again.txt', { owner: 'one' });
    await expect(files.copyFile('again.txt', 'copy.txt')).rejects.toMatchObject({ code: 'QUOTA_EXCEEDED' });
  });
});

describe('a quota', () => {
  it.each([{ maxBytes: Number.NaN }, { maxFiles: -1 }, { maxBytes: '1000' as unknown as number }])(
    'of %j is refused, also where it is only asked for later',
    async quota => {
      expect(() => manager({ quota })).toThrow(expect.objectContaining({ code: 'INVALID_ARGUMENT' }));
      await using files = manager({ quota: () => quota });
      await expect(files.saveFile('x', 'a.txt', { owner: 'one' })).rejects.toMatchObject({ code: 'INVALID_ARGUMENT' });
    },
  );
});

describe('repeated uploads', () => {
  it('gives the same answer for the same content, and refuses another', async () => {
    await using files = manager();
    const options = { owner: 'one', idempotencyKey: 'upload-1' };
    const first = await files.saveFile('content', 'a.txt', options);
    expect(await files.saveFile('content', 'a.txt', { ...options, ifAbsent: true })).toEqual(first);
    await expect(files.saveFile('other', 'a.txt', options)).rejects.toMatchObject({ code: 'DUPLICATE' });
    expect((await files.readBytes('a.txt')).toString()).toBe('content');
    expect((await files.saveFile('other', 'a.txt', { owner: 'one', idempotencyKey: 'upload-2' })).bytes).toBe(5);
  });

  it('stores one of many that come at once', async () => {
    await using files = manager();
    let stored = 0;
    files.events.on('saved', ({ repeated }) => {
      if (!repeated) stored += 1;
    });
    const all = await Promise.all(
      Array.from({ length: 10 }, () =>
        files.saveFile(Readable.from(['con', 'tent']), 'a.txt', { idempotencyKey: 'one', ifAbsent: true }),
      ),
    );
    expect(new Set(all.map(({ version }) => version)).size).toBe(1);
    expect(stored).toBe(1);
  });

  it('replaces unless it is told not to', async () => {
    await using files = manager();
    await files.saveFile('1', 'a.txt');
    await files.saveFile('2', 'a.txt');
    await expect(files.saveFile('3', 'a.txt', { ifAbsent: true })).rejects.toMatchObject({ code: 'DUPLICATE' });
    expect((await files.readBytes('a.txt')).toString()).toBe('2');
  });
});

describe('signed URLs', () => {
  const secret = new Secret('0123456789abcdef0123456789abcdef');
  const signing = { secrets: [secret] as const, baseUrl: 'https://files.example/v1/files/' };

  it('are good for one method, one file and a time', async () => {
    const clock = new VirtualClock();
    await using files = manager({ signing, clock });
    await files.saveFile('x', 'a b/é&.txt', { owner: 'one' });
    const url = await files.signUrl('a b/é&.txt', { expiresInMs: 60_000, owner: 'one' });
    const wanted = { method: 'GET', key: 'a b/é&.txt', owner: 'one' };
    expect(files.verifyUrl('GET', url)).toMatchObject(wanted);
    expect(files.verifyUrl('HEAD', url.slice('https://files.example'.length))).toMatchObject(wanted);
    const changed = [
      url.replace('a%20b', 'a%20c'),
      url.replace('owner=one', 'owner=two'),
      url.replace('owner=one&', ''),
      url.replace(/expires=(\d)/, 'expires=9'),
      url.replace(/signature=./, 'signature=_'),
    ];
    for (const other of changed) expect(() => files.verifyUrl('GET', other)).toThrow('not made for this request');
    for (const method of ['PUT', 'DELETE', 'POST', 'get']) {
      expect(() => files.verifyUrl(method, url)).toThrow('not made for this request');
    }
    for (const broken of [
      '',
      '/',
      url.split('&signature')[0] as string,
      `${url}&owner=two`,
      url.replace('/v1/files/', '/v1/files/../'),
    ]) {
      expect(() => files.verifyUrl('GET', broken)).toThrow(/not complete|not made/);
    }
    await clock.advance(60_000);
    expect(() => files.verifyUrl('GET', url)).toThrow('has expired');
    await expect(files.signUrl('none.txt', { expiresInMs: 1_000 })).rejects.toMatchObject({ code: 'NOT_FOUND' });
    expect(await files.signUrl('none.txt', { expiresInMs: 1_000, method: 'PUT' })).toContain('none.txt');
    await expect(files.signUrl('a b/é&.txt', { expiresInMs: 1e12 })).rejects.toMatchObject({
      code: 'INVALID_ARGUMENT',
    });
  });

  it('stay good when a new secret signs', async () => {
    await using before = manager({ signing });
    const url = await before.signUrl('a.txt', { expiresInMs: 60_000, method: 'PUT' });
    const fresh = new Secret('f'.repeat(32));
    await using after = manager({ signing: { ...signing, secrets: [fresh, secret] } });
    expect(after.verifyUrl('PUT', url).key).toBe('a.txt');
    await using later = manager({ signing: { ...signing, secrets: [fresh] } });
    expect(() => later.verifyUrl('PUT', url)).toThrow('not made for this request');
  });

  it('need secrets that are long enough, and are not there without', async () => {
    const short = { ...signing, secrets: [new Secret('short')] as const };
    expect(() => manager({ signing: short })).toThrow('at least 32 characters');
    await using files = manager();
    await files.saveFile('x', 'a.txt');
    await expect(files.signUrl('a.txt', { expiresInMs: 1_000 })).rejects.toMatchObject({ code: 'CONFIGURATION_ERROR' });
    await expect(files.signUrl('a.txt', { expiresInMs: 1_000, direct: true })).rejects.toMatchObject({
      code: 'CONFIGURATION_ERROR',
    });
  });
});

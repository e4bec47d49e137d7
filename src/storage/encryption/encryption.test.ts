import { createCipheriv, createDecipheriv, randomBytes } from 'node:crypto';
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterAll, describe, expect, it } from 'vitest';
import { Secret } from '../../kernel/index.ts';
import { CorruptFileError, FileStorageManager, KeyRing, LocalStorageStrategy } from '../index.ts';

const root = mkdtempSync(join(tmpdir(), 'plinth-encryption-'));
afterAll(() => rmSync(root, { recursive: true, force: true }));
let folders = 0;

const oldKey = KeyRing.generateKey();
const newKey = KeyRing.generateKey();
const oldRing = new KeyRing({ currentKeyId: 'old', keys: { old: oldKey } });
const bothRing = new KeyRing({ currentKeyId: 'new', keys: { old: oldKey, new: newKey } });
const newRing = new KeyRing({ currentKeyId: 'new', keys: { new: newKey } });

const contentOffset = 8_192;
const frameBytes = 262_144;
const sealedBytes = frameBytes + 16;

interface Store {
  readonly directory: string;
  open(encryption?: KeyRing, acceptPlain?: boolean): FileStorageManager;
  path(): string;
}

function store(): Store {
  const directory = join(root, String(folders++));
  return {
    directory,
    open: (encryption, acceptPlain) =>
      new FileStorageManager({
        strategy: new LocalStorageStrategy({ directory, sync: false }),
        allowedExtensions: ['.bin', '.txt'],
        encryption,
        acceptPlain,
      }),
    path: () => {
      const [found] = readdirSync(join(directory, 'objects'), { recursive: true, withFileTypes: true }).filter(entry =>
        entry.isFile(),
      );
      return join(found?.parentPath ?? '', found?.name ?? '');
    },
  };
}

/** What is given out before the reading fails. */
async function released(files: FileStorageManager, key: string): Promise<{ bytes: Buffer; error: unknown }> {
  const chunks: Buffer[] = [];
  try {
    const { stream } = await files.readFile(key);
    for await (const chunk of stream) chunks.push(chunk as Buffer);
    return { bytes: Buffer.concat(chunks), error: undefined };
  } catch (error) {
    return { bytes: Buffer.concat(chunks), error };
  }
}

describe('an encrypted file', () => {
  it.each([0, 1, 15, frameBytes - 1, frameBytes, frameBytes + 1, 3 * frameBytes, 1_000_003])(
    'of %i bytes is read back, whole and in parts, and is nowhere in the store',
    async length => {
      const content = randomBytes(length);
      const { open, path } = store();
      await using files = open(oldRing);
      const saved = await files.saveFile(content, 'a.bin');
      expect(saved).toMatchObject({ bytes: length, encryptionKeyId: 'old' });
      expect((await files.readBytes('a.bin')).equals(content)).toBe(true);
      for (const [start, end] of [
        [0, length],
        [length, length],
        [Math.floor(length / 2), length],
        [Math.max(0, length - 5), length],
        [0, Math.min(length, 10)],
        [Math.min(length, frameBytes - 3), Math.min(length, frameBytes + 3)],
      ] as const) {
        const part = await files.readBytes('a.bin', { range: { start, end } });
        expect([start, end, part.equals(content.subarray(start, end))]).toEqual([start, end, true]);
      }
      if (length > 100) expect(readFileSync(path()).includes(content.subarray(40, 60))).toBe(false);
    },
  );

  it('may be compressed before', async () => {
    const { open } = store();
    await using files = open(oldRing);
    const text = 'Again and again\n'.repeat(100_000);
    const saved = await files.saveFile(text, 'a.txt');
    expect(saved).toMatchObject({ isCompressed: true, encryptionKeyId: 'old' });
    expect((await files.readBytes('a.txt')).toString()).toBe(text);
    const range = { start: 1_000_001, end: 1_000_101 };
    expect((await files.readBytes('a.txt', { range })).toString()).toBe(text.slice(range.start, range.end));
  });

  it('is found damaged wherever a byte was flipped, and nothing of the damage is given out', async () => {
    const content = randomBytes(2 * frameBytes + 1_000);
    const { open, path } = store();
    await using files = open(oldRing);
    await files.saveFile(content, 'a.bin');
    const whole = readFileSync(path());
    const position = fc.oneof(
      fc.integer({ min: contentOffset, max: whole.length - 1 }),
      fc.integer({ min: whole.length - 16, max: whole.length - 1 }),
      fc.integer({ min: contentOffset + frameBytes, max: contentOffset + sealedBytes - 1 }),
    );
    await fc.assert(
      fc.asyncProperty(position, fc.integer({ min: 1, max: 255 }), async (at, bits) => {
        const damaged = Buffer.from(whole);
        damaged[at] = (damaged[at] as number) ^ bits;
        writeFileSync(path(), damaged);
        const { bytes, error } = await released(files, 'a.bin');
        expect(error).toBeInstanceOf(CorruptFileError);
        expect(bytes.length).toBeLessThanOrEqual(Math.floor((at - contentOffset) / sealedBytes) * frameBytes);
        expect(bytes.equals(content.subarray(0, bytes.length))).toBe(true);
      }),
      { numRuns: 150 },
    );
    // In the header there are two slots, of which one is in use.
    const headerEnd = whole.indexOf(Buffer.alloc(64));
    for (let at = 0; at < headerEnd; at += 7) {
      const damaged = Buffer.from(whole);
      damaged[at] = (damaged[at] as number) ^ 1;
      writeFileSync(path(), damaged);
      expect((await released(files, 'a.bin')).error).toBeInstanceOf(CorruptFileError);
    }
  });

  it.each<[string, (whole: Buffer) => Buffer]>([
    ['cut off in a frame', whole => whole.subarray(0, -1)],
    ['cut off between frames', whole => whole.subarray(0, contentOffset + 2 * sealedBytes)],
    ['longer', whole => Buffer.concat([whole, Buffer.alloc(16)])],
    ['one frame longer', whole => Buffer.concat([whole, whole.subarray(-sealedBytes)])],
    [
      'in another order',
      whole => {
        const first = whole.subarray(contentOffset, contentOffset + sealedBytes);
        const second = whole.subarray(contentOffset + sealedBytes, contentOffset + 2 * sealedBytes);
        return Buffer.concat([
          whole.subarray(0, contentOffset),
          second,
          first,
          whole.subarray(contentOffset + 2 * sealedBytes),
        ]);
      },
    ],
  ])('that is %s is found damaged before anything of it is given out', async (_, change) => {
    const { open, path } = store();
    await using files = open(oldRing);
    await files.saveFile(randomBytes(3 * frameBytes), 'a.bin');
    writeFileSync(path(), change(readFileSync(path())));
    const { bytes, error } = await released(files, 'a.bin');
    expect(error).toBeInstanceOf(CorruptFileError);
    expect(bytes.length).toBe(0);
  });

  it('cannot be given another name, owner or content by who can write to the store', async () => {
    const { directory, open } = store();
    await using files = open(oldRing);
    const strategy = new LocalStorageStrategy({ directory });
    await files.saveFile('mine', 'a.bin', { owner: 'one' });
    await files.saveFile('other', 'b.bin', { owner: 'two' });
    const found: unknown[] = [];
    files.events.on('corrupt', ({ key }) => found.push(key));
    await strategy.updateMetadata('b.bin', ({ metadata }) => metadata.replace('"two"', '"one"'));
    await expect(files.getFileInfo('b.bin')).rejects.toBeInstanceOf(CorruptFileError);
    await strategy.copy('a.bin', 'c.bin', { finish: ({ metadata }) => metadata });
    await expect(files.readFile('c.bin', { owner: 'one' })).rejects.toBeInstanceOf(CorruptFileError);
    expect((await files.listFiles()).files.map(({ key }) => key)).toEqual(['a.bin']);
    expect(found.sort()).toEqual(['b.bin', 'b.bin', 'c.bin', 'c.bin']);
    expect(await files.deleteFile('c.bin')).toBe(true);
  });

  it('cannot be replaced by a plain one, unless plain ones are accepted', async () => {
    const { open } = store();
    await using before = open();
    await before.saveFile('plain', 'a.bin');
    await using files = open(oldRing);
    await expect(files.readFile('a.bin')).rejects.toThrow('set acceptPlain');
    await using migrating = open(oldRing, true);
    expect((await migrating.readBytes('a.bin')).toString()).toBe('plain');
    await using without = open();
    await files.saveFile('secret', 'b.bin');
    await expect(without.readFile('b.bin')).rejects.toThrow('not in the key ring');
  });
});

describe('keys', () => {
  it('are changed by rewriting headers alone, and the old one can go', async () => {
    const { open, path } = store();
    const content = randomBytes(500_000);
    await using before = open(oldRing);
    await before.saveFile(content, 'a.bin', { owner: 'one' });
    const old = readFileSync(path());
    await using files = open(bothRing);
    expect((await files.readBytes('a.bin')).equals(content)).toBe(true);
    const rewrapped: unknown[] = [];
    files.events.on('rewrapped', event => rewrapped.push(event));
    expect(await files.rotateKeys()).toEqual({ checked: 1, rewrapped: 1, failed: [] });
    expect(rewrapped).toEqual([{ key: 'a.bin', keyId: 'new', previousKeyId: 'old' }]);
    expect(await files.rotateKeys()).toEqual({ checked: 1, rewrapped: 0, failed: [] });
    expect(readFileSync(path()).subarray(contentOffset).equals(old.subarray(contentOffset))).toBe(true);
    await using after = open(newRing);
    expect((await after.readBytes('a.bin')).equals(content)).toBe(true);
    expect(await after.copyFile('a.bin', 'b.bin')).toMatchObject({ encryptionKeyId: 'new', owner: 'one' });
    expect((await after.readBytes('b.bin')).equals(content)).toBe(true);
    await expect(before.readFile('a.bin')).rejects.toThrow('the key "new"');
  });

  it('tells which files it could not rewrap', async () => {
    const { open } = store();
    await using before = open(oldRing);
    await before.saveFile('x', 'a.bin');
    await using files = open(newRing);
    const { failed } = await files.rotateKeys();
    expect(failed).toMatchObject([{ key: 'a.bin', error: { code: 'FILE_CORRUPT' } }]);
  });

  it('must be 32 bytes, and are never shown', () => {
    const short = new Secret('c2hvcnQ');
    expect(() => new KeyRing({ currentKeyId: 'a', keys: { a: short } })).toThrow('expected 32 random bytes');
    expect(() => new KeyRing({ currentKeyId: 'a', keys: { a: short } })).not.toThrow('c2hvcnQ');
    expect(() => new KeyRing({ currentKeyId: 'b', keys: { a: oldKey } })).toThrow('currentKeyId');
    expect(() => new KeyRing({ currentKeyId: 'a b', keys: { 'a b': oldKey } })).toThrow('name of a key');
    expect(oldRing.has('old')).toBe(true);
    expect(oldRing.unwrap('old', oldRing.wrap(Buffer.alloc(32, 7), 'bound'), 'bound')).toEqual(Buffer.alloc(32, 7));
    expect(oldRing.unwrap('old', oldRing.wrap(Buffer.alloc(32, 7), 'bound'), 'other')).toBeUndefined();
  });
});

describe('a plain file', () => {
  it('that was changed fails before its end', async () => {
    const { open, path } = store();
    await using files = open();
    await files.saveFile(randomBytes(1_200_000), 'a.bin');
    const whole = readFileSync(path());
    for (const at of [contentOffset, contentOffset + 600_000, whole.length - 1]) {
      const damaged = Buffer.from(whole);
      damaged[at] = (damaged[at] as number) ^ 1;
      writeFileSync(path(), damaged);
      const { bytes, error } = await released(files, 'a.bin');
      expect(error).toBeInstanceOf(CorruptFileError);
      expect(bytes.length).toBeLessThan(1_200_000);
      await expect(files.readBytes('a.bin', { verifyChecksum: true })).rejects.toBeInstanceOf(CorruptFileError);
    }
  });

  it('that was compressed is not expanded beyond what it was', async () => {
    const { directory, open } = store();
    await using files = open();
    await files.saveFile('a'.repeat(5_000_000), 'a.txt');
    const strategy = new LocalStorageStrategy({ directory });
    await strategy.updateMetadata('a.txt', ({ metadata }) => metadata.replace('"n":5000000', '"n":1000'));
    const { bytes, error } = await released(files, 'a.txt');
    expect(error).toBeInstanceOf(CorruptFileError);
    expect(bytes.length).toBeLessThanOrEqual(1_000);
  });
});

interface GcmSuite {
  readonly testGroups: readonly {
    readonly ivSize: number;
    readonly keySize: number;
    readonly tagSize: number;
    readonly tests: readonly {
      readonly tcId: number;
      readonly key: string;
      readonly iv: string;
      readonly aad: string;
      readonly msg: string;
      readonly ct: string;
      readonly tag: string;
      readonly result: string;
    }[];
  }[];
}

const vectors = '../shared/suites/wycheproof/aes_gcm_test.json';

describe('AES-256-GCM of this platform', () => {
  it.skipIf(!existsSync(vectors))(`passes Wycheproof (needs ${vectors})`, () => {
    const suite = JSON.parse(readFileSync(vectors, 'utf8')) as GcmSuite;
    const used = suite.testGroups.filter(
      group => group.keySize === 256 && group.ivSize === 96 && group.tagSize === 128,
    );
    let count = 0;
    for (const { tcId, result, ...test } of used.flatMap(group => group.tests)) {
      const [key, iv, aad, msg, ct, tag] = [test.key, test.iv, test.aad, test.msg, test.ct, test.tag].map(hex =>
        Buffer.from(hex, 'hex'),
      ) as [Buffer, Buffer, Buffer, Buffer, Buffer, Buffer];
      const decipher = createDecipheriv('aes-256-gcm', key, iv, { authTagLength: 16 });
      decipher.setAAD(aad).setAuthTag(tag);
      const open = (): Buffer => Buffer.concat([decipher.update(ct), decipher.final()]);
      if (result === 'valid') {
        expect([tcId, open()]).toEqual([tcId, msg]);
        const cipher = createCipheriv('aes-256-gcm', key, iv);
        cipher.setAAD(aad);
        expect([tcId, Buffer.concat([cipher.update(msg), cipher.final(), cipher.getAuthTag()])]).toEqual([
          tcId,
          Buffer.concat([ct, tag]),
        ]);
      } else expect(open, String(tcId)).toThrow();
      count += 1;
    }
    expect(count).toBeGreaterThan(50);
  });
});

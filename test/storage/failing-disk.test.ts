/** Disks that fail: calls that report an error, made by strace, and a file system that is full. */
import { execFile, execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { FileStorageManager, LocalStorageStrategy } from 'plinth/storage';
import { afterAll, describe, expect, it } from 'vitest';
import { serverOrSkip } from '../servers/require.ts';

const root = mkdtempSync(join(tmpdir(), 'plinth-disk-'));
afterAll(() => rmSync(root, { recursive: true, force: true }));
const program = fileURLToPath(new URL('./one-upload.fixture.ts', import.meta.url));
const node = [process.execPath, '--conditions=plinth-source', '--import', 'tsx', program] as const;

interface Answer {
  readonly code: string;
  readonly message?: string;
  readonly details?: { readonly system_code?: string };
}

function open(directory: string): FileStorageManager {
  return new FileStorageManager({ strategy: new LocalStorageStrategy({ directory }), allowedExtensions: ['.bin'] });
}

/** What stands under the key, as how many bytes of which letter; the whole of it is looked at. */
async function standing(files: FileStorageManager, key: string): Promise<string | undefined> {
  if ((await files.getFileInfo(key)) === undefined) return undefined;
  const bytes = await files.readBytes(key);
  expect(bytes.equals(Buffer.alloc(bytes.length, bytes[0]))).toBe(true);
  return `${bytes.length} ${String.fromCharCode(bytes[0] ?? 0)}`;
}

/** Nothing but the files that are expected, and nothing unfinished. */
function expectNothingLeft(directory: string, objects: readonly string[]): void {
  expect(readdirSync(join(directory, 'temporary'))).toEqual([]);
  expect(readdirSync(join(directory, 'objects'))).toEqual(objects);
}

const strace = serverOrSkip('strace');

/** Has a process of its own save a file, whose `nth` such call to the system fails; one thread makes them all. */
async function saveWith(fault: string, directory: string, key: string): Promise<Answer> {
  const words = ['-f', '-qq', '-o', '/dev/null', '-e', `inject=${fault}`, ...node, directory, key, '3000000', 'n'];
  const env = { ...process.env, UV_THREADPOOL_SIZE: '1' };
  const { stdout } = await promisify(execFile)(strace ?? '', words, { env });
  return JSON.parse(stdout) as Answer;
}

describe.skipIf(strace === undefined)('a disk that reports errors (needs strace)', () => {
  it.each([
    ['the content is flushed', 'fdatasync:error=EIO:when=1', 'EIO'],
    ['the header is flushed', 'fsync:error=EIO:when=1', 'EIO'],
    ['the file takes its place', 'rename:error=EIO:when=1', 'EIO'],
    ['the content is written', 'pwritev,pwrite64:error=ENOSPC:when=1', 'ENOSPC'],
    ['more of the content is written', 'pwritev,pwrite64:error=EDQUOT:when=2', 'EDQUOT'],
  ])(
    'when %s: it is told, and the old file stays',
    async (_, fault, systemCode) => {
      const directory = mkdtempSync(join(root, 'fault-'));
      await using before = open(directory);
      await before.saveFile(Buffer.alloc(5_000, 'o'), 'a.bin');
      const answer = await saveWith(fault, directory, 'a.bin');
      expect(answer).toMatchObject({
        code: 'STORAGE_ERROR',
        message: expect.stringMatching(/^Cannot write "a\.bin": /),
        details: { system_code: systemCode },
      });
      await using after = open(directory);
      expect(await standing(after, 'a.bin')).toBe('5000 o');
      expectNothingLeft(directory, ['a.bin']);
    },
    60_000,
  );

  it('when the folder is flushed: it is told, and the new file is there as a whole', async () => {
    const directory = mkdtempSync(join(root, 'fault-'));
    await using before = open(directory);
    await before.saveFile(Buffer.alloc(5_000, 'o'), 'a.bin');
    const answer = await saveWith('fsync:error=EIO:when=2', directory, 'a.bin');
    expect(answer).toMatchObject({ code: 'STORAGE_ERROR', details: { system_code: 'EIO' } });
    await using after = open(directory);
    expect(await standing(after, 'a.bin')).toBe('3000000 n');
    expectNothingLeft(directory, ['a.bin']);
  }, 60_000);

  it('when a new file is flushed: there is none', async () => {
    const directory = mkdtempSync(join(root, 'fault-'));
    const answer = await saveWith('fdatasync:error=EIO:when=1', directory, 'a.bin');
    expect(answer).toMatchObject({ code: 'STORAGE_ERROR', details: { system_code: 'EIO' } });
    await using after = open(directory);
    expect(await standing(after, 'a.bin')).toBeUndefined();
    expectNothingLeft(directory, []);
  }, 60_000);
});

/** A file system of 4 MB, if this process may make one. */
function smallDisk(): string | undefined {
  const path = join(root, 'small');
  mkdirSync(path);
  try {
    execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=4m', 'tmpfs', path], { stdio: 'ignore' });
    afterAll(() => execFileSync('umount', [path]));
    return path;
  } catch {
    process.stderr.write(
      'SKIPPED: no file system can be mounted. Run as root, outside of a container, to fill a disk\n',
    );
    return undefined;
  }
}

const disk = smallDisk();

describe.skipIf(disk === undefined)('a disk that is full (needs the right to mount one)', () => {
  const directory = join(disk ?? root, 'store');
  const millions = (count: number, letter: string): Buffer => Buffer.alloc(count * 1_000_000, letter);
  const full = {
    code: 'STORAGE_ERROR',
    message: 'Cannot write "a.bin": the disk is full (ENOSPC)',
    details: { system_code: 'ENOSPC' },
  };

  it('is told, the old file stays, and there is room again at once', async () => {
    await using files = open(directory);
    await files.saveFile(millions(1, 'o'), 'a.bin');
    for (let round = 0; round < 3; round += 1) {
      await expect(files.saveFile(millions(8, 'n'), 'a.bin')).rejects.toMatchObject(full);
      expect(await standing(files, 'a.bin')).toBe('1000000 o');
      expectNothingLeft(directory, ['a.bin']);
    }
    await expect(files.copyFile('a.bin', 'b.bin')).resolves.toMatchObject({ bytes: 1_000_000 });
    await files.saveFile(millions(1, 'n'), 'a.bin');
    expect(await standing(files, 'a.bin')).toBe('1000000 n');
    await expect(files.getStorageStats()).resolves.toMatchObject({ totalFiles: 2, totalBytes: 2_000_000 });
  });

  it('lets files be deleted, and then there is room', async () => {
    await using files = open(directory);
    await files.saveFile(millions(1, 'c'), 'c.bin');
    await expect(files.saveFile(millions(2, 'd'), 'd.bin')).rejects.toMatchObject({ code: 'STORAGE_ERROR' });
    expect(await files.deleteFile('c.bin')).toBe(true);
    expect(await files.deleteFile('b.bin')).toBe(true);
    await files.saveFile(millions(2, 'd'), 'd.bin');
    expect(await standing(files, 'd.bin')).toBe('2000000 d');
  });
});

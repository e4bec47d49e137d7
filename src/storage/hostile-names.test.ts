import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterAll, describe, expect, it } from 'vitest';
import { ValidationError } from '../errors/index.ts';
import { FileStorageManager, LocalStorageStrategy, requireStorageKey, safeFilename } from './index.ts';
import { localPathOf, parseLocalName } from './local/local-path.ts';

const root = mkdtempSync(join(tmpdir(), 'plinth-names-'));
afterAll(() => rmSync(root, { recursive: true, force: true }));

const hostile: readonly string[] = [
  '',
  '   ',
  '.',
  '..',
  '../../etc/passwd',
  '..\\..\\windows\\win.ini',
  '/etc/passwd',
  'C:\\x.txt',
  'C:x.txt',
  '\\\\server\\share\\f.png',
  'file:///etc/passwd',
  's3://bucket/key',
  'a/../b.txt',
  'a/./b.txt',
  './a.txt',
  'a//b.txt',
  'a/',
  '%2e%2e%2f%2e%2e%2fetc%2fpasswd',
  '..%252f..%252fetc%252fpasswd',
  '..%c0%af..%c0%afetc/passwd',
  '%u002e%u002e/x.txt',
  '....//....//etc/passwd',
  '．．／etc／passwd',
  'a／b.txt',
  'a℀b.txt',
  '‥/x.txt',
  'file.php\0.jpg',
  'file.php%00.jpg',
  'f\nile.png',
  'f\u0085ile.png',
  'f\u2028ile.png',
  '\u202egpj.exe',
  'file\u200b.png',
  '\ufefffile.png',
  'f"ile.png',
  'file.asp;.jpg',
  '<img src=x onerror=alert(1)>.png',
  '`id`.png',
  '|id.png',
  'file.txt::$DATA',
  'file.txt:stream',
  'CON',
  'con.txt',
  'NUL.txt',
  'aux.png',
  'COM1.txt',
  'lpt9 .txt',
  'com¹.txt',
  'folder/PRN.txt/x.txt',
  'file.txt.',
  'file.txt ',
  ' file.txt',
  '.htaccess',
  '.env',
  'a/.git/config.txt',
  '-rf.txt',
  '--help.txt',
  '~root.txt',
  'e\u0301.png',
  '\ud800.png',
  `${'a'.repeat(256)}.png`,
  `${'a/'.repeat(500)}b.png`,
];

const files = new FileStorageManager({ strategy: new LocalStorageStrategy({ directory: join(root, 'store') }) });

async function refusal(name: string): Promise<unknown> {
  return await files.saveFile('x', name).then(
    () => undefined,
    (error: unknown) => error,
  );
}

describe('names of files', () => {
  it.each(hostile.map(name => [JSON.stringify(name).slice(0, 60), name]))(
    'refuses %s with the reason',
    async (_, name) => {
      const error = await refusal(name);
      expect(error).toBeInstanceOf(ValidationError);
      expect((error as ValidationError).message).toMatch(/^Cannot use .*: expected /);
      expect((error as ValidationError).fieldErrors).toHaveProperty('filename');
      for (const read of [files.readFile(name), files.deleteFile(name), files.getFileInfo(name)]) {
        await expect(read).rejects.toBeInstanceOf(ValidationError);
      }
    },
  );

  it.each([
    '$(id).txt',
    "John's notes.txt",
    '100% sure.txt',
    'é.txt',
    '😀.txt',
    '报告：2026.txt',
    'a/b/c.txt',
    '__proto__.txt',
  ])('takes %s as it is', async name => {
    expect((await files.saveFile(name, name)).key).toBe(name);
    expect((await files.readBytes(name)).toString()).toBe(name);
  });

  it.each(['file.php', 'file.jpg.php', 'file.pHp', 'evil..php', 'web.config', 'file', 'x.exe', 'x.svg', 'x.html'])(
    'refuses the extension of %s, and says which are accepted',
    async name => {
      await expect(files.saveFile('x', name)).rejects.toThrow(/are not accepted/);
    },
  );

  it('finds an extension behind several dots', async () => {
    await expect(files.saveFile('x', 'evil..php')).rejects.toThrow('the extension .php');
    const name = safeFilename('report...txt');
    expect(await files.saveFile('x', name)).toMatchObject({ key: 'report...txt', extension: '.txt' });
  });

  it.each(['shell.php.jpg', 'shell.php..jpg', 'a.exe.txt', 'x.PHTML.png', 'x.asp .txt'])(
    'finds what %s hides',
    async name => {
      await expect(files.saveFile('x', name)).rejects.toThrow(/hides the extension/);
    },
  );

  it('makes a usable name out of any', () => {
    for (const name of hostile) expect(requireStorageKey(safeFilename(name))).not.toContain('/');
    expect(safeFilename('..\\..\\Report "final".pdf')).toBe('Report _final_.pdf');
    expect(safeFilename('../../etc/passwd')).toBe('passwd');
    expect(safeFilename('CON.txt')).toBe('_CON.txt');
    expect(safeFilename('e\u0301.png')).toBe('é.png');
    expect(safeFilename(`${'ä'.repeat(200)}.txt`)).toBe(`${'ä'.repeat(125)}.txt`);
    expect(safeFilename(`${'😀'.repeat(100)} .txt`)).toBe(`${'😀'.repeat(62)}.txt`);
    fc.assert(
      fc.property(fc.string({ unit: 'binary' }), name => {
        requireStorageKey(safeFilename(name));
      }),
      { numRuns: 2_000 },
    );
  });

  it.each([
    ['letters', 'a'.repeat(5_000_000), `${'a'.repeat(251)}.txt`],
    ['dots', `a${'.'.repeat(5_000_000)}b`, `a${'.'.repeat(250)}.txt`],
    ['blanks', `a${' '.repeat(5_000_000)}b`, 'a.txt'],
    ['folders', `${'a/'.repeat(5_000_000)}b`, 'b.txt'],
  ])('makes one out of millions of %s, too', (_, stem, expected) => {
    expect(safeFilename(`${stem}.txt`)).toBe(expected);
  });
});

describe('paths', () => {
  it('are different for different keys, whatever the file system takes for the same, and can be read back', () => {
    const key = fc.string({ unit: 'grapheme', maxLength: 120 });
    const folded = (name: string): string => localPathOf(name).join('/').normalize('NFC').toLowerCase();
    fc.assert(
      fc.property(key, key, (one, other) => {
        fc.pre(!/[/\p{Surrogate}]/u.test(one) && !/[/\p{Surrogate}]/u.test(other));
        fc.pre(one !== '' && other !== '');
        if (one !== other) expect(folded(one)).not.toBe(folded(other));
        const [name = ''] = localPathOf(one);
        expect(Buffer.byteLength(name)).toBeLessThanOrEqual(255);
        expect(name).toMatch(/^[a-z\d_.^%=-]+$/);
        expect([one, undefined]).toContain(parseLocalName(name)?.segment);
      }),
      { numRuns: 1_000 },
    );
  });
});

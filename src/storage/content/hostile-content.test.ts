import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { crc32 } from 'node:zlib';
import { afterAll, describe, expect, it } from 'vitest';
import { FileStorageManager, LocalStorageStrategy } from '../index.ts';
import { commented, disguised, noise, unicodeName, withoutDirectory, zip, zip64End } from './archives.fixture.ts';

const root = mkdtempSync(join(tmpdir(), 'plinth-content-'));
afterAll(() => rmSync(root, { recursive: true, force: true }));

const strategy = new LocalStorageStrategy({ directory: root, sync: false });
const files = new FileStorageManager({ strategy });
const zips = new FileStorageManager({ strategy, allowedExtensions: ['.zip', '.docx'] });
const strict = new FileStorageManager({ strategy, strictContent: true });

function pngChunk(type: string, content: Buffer): Buffer {
  const named = Buffer.concat([Buffer.from(type), content]);
  const length = Buffer.alloc(4);
  length.writeUInt32BE(content.length);
  const check = Buffer.alloc(4);
  check.writeUInt32BE(typeof crc32 === 'function' ? crc32(named) : 0);
  return Buffer.concat([length, named, check]);
}

function png(...extra: readonly Buffer[]): Buffer {
  const signature = Buffer.from('89504e470d0a1a0a', 'hex');
  const header = pngChunk('IHDR', Buffer.from('00000001000000010806000000', 'hex'));
  return Buffer.concat([
    signature,
    header,
    ...extra,
    pngChunk('IDAT', Buffer.alloc(40)),
    pngChunk('IEND', Buffer.alloc(0)),
  ]);
}

function jpeg(comment: string): Buffer {
  const text = Buffer.from(comment);
  const length = Buffer.alloc(2);
  length.writeUInt16BE(text.length + 2);
  return Buffer.concat([
    Buffer.from('ffd8ffe000104a46494600010100000100010000', 'hex'),
    Buffer.from('fffe', 'hex'),
    length,
    text,
    Buffer.from('ffda0008010100003f00112233ff00445566ffd011ffd9', 'hex'),
  ]);
}

const gif = Buffer.from(
  '47494638396101000100800000ffffff00000021f90401000000002c00000000010001000002024401003b',
  'hex',
);
const webp = Buffer.concat([Buffer.from('RIFF\x0e\0\0\0WEBPVP8L\x02\0\0\0ab', 'latin1')]);
const pdf = Buffer.from('%PDF-1.7\n1 0 obj\n<<>>\nendobj\ntrailer\n%%EOF\n');
const docx = zip([{ name: '[Content_Types].xml' }, { name: 'word/document.xml' }]);
const executable = Buffer.concat([Buffer.from('MZ\x90\0\x03\0\0\0'), Buffer.alloc(100)]);

describe('content', () => {
  it.each<[string, Buffer | string]>([
    ['a.png', png()],
    ['a.jpg', jpeg('A comment')],
    ['a.gif', gif],
    ['a.webp', webp],
    ['a.pdf', pdf],
    ['a.docx', docx],
    ['a.txt', 'MZ is how this text begins'],
    ['a.csv', Buffer.from('caf\xe9;1\n', 'latin1')],
    ['a.md', `# Title\n\nA <script>, PK and #!/bin/sh${' '.repeat(1_100)}and %PDF- further down`],
    ['b.md', '<!-- a -- b > c --><p align="center" title=\'a > b\'>\n<!----><br/>\n\n# Title'],
    ['c.md', `<p a="${'<br>'.repeat(400)} never closed`],
    ['long.txt', `${' '.repeat(60_000)}${'Text far on the right. '.repeat(1_000)}`],
    ['a.json', '{"a":1}'],
    ['empty.txt', ''],
  ])('of %s is accepted, and read as it was, strictly too', async (name, content) => {
    for (const manager of [files, strict]) {
      await manager.saveFile(content, name);
      expect(await manager.readBytes(name)).toEqual(Buffer.from(content));
    }
  });

  it.each<[string, string, Buffer | string]>([
    ['a Windows program', 'a.png', executable],
    ['a Windows program', 'a.txt', executable],
    ['a Windows program', 'a.pdf', executable],
    ['a Linux program', 'a.jpg', Buffer.from('\x7fELF\x02\x01\x01', 'latin1')],
    ['a script', 'a.txt', '#!/bin/sh\nrm -rf /'],
    ['a server script', 'a.txt', '\ufeff  <?php system($_GET[0]);'],
    ['a page', 'a.txt', '<!DOCTYPE html><script>alert(1)</script>'],
    ['a page', 'a.md', '<svg onload=alert(1)>'],
    ['a page', 'a.csv', '<?xml version="1.0"?><x/>'],
    ['a PDF', 'a.txt', pdf],
    ['a page', 'a.txt', '<div><script>alert(1)</script></div>'],
    ['a page', 'a.txt', '\n<H1 onclick=alert(1)>'],
    ['a page', 'a.txt', '<style>@import "//evil.example"</style>'],
    ['a page', 'a.txt', '<a\nhref=javascript:alert(1)>'],
    ['a page', 'a.txt', '<img src=x onerror=alert(1)>'],
    ['a page', 'a.csv', '<!-- unclosed <script>alert(1)</script>'],
    ['a page', 'a.md', '<!-- unclosed <script>alert(1)</script>'],
    ['a page', 'a.md', '<div align="center"><!-- --><script>alert(1)</script>'],
    ['a page', 'a.md', '<p align="center"><img src=x onerror=alert(1)>'],
    ['a page', 'a.md', '<a title="a > b" href="javascript:alert(1)">'],
    ['a page', 'a.md', '<!--><script>alert(1)</script> -->'],
    ['a page', 'a.md', '<!---><script>alert(1)</script> -->'],
    ['a page', 'a.md', '<!-- a --!><script>alert(1)</script> -->'],
    ['a page', 'a.md', "<b a'><script>alert(1)</script><i b'>"],
    ['a page', 'a.md', '<b a=b"><script>alert(1)</script><i b">'],
    ['a page', 'a.md', '<b ="><script>alert(1)</script><i b">'],
    ['a page', 'a.md', '<b\n/a = "x > y" onclick=alert(1)>'],
    ['nothing but blanks', 'a.txt', `${' '.repeat(65_530)}<script>alert(1)</script>`],
    ['nothing but blanks', 'a.csv', `\ufeff${'\n'.repeat(65_530)}<script>alert(1)</script>`],
    ['nothing but blanks', 'a.md', `${'<br>\n'.repeat(13_106)}<script>alert(1)</script>`],
    ['nothing but blanks', 'a.txt', `${' '.repeat(70_000)}<!doctype html><script>alert(1)</script>`],
    ['zero byte', 'a.txt', Buffer.from('h\0i\0')],
    ['first bytes', 'a.png', jpeg('')],
    ['first bytes', 'a.jpg', '<script>alert(1)</script>'],
    ['first bytes', 'a.pdf', `junk in front\n${pdf}`],
    ['first bytes', 'a.gif', ''],
    ['first bytes', 'a.docx', Buffer.from('d0cf11e0a1b11ae1', 'hex')],
  ])('that is %s is refused as %s', async (what, name, content) => {
    await expect(files.saveFile(content, name)).rejects.toMatchObject({
      code: 'VALIDATION_ERROR',
      message: expect.stringContaining(what),
    });
  });

  it('that begins late in small parts is looked at all the same', async () => {
    async function* drops(): AsyncGenerator<Buffer> {
      for (const byte of executable) yield Buffer.from([byte]);
    }
    await expect(files.saveFile(drops(), 'a.txt')).rejects.toThrow('Windows program');
  });

  it('must fit the type that the sender declares', async () => {
    await expect(files.saveFile(png(), 'a.png', { contentType: 'text/html' })).rejects.toThrow('does not fit');
    expect(await files.saveFile(png(), 'a.png', { contentType: 'IMAGE/PNG' })).toMatchObject({
      contentType: 'image/png',
    });
  });
});

describe('archives', () => {
  const large = Buffer.alloc(20_000_000);
  it.each<[string, Buffer]>([
    ['would expand', zip([{ name: 'bomb.txt', content: large }])],
    [
      'would expand',
      zip(Array.from({ length: 20 }, (_, index) => ({ name: `${index}.txt`, content: large.subarray(0, 1_000_000) }))),
    ],
    ['would expand', zip([{ name: 'lie.txt', declaredBytes: 4_000_000_000 }])],
    ['overlaps', zip([{ name: 'a.txt' }, { name: 'b.txt', start: 0 }])],
    ['is a link', zip([{ name: 'link', mode: 0o120777 }])],
    ['outside of its folder', zip([{ name: '../../etc/cron.d/x' }])],
    ['outside of its folder', zip([{ name: '/etc/passwd' }])],
    ['outside of its folder', zip([{ name: '..\\x' }])],
    ['another archive', zip([{ name: 'inner.zip' }])],
    ['is encrypted', zip([{ name: 'a.txt', flags: 1 }])],
    ['in front of it', zip([{ name: 'a.txt' }], Buffer.from('PK\x03\x04 not the first part', 'latin1'))],
    ['something follows it', Buffer.concat([zip([{ name: 'a.txt' }]), Buffer.from('<script>')])],
    ['something follows its part', zip([{ name: 'a.txt', behind: zip([{ name: '../x.sh' }]) }, { name: 'b.txt' }])],
    ['something follows its part', zip([{ name: 'a.txt', behind: Buffer.from('x') }])],
    ['something follows its part', zip([{ name: 'a.txt', hasDescriptor: true, behind: Buffer.alloc(20) }])],
    ['not what its directory says', zip([{ name: 'a.txt', localName: 'b.php' }])],
    ['not what its directory says', zip([{ name: 'a.txt', declaredBytes: 7 }])],
    ['outside of its folder', zip([{ name: 'aaaaaaa.txt', localName: '../../a.txt' }])],
    ['outside of its folder', zip([{ name: 'a.txt', extra: unicodeName('../../etc/passwd') }])],
    ['two parts of the name', zip([{ name: 'a.txt' }, { name: 'a.txt', content: Buffer.from('other') }])],
    ['two parts of the name', zip([{ name: 'a.txt' }, { name: 'b.txt', extra: unicodeName('a.txt') }])],
    ['not where its directory says', zip([{ name: 'a.txt' }, { name: 'b.txt', start: 7 }])],
    ['another archive', zip([{ name: 'picture.png', content: zip([{ name: 'a.txt' }]), method: 0 }])],
    ['another archive', zip([{ name: 'picture.png', content: zip([{ name: 'a.txt' }]) }])],
    ['another archive', zip([{ name: 'data', content: Buffer.from('1f8b0800000000000003', 'hex') }])],
    [
      'another archive',
      zip([{ name: 'a.txt', content: Buffer.concat([Buffer.alloc(257, 'a'), Buffer.from('ustar')]) }]),
    ],
    ['no directory', zip([{ name: 'a.txt' }]).subarray(0, 40)],
    [
      'something follows it',
      commented(zip([{ name: 'a.txt' }]), Buffer.concat([zip([{ name: 'b.sh' }]), Buffer.from('x')])),
    ],
    ['something follows it', commented(zip([{ name: 'a.txt' }]), Buffer.from('PK\x05\x06', 'latin1'))],
    ['hides another archive', zip([{ name: 'a.txt', entryComment: zip([{ name: 'b.sh' }]) }])],
    ['hides another archive', zip([{ name: 'a.txt', entryComment: zip64End() }])],
    ['hides another archive', zip([{ name: 'a.txt', entryComment: zip64End().subarray(56) }])],
    ['hides another archive', zip([{ name: 'a.txt', entryExtra: zip([{ name: 'b.sh' }]) }])],
    ['in front of it', withoutDirectory(zip([{ name: 'a.txt' }, { name: 'b.sh' }]))],
    ['another archive', zip([{ name: 'a.txt', ...disguised(60) }])],
    ['packed in an unusual way', zip([{ name: 'a.txt', ...disguised(300) }])],
  ])('are refused where something %s', async (what, content) => {
    await expect(zips.saveFile(content, 'a.zip')).rejects.toMatchObject({
      code: 'VALIDATION_ERROR',
      message: expect.stringContaining(what),
    });
  });

  it('are accepted when there is nothing wrong with them', async () => {
    const content = zip([
      { name: 'folder/', mode: 0o040755 },
      { name: 'folder/a.txt', content: Buffer.alloc(1_000_000, 'ab'), mode: 0o100644 },
    ]);
    expect((await zips.saveFile(content, 'a.zip')).bytes).toBe(content.length);
  });

  it('are accepted as other programs write them', async () => {
    const text = Buffer.from('A text that says nothing of importance. '.repeat(3_000));
    const content = zip([
      { name: 'sizes behind it.txt', content: text, hasDescriptor: true },
      { name: 'not packed.txt', content: text, method: 0 },
      { name: 'caf\u00e9.txt', content: text, extra: unicodeName('café.txt') },
      { name: 'document.docx', content: zip([{ name: '[Content_Types].xml' }, { name: 'word/document.xml' }]) },
      { name: 'about archives.txt', content: Buffer.from('PK\x03\x04 is how an archive begins'.padStart(90)) },
      {
        name: 'random.bin',
        content: Buffer.from(Array.from({ length: 5_000 }, (_, index) => (index * index * 7) % 251)),
      },
      { name: 'noise.bin', content: noise(100_000) },
      { name: 'short noise.bin', content: noise(1_000) },
      { name: 'letters.txt', content: Buffer.from(noise(100_000).toString('hex')) },
      { name: 'nothing.txt', content: Buffer.alloc(0) },
      {
        name: 'with a comment.txt',
        entryComment: Buffer.from('From me'),
        entryExtra: unicodeName('with a comment.txt'),
      },
    ]);
    async function* pieces(): AsyncGenerator<Buffer> {
      for (let start = 0; start < content.length; start += 7) yield content.subarray(start, start + 7);
    }
    expect((await zips.saveFile(pieces(), 'a.zip')).bytes).toBe(content.length);
    const whole = commented(docx, Buffer.from('A comment'));
    expect((await zips.saveFile(whole, 'a.docx')).bytes).toBe(whole.length);
  });

  it.each<[string, Buffer]>([
    ['no .docx document', zip([{ name: 'a.txt' }])],
    ['something follows it', commented(docx, Buffer.concat([zip([{ name: 'evil.exe' }]), Buffer.from('x')]))],
    ['macros', zip([{ name: '[Content_Types].xml' }, { name: 'word/vbaProject.bin' }])],
    ['evil.exe', zip([{ name: '[Content_Types].xml' }, { name: 'word/document.xml' }, { name: 'word/evil.exe' }])],
  ])('in the form of documents are refused with %s', async (what, content) => {
    await expect(zips.saveFile(content, 'a.docx')).rejects.toThrow(what);
  });
});

describe('two files in one, in strict mode', () => {
  const archive = zip([{ name: 'Evil.class' }]);
  const tar = Buffer.alloc(512);
  tar.write('ustar', 257);
  it.each<[string, string, Buffer]>([
    ['an archive behind it', 'a.png', Buffer.concat([png(), archive])],
    ['an archive behind it', 'a.jpg', Buffer.concat([jpeg(''), archive])],
    ['an archive behind it', 'a.gif', Buffer.concat([gif, archive])],
    ['an archive behind it', 'a.webp', Buffer.concat([webp, archive])],
    ['an archive behind it', 'a.pdf', Buffer.concat([pdf, archive])],
    ['anything behind it', 'a.png', Buffer.concat([png(), Buffer.from('x')])],
    ['anything behind it', 'a.jpg', Buffer.concat([jpeg(''), Buffer.from('x')])],
    ['anything behind it', 'a.gif', Buffer.concat([gif, Buffer.from('x')])],
    ['anything behind it', 'a.webp', Buffer.concat([webp, Buffer.from('x')])],
    ['a part that readers leave out', 'a.png', png(pngChunk('cOMM', Buffer.from('anything')))],
    ['a script in a comment', 'a.jpg', jpeg('<?php system($_GET[0]); ?>')],
    ['a PDF in a comment', 'a.jpg', jpeg(pdf.toString())],
    ['a script in its text', 'a.png', png(pngChunk('tEXt', Buffer.from('Comment\0<script>alert(1)</script>')))],
    ['script from its first bytes', 'a.gif', Buffer.from('GIF89a/*\0\0\0\0*/=1;alert(1)//', 'latin1')],
    [
      'a program in it',
      'a.pdf',
      Buffer.concat([pdf, Buffer.from('\x7fELF\x02\x01\x01', 'latin1'), Buffer.from('\n%%EOF')]),
    ],
    ['a PDF in its first kilobyte', 'a.txt', Buffer.from(`text\n${pdf}`)],
    ['a tape archive around it', 'a.pdf', Buffer.concat([pdf, tar.subarray(pdf.length), Buffer.from('%%EOF')])],
    ['its end missing', 'a.png', png().subarray(0, 60)],
  ])('is refused: %s in %s', async (_, name, content) => {
    await expect(strict.saveFile(content, name)).rejects.toMatchObject({ code: 'VALIDATION_ERROR' });
    async function* drops(): AsyncGenerator<Buffer> {
      for (const byte of content) yield Buffer.from([byte]);
    }
    await expect(strict.saveFile(drops(), name)).rejects.toMatchObject({ code: 'VALIDATION_ERROR' });
  });

  it('finds a mark that lies across two chunks', async () => {
    const filler = Buffer.alloc(20_000, 'a');
    for (let cut = 1; cut < 4; cut += 1) {
      const parts = [
        Buffer.concat([pdf, filler, archive.subarray(0, cut)]),
        Buffer.concat([archive.subarray(cut), filler]),
      ];
      async function* content(): AsyncGenerator<Buffer> {
        yield* parts;
      }
      await expect(strict.saveFile(content(), 'a.pdf')).rejects.toThrow('ZIP');
    }
  });
});

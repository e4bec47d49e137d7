import { randomBytes } from 'node:crypto';
import { mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { FileStorageManager, LocalStorageStrategy } from 'plinth/storage';
import { afterAll, describe, expect, it } from 'vitest';
import { hosts, type Polyglot, polyglots, zipOf } from './polyglots.ts';

const root = mkdtempSync(join(tmpdir(), 'plinth-polyglots-'));
afterAll(() => rmSync(root, { recursive: true, force: true }));
const strategy = new LocalStorageStrategy({ directory: root, sync: false });
const strict = new FileStorageManager({ strategy, strictContent: true });

async function codeOf(saving: Promise<unknown>): Promise<unknown> {
  return await saving.then(
    () => 'accepted',
    (error: unknown) => (error as { readonly code?: unknown }).code,
  );
}

/** Chunks that cut everything that could be recognised. */
async function* inPieces(content: Buffer, bytes: number): AsyncGenerator<Buffer> {
  for (let start = 0; start < content.length; start += bytes) yield content.subarray(start, start + bytes);
}

describe('files that are two things at once, in strict mode', () => {
  const all = polyglots();

  it(`are refused, all ${all.length} of them: pictures, documents and texts with something else in or behind them`, async () => {
    expect(all.length).toBeGreaterThan(300);
    const accepted: Polyglot['what'][] = [];
    for (const { what, filename, content } of all) {
      const code = await codeOf(strict.saveFile(content, filename));
      if (code === 'accepted') accepted.push(`${filename}: ${what}`);
      else expect([filename, what, code]).toEqual([filename, what, 'VALIDATION_ERROR']);
    }
    expect(accepted).toEqual([]);
    expect(readdirSync(join(root, 'objects'))).toEqual([]);
    expect(readdirSync(join(root, 'temporary'))).toEqual([]);
  });

  it('are refused also when they come in pieces', async () => {
    for (const { what, filename, content } of all) {
      if (content.length > 20_000) continue;
      const code = await codeOf(strict.saveFile(inPieces(content, 7), filename));
      expect([filename, what, code]).toEqual([filename, what, 'VALIDATION_ERROR']);
    }
  });
});

describe('files that are one thing, in strict mode', () => {
  const metadata = Buffer.from(
    '<?xpacket begin="" id="W5M0MpCehiHzreSzNTczkc9d"?><x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:RDF><rdf:Description>' +
      '<dc:title><rdf:Alt><rdf:li xml:lang="x-default">A &lt;b&gt; and 100 % of it (c) 2026 /* really */</rdf:li>' +
      '</rdf:Alt></dc:title></rdf:Description></rdf:RDF></x:xmpmeta><?xpacket end="w"?>',
  );

  it('are accepted, with the texts that cameras and editors write into them', async () => {
    for (const { filename, build } of hosts) {
      expect([filename, await codeOf(strict.saveFile(build(metadata), filename))]).toEqual([filename, 'accepted']);
    }
  });

  it('are accepted although chance writes anything into a large one', async () => {
    for (const { filename, build } of hosts) {
      if (filename === 'a.jpg') continue; // Its parts are at most 64 KiB long.
      const content = build(randomBytes(8_000_000));
      expect([filename, await codeOf(strict.saveFile(content, filename))]).toEqual([filename, 'accepted']);
    }
  });

  it.each<[string, string]>([
    ['README.md', '<h1 align="center">\n  <img src="logo.png" width="200"><br>\n  Plinth\n</h1>\n\nSee `<script>`.'],
    ['badges.md', '<!-- badges: begin -->\n[![CI](a.svg)](b)\n<!-- badges: end -->\n\n# Title\n'],
    ['details.md', '<details>\n<summary>More</summary>\n\n```html\n<body onload="go()">\n```\n</details>\n'],
    ['anchor.md', '<a name="top"></a>\n<p align="center"><b>1 < 2</b></p>\n\n<script>is how a script begins</script>'],
    [
      'component.txt',
      "import { useState } from 'react';\nexport const A = () => <div onClick={go}><script /></div>;\n",
    ],
    ['page.txt', '// A template\nconst page = `<!doctype html><html><body>CONTENT</body></html>`;\n'],
    ['vector.txt', '#include <vector>\nstd::vector<a> b; // <b> <p> <?php\n'],
    ['generic.txt', '<T extends object>(value: T) => value;\n'],
    ['pom.txt', '<project name="a"><target/></project>\n'],
    ['merge.yaml', '<<: *defaults\nname: a\n'],
    ['cells.csv', 'id,html\n1,"<div><script>alert(1)</script></div>"\n2,<b>bold</b>\n'],
    ['signs.csv', '<5,>7\n1,2\n'],
    [
      'answer.txt',
      'From: a@b.example\nSubject: A <div> too much\n\nHello,\n\nthe <div> and the <script> are in the way.\n',
    ],
    ['from.txt', '<a@b.example> wrote on Monday:\n> <html>\n'],
    ['chat.txt', '<nick> hello\n<other> <b>hi</b>\n'],
    ['access.log', '10.0.0.1 - - "GET /?q=<script>alert(1)</script> HTTP/1.1" 400\n'],
    ['note.json', '{"html":"<!doctype html><script>alert(1)</script>"}'],
    ['blanks.txt', `${' '.repeat(60_000)}\nText`],
  ])('are accepted as texts that speak of something else: %s', async (filename, text) => {
    const allowedExtensions = ['.md', '.txt', '.yaml', '.csv', '.log', '.json'];
    for (const strictContent of [false, true]) {
      const files = new FileStorageManager({ strategy, strictContent, allowedExtensions });
      expect(await codeOf(files.saveFile(text, `texts/${filename}`))).toBe('accepted');
    }
  });

  it('are accepted as office documents with pictures and tables in them', async () => {
    const parts = [
      ['[Content_Types].xml', Buffer.from('<?xml version="1.0"?><Types/>')],
      ['xl/tables/table1.xml', Buffer.from('<table ref="A1:B2"><tableColumns/></table>')],
      ['xl/media/image1.png', hosts[0]?.build(Buffer.alloc(0)) ?? Buffer.alloc(0)],
      ['xl/media/image2.emz', gzipSync('a drawing')],
      ['xl/embeddings/Microsoft_Word_Document.docx', zipOf([['word/document.xml', Buffer.from('<w:document/>')]])],
    ] as const;
    for (const method of [0, 8] as const) {
      expect(await codeOf(strict.saveFile(zipOf(parts, '', method), 'a.xlsx'))).toBe('accepted');
    }
  });
});

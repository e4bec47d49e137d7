/**
 * Files that are two things at once, made as the tools for it make them: a second file behind the first one, inside a part
 * that readers of the first one leave out, or at the place where readers of the second one look for it.
 */
import { crc32, deflateRawSync } from 'node:zlib';

/** A file that claims to be a picture or a document, and is something else too. */
export interface Polyglot {
  /** What it is besides, and how. */
  readonly what: string;
  readonly filename: string;
  readonly content: Buffer;
}

/** Where readers of a kind look for its beginning. */
type Place = 'anywhere' | { readonly at: number };

interface Payload {
  readonly what: string;
  readonly bytes: Buffer;
  readonly place: Place;
}

function latin(text: string): Buffer {
  return Buffer.from(text, 'latin1');
}

function at(position: number, bytes: Buffer): Buffer {
  return Buffer.concat([Buffer.alloc(position), bytes]);
}

/** A ZIP file of these parts. */
export function zipOf(parts: readonly (readonly [string, Buffer])[], comment = '', method: 0 | 8 = 8): Buffer {
  const local: Buffer[] = [];
  const directory: Buffer[] = [];
  let position = 0;
  for (const [name, content] of parts) {
    const packed = method === 8 ? deflateRawSync(content) : content;
    const header = Buffer.alloc(30);
    header.writeUInt32LE(0x04034b50, 0);
    header.writeUInt16LE(method, 8);
    header.writeUInt32LE(packed.length, 18);
    header.writeUInt32LE(content.length, 22);
    header.writeUInt16LE(name.length, 26);
    const entry = Buffer.alloc(46);
    entry.writeUInt32LE(0x02014b50, 0);
    header.copy(entry, 6, 4, 30);
    entry.writeUInt32LE(position, 42);
    local.push(header, latin(name), packed);
    directory.push(entry, latin(name));
    position += header.length + name.length + packed.length;
  }
  const end = Buffer.alloc(22);
  end.writeUInt32LE(0x06054b50, 0);
  end.writeUInt16LE(parts.length, 8);
  end.writeUInt16LE(parts.length, 10);
  end.writeUInt32LE(Buffer.concat(directory).length, 12);
  end.writeUInt32LE(position, 16);
  end.writeUInt16LE(comment.length, 20);
  return Buffer.concat([...local, ...directory, end, latin(comment)]);
}

const pdf = latin('%PDF-1.4\n1 0 obj<</Type/Catalog/Pages 2 0 R>>endobj\ntrailer<</Root 1 0 R>>\n%%EOF\n');
const tarHeader = Buffer.concat([latin('evil.sh\0'), Buffer.alloc(249), latin('ustar\x0000'), Buffer.alloc(247)]);

/** What is hidden: kinds whose readers do not insist on the first byte, and programs, which are cut out again. */
export const payloads: readonly Payload[] = [
  { what: 'a Java archive', bytes: zipOf([['META-INF/MANIFEST.MF', latin('Main-Class: Evil\n')]]), place: 'anywhere' },
  { what: 'a ZIP without compression', bytes: zipOf([['evil.sh', latin('rm -rf /')]], '', 0), place: 'anywhere' },
  { what: 'a RAR 4 archive', bytes: latin('Rar!\x1a\x07\0\xcf\x90\x73\0\0\x0d\0\0\0\0\0\0\0'), place: 'anywhere' },
  { what: 'a RAR 5 archive', bytes: latin('Rar!\x1a\x07\x01\0\x33\x92\xb5\xe5\x0a\x01'), place: 'anywhere' },
  { what: 'a 7z archive', bytes: latin('7z\xbc\xaf\x27\x1c\0\x04\x8d\x9b\xd5\x0f'), place: 'anywhere' },
  { what: 'an ARJ archive', bytes: latin('\x60\xea\x29\0\x22\x0b\x01\x0b\x10\0\x02\x86'), place: 'anywhere' },
  { what: 'a cabinet', bytes: latin('MSCF\0\0\0\0\x52\0\0\0\0\0\0\0\x2c\0\0\0'), place: 'anywhere' },
  { what: 'a cpio archive', bytes: latin(`070701${'0'.repeat(104)}TRAILER!!!\0`), place: 'anywhere' },
  { what: 'a PDF', bytes: pdf, place: 'anywhere' },
  { what: 'a page', bytes: latin('<html><body onload=alert(1)></body></html>'), place: 'anywhere' },
  { what: 'a page in capitals', bytes: latin('<HTML><SCRIPT>alert(1)</SCRIPT></HTML>'), place: 'anywhere' },
  { what: 'a page in both cases', bytes: latin('<hTmL><sCrIpT src=//evil.example></sCrIpT>'), place: 'anywhere' },
  {
    what: 'a drawing with a script',
    bytes: latin('<svg onload=alert(1) xmlns="http://www.w3.org/2000/svg"/>'),
    place: 'anywhere',
  },
  { what: 'a page in a frame', bytes: latin('<iframe src=javascript:alert(1)></iframe>'), place: 'anywhere' },
  { what: 'a picture with a handler', bytes: latin('<img src=x onerror=alert(document.domain)>'), place: 'anywhere' },
  { what: 'a PHP script', bytes: latin('<?php system($_GET[0]); ?>'), place: 'anywhere' },
  { what: 'a PHP script in capitals', bytes: latin('<?PHP system($_GET[0]); ?>'), place: 'anywhere' },
  { what: 'a short PHP script', bytes: latin('<?=`$_GET[0]`?>'), place: 'anywhere' },
  {
    what: 'a JSP page',
    bytes: latin('<%@ page import="java.io.*" %><% Runtime.getRuntime().exec("id"); %>'),
    place: 'anywhere',
  },
  { what: 'an ASP page', bytes: latin('<%eval request("cmd")%>'), place: 'anywhere' },
  { what: 'a PostScript program', bytes: latin('%!PS-Adobe-3.0\n(%pipe%id) (r) file\n'), place: 'anywhere' },
  { what: 'an RTF document', bytes: latin('{\\rtf1{\\object\\objocx}}'), place: 'anywhere' },
  { what: 'a Linux program', bytes: latin('\x7fELF\x02\x01\x01\0\0\0\0\0\0\0\0\0\x02\0\x3e\0'), place: 'anywhere' },
  {
    what: 'a Windows program',
    bytes: Buffer.concat([latin('MZ\x90\0'), at(60, latin('This program cannot be run in DOS mode.'))]),
    place: 'anywhere',
  },
  { what: 'a WebAssembly program', bytes: latin('\0asm\x01\0\0\0'), place: 'anywhere' },
  { what: 'an Ogg file', bytes: latin('OggS\0\x02\0\0\0\0\0\0\0\0'), place: 'anywhere' },
  { what: 'a FLAC file', bytes: latin('fLaC\0\0\0\x22\x10\0\x10\0'), place: 'anywhere' },
  {
    what: 'a mail with a page',
    bytes: latin('MIME-Version: 1.0\r\nContent-Type: text/html\r\n\r\n<b>'),
    place: 'anywhere',
  },
  { what: 'a tape archive', bytes: tarHeader.subarray(257), place: { at: 257 } },
  { what: 'a DICOM file', bytes: latin('DICM\x02\0\0\0UL\x04\0'), place: { at: 128 } },
  { what: 'the image of a disc', bytes: latin('CD001\x01\0'), place: { at: 32_769 } },
  { what: 'a PDF in the first kilobyte', bytes: pdf, place: { at: 900 } },
];

function segment(marker: number, content: Buffer): Buffer {
  const head = Buffer.from([0xff, marker, 0, 0]);
  head.writeUInt16BE(content.length + 2, 2);
  return Buffer.concat([head, content]);
}

function pngChunk(type: string, content: Buffer): Buffer {
  const named = Buffer.concat([latin(type), content]);
  const [length, check] = [Buffer.alloc(4), Buffer.alloc(4)];
  length.writeUInt32BE(content.length);
  check.writeUInt32BE(crc32(named));
  return Buffer.concat([length, named, check]);
}

function subBlocks(content: Buffer): Buffer {
  const blocks: Buffer[] = [];
  for (let start = 0; start < content.length; start += 255) {
    const block = content.subarray(start, start + 255);
    blocks.push(Buffer.from([block.length]), block);
  }
  return Buffer.concat([...blocks, Buffer.from([0])]);
}

/** A kind of file that is accepted, with room for something else. */
interface Host {
  readonly filename: string;
  build(hidden: Buffer): Buffer;
}

const pngFront = Buffer.concat([
  Buffer.from('89504e470d0a1a0a', 'hex'),
  pngChunk('IHDR', Buffer.from('00000001000000010806000000', 'hex')),
]);
const gifFront = Buffer.from('47494638396101000100800000ffffff000000', 'hex');
const jpegFront = Buffer.from('ffd8ffe000104a46494600010100000100010000', 'hex');

function riff(chunks: Buffer): Buffer {
  const head = latin('RIFF\0\0\0\0WEBP');
  head.writeUInt32LE(chunks.length + 4, 4);
  return Buffer.concat([head, chunks]);
}

function riffChunk(type: string, content: Buffer): Buffer {
  const head = latin(`${type}\0\0\0\0`);
  head.writeUInt32LE(content.length, 4);
  return Buffer.concat([head, content, Buffer.alloc(content.length % 2)]);
}

const lossless = riffChunk('VP8L', Buffer.from('2f00000010071011118888fe0700', 'hex'));

export const hosts: readonly Host[] = [
  {
    filename: 'a.png',
    build: hidden =>
      Buffer.concat([
        pngFront,
        ...(hidden.length === 0 ? [] : [pngChunk('tEXt', Buffer.concat([latin('Comment\0'), hidden]))]),
        pngChunk('IDAT', Buffer.from('789c6360000000020001e221bc330000', 'hex')),
        pngChunk('IEND', Buffer.alloc(0)),
      ]),
  },
  {
    filename: 'a.jpg',
    build: hidden =>
      Buffer.concat([
        jpegFront,
        ...(hidden.length === 0 ? [] : [segment(0xfe, hidden)]),
        Buffer.from('ffda0008010100003f00112233ffd9', 'hex'),
      ]),
  },
  {
    filename: 'a.gif',
    build: hidden =>
      Buffer.concat([
        gifFront,
        ...(hidden.length === 0 ? [] : [Buffer.from([0x21, 0xfe]), subBlocks(hidden)]),
        Buffer.from('2c00000000010001000002024401003b', 'hex'),
      ]),
  },
  {
    filename: 'a.webp',
    build: hidden => riff(hidden.length === 0 ? lossless : Buffer.concat([riffChunk('XMP ', hidden), lossless])),
  },
  {
    filename: 'a.pdf',
    build: hidden =>
      Buffer.concat([
        latin('%PDF-1.4\n1 0 obj<</Length 70000>>stream\n'),
        hidden,
        latin('\nendstream endobj\ntrailer<<>>\n%%EOF\n'),
      ]),
  },
];

/** The bytes of a payload, moved to where its readers look for them when the host begins as it does. */
function placed({ bytes, place }: Payload, { build }: Host): Buffer | undefined {
  if (place === 'anywhere') return bytes;
  // Blocks that count their length push it back; so it is tried until it lies where it is looked for.
  for (let front = place.at; front >= 0; front -= 1) {
    const hidden = at(front, bytes);
    if (build(hidden).subarray(place.at).indexOf(bytes.subarray(0, 5)) === 0) return hidden;
    if (place.at - front > 400) return undefined;
  }
  return undefined;
}

/** Every payload in every host, inside of it and behind it. */
export function polyglots(): readonly Polyglot[] {
  const made: Polyglot[] = [];
  for (const host of hosts) {
    for (const payload of payloads) {
      if (host.filename === 'a.pdf' && payload.bytes.includes('%PDF-')) continue;
      const inside = placed(payload, host);
      if (inside !== undefined) {
        made.push({ what: `${payload.what} inside`, filename: host.filename, content: host.build(inside) });
      }
      if (payload.place === 'anywhere') {
        const content = Buffer.concat([host.build(Buffer.alloc(0)), payload.bytes]);
        made.push({ what: `${payload.what} behind it`, filename: host.filename, content });
      }
    }
  }
  return [...made, ...scripts(), ...documents()];
}

/** Pictures whose first bytes open a comment of JavaScript, which a later part closes. */
function scripts(): readonly Polyglot[] {
  const script = latin('*/=1;alert(document.domain);/*');
  const jpegPadding = Buffer.concat([latin('JFIF\0\x01\x01\0\0\x01\0\x01\0\0'), Buffer.alloc(0x2f2a - 2 - 14)]);
  const gif = Buffer.concat([
    gifFront,
    Buffer.from([0x21, 0xfe]),
    subBlocks(script),
    Buffer.from('2c00000000010001000002024401003b', 'hex'),
  ]);
  gif.write('/*', 6, 'latin1');
  const chunks = Buffer.concat([lossless, riffChunk('XMP ', script)]);
  // So long that the length of the picture reads "/*".
  const webp = riff(Buffer.concat([chunks, riffChunk('EXIF', Buffer.alloc(0x2a2f - 4 - chunks.length - 8 - 1))]));
  webp.writeUInt32LE(0x2a2f, 4);
  return [
    {
      what: 'JavaScript from the first byte',
      filename: 'a.jpg',
      content: Buffer.concat([
        Buffer.from('ffd8', 'hex'),
        segment(0xe0, jpegPadding),
        segment(0xfe, script),
        Buffer.from('ffda0008010100003f00112233ffd9', 'hex'),
      ]),
    },
    { what: 'JavaScript from the first byte', filename: 'a.gif', content: gif },
    { what: 'JavaScript from the first byte', filename: 'a.webp', content: webp },
  ];
}

/** Documents and texts that are something else. */
function documents(): readonly Polyglot[] {
  const script = latin('<?php system($_GET[0]); ?>');
  const word = (content: Buffer, comment = '', method: 0 | 8 = 8): Buffer =>
    zipOf(
      [
        ['[Content_Types].xml', latin('<Types/>')],
        ['word/document.xml', content],
      ],
      comment,
      method,
    );
  return [
    {
      what: 'a PHP script in its comment',
      filename: 'a.docx',
      content: word(latin('<w:document/>'), script.toString('latin1')),
    },
    { what: 'a PHP script in a part that is not packed', filename: 'a.docx', content: word(script, '', 0) },
    { what: 'a PDF in a part that is not packed', filename: 'a.docx', content: word(pdf, '', 0) },
    {
      what: 'a picture in front of it',
      filename: 'a.docx',
      content: Buffer.concat([gifFront, word(latin('<w:document/>'))]),
    },
    { what: 'a page', filename: 'a.txt', content: latin('\r\n\t <!-- --><html><script>alert(1)</script>') },
    {
      what: 'a page behind a comment',
      filename: 'a.txt',
      content: latin('<!-- a long comment --><script>alert(1)</script>'),
    },
    {
      what: 'a page behind its mark of Unicode',
      filename: 'a.md',
      content: latin('\xef\xbb\xbf<!doctype html><body onload=alert(1)>'),
    },
    {
      what: 'a page in UTF-16',
      filename: 'a.txt',
      content: Buffer.from('\ufeff<html><script>alert(1)</script>', 'utf16le'),
    },
    {
      what: 'a drawing',
      filename: 'a.csv',
      content: latin('<svg xmlns="http://www.w3.org/2000/svg"><script>alert(1)</script></svg>'),
    },
    { what: 'a program of the shell', filename: 'a.txt', content: latin('#!/bin/sh\nrm -rf /\n') },
    {
      what: 'an archive with a text in front',
      filename: 'a.txt',
      content: Buffer.concat([latin('Read me\n'), zipOf([['a', latin('b')]])]),
    },
    { what: 'an RTF document', filename: 'a.txt', content: latin('{\\rtf1\\ansi}') },
    {
      what: 'an old Word document',
      filename: 'a.docx',
      content: Buffer.from('d0cf11e0a1b11ae1000000000000000000', 'hex'),
    },
  ];
}

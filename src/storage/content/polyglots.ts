import { gifWalk, jpegWalk, pngWalk, StructureWalk, type Walk, webpWalk } from './image-structure.ts';

/** The mark of a kind of file that its readers find anywhere in another file. */
interface Mark {
  readonly what: string;
  readonly bytes: Buffer;
  /** Extensions of files that have it by right. */
  readonly expectedIn?: readonly string[];
}

const officeKinds = ['.docx', '.xlsx', '.pptx'];
const zipKinds = ['.zip', ...officeKinds];

/** Something that servers or browsers run, wherever in a file it stands. */
interface Pattern {
  readonly what: string;
  readonly pattern: RegExp;
  /** Whether it has no place in the parts of office documents either, which are pages of their own kind. */
  readonly isForeignInOffice?: true;
}

/** Short marks count only with so much text behind them that chance does not write it into a picture. */
function patterns(): readonly Pattern[] {
  const zero = '\\0';
  const low = '[\\0-\\x0b]';
  const tags = 'head|body|iframe|svg|img|object|embed|applet|form|style|meta|base|link|title|table|div|font';
  return [
    // Four bytes are written by chance into one of five hundred pictures; the method of packing has a zero byte besides.
    { what: 'a ZIP or Java archive', pattern: new RegExp(`PK\\x03\\x04.{5}${zero}`, 's') },
    { what: 'a PHP script', pattern: /<\?php\s/i, isForeignInOffice: true },
    { what: 'a PHP script', pattern: /<\?=[\t\n\r -~]{12}/ },
    { what: 'a server page', pattern: /<%[\t\n\r -~]{16}/ },
    { what: 'a script of a page', pattern: /<script[\s>/]/i, isForeignInOffice: true },
    { what: 'a page', pattern: /<(?:html[\s>]|!doctype\s+html)/i, isForeignInOffice: true },
    { what: 'a page', pattern: new RegExp(`<(?:${tags})(?=[\\s>/])[\\t\\n\\r -~]{8}`, 'i') },
    { what: 'a mail', pattern: /mime-version:\s*1\.0/i },
    { what: 'a cpio archive', pattern: /TRAILER!!!\0/ },
    // Mark, length, and the version, system, flags and kind of its first header.
    { what: 'an ARJ archive', pattern: new RegExp(`\`\xea.${low}[\x1e-\x30]${low}{3}..\x02`, 's') },
  ];
}

/** What a file that begins as a comment of JavaScript needs to be a script. */
const scriptOpens = '/*';
const scriptGoesOn = /\*\/\s*[=(;,.[]/;

/** How far the beginning reaches in which a comment may be opened, in bytes. */
const openingBytes = 16;

function marks(): readonly Mark[] {
  return [
    { what: 'a ZIP archive', bytes: latin('PK\x05\x06\0\0\0\0'), expectedIn: zipKinds },
    { what: 'a RAR archive', bytes: latin('Rar!\x1a\x07') },
    { what: 'a 7z archive', bytes: latin('7z\xbc\xaf\x27\x1c') },
    { what: 'an xz archive', bytes: latin('\xfd7zXZ\0') },
    { what: 'a bzip2 archive', bytes: latin('1AY&SY') },
    { what: 'a cabinet', bytes: latin('MSCF\0\0\0\0') },
    { what: 'an archive of objects', bytes: latin('!<arch>\n') },
    { what: 'a PDF', bytes: latin('%PDF-'), expectedIn: ['.pdf'] },
    { what: 'a PostScript program', bytes: latin('%!PS-Adobe') },
    { what: 'a Linux program', bytes: latin('\x7fELF\x01\x01') },
    { what: 'a Linux program', bytes: latin('\x7fELF\x02\x01') },
    { what: 'a Windows program', bytes: latin('This program cannot be run in DOS') },
    { what: 'a WebAssembly program', bytes: latin('\0asm\x01\0\0\0') },
    { what: 'a Java class', bytes: latin('\xca\xfe\xba\xbe\0\0\0') },
    { what: 'an Android program', bytes: latin('dex\n03') },
    { what: 'a FLAC file', bytes: latin('fLaC\0\0\0\x22') },
    { what: 'an Ogg file', bytes: latin('OggS\0\x02'), expectedIn: ['.ogg'] },
    { what: 'an RTF document', bytes: latin('{\\rtf1') },
    { what: 'a PNG', bytes: latin('\x89PNG\r\n\x1a\n'), expectedIn: ['.png', '.docx', '.xlsx', '.pptx', '.zip'] },
  ];
}

/** Marks that count only at their place, from the beginning of the file. */
function placedMarks(): readonly { readonly what: string; readonly at: number; readonly bytes: Buffer }[] {
  return [
    { what: 'a tape archive', at: 257, bytes: latin('ustar') },
    { what: 'a DICOM file', at: 128, bytes: latin('DICM') },
    { what: 'the image of a disc', at: 32_769, bytes: latin('CD001') },
    { what: 'the image of a disc', at: 34_817, bytes: latin('CD001') },
    { what: 'the image of a disc', at: 36_865, bytes: latin('CD001') },
    { what: 'a boot sector', at: 510, bytes: latin('\x55\xaaEFI PART') },
  ];
}

/** How far marks at a place reach, in bytes. */
const placedBytes = 36_870;

/** As long as the longest mark, less one: what may lie across two chunks. */
const overlapBytes = 40;

const walks: Readonly<Record<string, () => Walk>> = {
  '.png': pngWalk,
  '.jpg': jpegWalk,
  '.jpeg': jpegWalk,
  '.gif': gifWalk,
  '.webp': webpWalk,
};

/**
 * Looks for a second file in a file, as it passes: pictures must consist of their own parts and end where they end, and
 * nothing may contain the mark of a kind that is found anywhere, such as an archive, a program or a script.
 */
export class PolyglotScanner {
  readonly #marks: readonly Mark[];
  readonly #patterns: readonly Pattern[];
  readonly #isBinary: boolean;
  #opening: Buffer = Buffer.alloc(0);
  readonly #walk: StructureWalk | undefined;
  readonly #mustEndAsPdf: boolean;
  readonly #isPdfElsewhere: boolean;
  #overlap: Buffer = Buffer.alloc(0);
  #head: Buffer | undefined = Buffer.alloc(0);
  #tail: Buffer = Buffer.alloc(0);

  constructor(extension: string, isText: boolean) {
    const isArchive = extension === '.zip';
    const isOffice = officeKinds.includes(extension);
    // Text may speak of what other kinds begin with, and what is in an archive is its own affair.
    const isReadable = (bytes: Buffer): boolean => /^[\n -~]+$/.test(bytes.toString('latin1'));
    this.#marks = marks().filter(
      ({ bytes, expectedIn = [] }) => !expectedIn.includes(extension) && !((isText || isArchive) && isReadable(bytes)),
    );
    this.#isBinary = !isText && !isArchive;
    this.#patterns = this.#isBinary
      ? patterns().filter(({ isForeignInOffice = false }) => !isOffice || isForeignInOffice)
      : [];
    this.#isPdfElsewhere = extension !== '.pdf';
    const walk = walks[extension];
    this.#walk = walk === undefined ? undefined : new StructureWalk(walk());
    this.#mustEndAsPdf = extension === '.pdf';
  }

  /** What was found, if anything. */
  feed(chunk: Uint8Array): string | undefined {
    const bytes = Buffer.from(chunk.buffer, chunk.byteOffset, chunk.byteLength);
    const joint = Buffer.concat([this.#overlap, bytes.subarray(0, overlapBytes)]);
    const found =
      this.#marks.find(mark => joint.includes(mark.bytes) || bytes.includes(mark.bytes)) ??
      this.#active(joint.toString('latin1'), bytes.toString('latin1'), bytes);
    this.#overlap = Buffer.from(Buffer.concat([this.#overlap, bytes.subarray(-overlapBytes)]).subarray(-overlapBytes));
    if (this.#mustEndAsPdf) this.#tail = Buffer.concat([this.#tail, bytes.subarray(-1_024)]).subarray(-1_024);
    if (found !== undefined) return `${found.what} is in it`;
    return this.#walk?.feed(chunk) ?? this.#placed(bytes);
  }

  end(): string | undefined {
    if (this.#mustEndAsPdf && !/%%EOF\s*$/.test(this.#tail.toString('latin1'))) return 'something follows its end';
    return this.#walk?.end();
  }

  #active(joint: string, text: string, bytes: Buffer): { readonly what: string } | undefined {
    if (!this.#isBinary) return undefined;
    if (this.#opening.length < openingBytes) {
      this.#opening = Buffer.concat([this.#opening, bytes.subarray(0, openingBytes)]).subarray(0, openingBytes);
    }
    if (this.#opening.includes(scriptOpens) && (scriptGoesOn.test(joint) || scriptGoesOn.test(text))) {
      return { what: 'JavaScript' };
    }
    return this.#patterns.find(({ pattern }) => pattern.test(joint) || pattern.test(text));
  }

  #placed(bytes: Buffer): string | undefined {
    if (this.#head === undefined) return undefined;
    const head = Buffer.concat([this.#head, bytes.subarray(0, placedBytes)]);
    this.#head = head.length < placedBytes ? head : undefined;
    // Readers of PDF look for its head that far.
    if (this.#isPdfElsewhere && head.subarray(0, 1_029).includes('%PDF-')) return 'it is a PDF too';
    const found = placedMarks().find(mark => head.subarray(mark.at, mark.at + mark.bytes.length).equals(mark.bytes));
    return found === undefined ? undefined : `it is ${found.what} too`;
  }
}

function latin(text: string): Buffer {
  return Buffer.from(text, 'latin1');
}

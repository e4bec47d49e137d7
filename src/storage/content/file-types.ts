/** How a kind of file is recognised and kept. */
export interface FileType {
  /** Its extensions in lower case, with the dot. */
  readonly extensions: readonly string[];
  /** What it is served as. */
  readonly contentType: string;
  /**
   * How its content must begin: bytes, or `text` for anything that is text and no script, page or program; `markdown` is
   * text that may begin with tags that only format. Without it anything but a program may be in the file.
   */
  readonly begins?: readonly Signature[] | 'text' | 'markdown' | undefined;
  /** Whether gzip makes it smaller. @default false */
  readonly isCompressible?: boolean | undefined;
  /** What is looked at besides. @default none */
  readonly container?: 'zip' | 'office' | undefined;
}

/** Bytes at a place: hex digits, with `..` for any byte. */
export interface Signature {
  readonly at: number;
  readonly bytes: string;
}

/**
 * What is accepted when nothing else is said: documents, plain text and pictures. No pages or drawings that can carry
 * scripts (html, svg, xml), and no archives.
 */
export const defaultAllowedExtensions: readonly string[] = Object.freeze([
  '.pdf',
  '.txt',
  '.md',
  '.csv',
  '.tsv',
  '.json',
  '.png',
  '.jpg',
  '.jpeg',
  '.gif',
  '.webp',
  '.docx',
  '.xlsx',
  '.pptx',
]);

const zipSignature: readonly Signature[] = [{ at: 0, bytes: '504b0304' }];
const office = 'application/vnd.openxmlformats-officedocument';

/** The kinds that are known. An application adds its own by the option `fileTypes`. */
export const knownFileTypes: readonly FileType[] = Object.freeze<FileType[]>([
  { extensions: ['.pdf'], contentType: 'application/pdf', begins: [{ at: 0, bytes: '255044462d' }] },
  { extensions: ['.txt', '.log'], contentType: 'text/plain', begins: 'text', isCompressible: true },
  { extensions: ['.md'], contentType: 'text/markdown', begins: 'markdown', isCompressible: true },
  { extensions: ['.csv'], contentType: 'text/csv', begins: 'text', isCompressible: true },
  { extensions: ['.tsv'], contentType: 'text/tab-separated-values', begins: 'text', isCompressible: true },
  { extensions: ['.json'], contentType: 'application/json', begins: 'text', isCompressible: true },
  { extensions: ['.ndjson', '.jsonl'], contentType: 'application/x-ndjson', begins: 'text', isCompressible: true },
  { extensions: ['.yaml', '.yml'], contentType: 'application/yaml', begins: 'text', isCompressible: true },
  { extensions: ['.png'], contentType: 'image/png', begins: [{ at: 0, bytes: '89504e470d0a1a0a' }] },
  { extensions: ['.jpg', '.jpeg'], contentType: 'image/jpeg', begins: [{ at: 0, bytes: 'ffd8ff' }] },
  {
    extensions: ['.gif'],
    contentType: 'image/gif',
    begins: [
      { at: 0, bytes: '474946383761' },
      { at: 0, bytes: '474946383961' },
    ],
  },
  { extensions: ['.webp'], contentType: 'image/webp', begins: [{ at: 0, bytes: '52494646........57454250' }] },
  { extensions: ['.avif'], contentType: 'image/avif', begins: [{ at: 4, bytes: '6674797061766966' }] },
  {
    extensions: ['.tif', '.tiff'],
    contentType: 'image/tiff',
    begins: [
      { at: 0, bytes: '49492a00' },
      { at: 0, bytes: '4d4d002a' },
    ],
  },
  { extensions: ['.mp4'], contentType: 'video/mp4', begins: [{ at: 4, bytes: '66747970' }] },
  { extensions: ['.webm'], contentType: 'video/webm', begins: [{ at: 0, bytes: '1a45dfa3' }] },
  {
    extensions: ['.mp3'],
    contentType: 'audio/mpeg',
    begins: [
      { at: 0, bytes: '494433' },
      { at: 0, bytes: 'fffb' },
      { at: 0, bytes: 'fff3' },
      { at: 0, bytes: 'fff2' },
    ],
  },
  { extensions: ['.wav'], contentType: 'audio/wav', begins: [{ at: 0, bytes: '52494646........57415645' }] },
  { extensions: ['.ogg'], contentType: 'audio/ogg', begins: [{ at: 0, bytes: '4f676753' }] },
  { extensions: ['.zip'], contentType: 'application/zip', begins: zipSignature, container: 'zip' },
  { extensions: ['.gz'], contentType: 'application/gzip', begins: [{ at: 0, bytes: '1f8b08' }] },
  {
    extensions: ['.docx'],
    contentType: `${office}.wordprocessingml.document`,
    begins: zipSignature,
    container: 'office',
  },
  { extensions: ['.xlsx'], contentType: `${office}.spreadsheetml.sheet`, begins: zipSignature, container: 'office' },
  {
    extensions: ['.pptx'],
    contentType: `${office}.presentationml.presentation`,
    begins: zipSignature,
    container: 'office',
  },
]);

/** Whether a content that begins so has the signature. */
export function hasSignature(head: Uint8Array, { at, bytes }: Signature): boolean {
  for (let index = 0; index < bytes.length / 2; index += 1) {
    const expected = bytes.slice(index * 2, index * 2 + 2);
    if (expected !== '..' && head[at + index] !== Number.parseInt(expected, 16)) return false;
  }
  return true;
}

/** Programs and what starts them: never accepted, whatever a file is called. */
const programs: readonly (Signature & { readonly what: string })[] = [
  { at: 0, bytes: '4d5a', what: 'a Windows program' },
  { at: 0, bytes: '7f454c46', what: 'a Linux program' },
  { at: 0, bytes: 'feedface', what: 'a macOS program' },
  { at: 0, bytes: 'feedfacf', what: 'a macOS program' },
  { at: 0, bytes: 'cefaedfe', what: 'a macOS program' },
  { at: 0, bytes: 'cffaedfe', what: 'a macOS program' },
  { at: 0, bytes: 'cafebabe', what: 'a Java class or macOS program' },
  { at: 0, bytes: '6465780a', what: 'an Android program' },
  { at: 0, bytes: '0061736d', what: 'a WebAssembly program' },
  { at: 0, bytes: '2321', what: 'a script' },
  { at: 0, bytes: '4c0000000114020000000000c000', what: 'a Windows link' },
];

/** What program a content is that begins so, if it is one. */
export function programIn(head: Uint8Array): string | undefined {
  return programs.find(signature => hasSignature(head, signature))?.what;
}

/** Archives, whose parts nobody has looked at. */
const archives: readonly Signature[] = [
  { at: 0, bytes: '504b0304' },
  { at: 0, bytes: '504b0506' },
  { at: 0, bytes: '526172211a07' },
  { at: 0, bytes: '377abcaf271c' },
  { at: 0, bytes: '1f8b08' },
  { at: 0, bytes: 'fd377a585a00' },
  { at: 0, bytes: '425a68..314159265359' },
  { at: 0, bytes: '28b52ffd' },
  { at: 0, bytes: '4d53434600000000' },
  { at: 257, bytes: '7573746172' },
];

/** Whether a content that begins so is an archive. */
export function isArchive(head: Uint8Array): boolean {
  return archives.some(signature => hasSignature(head, signature));
}

/** Extensions that some server or desktop runs, refused also in the middle of a name, as in `shell.php.jpg`. */
export const runnableExtensions: ReadonlySet<string> = new Set(
  (
    'php php3 php4 php5 php7 php8 phtml phar pht asp aspx ashx asmx asa jsp jspx jsw jspf cgi shtml exe bat cmd scr ' +
    'pif msi dll jar vbs vbe wsf wsh ps1 hta lnk htaccess htm html xhtml svg swf'
  )
    .split(' ')
    .map(extension => `.${extension}`),
);

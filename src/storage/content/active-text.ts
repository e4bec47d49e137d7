/** What ends the name of a tag. */
const end = '(?=[\\t\\n\\f\\r />])';

/** What is a page and nothing else, or can carry scripts. */
const document = new RegExp(
  `^<(?:(?:!doctype\\s+html|html|head|body|frameset|script|iframe|style|title|svg)${end}|\\?xml)`,
  'i',
);

/** What else browsers take for a page when they are told no type: the table of the MIME Sniffing Standard, section 7.1. */
const markup = new RegExp(`^<(?:!--|(?:h1|div|font|table|a|b|br|p)${end})`, 'i');

/**
 * What a tag is made of, as browsers read it (HTML Standard, section 13.2.5): a quote means something only where a value
 * begins, and a `>` in quotes does not end the tag.
 */
const tagBeginning = /^<\/?[a-z][^\s/>]*/i;
const attribute = /[\s/]*[^\s/>][^\s/>=]*(?:\s*=\s*(?:"[^"]*"|'[^']*'|(?!["'])[^\s>]*))?/y;
const tagEnd = /[\s/]*>/y;

/** A comment, which has three ways to end and two to be empty. */
const comment = /^<!--(?:-?>|[\s\S]*?--!?>)/;

/** How much of a text must be seen behind what says nothing, in bytes. */
const leastBytes = 1_024;

/** What acts by its attributes alone. */
const acting = /^<(?:object|embed|applet|form|meta|link|base)[\s/][^>]*=/i;
const handling = /[\s/"'](?:on[a-z]+\s*=|[a-z]+\s*=["'\s]*(?:javascript|vbscript):)/i;

/** Pictures that are not there run what stands in their attributes, in browsers that take them for a page. */
const picture = /^<img[\s/][^>]*=/i;

/**
 * What active content a text begins with, if any: browsers and servers would run it. A text may speak of anything further
 * on. Markdown may also begin with comments and tags that only format, as many do; then what follows them counts.
 *
 * @param isCut Whether there is more of the text than its head.
 */
export function activeTextIn(head: Uint8Array, isMarkdown: boolean, isCut: boolean): string | undefined {
  const whole = Buffer.from(head.buffer, head.byteOffset, head.byteLength).toString('latin1');
  const text = withoutBlanks(whole.replace(/^ï»¿/, ''));
  const start = isMarkdown ? behindFormatting(text) : text;
  if (/^<(?:\?php|\?=|%)/i.test(start)) return 'a server script';
  if (isActive(start)) return 'a page';
  if (start.startsWith('<!--') || (!isMarkdown && (markup.test(start) || picture.test(start)))) return 'a page';
  if (/^%pdf-/i.test(text)) return 'a PDF';
  if (/^\{\\rtf/i.test(text)) return 'an RTF document';
  if (isCut && start.length < leastBytes) return 'a text that begins with nothing but blanks or formatting';
  return undefined;
}

function isActive(text: string): boolean {
  return document.test(text) || acting.test(text) || handling.test(tagIn(text));
}

/** What is left of a text behind the comments and tags that it begins with, as far as they do nothing. */
function behindFormatting(text: string): string {
  let rest = text;
  while (!isActive(rest)) {
    const formatting = comment.exec(rest)?.[0] ?? tagIn(rest);
    if (formatting === '') break;
    rest = withoutBlanks(rest.slice(formatting.length));
  }
  return rest;
}

/** The tag that a text begins with, with what it says; nothing when it does not end. */
function tagIn(text: string): string {
  let end = tagBeginning.exec(text)?.[0].length ?? 0;
  if (end === 0) return '';
  for (let next = matchAt(attribute, text, end); next !== ''; next = matchAt(attribute, text, end)) end += next.length;
  const ending = matchAt(tagEnd, text, end);
  return ending === '' ? '' : text.slice(0, end + ending.length);
}

function matchAt(sticky: RegExp, text: string, position: number): string {
  sticky.lastIndex = position;
  return sticky.exec(text)?.[0] ?? '';
}

function withoutBlanks(text: string): string {
  return text.replace(/^[\s\0]+/, '');
}

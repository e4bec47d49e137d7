/** What ends the name of a tag. */
const end = '(?=[\\t\\n\\f\\r />])';

/** What is a page and nothing else, or can carry scripts. */
const document = new RegExp(
  `^<(?:(?:!doctype\\s+html|html|head|body|frameset|script|iframe|style|title|svg)${end}|\\?xml)`,
  'i',
);

/** What else browsers take for a page when they are told no type: the table of the MIME Sniffing Standard, section 7.1. */
const markup = new RegExp(`^<(?:!--|(?:h1|div|font|table|a|b|br|p)${end})`, 'i');

/** A tag with what it says; a `>` in quotes does not end it. */
const tag = /^<\/?[a-z](?:"[^"]*"|'[^']*'|[^<>"'])*>/i;

/** What acts by its attributes alone. */
const acting = /^<(?:object|embed|applet|form|meta|link|base)[\s/][^>]*=/i;
const handling = /[\s/"'](?:on[a-z]+\s*=|[a-z]+\s*=["'\s]*(?:javascript|vbscript):)/i;

/** Pictures that are not there run what stands in their attributes, in browsers that take them for a page. */
const picture = /^<img[\s/][^>]*=/i;

/**
 * What active content a text begins with, if any: browsers and servers would run it. A text may speak of anything further
 * on. Markdown may also begin with comments and tags that only format, as many do; then what follows them counts.
 */
export function activeTextIn(head: Uint8Array, isMarkdown: boolean): string | undefined {
  const whole = Buffer.from(head.buffer, head.byteOffset, head.byteLength).toString('latin1');
  const text = withoutBlanks(whole.replace(/^ï»¿/, ''));
  const start = isMarkdown ? behindFormatting(text) : text;
  if (/^<(?:\?php|\?=|%)/i.test(start)) return 'a server script';
  if (isActive(start)) return 'a page';
  if (start.startsWith('<!--') || (!isMarkdown && (markup.test(start) || picture.test(start)))) return 'a page';
  if (/^%pdf-/i.test(text)) return 'a PDF';
  if (/^\{\\rtf/i.test(text)) return 'an RTF document';
  return undefined;
}

function isActive(text: string): boolean {
  return document.test(text) || acting.test(text) || handling.test(tag.exec(text)?.[0] ?? '');
}

/** What is left of a text behind the comments and tags that it begins with, as far as they do nothing. */
function behindFormatting(text: string): string {
  let rest = text;
  while (!isActive(rest)) {
    const length = rest.startsWith('<!--') ? rest.indexOf('-->', 4) + 3 : (tag.exec(rest)?.[0].length ?? 0);
    if (length < 3) break;
    rest = withoutBlanks(rest.slice(length));
  }
  return rest;
}

function withoutBlanks(text: string): string {
  return text.replace(/^[\s\0]+/, '');
}

import { describe, expect, it } from 'vitest';
import { ScraperError } from '../../errors/index.ts';
import { HtmlPage, type HtmlPageOptions } from './index.ts';

const parse = (html: string, options: Partial<HtmlPageOptions> = {}): HtmlPage =>
  HtmlPage.parse(html, { url: 'https://example.org/', ...options });

/** What takes seconds or more without its bound takes a fraction of this. */
const limitMs = 5_000;

const names = (count: number): string => Array.from({ length: count }, (_, index) => `a${index}`).join(' ');

describe('HtmlPage, of hostile pages', () => {
  it.each([
    ['100,000 elements in each other', '<div>'.repeat(100_000), 'depth'],
    ['formatting that is never closed', '<font>'.repeat(800_000), 'depth'],
    ['links and blocks across each other', '<a><div></a>'.repeat(400_000), 'depth'],
    [
      'paragraphs that repeat 400 formats each',
      names(400).replaceAll(/a\d+ ?/g, '<b $&>') + '<p>x'.repeat(900_000),
      'siblings',
    ],
    ['elements of a table that belong before it', `<table>${'<b></b>'.repeat(600_000)}`, 'siblings'],
    ['elements beside each other', '<div><i></i></div>'.repeat(250_000), 'siblings'],
    ['a hundred elements in each of a thousand', `<p>${'<i></i>'.repeat(100)}`.repeat(1_000), 'elements'],
    ['700,000 attributes', `<p ${names(700_000)}>`.slice(0, 4_900_000), 'effort'],
    ['1,000 attributes, 1,000 times', `<p ${names(1_000)}>`.repeat(1_000), 'effort'],
    ['attributes that begin with =', `<p ${names(100_000).replaceAll('a', '=')}>`, 'effort'],
    ['attributes behind quotes and comments', `<!-- <x y="--><script><z "</script><p ${names(100_000)}>`, 'effort'],
    ['a million ends of what is not open', `${'<span>'.repeat(500)}${'</x>'.repeat(1_200_000)}`, 'effort'],
    ['more characters than are read', 'x'.repeat(5_000_001), 'characters'],
  ])('refuses %s', (_what, html, limit) => {
    const startedMs = performance.now();
    let error: unknown;
    try {
      parse(html);
    } catch (caught) {
      error = caught;
    }
    expect(error).toBeInstanceOf(ScraperError);
    expect(error).toMatchObject({ retryable: false, details: { limit } });
    expect(performance.now() - startedMs).toBeLessThan(limitMs);
  });

  it.each([
    ['no page at all', '%PDF-1.7\n\0\u0001'],
    ['nothing', ''],
    ['tags that do not end', '<a'.repeat(500_000)],
    ['a comment that does not end', `<!--${'-'.repeat(4_000_000)}`],
    ['white space', ' \n'.repeat(2_000_000)],
    ['references that do not end', '&amp'.repeat(1_000_000)],
    ['one text', 'x '.repeat(2_000_000)],
  ])('reads %s', (_what, html) => {
    const startedMs = performance.now();
    expect(parse(html).one('body').text()).toBeTypeOf('string');
    expect(performance.now() - startedMs).toBeLessThan(limitMs);
  });

  it('reads a large page of the usual kind, and one of any size where that is wanted', () => {
    const rows = '<tr class="row"><td><a href="/x?a=1&b=2" title="a > b">name</a><td>text</tr>\n'.repeat(9_000);
    expect(parse(`<table>${rows}</table>`).all('tr.row > td > a')).toHaveLength(9_000);
    expect(() => parse(`<table>${rows}</table>`, { maxElements: 1_000 })).toThrow('more than 1000 elements');
    const options = { maxElements: 1_000_000, maxSiblings: 1_000_000, maxCharacters: 20_000_000 };
    expect(parse('<i></i>'.repeat(200_000), options).all('i')).toHaveLength(200_000);
  });

  it('bounds what a selector can cost', () => {
    const page = parse('<b></b>'.repeat(19_000));
    const startedMs = performance.now();
    for (const selector of ['b:nth-child(2)', 'i ~ b', 'b:has(i)']) page.all(selector, { atLeast: 0 });
    expect(performance.now() - startedMs).toBeLessThan(2 * limitMs);
  });
});

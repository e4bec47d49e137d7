import { describe, expect, it } from 'vitest';
import { readRobots } from './robots-rules.ts';

const isAllowed = (file: string, path: string, token = 'plinth'): boolean =>
  !readRobots(file, token).ruleFor(path)?.startsWith('Disallow');

/** Section 5.1 of RFC 9309. */
const simpleExample = `
User-Agent: *
Disallow: *.gif$
Disallow: /example/
Allow: /publications/

User-Agent: foobot
Disallow:/
Allow:/example/page.html
Allow:/example/allowed.gif

User-Agent: barbot
User-Agent: bazbot
Disallow: /example/page.html

User-Agent: quxbot`;

describe('readRobots', () => {
  it.each([
    ['anybot', '/publications/x.html', true],
    ['anybot', '/example/page.html', false],
    ['anybot', '/a.gif', false],
    ['anybot', '/a.gif?size=1', true],
    ['foobot', '/publications/', false],
    ['foobot', '/example/page.html', true],
    ['foobot', '/example/allowed.gif', true],
    ['barbot', '/example/page.html', false],
    ['bazbot', '/example/page.html', false],
    ['bazbot', '/example/allowed.gif', true],
    ['quxbot', '/example/page.html', true],
  ])('judges the first example of the RFC: %s and %s', (token, path, expected) => {
    expect(isAllowed(simpleExample, path, token)).toBe(expected);
  });

  it('judges the second example of the RFC by the longest match', () => {
    const file = 'User-Agent: foobot\nAllow: /example/page/\nDisallow: /example/page/disallowed.gif';
    expect(isAllowed(file, '/example/page/disallowed.gif', 'foobot')).toBe(false);
    expect(isAllowed(file, '/example/page/other.gif', 'foobot')).toBe(true);
  });

  /** Section 2.2.2 and 2.2.3, and what is written out there. Every case with the rule `Disallow`. */
  it.each([
    ['/foo/bar?baz=quz', '/foo/bar?baz=quz', true],
    ['/foo/bar?baz=https://foo.bar', '/foo/bar?baz=https%3A%2F%2Ffoo.bar', true],
    ['/foo/bar?baz=https%3a%2f%2ffoo.bar', '/foo/bar?baz=https://foo.bar', true],
    ['/foo/bar/ツ', '/foo/bar/%E3%83%84', true],
    ['/foo/bar/%E3%83%84', '/foo/bar/%E3%83%84', true],
    ['/foo/bar/%e3%83%84', '/foo/bar/%E3%83%84', true],
    ['/foo/bar/%62%61%7A', '/foo/bar/baz', true],
    ['/foo/bar/baz', '/foo/bar/%62%61%7A', true],
    ['/a%2Fb', '/a/b', false],
    ['/path/file-with-a-%2A.html', '/path/file-with-a-*.html', true],
    ['/path/foo-%24', '/path/foo-$', true],
    ['/path/foo-%24', '/path/foo-', false],
    ['/a$b', '/a$b', true],
    ['/exact$', '/exact', true],
    ['/exact$', '/exact/more', false],
    ['/this/*/exactly', '/this/that/exactly', true],
    ['/this/***/exactly', '/this/that/and/exactly', true],
    ['/this/*/exactly', '/this/exactly', false],
    ['*', '/', true],
    ['/', '/anything', true],
    ['', '/anything', false],
    ['/fish', '/Fish', false],
    ['/fish', '/fish.html', true],
    ['/fish/', '/fish', false],
    ['/fish*.php', '/fish.php5', true],
    ['/*?filter[', '/list?filter[name]=x', true],
    ["/o'hara", "/o'hara", true],
    ["/?q=o'hara", '/?q=o%27hara', true],
    ['/a|b', '/a|b', true],
    ['/50%', '/50%', true],
    ['/*/private', '/x?next=/private', true],
    ['fish', '/fish', false],
  ])('reads the pattern %j with the path %j: matches %j', (pattern, path, expected) => {
    expect(isAllowed(`User-agent: *\nDisallow: ${pattern}`, path)).toBe(!expected);
  });

  it.each([
    ['a mark before the first line', '\ufeffUser-agent: *\nDisallow: /x'],
    ['CRLF', 'User-agent: *\r\nDisallow: /x\r\n'],
    ['CR only', 'User-agent: *\rDisallow: /x\r'],
    ['upper case', 'USER-AGENT: *\nDISALLOW: /x'],
    ['our name in another case, with a version', 'User-agent: PLINTH/2.0\nDisallow: /x\n\nUser-agent: *\nAllow: /'],
    ['white space everywhere', '  User-agent :\t* \n\n\n  Disallow:  /x  '],
    ['comments', '# hello\nUser-agent: * # all\nDisallow: /x # not this'],
    ['two groups of the same name', 'User-agent: plinth\nDisallow: /a\nUser-agent: plinth\nDisallow: /x'],
    ['two names for one group', 'User-agent: other\nUser-agent: plinth\nDisallow: /x'],
    ['unknown lines between the names', 'User-agent: plinth\nNoindex: /y\nSitemap: x\nUser-agent: b\nDisallow: /x'],
    ['an empty line within a group', 'User-agent: plinth\n\nDisallow: /x'],
    ['lines that are none', 'User-agent: *\nDisallow\n:\n????\nDisallow: /x'],
    ['NUL characters', 'User-agent: *\n\0\0\nDisallow: /x'],
    ['names like those of objects', 'User-agent: __proto__\nUser-agent: *\nconstructor: x\nDisallow: /x'],
  ])('understands %s', (_name, file) => {
    expect(isAllowed(file, '/x')).toBe(false);
    expect(isAllowed(file, '/y')).toBe(true);
  });

  it.each([
    ['an empty file', ''],
    [
      'an HTML page',
      '<!doctype html><html><body><h1>Not found</h1><p style="color: red">User-agent: *</p></body></html>',
    ],
    ['rules before any name', 'Disallow: /x'],
    ['only rules for others', 'User-agent: other\nDisallow: /\nUser-agent: plinth-images\nDisallow: /'],
    ['a group of ours that is empty', 'User-agent: *\nDisallow: /\n\nUser-agent: plinth'],
    ['an allowing rule of the same length', 'User-agent: *\nDisallow: /x\nAllow: /x'],
    ['a name that only begins like ours', 'User-agent: plinthian\nDisallow: /'],
  ])('takes %s for a permission', (_name, file) => {
    expect(isAllowed(file, '/x')).toBe(true);
  });

  it('says which rule decided, as it is written in the file', () => {
    const file = 'User-agent: *\nAllow: /\ndisallow: /%7euser # home';
    expect(readRobots(file, 'plinth').ruleFor('/~user/x')).toBe('Disallow: /%7euser');
    expect(readRobots(file, 'plinth').ruleFor('/other')).toBe('Allow: /');
    expect(readRobots('', 'plinth').ruleFor('/other')).toBeUndefined();
  });

  it.each([
    ['User-agent: *\nCrawl-delay: 1\nDisallow: /x', 1_000],
    ['User-agent: *\nDisallow: /x\nCrawl-delay: 0.25', 250],
    ['User-agent: *\nCrawl-delay: 5\nUser-agent: plinth\nCrawl-delay: 2', 2_000],
    ['User-agent: bingbot\nCrawl-delay: 10\n\nUser-agent: *\nDisallow: /x', undefined],
    ['User-agent: *\nCrawl-delay: 10\n\nUser-agent: plinth\nDisallow: /x', undefined],
    ['User-agent: *\nCrawl-delay: -1', undefined],
    ['User-agent: *\nCrawl-delay: soon', undefined],
    ['User-agent: *\nCrawl-delay: 99999999999', 2_147_483_647],
    ['Crawl-delay: 3', undefined],
  ])('reads the delay of %j as %j ms', (file, expected) => {
    expect(readRobots(file, 'plinth').crawlDelayMs).toBe(expected);
  });

  it('names sitemaps wherever they are, if they are addresses', () => {
    const file =
      'Sitemap: https://a.example/s.xml#1\nUser-agent: x\nSitemap: /s.xml\nsitemap:https://b.example/s.xml.gz';
    expect(readRobots(file, 'plinth').sitemaps).toEqual(['https://a.example/s.xml#1', 'https://b.example/s.xml.gz']);
  });

  it('takes no longer for a pattern full of stars than its length times that of the path', () => {
    const pattern = `/${'*a'.repeat(1_000)}b`;
    const rules = readRobots(['User-agent: *', ...Array(25).fill(`Disallow: ${pattern}`)].join('\n'), 'plinth');
    const startedMs = performance.now();
    expect(rules.ruleFor(`/${'a'.repeat(2_000)}`)).toBeUndefined();
    expect(performance.now() - startedMs).toBeLessThan(3_000);
  });
});

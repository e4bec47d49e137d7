import { describe, expect, it } from 'vitest';
import { ArgumentError, ScraperError } from '../../errors/index.ts';
import { attribute, HtmlPage, type IncompleteRow, link, SelectorError, text } from './index.ts';

const url = 'https://www.example.org/guidelines/category_1?session=secret';

const page = (html: string, at = url): HtmlPage => HtmlPage.parse(html, { url: at });

const catalogue = `<!doctype html><title>
  Treatment by  Cancer Type </title>
<div class="row guideline-items"><div class="col-md-6">
  <div class="item"><div class="item-name"><a href="/detail?category=1&id=1450">Non-Small Cell
     Lung Cancer</a></div><div class="item-version">  Version: 8.2025  </div></div>
  <div class="item"><div class="item-name"><a href="detail?category=1&amp;id=1419">Breast</a></div>
    <div class="item-version">Version: 4.2025</div></div>
</div></div>`;

function thrownBy(act: () => unknown): unknown {
  try {
    act();
  } catch (error) {
    return error;
  }
  return undefined;
}

function factsOf(act: () => unknown): SelectorError['facts'] {
  const error = thrownBy(act);
  expect(error).toBeInstanceOf(SelectorError);
  return (error as SelectorError).facts;
}

describe('HtmlPage', () => {
  it('finds elements, on the page and in each other', () => {
    const rows = page(catalogue).all('div.item', { atLeast: 2, atMost: 2 });
    expect(rows.map(row => row.one('.item-name > a').text())).toEqual(['Non-Small Cell Lung Cancer', 'Breast']);
    expect(rows[0]?.maybe('> a')).toBeUndefined();
    expect(rows[0]?.one('> div > a').tag).toBe('a');
    expect(page(catalogue).first('a').attribute('HREF')).toBe('/detail?category=1&id=1450');
    expect(page(catalogue).title()).toBe('Treatment by Cancer Type');
  });

  it('makes the tree that a browser makes', () => {
    const html = '<table><tr><td>1<td>2<tr><td>3</table><p>a<p>b<ul><li>c<li>d';
    expect(page(html).all('table > tbody > tr > td')).toHaveLength(3);
    expect(page(html).all('body > p')).toHaveLength(2);
    expect(
      page(html)
        .all('li')
        .map(item => item.text()),
    ).toEqual(['c', 'd']);
    expect(page('<svg><title>Icon</title></svg>').title()).toBe('');
  });

  it.each([
    ['<p>  a \n\t b  </p>', 'a b'],
    ['<p>Guidelines<sup>®</sup> and <b>mo</b>re</p>', 'Guidelines® and more'],
    ['<p>one<br>two</p>', 'one two'],
    ['<div><p>one</p><p>two</p></div>', 'one two'],
    ['<table><tr><td>1</td><td>2</td></tr></table>', '1 2'],
    ['<p>Version:&nbsp;8.2025</p>', 'Version: 8.2025'],
    ['<p>seen<script>var a</script><style>p{}</style><template>t</template><!-- c --></p>', 'seen'],
    ['<p></p>', ''],
  ])('shows the text of %j as %j', (html, expected) => {
    expect(page(html).one('body').text()).toBe(expected);
  });

  it.each([
    ['<a href="/x?a=1&id=2">', 'https://www.example.org/x?a=1&id=2'],
    ['<a href="y">', 'https://www.example.org/guidelines/y'],
    ['<a href="//cdn.example.org/z">', 'https://cdn.example.org/z'],
    ['<a href=" #top ">', `${url}#top`],
    ['<base href="/base/"><a href="y">', 'https://www.example.org/base/y'],
    ['<base href="javascript:x"><a href="y">', 'https://www.example.org/guidelines/y'],
    ['<a href="javascript:alert(1)">', undefined],
    ['<a href="mailto:a@example.org">', undefined],
    ['<a href="http://[">', undefined],
    ['<a>', undefined],
  ])('resolves the link of %j to %j', (html, expected) => {
    expect(page(html).one('a').link()).toBe(expected);
  });

  it('refuses an address that is none, and a selector that cannot be read', () => {
    expect(() => page('', '/path')).toThrow(ArgumentError);
    for (const selector of ['', '  ', 'a[', 'a >', ':nonsense', '<b>', 'a,,b']) {
      expect(
        thrownBy(() => page(catalogue).all(selector)),
        selector,
      ).toBeInstanceOf(ArgumentError);
    }
  });
});

describe('SelectorError', () => {
  const changed = catalogue.replaceAll('item-name', 'item-title');

  it('says which step is lost, what is there instead, and on which page', () => {
    const error = thrownBy(() => page(changed).all('div.item > div.item-name > a'));
    expect(error).toBeInstanceOf(ScraperError);
    expect(error).toMatchObject({ code: 'SCRAPER_ERROR', retryable: false, name: 'SelectorError' });
    expect((error as Error).message).toBe(
      'Cannot select "div.item > div.item-name > a" on "Treatment by Cancer Type" ' +
        '(https://www.example.org/guidelines/category_1): expected at least 1, found 0; "div.item" matches 2, ' +
        '"div.item > div" matches 4, "div.item > div.item-name" matches 0; there: div.item-title (2), div.item-version (2)',
    );
    expect((error as SelectorError).facts).toEqual({
      selector: 'div.item > div.item-name > a',
      found: 0,
      atLeast: 1,
      atMost: Number.POSITIVE_INFINITY,
      steps: [
        { selector: 'div.item', matches: 2 },
        { selector: 'div.item > div', matches: 4 },
        { selector: 'div.item > div.item-name', matches: 0 },
      ],
      instead: [
        { selector: 'div.item-title', matches: 2 },
        { selector: 'div.item-version', matches: 2 },
      ],
      pageTitle: 'Treatment by Cancer Type',
      pageUrl: 'https://www.example.org/guidelines/category_1',
      asksForPassword: false,
      incomplete: [],
    });
    expect(JSON.stringify(error)).not.toContain('secret');
  });

  it('names the children of the last element that matches when nothing of the next step does', () => {
    const { steps, instead } = factsOf(() => page(catalogue).one('div.item > section h2'));
    expect(steps.map(step => step.matches)).toEqual([2, 0]);
    expect(instead.map(({ selector }) => selector)).toEqual(['div.item-name', 'div.item-version']);
    const renamed = page('<div class="a"><p class="x">1<p class="x">2<h2>3</h2></div>');
    expect(factsOf(() => renamed.all('div.a p.y')).instead).toEqual([{ selector: 'p.x', matches: 2 }]);
    const top = factsOf(() => page(catalogue).all('.catalogue'));
    expect(top.instead).toEqual([{ selector: 'div.row.guideline-items', matches: 1 }]);
    const within = factsOf(() => page(catalogue).first('.item').one('h2'));
    expect(within.instead.map(({ selector }) => selector)).toEqual(['div.item-name', 'div.item-version']);
  });

  it.each([
    ['exactly 1, found 2', () => page(catalogue).all('.item', { atMost: 1 })],
    ['exactly 1, found 2', () => page(catalogue).one('.item')],
    ['at most 1, found 2', () => page(catalogue).maybe('.item')],
    ['at least 60, found 2', () => page(catalogue).all('.item', { atLeast: 60 })],
    ['3 to 5, found 2', () => page(catalogue).all('.item', { atLeast: 3, atMost: 5 })],
    ['at least 1, found 0', () => page('').first('a')],
  ])('says: expected %s', (expected, act) => {
    expect(String(thrownBy(act))).toContain(`expected ${expected}`);
  });

  it.each([
    ['a, div.item p', ['a', 'div', 'div.item', 'div.item p']],
    ['a:not(.x, .y)[href*="a, b > c"] > i', ['a', 'a:not(.x, .y)', 'a:not(.x, .y)[href*="a, b > c"]']],
  ])('takes %j apart', (selector, expected) => {
    const html = '<a href="a, b > c"></a><div class="item"></div>';
    const { steps } = factsOf(() => page(html).all(selector, { atLeast: 9 }));
    for (const step of steps) expect(page(html).all(step.selector, { atLeast: 0 })).toHaveLength(step.matches);
    expect(expected).toEqual(expect.arrayContaining(steps.slice(0, -1).map(step => step.selector)));
  });

  it('says so when the page asks for a password', () => {
    const login = '<title>Log In</title><form><input name=Username><input type=Password></form>';
    const error = thrownBy(() => page(login, 'https://www.example.org/login?ReturnURL=%2Fx').all('div.item'));
    expect(String(error)).toContain('on "Log In" (https://www.example.org/login)');
    expect(String(error)).toContain('the page asks for a password: it may be a login page');
  });

  it('stays short whatever the page is', () => {
    const html = `<title>${'t'.repeat(9_999)}</title>${Array.from({ length: 99 }, (_, i) => `<p class="${'c'.repeat(999)}${i}">`).join('')}`;
    const error = thrownBy(() => page(html).all(Array(50).fill('p > b').join(', ')));
    expect(String(error).length).toBeLessThan(2_000);
    expect(JSON.stringify(error).length).toBeLessThan(5_000);
  });
});

describe('list', () => {
  const fields = {
    name: text('.item-name > a'),
    link: link('.item-name > a'),
    version: text('.item-version').match(/Version:?\s+(\d+\.\d{4})/g),
    id: attribute('href', 'a')
      .map(href => /id=(\d+)/.exec(href)?.[1])
      .map(Number),
    note: text('.note').optional(),
  };

  it('gives typed rows', () => {
    const rows = page(catalogue).list('div.item', fields);
    const first: { readonly name: string; readonly id: number; readonly note: string | undefined } | undefined =
      rows[0];
    expect(first).toEqual({
      name: 'Non-Small Cell Lung Cancer',
      link: 'https://www.example.org/detail?category=1&id=1450',
      version: '8.2025',
      id: 1_450,
      note: undefined,
    });
    expect(rows.map(({ version }) => version)).toEqual(['8.2025', '4.2025']);
    expect(page('<i title=x>y</i>').list('i', { own: text(), title: attribute('title') })).toEqual([
      { own: 'y', title: 'x' },
    ]);
  });

  const broken = catalogue.replace('Version: 4.2025', 'Coming soon').replace('>Breast<', '><');

  it('says which row has no which field, and why', () => {
    const error = thrownBy(() => page(broken).list('div.item', fields));
    expect(error).toBeInstanceOf(SelectorError);
    expect(String(error)).toContain(
      '2 found; row 1 has no name (.item-name > a has no text), ' +
        'version (/Version:?\\s+(\\d+\\.\\d{4})/g does not match "Coming soon")',
    );
    expect((error as SelectorError).facts.incomplete).toEqual([
      { index: 1, text: 'Coming soon', missing: [expect.anything(), expect.anything()] },
    ]);
  });

  it('gives incomplete rows to whoever asks for them, and the others as they are', () => {
    const incomplete: IncompleteRow[] = [];
    const rows = page(broken).list('div.item', fields, { onIncomplete: row => incomplete.push(row) });
    expect(rows.map(({ id }) => id)).toEqual([1_450]);
    expect(incomplete.map(({ index, missing }) => [index, missing.map(({ field }) => field)])).toEqual([
      [1, ['name', 'version']],
    ]);
  });

  it('is none without a row, unless it may be empty', () => {
    expect(factsOf(() => page(catalogue).list('div.entry', fields)).found).toBe(0);
    expect(page(catalogue).list('div.entry', fields, { atLeast: 0 })).toEqual([]);
  });
});

import type { CheerioAPI } from 'cheerio';
import { ArgumentError } from '../../errors/index.ts';
import { requireInteger } from '../../kernel/index.ts';
import { diagnose } from './diagnosis.ts';
import { type IncompleteRow, type MissingField, SelectorError, type SelectorFacts } from './errors.ts';
import { collapsed, shownText } from './shown-text.ts';
import { parseTree, type Selection, type TreeElement } from './tree.ts';

/** Where a page is from, and how much of it may be. */
export interface HtmlPageOptions {
  /** The address that answered (`url` of an answer): links are resolved against it, and errors name it. */
  readonly url: string;
  /** The longest page that is read, in characters. @default 5_000_000 */
  readonly maxCharacters?: number | undefined;
  /** How many elements a page may have. @default 100_000 */
  readonly maxElements?: number | undefined;
  /** How many nodes, elements and texts, may be beside each other: some selectors compare each with each. @default 20_000 */
  readonly maxSiblings?: number | undefined;
}

/** How many elements are expected. */
export interface CountOptions {
  /** @default 1: a page without any has changed */
  readonly atLeast?: number | undefined;
  /** @default any number */
  readonly atMost?: number | undefined;
}

/** How a list is read. */
export interface ListOptions extends CountOptions {
  /** Takes each row that lacks a field; it is left out of the list. @default such a row is an error */
  readonly onIncomplete?: ((row: IncompleteRow) => void) | undefined;
}

/** What a field is in a row: its value, or why there is none. */
export type Reading<Value> = { readonly value: Value } | { readonly missing: string };

/** Reads one field of a row: `text`, `link` and `attribute` make them. */
export interface HtmlField<Value> {
  read(row: HtmlElement): Reading<Value>;
}

/** The row that fields make. */
export type Row<Fields> = {
  readonly [Name in keyof Fields]: Fields[Name] extends HtmlField<infer Value> ? Value : never;
};

/** The page that elements are of. */
interface Source {
  readonly dom: CheerioAPI;
  readonly url: URL;
  /** What links are relative to. */
  readonly base: string;
  readonly title: string;
}

const maxIncompleteRows = 20;

/** Where elements are looked for: a page, or one of its elements. */
export abstract class HtmlScope {
  readonly #source: Source;
  readonly #root: Selection;
  readonly #top: readonly TreeElement[];

  /** @param top the elements whose children are what there is, for messages. */
  constructor(source: Source, root: Selection, top: readonly TreeElement[]) {
    this.#source = source;
    this.#root = root;
    this.#top = top;
  }

  /**
   * Every element that matches, in the page's order.
   *
   * @throws {SelectorError} for fewer than `atLeast` (1 unless told otherwise) or more than `atMost`.
   * @throws {ArgumentError} for a selector that cannot be read.
   */
  all(selector: string, options: CountOptions = {}): readonly HtmlElement[] {
    const { atLeast = 1, atMost = Number.POSITIVE_INFINITY } = options;
    const elements = this.#find(selector);
    if (elements.length < atLeast || elements.length > atMost) {
      throw this.#error(selector, { found: elements.length, atLeast, atMost });
    }
    return elements.map(element => new HtmlElement(this.#source, element));
  }

  /** The only element that matches. @throws {SelectorError} when there is none, or more than one. */
  one(selector: string): HtmlElement {
    return this.all(selector, { atMost: 1 })[0] as HtmlElement;
  }

  /** The first element that matches. @throws {SelectorError} when there is none. */
  first(selector: string): HtmlElement {
    return this.all(selector)[0] as HtmlElement;
  }

  /** The element that matches, or `undefined`. @throws {SelectorError} when there is more than one. */
  maybe(selector: string): HtmlElement | undefined {
    return this.all(selector, { atLeast: 0, atMost: 1 })[0];
  }

  /**
   * A row for each element that matches, with a field for each name.
   *
   * @throws {SelectorError} as {@link all}, and when a row lacks a field that is not `optional()`, naming both.
   * @example
   * const guidelines = page.list('div.item', {
   *   name: text('.item-name > a'),
   *   link: link('.item-name > a'),
   *   version: text('.item-version').match(/(\d+\.\d{4})/),
   * });
   */
  list<const Fields extends Readonly<Record<string, HtmlField<unknown>>>>(
    selector: string,
    fields: Fields,
    options: ListOptions = {},
  ): readonly Row<Fields>[] {
    const rows: Row<Fields>[] = [];
    const incomplete: IncompleteRow[] = [];
    const elements = this.all(selector, options);
    for (const [index, element] of elements.entries()) {
      const { row, missing } = readRow(element, fields);
      if (missing.length === 0) rows.push(row as Row<Fields>);
      else {
        const lacking = { index, missing, text: element.text().slice(0, 200) };
        if (options.onIncomplete) options.onIncomplete(lacking);
        else if (incomplete.push(lacking) === maxIncompleteRows) break;
      }
    }
    if (incomplete.length === 0) return rows;
    const { atLeast = 1, atMost = Number.POSITIVE_INFINITY } = options;
    throw this.#error(selector, { found: elements.length, atLeast, atMost, incomplete });
  }

  #find(selector: string): readonly TreeElement[] {
    if (selector.trim() === '') throw unreadable(selector, 'it is empty');
    if (/(?<!\\)[>+~]\s*$/.test(selector)) throw unreadable(selector, 'nothing follows its last combinator');
    try {
      return this.#root.find(selector).get();
    } catch (cause) {
      throw unreadable(selector, cause instanceof Error ? cause.message : String(cause), cause);
    }
  }

  #error(
    selector: string,
    counted: Pick<SelectorFacts, 'found' | 'atLeast' | 'atMost'> & Partial<SelectorFacts>,
  ): SelectorError {
    const { dom, url, title } = this.#source;
    const hasRows = counted.incomplete !== undefined;
    const none = { steps: [], instead: [] };
    return new SelectorError({
      selector,
      incomplete: [],
      ...(hasRows ? none : diagnose(selector, part => this.#find(part), this.#top)),
      ...counted,
      pageTitle: title.slice(0, 100),
      pageUrl: url.origin + url.pathname,
      asksForPassword: dom.root().find('input[type="password" i]').length > 0,
    });
  }
}

/**
 * A page of HTML, read into the tree that a browser makes of it, whatever is wrong with it.
 *
 * @example
 * const { value } = await client.text({ path: '/guidelines/category_1' });
 * const page = HtmlPage.parse(value.body, { url: value.url });
 * const names = page.all('div.item > div.item-name > a', { atLeast: 50 }).map(element => element.text());
 */
export class HtmlPage extends HtmlScope {
  /** The address that answered. */
  readonly url: string;
  readonly #title: string;

  /** Made by {@link HtmlPage.parse}. */
  constructor(source: Source) {
    super(source, source.dom.root() as unknown as Selection, source.dom.root().find('body').get());
    this.url = source.url.href;
    this.#title = source.title;
  }

  /**
   * Reads a page.
   *
   * @throws {ScraperError} for a page that is too long, has too many elements, has them more than 512 deep in each other,
   * or is made to keep a parser busy.
   */
  static parse(html: string, options: HtmlPageOptions): HtmlPage {
    const { maxCharacters = 5_000_000, maxElements = 100_000, maxSiblings = 20_000 } = options;
    const url = requireUrl(options.url);
    const dom = parseTree(html, {
      maxCharacters: requireInteger('maxCharacters', maxCharacters, 1),
      maxElements: requireInteger('maxElements', maxElements, 1),
      maxSiblings: requireInteger('maxSiblings', maxSiblings, 1),
    });
    const base = addressOf(dom.root().find('base[href]').attr('href'), url.href) ?? url.href;
    const title = dom.root().find('title').not('svg title').first().text();
    return new HtmlPage({ dom, url, base, title: collapsed(title) });
  }

  /** The page's title on one line; empty when it has none. */
  title(): string {
    return this.#title;
  }
}

/** An element of a page. Selectors are looked for below it. */
export class HtmlElement extends HtmlScope {
  readonly #element: TreeElement;
  readonly #base: string;

  /** Made by {@link HtmlScope}. */
  constructor(source: Source, element: TreeElement) {
    super(source, source.dom(element) as Selection, [element]);
    this.#element = element;
    this.#base = source.base;
  }

  /** The element's name in lower case, such as `a`. */
  get tag(): string {
    return this.#element.name;
  }

  /**
   * The text that one reads, on one line: runs of white space, line ends, blocks and table cells are one space each. What
   * is in scripts, styles and templates is left out.
   */
  text(): string {
    return shownText(this.#element);
  }

  /** The value of an attribute as it is, `''` when it has none, `undefined` without such an attribute. */
  attribute(name: string): string | undefined {
    return this.#element.attribs[name.toLowerCase()];
  }

  /**
   * The absolute address in an attribute, resolved as a browser does; `undefined` when there is none, or one that is not
   * http or https (`javascript:`, `mailto:`).
   *
   * @param attribute the attribute's name. @default 'href'
   */
  link(attribute = 'href'): string | undefined {
    return addressOf(this.attribute(attribute), this.#base);
  }
}

function readRow(
  element: HtmlElement,
  fields: Readonly<Record<string, HtmlField<unknown>>>,
): { readonly row: Readonly<Record<string, unknown>>; readonly missing: readonly MissingField[] } {
  const values: [string, unknown][] = [];
  const missing: MissingField[] = [];
  for (const [field, reader] of Object.entries(fields)) {
    const reading = reader.read(element);
    if ('missing' in reading) missing.push({ field, reason: reading.missing });
    else values.push([field, reading.value]);
  }
  return { row: Object.fromEntries(values), missing };
}

function addressOf(text: string | undefined, base: string): string | undefined {
  if (text === undefined || !URL.canParse(text, base)) return undefined;
  const url = new URL(text, base);
  return /^https?:$/.test(url.protocol) ? url.href : undefined;
}

function requireUrl(text: string): URL {
  if (addressOf(text, 'about:blank') === undefined) {
    throw new ArgumentError(`Cannot use url: expected a complete http or https address, got "${text}"`, 'url');
  }
  return new URL(text);
}

function unreadable(selector: string, why: string, cause?: unknown): ArgumentError {
  return new ArgumentError(`Cannot read the selector "${selector}": ${why}`, 'selector', { cause });
}

import { type CheerioAPI, type CheerioOptions, load } from 'cheerio';
import { spendOnAttributes } from './attribute-scan.ts';
import { Effort, tooMuch } from './effort.ts';

/** Elements of a tree, in the library's own form. */
export type Selection = ReturnType<ReturnType<CheerioAPI['root']>['find']>;

/** One element of a tree, in the library's own form. */
export type TreeElement = Selection[number];

type TreeAdapter = NonNullable<CheerioOptions['treeAdapter']>;

/** How much a page may be. */
export interface TreeBounds {
  readonly maxCharacters: number;
  readonly maxElements: number;
  readonly maxSiblings: number;
}

/** How deep elements may be in each other: as in Chrome, which puts deeper ones beside each other. */
const maxDepth = 512;

/** What passing one open element takes, in comparisons. */
const stepsPerElement = 4;

/**
 * The tree that a browser makes of a page, whatever the page is.
 *
 * @throws {ScraperError} for a page that is larger, deeper or costlier than a page may be.
 */
export function parseTree(html: string, bounds: TreeBounds): CheerioAPI {
  const { maxCharacters } = bounds;
  if (html.length > maxCharacters) {
    throw tooMuch('characters', `has ${html.length} characters, at most ${maxCharacters} are read`);
  }
  const effort = new Effort();
  spendOnAttributes(html, effort);
  return load(html, { treeAdapter: boundedAdapter(bounds, effort) });
}

/** The library's own way to make a tree, which counts while it does. */
function boundedAdapter({ maxElements, maxSiblings }: TreeBounds, effort: Effort): TreeAdapter {
  const { treeAdapter } = load('').root().options as { treeAdapter: TreeAdapter };
  let elements = 0;
  let depth = 0;
  const requireRoom = ({ children }: Parameters<TreeAdapter['appendChild']>[0]): void => {
    if (children.length >= maxSiblings)
      throw tooMuch('siblings', `has more than ${maxSiblings} nodes beside each other`);
  };
  return {
    ...treeAdapter,
    appendChild(parent, node) {
      requireRoom(parent);
      treeAdapter.appendChild(parent, node);
    },
    getNamespaceURI(element) {
      // Asked for every open element that the parser passes in search of the one that an end tag means.
      effort.spend(stepsPerElement);
      return treeAdapter.getNamespaceURI(element);
    },
    createElement(tagName, namespace, attributes) {
      elements += 1;
      if (elements > maxElements) throw tooMuch('elements', `has more than ${maxElements} elements`);
      return treeAdapter.createElement(tagName, namespace, attributes);
    },
    onItemPush() {
      depth += 1;
      if (depth > maxDepth) throw tooMuch('depth', `has elements more than ${maxDepth} deep in each other`);
      // Many a tag makes the parser look through the elements that are open.
      effort.spend(depth);
    },
    onItemPop() {
      depth -= 1;
    },
    insertBefore(parent, node, reference) {
      requireRoom(parent);
      effort.spend(parent.children.length);
      treeAdapter.insertBefore(parent, node, reference);
    },
    insertTextBefore(parent, text, reference) {
      effort.spend(parent.children.length);
      treeAdapter.insertTextBefore(parent, text, reference);
    },
    detachNode(node) {
      effort.spend(node.parent?.children.length ?? 0);
      treeAdapter.detachNode(node);
    },
  };
}

import type { TreeElement } from './tree.ts';

type TreeNode = TreeElement['children'][number];

/** Elements whose content is not shown. */
const unseen: ReadonlySet<string> = new Set(['head', 'noscript', 'script', 'style', 'template', 'title']);

/** Elements that begin and end a line, and cells. */
const lines: ReadonlySet<string> = new Set(
  (
    'address article aside blockquote body br button caption center dd details dialog dir div dl dt fieldset figcaption ' +
    'figure footer form h1 h2 h3 h4 h5 h6 header hgroup hr html legend li main menu nav ol optgroup option p pre search ' +
    'section select summary table tbody td textarea tfoot th thead tr ul'
  ).split(' '),
);

/**
 * The text of an element on one line, as one reads it: runs of white space are one space, and so are the ends of lines,
 * blocks and cells; nothing is put between `<sup>` and the word before it.
 */
export function shownText(element: TreeElement): string {
  const pieces: string[] = [];
  for (const child of element.children) collect(child, pieces);
  return collapsed(pieces.join(''));
}

/** Runs of white space as one space each, none at the ends. */
export function collapsed(text: string): string {
  return text.replace(/[\t\n\f\r \u00a0]+/g, ' ').replace(/^ | $/g, '');
}

/** Elements are not deeper in each other than the tree is, which is bounded. */
function collect(node: TreeNode, pieces: string[]): void {
  if (node.type === 'text') {
    pieces.push(node.data);
  } else if ('children' in node) {
    const tag = 'name' in node ? node.name : '';
    if (unseen.has(tag)) return;
    const edge = lines.has(tag) ? ' ' : '';
    pieces.push(edge);
    for (const child of node.children) collect(child, pieces);
    pieces.push(edge);
  }
}

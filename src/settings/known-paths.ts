import { didYouMean } from './did-you-mean.ts';
import { quote } from './value-kind.ts';
import { isFlagName } from './variables.ts';

/** A value that was found in a tree. */
export interface Leaf<Node> {
  readonly path: string;
  readonly node: Node;
  /** The line of the file, where there is one. */
  readonly line: number | undefined;
}

/** Something in a tree that cannot be used. */
export interface TreeProblem {
  readonly path: string;
  readonly message: string;
  readonly line: number | undefined;
}

/** How a tree of some kind of node is read. */
export interface TreeReader<Node> {
  /** Every path that holds a value. */
  readonly known: readonly string[];
  /** The group of flags, whose members have free names. */
  readonly flags: string;
  /** The members of a group; `undefined` when the node is no group. */
  entries(
    node: Node,
  ): readonly { readonly key: string; readonly node: Node; readonly line: number | undefined }[] | undefined;
  /** Whether the node stands for nothing. */
  isUnset(node: Node): boolean;
  /** The node in words. */
  found(node: Node): string;
}

/**
 * Splits a tree that people wrote into values by path. What is not in the table is a problem, because a slip in a name
 * would otherwise go unnoticed.
 */
export function collectLeaves<Node>(
  root: Node,
  reader: TreeReader<Node>,
): { readonly leaves: readonly Leaf<Node>[]; readonly problems: readonly TreeProblem[] } {
  const leaves: Leaf<Node>[] = [];
  const problems: TreeProblem[] = [];
  const known = new Set(reader.known);
  const groups = new Set(reader.known.flatMap(path => ancestorsOf(path))).add(reader.flags);

  function visit(group: string, node: Node, groupLine: number | undefined): void {
    if (reader.isUnset(node)) return;
    const entries = reader.entries(node);
    if (entries === undefined) {
      problems.push({ path: group, message: `Expected a map, found ${reader.found(node)}`, line: groupLine });
      return;
    }
    for (const { key, node: child, line } of entries) {
      const path = group === '' ? key : `${group}.${key}`;
      if (groups.has(path)) visit(path, child, line);
      else if (known.has(path) || (group === reader.flags && isFlagName(key))) {
        if (!reader.isUnset(child)) leaves.push({ path, node: child, line });
      } else
        problems.push({ path: /^[\w.-]+$/.test(path) ? path : quote(path), message: unknownKey(group, key), line });
    }
  }

  function unknownKey(group: string, key: string): string {
    if (group === reader.flags) return 'Expected the name of a flag in lower case, such as new_dashboard';
    const prefix = group === '' ? '' : `${group}.`;
    const paths = [...known, ...groups].filter(path => path.startsWith(prefix));
    const siblings = [...new Set(paths.map(path => path.slice(prefix.length).split('.')[0] ?? ''))];
    return `Unknown key${didYouMean(key, siblings) || `; known here: ${siblings.join(', ')}`}`;
  }

  visit('', root, undefined);
  return { leaves, problems };
}

/** The groups that a path lies in, such as `cache` and `cache.redis` for `cache.redis.host`. */
function ancestorsOf(path: string): readonly string[] {
  const parts = path.split('.');
  return parts.slice(1).map((_, index) => parts.slice(0, index + 1).join('.'));
}

import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Tree } from './tree.ts';

/** A small made-up tree that breaks one rule, and its twin that does not. */
export interface PlantedCase {
  /** The rule, which is the name of the file. */
  readonly rule: string;
  /** Where the rule must be found broken, as `file:line`. */
  readonly expected: readonly string[];
  readonly offence: Tree;
  readonly clean: Tree;
}

/**
 * Reads the planted cases of a folder. A case is a text: `expect file:line` lines, then the trees `== offence` and
 * `== clean`, each a row of `-- path` headings with the file's text below.
 */
export function readPlanted(folder: string): readonly PlantedCase[] {
  return readdirSync(folder)
    .filter(name => name.endsWith('.planted'))
    .map(name => {
      const [head = '', ...trees] = readFileSync(join(folder, name), 'utf8').split(/^== (?=offence$|clean$)/m);
      const treeOf = (kind: string): Tree => parseTrees(trees.find(text => text.startsWith(`${kind}\n`)) ?? '');
      return {
        rule: name.replace(/\.planted$/, ''),
        expected: [...head.matchAll(/^expect (\S+)$/gm)].map(match => match[1] ?? ''),
        offence: treeOf('offence'),
        clean: treeOf('clean'),
      };
    });
}

function parseTrees(text: string): Tree {
  const [, ...files] = text.split(/^-- /m);
  return new Map(
    files.map(file => {
      const end = file.indexOf('\n');
      return [file.slice(0, end), file.slice(end + 1)];
    }),
  );
}

import type { Offence } from '../house/offence.ts';
import type { Tree } from '../house/tree.ts';
import type { LawRule } from './rules.ts';

/** What must not stand anywhere: in code, comments, documents or data. The patterns do not match themselves. */
const forbiddenTexts: readonly { readonly pattern: RegExp; readonly what: string; readonly fix: string }[] = [
  {
    pattern: /\bregistry\.[a-z0-9-]+\.[a-z]{2,}/i,
    what: 'Names a package registry',
    fix: 'leave the host to the configuration of npm',
  },
  {
    pattern: /(?<![\w.~$})-])\/(?:work|root|home)\//,
    what: 'Names a folder of one machine',
    fix: 'write a path relative to the repository',
  },
];

/** Searches every text file of the tree. */
export function checkText(tree: Tree): readonly Offence[] {
  const offences: Offence[] = [];
  for (const [path, text] of tree) {
    for (const { pattern, what, fix } of forbiddenTexts) {
      if (!pattern.test(text)) continue;
      text.split('\n').forEach((line, index) => {
        const [found] = pattern.exec(line) ?? [];
        if (found)
          offences.push({
            file: path,
            line: index + 1,
            rule: 'forbidden-text' satisfies LawRule,
            what: `${what}: "${found}"`,
            fix,
          });
      });
    }
  }
  return offences;
}

import { emptyNames } from '../house/floors.ts';
import type { Offence } from '../house/offence.ts';
import { codeAreas } from '../house/source-file.ts';
import type { Tree } from '../house/tree.ts';
import type { LayerRule } from './rules.ts';

const kebabCase = /^[a-z0-9]+(?:-[a-z0-9]+)*(?:\.[a-z0-9]+(?:-[a-z0-9]+)*)*\.tsx?$/;

/** Folders and files are named after what is inside, in kebab-case. */
export function checkNames(tree: Tree): readonly Offence[] {
  const offences: Offence[] = [];
  for (const path of tree.keys()) {
    const parts = path.split('/');
    if (!codeAreas.includes(parts[0] ?? '')) continue;
    const fileName = parts.at(-1) ?? '';
    const add = (rule: LayerRule, what: string, fix: string): void =>
      void offences.push({ file: path, line: 1, rule, what, fix });
    const empty = parts.find(part => emptyNames.includes(part.replace(/\..*$/, '')));
    if (empty)
      add('empty-name', `"${empty}" says nothing about what is inside`, 'name it after the thing that it holds');
    if (/\.tsx?$/.test(fileName) && !kebabCase.test(fileName)) {
      add('file-name', `"${fileName}" is not in kebab-case`, `call it "${toKebabCase(fileName)}"`);
    }
  }
  return offences;
}

function toKebabCase(name: string): string {
  return name
    .replaceAll(/([a-z0-9])([A-Z])/g, '$1-$2')
    .replaceAll('_', '-')
    .toLowerCase();
}

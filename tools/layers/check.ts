import { importSites, readDoors } from '../house/imports.ts';
import { type Offence, sortOffences } from '../house/offence.ts';
import { parseTree } from '../house/source-file.ts';
import type { Tree } from '../house/tree.ts';
import { checkCycles } from './cycles.ts';
import { checkDoors, checkExports } from './doors.ts';
import { checkImports, checkRooms } from './imports.ts';
import { checkNames } from './names.ts';

/** Every place of a tree that breaks a rule of the layers. */
export function checkLayers(tree: Tree): readonly Offence[] {
  const files = parseTree(tree);
  const { offences, edges } = checkImports(files.flatMap(importSites), readDoors(tree), tree);
  return sortOffences([
    ...checkRooms(files),
    ...offences,
    ...checkCycles(edges),
    ...checkDoors(files),
    ...checkExports(files, tree),
    ...checkNames(tree),
  ]);
}

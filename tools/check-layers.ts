import { reportOffences } from './house/offence.ts';
import { readTree } from './house/tree.ts';
import { checkLayers } from './layers/check.ts';
import { layerRules } from './layers/rules.ts';

const tree = readTree(process.cwd());
reportOffences('Layers', tree.size, checkLayers(tree), layerRules);

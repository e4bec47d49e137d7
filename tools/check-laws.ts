import { reportOffences } from './house/offence.ts';
import { readTree } from './house/tree.ts';
import { checkLaws } from './laws/check.ts';
import { lawRules } from './laws/rules.ts';

const tree = readTree(process.cwd());
reportOffences('Laws', tree.size, checkLaws(tree), lawRules);

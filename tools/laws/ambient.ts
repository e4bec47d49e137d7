import ts from 'typescript';
import { globalUses } from '../house/global-uses.ts';
import { isGlobal } from '../house/scope.ts';
import { type SourceFile, walk } from '../house/source-file.ts';
import type { Report } from './report.ts';
import type { LawRule } from './rules.ts';

interface AmbientThing {
  readonly rule: LawRule;
  /** Globals and their members; longer paths are included. */
  readonly globals: readonly string[];
  /** Built-in modules, with the names that must not be taken out of them; an empty list means all. */
  readonly modules: Readonly<Record<string, readonly string[]>>;
  readonly fix: string;
}

const ambientThings: readonly AmbientThing[] = [
  {
    rule: 'ambient-clock',
    globals: ['Date.now', 'performance.now', 'performance.timeOrigin', 'process.hrtime'],
    modules: { process: ['hrtime'] },
    fix: 'take `clock: Clock` as an option and call clock.now() for wall time, clock.monotonic() for durations',
  },
  {
    rule: 'ambient-timer',
    globals: ['setTimeout', 'setInterval', 'setImmediate', 'AbortSignal.timeout'],
    modules: { timers: [], 'timers/promises': [] },
    fix: 'take `clock: Clock` as an option and call clock.setTimer, clock.setRepeatingTimer or clock.sleep',
  },
  {
    rule: 'ambient-random',
    globals: ['Math.random', 'crypto.randomUUID', 'crypto.getRandomValues'],
    modules: { crypto: ['randomUUID'] },
    fix: 'take `random: Random` or `ids: Ids` as an option; for secrets use randomBytes of node:crypto',
  },
  {
    rule: 'ambient-environment',
    globals: ['process.env', 'process.loadEnvFile'],
    modules: { process: ['env', 'loadEnvFile'] },
    fix: 'take the value as an option and let the settings room read the environment',
  },
  {
    rule: 'ambient-console',
    globals: ['console'],
    modules: { console: [] },
    fix: 'emit an event; in the service, log through the logger that was handed in',
  },
];

/** Clock, timers, randomness, environment and console come in as options. Of a test only the timers are judged. */
export function checkAmbient(file: SourceFile, report: Report): void {
  const things = file.isTest ? ambientThings.filter(thing => thing.rule === 'ambient-timer') : ambientThings;
  for (const { path, node } of globalUses(file)) {
    if (file.isTest && path === 'setImmediate') continue;
    const thing = things.find(({ globals }) => globals.some(name => path === name || path.startsWith(`${name}.`)));
    if (thing) report(thing.rule, node, `Uses ${path}`, thing.fix);
  }
  walk(file.syntax, node => {
    if (ts.isImportDeclaration(node)) checkModule(node, things, report);
    if (!file.isTest && readsDate(node))
      report('ambient-clock', node, `Reads the clock with ${node.getText()}`, clockFix);
  });
}

const clockFix = 'take `clock: Clock` as an option and write new Date(clock.now())';

/** `new Date()` and `Date()`. */
function readsDate(node: ts.Node): boolean {
  if (!ts.isNewExpression(node) && !ts.isCallExpression(node)) return false;
  const { expression } = node;
  if (!ts.isIdentifier(expression) || expression.text !== 'Date' || !isGlobal(expression)) return false;
  return ts.isCallExpression(node) || (node.arguments?.length ?? 0) === 0;
}

function checkModule(node: ts.ImportDeclaration, things: readonly AmbientThing[], report: Report): void {
  const clause = node.importClause;
  if (!ts.isStringLiteral(node.moduleSpecifier) || clause?.phaseModifier === ts.SyntaxKind.TypeKeyword) return;
  const name = node.moduleSpecifier.text.replace(/^node:/, '');
  const bindings = clause?.namedBindings;
  const taken = bindings && ts.isNamedImports(bindings) ? bindings.elements.filter(element => !element.isTypeOnly) : [];
  for (const { rule, modules, fix } of things) {
    const forbidden = modules[name];
    if (forbidden === undefined) continue;
    if (forbidden.length === 0) report(rule, node, `Imports node:${name}`, fix);
    for (const element of taken) {
      const imported = (element.propertyName ?? element.name).text;
      if (forbidden.includes(imported)) report(rule, element, `Imports ${imported} from node:${name}`, fix);
    }
  }
}

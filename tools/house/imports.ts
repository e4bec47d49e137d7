import { posix } from 'node:path';
import ts from 'typescript';
import { lineOf, type SourceFile, walk } from './source-file.ts';
import type { Tree } from './tree.ts';

/** One mention of another module: an import, a re-export, `import()`, a type import, `require`, a worker's URL. */
export interface ImportSite {
  readonly from: SourceFile;
  readonly line: number;
  /** The text between the quotes, or `undefined` when the module is computed at run time. */
  readonly specifier: string | undefined;
  /** Worker entries and assets are reached by URL: they obey the floors, but make no import cycle. */
  readonly byUrl: boolean;
}

/** Everything that a file reaches for. */
export function importSites(file: SourceFile): readonly ImportSite[] {
  const sites: ImportSite[] = [];
  walk(file.syntax, node => {
    const found = specifierOf(node);
    if (found === undefined) return;
    const [specifier, byUrl] = found;
    sites.push({
      from: file,
      line: lineOf(file, node.getStart(file.syntax)),
      specifier: specifier && ts.isStringLiteralLike(specifier) ? specifier.text : undefined,
      byUrl,
    });
  });
  return sites;
}

type Found = readonly [specifier: ts.Node | undefined, byUrl: boolean];

function specifierOf(node: ts.Node): Found | undefined {
  if (ts.isImportDeclaration(node)) return [node.moduleSpecifier, false];
  if (ts.isExportDeclaration(node)) return node.moduleSpecifier && [node.moduleSpecifier, false];
  if (ts.isExternalModuleReference(node)) return [node.expression, false];
  if (ts.isImportTypeNode(node))
    return [ts.isLiteralTypeNode(node.argument) ? node.argument.literal : undefined, false];
  if (ts.isModuleDeclaration(node)) return ts.isStringLiteral(node.name) ? [node.name, false] : undefined;
  if (ts.isCallExpression(node)) return specifierOfCall(node);
  if (ts.isNewExpression(node)) return specifierOfUrl(node);
  return undefined;
}

function specifierOfCall(node: ts.CallExpression): Found | undefined {
  const { expression } = node;
  if (expression.kind === ts.SyntaxKind.ImportKeyword) return [node.arguments[0], false];
  if (isRequire(expression)) return [node.arguments[0], false];
  if (expression.getText() === 'import.meta.resolve') return [node.arguments[0], true];
  return undefined;
}

/** `require`, or `createRequire(…)` called at once. */
function isRequire(node: ts.Expression): boolean {
  if (ts.isIdentifier(node)) return node.text === 'require';
  return ts.isCallExpression(node) && ts.isIdentifier(node.expression) && node.expression.text === 'createRequire';
}

function specifierOfUrl(node: ts.NewExpression): Found | undefined {
  const [path, base] = node.arguments ?? [];
  if (node.expression.getText() !== 'URL' || base?.getText() !== 'import.meta.url') return undefined;
  return path && ts.isStringLiteralLike(path) && /\.(?:ts|js)$/.test(path.text) ? [path, true] : undefined;
}

/** Where an import leads inside the repository, or `undefined` when it leads outside it. */
export function resolveImport(site: ImportSite, doors: ReadonlyMap<string, string>, tree: Tree): string | undefined {
  const { specifier, from } = site;
  if (specifier === undefined) return undefined;
  if (specifier.startsWith('.'))
    return sourceOf(posix.normalize(posix.join(posix.dirname(from.path), specifier)), tree);
  if (specifier === packageName) return doors.get('.') ?? 'src/infrastructure/index.ts';
  if (!specifier.startsWith(`${packageName}/`)) return undefined;
  const subpath = specifier.slice(packageName.length + 1);
  if (subpath === 'package.json') return undefined;
  return (
    doors.get(`./${subpath}`) ?? (subpath.startsWith('connectors/') ? `${subpath}/index.ts` : `src/${subpath}/index.ts`)
  );
}

/** The public name of the toolkit. */
export const packageName = 'plinth';

/** The source behind a path that was written with the ending of its output. */
function sourceOf(path: string, tree: Tree): string {
  if (tree.has(path)) return path;
  const candidates = [path.replace(/\.js(x?)$/, '.ts$1'), path.replace(/\.jsx?$/, '.tsx'), `${path}.ts`, `${path}.tsx`];
  return candidates.find(candidate => tree.has(candidate)) ?? path;
}

/** The `source` of every entry of package.json's `exports`, by subpath. */
export function readDoors(tree: Tree): ReadonlyMap<string, string> {
  const doors = new Map<string, string>();
  const text = tree.get('package.json');
  if (text === undefined) return doors;
  const { exports: entries = {} } = JSON.parse(text) as { exports?: Record<string, string | Record<string, string>> };
  for (const [subpath, target] of Object.entries(entries)) {
    if (typeof target === 'object' && target['plinth-source'])
      doors.set(subpath, target['plinth-source'].replace(/^\.\//, ''));
  }
  return doors;
}

import ts from 'typescript';
import { isGlobal } from './scope.ts';
import { type SourceFile, walk } from './source-file.ts';

/** A use of something ambient: a global, or a member of one. */
export interface GlobalUse {
  /** Its dotted path, such as `process.env` or `console`. `globalThis.` is left out. */
  readonly path: string;
  /** The whole expression. */
  readonly node: ts.Node;
}

/** Every use of a global value in a file, with the longest member path that is written out. Types do not count. */
export function globalUses(file: SourceFile): readonly GlobalUse[] {
  const uses: GlobalUse[] = [];
  walk(file.syntax, node => {
    if (!ts.isIdentifier(node) || !isValue(node) || !isGlobal(node)) return;
    const { path, top } = climb(node);
    const names = path[0] === 'globalThis' || path[0] === 'global' ? path.slice(1) : path;
    if (names.length === 0) return;
    const taken = destructured(top);
    if (taken.length === 0) uses.push({ path: names.join('.'), node: top });
    for (const name of taken) uses.push({ path: [...names, name].join('.'), node: top });
  });
  return uses;
}

function climb(identifier: ts.Identifier): { readonly path: string[]; readonly top: ts.Node } {
  const path = [identifier.text];
  let top: ts.Node = identifier;
  for (;;) {
    const parent: ts.Node = top.parent;
    if (ts.isPropertyAccessExpression(parent) && parent.expression === top) path.push(parent.name.text);
    else if (isLiteralAccess(parent, top)) path.push(parent.argumentExpression.text);
    else if (!ts.isParenthesizedExpression(parent) && !ts.isNonNullExpression(parent)) return { path, top };
    top = parent;
  }
}

type LiteralAccess = ts.ElementAccessExpression & { readonly argumentExpression: ts.StringLiteralLike };

function isLiteralAccess(node: ts.Node, object: ts.Node): node is LiteralAccess {
  return (
    ts.isElementAccessExpression(node) && node.expression === object && ts.isStringLiteralLike(node.argumentExpression)
  );
}

/** The names that `const { env } = process` takes out. */
function destructured(value: ts.Node): readonly string[] {
  const { parent } = value;
  if (!ts.isVariableDeclaration(parent) || parent.initializer !== value || !ts.isObjectBindingPattern(parent.name))
    return [];
  return parent.name.elements.map(element => (element.propertyName ?? element.name).getText());
}

/** Whether an identifier stands where a value is read, and not where something is named or typed. */
function isValue(node: ts.Identifier): boolean {
  const { parent } = node;
  if (ts.isPropertyAccessExpression(parent)) return parent.expression === node;
  if (ts.isPropertyAssignment(parent) || ts.isVariableDeclaration(parent) || ts.isPropertyDeclaration(parent)) {
    return parent.initializer === node;
  }
  if (ts.isParameter(parent) || ts.isBindingElement(parent)) return parent.initializer === node;
  if (ts.isQualifiedName(parent) || ts.isTypeNode(parent) || ts.isTypeElement(parent)) {
    return ts.isExpressionWithTypeArguments(parent);
  }
  if (ts.isImportSpecifier(parent) || ts.isImportClause(parent) || ts.isExportSpecifier(parent)) return false;
  if (ts.isNamespaceImport(parent) || ts.isLabeledStatement(parent) || ts.isBreakOrContinueStatement(parent))
    return false;
  if (ts.isShorthandPropertyAssignment(parent)) return true;
  return !('name' in parent && parent.name === node);
}

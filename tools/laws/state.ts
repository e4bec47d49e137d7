import ts from 'typescript';
import type { SourceFile } from '../house/source-file.ts';
import type { Report } from './report.ts';

const containers = new Set(['Map', 'Set', 'AsyncLocalStorage', 'EventEmitter', 'Events']);

/** A module keeps nothing and does nothing when it is imported. */
export function checkState(file: SourceFile, report: Report): void {
  if (file.isTest) return;
  for (const statement of file.syntax.statements) {
    if (ts.isVariableStatement(statement)) checkVariables(statement, report);
    else if (!isDeclaration(statement)) {
      const what = `Runs ${statement.getText().split('\n', 1)[0]} when the module is imported`;
      report('import-effect', statement, what, 'move it into a function or a constructor that its owner calls');
    }
  }
}

function checkVariables(statement: ts.VariableStatement, report: Report): void {
  const isConst = (statement.declarationList.flags & ts.NodeFlags.Const) !== 0;
  for (const declaration of statement.declarationList.declarations) {
    if (isConst && !startsEmpty(declaration.initializer)) continue;
    const what = `Keeps "${declaration.name.getText()}" at module level`;
    report('module-state', declaration, what, 'make it a #field of the object that owns it');
  }
}

/** A container that is empty at import time can only be there to be filled later. */
function startsEmpty(value: ts.Expression | undefined): boolean {
  if (value && ts.isArrayLiteralExpression(value)) return value.elements.length === 0;
  if (!value || !ts.isNewExpression(value) || !ts.isIdentifier(value.expression)) return false;
  return containers.has(value.expression.text) && (value.arguments?.length ?? 0) === 0;
}

function isDeclaration(statement: ts.Statement): boolean {
  return (
    ts.isImportDeclaration(statement) ||
    ts.isExportDeclaration(statement) ||
    ts.isExportAssignment(statement) ||
    ts.isFunctionDeclaration(statement) ||
    ts.isClassDeclaration(statement) ||
    ts.isInterfaceDeclaration(statement) ||
    ts.isTypeAliasDeclaration(statement) ||
    ts.isEnumDeclaration(statement) ||
    ts.isModuleDeclaration(statement) ||
    ts.isEmptyStatement(statement)
  );
}

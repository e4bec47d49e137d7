import ts from 'typescript';
import { isGlobal } from '../house/scope.ts';
import { type SourceFile, walk } from '../house/source-file.ts';
import type { Report } from './report.ts';

const builtIn = new Set([
  'Error',
  'TypeError',
  'RangeError',
  'SyntaxError',
  'ReferenceError',
  'EvalError',
  'URIError',
  'AggregateError',
]);
const fix =
  'use the family of plinth/errors: ArgumentError, ConfigurationError, FailedError, …, or a subclass of the room';

/** Only errors of the family are made, and only the family's root extends a built-in one. */
export function checkErrors(file: SourceFile, report: Report): void {
  if (file.isTest) return;
  walk(file.syntax, node => {
    if ((ts.isNewExpression(node) || ts.isCallExpression(node)) && isBuiltIn(node.expression)) {
      if (!joinsCauses(node)) report('bare-error', node, `Makes a bare ${node.expression.text}`, fix);
    } else if (
      ts.isExpressionWithTypeArguments(node) &&
      ts.isHeritageClause(node.parent) &&
      isBuiltIn(node.expression)
    ) {
      if (!declaresFamily(node.parent.parent)) report('bare-error', node, `Extends ${node.expression.text}`, fix);
    } else if (
      ts.isThrowStatement(node) &&
      (ts.isLiteralExpression(node.expression) || ts.isObjectLiteralExpression(node.expression))
    ) {
      report('bare-error', node, 'Throws something that is not an error', fix);
    }
  });
}

function isBuiltIn(node: ts.Expression): node is ts.Identifier {
  return ts.isIdentifier(node) && builtIn.has(node.text) && isGlobal(node);
}

/** Several errors become the one `cause` of an error of the family. */
function joinsCauses(node: ts.NewExpression | ts.CallExpression): boolean {
  const { parent } = node;
  return (
    node.expression.getText() === 'AggregateError' &&
    ts.isPropertyAssignment(parent) &&
    parent.name.getText() === 'cause'
  );
}

/** `class PlinthError extends Error` is where the family begins; an interface may describe any error. */
function declaresFamily(node: ts.Node): boolean {
  return ts.isInterfaceDeclaration(node) || (ts.isClassDeclaration(node) && node.name?.text === 'PlinthError');
}

import ts from 'typescript';
import { lineOf, type SourceFile, walk } from '../house/source-file.ts';
import type { Report } from './report.ts';
import { isTypeTest, type Trivia } from './trivia.ts';

const maxFileLines = 350;
const maxFunctionLines = 60;

/** Files and functions stay short. Only lines with code on them count. */
export function checkSize(file: SourceFile, trivia: Trivia, report: Report): void {
  const lines = [...trivia.codeLines].sort((left, right) => left - right);
  if (lines.length > maxFileLines) {
    report(
      'file-length',
      1,
      `${lines.length} lines of code, at most ${maxFileLines}`,
      'split it by what it does, one file per thing',
    );
  }
  walk(file.syntax, node => {
    if (!isFunctionWithBody(node) || isSuite(node)) return;
    const first = lineOf(file, node.getStart(file.syntax));
    const last = lineOf(file, node.end);
    const count = lines.filter(line => line >= first && line <= last).length;
    if (count <= maxFunctionLines) return;
    const what = `Function "${nameOf(node)}" has ${count} lines of code, at most ${maxFunctionLines}`;
    report('function-length', node, what, 'take its steps out into functions with names');
  });
}

function isFunctionWithBody(node: ts.Node): node is ts.FunctionLikeDeclaration {
  return ts.isFunctionLike(node) && 'body' in node && node.body !== undefined;
}

/** What a `describe` is given, and a contract that is made of `describe` and `it`, is a list of tests and not a function. */
function isSuite(node: ts.FunctionLikeDeclaration): boolean {
  if (ts.isCallExpression(node.parent) && /^describe\b/.test(node.parent.expression.getText())) return true;
  if (node.body === undefined || !ts.isBlock(node.body)) return false;
  return node.body.statements.some(
    statement => ts.isExpressionStatement(statement) && startsTest.test(statement.getText()),
  );
}

const startsTest = /^(?:describe|it|test)\b[.\w()\s!=?|&]*\(/;

/** The name by which people know a function. */
function nameOf(node: ts.SignatureDeclaration): string {
  if (node.name) return node.name.getText();
  if (ts.isConstructorDeclaration(node)) return 'constructor';
  const { parent } = node;
  return (ts.isVariableDeclaration(parent) || ts.isPropertyAssignment(parent)) && parent.name
    ? parent.name.getText()
    : 'anonymous';
}

const suppression = /@ts-(?:ignore|expect-error|nocheck)\b/;

/** Comments neither promise work nor silence the compiler. */
export function checkComments(file: SourceFile, trivia: Trivia, report: Report): void {
  for (const { text, line } of trivia.comments) {
    const [, word] = /\b(TODO|FIXME)\b/.exec(text) ?? [];
    if (word) report('no-todo', line, `Says ${word}`, 'do it, or leave it out');
    const [silencer] = suppression.exec(text) ?? [];
    if (silencer && !isTypeTest(file.path))
      report('no-type-suppression', line, `Says ${silencer}`, 'make the types right');
  }
}

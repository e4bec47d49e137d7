import ts from 'typescript';
import { type SourceFile, walk } from '../house/source-file.ts';
import type { Report } from './report.ts';

const timeName =
  /^(?:.*(?:[a-z](?=[A-Z])|_))?(?:timeout|ttl|delay|interval|duration|window|cooldown|retryAfter|maxAge)$/i;

/** Numbers that mean time are named with their unit: `timeoutMs`. */
export function checkUnits(file: SourceFile, report: Report): void {
  walk(file.syntax, node => {
    if (!ts.isPropertySignature(node) && !ts.isPropertyDeclaration(node) && !ts.isParameter(node)) return;
    const name = ts.isIdentifier(node.name) || ts.isStringLiteral(node.name) ? node.name.text : '';
    if (!timeName.test(name) || !isNumber(node.type)) return;
    report('time-unit', node, `"${name}" is a number without a unit`, `call it "${name}Ms" and count in milliseconds`);
  });
}

function isNumber(type: ts.TypeNode | undefined): boolean {
  if (type === undefined) return false;
  return type.kind === ts.SyntaxKind.NumberKeyword || (ts.isUnionTypeNode(type) && type.types.some(isNumber));
}

import ts from 'typescript';
import { type SourceFile, walk } from '../house/source-file.ts';
import type { Report } from './report.ts';

/** Syntax that the project does without. */
export function checkSyntax(file: SourceFile, report: Report): void {
  const isConfiguration = /\.config\.ts$/.test(file.path);
  walk(file.syntax, node => {
    if (node.kind === ts.SyntaxKind.AnyKeyword) report('no-any', node, 'Uses any', 'use unknown and narrow it');
    else if (ts.isEnumDeclaration(node)) {
      report(
        'no-enum',
        node,
        `Declares enum ${node.name.text}`,
        'use a union of literals, or a const object `as const`',
      );
    } else if (ts.isModuleDeclaration(node) && isNamespace(node)) {
      report('no-namespace', node, `Declares namespace ${node.name.getText()}`, 'use a file');
    } else if (ts.isParameter(node) && ts.isParameterPropertyDeclaration(node, node.parent)) {
      report(
        'no-parameter-property',
        node,
        `Declares the property ${node.name.getText()} as a parameter`,
        'declare the field and assign it',
      );
    } else if (node.kind === ts.SyntaxKind.PrivateKeyword && !ts.isConstructorDeclaration(node.parent)) {
      report('no-private', node, 'Uses the keyword private', 'use a #name');
    } else if (!isConfiguration && isDefaultExport(node)) {
      report('no-default-export', node, 'Exports a default', 'export it by its name');
    }
  });
}

function isNamespace(node: ts.ModuleDeclaration): boolean {
  return (
    ts.isIdentifier(node.name) &&
    (node.flags & ts.NodeFlags.GlobalAugmentation) === 0 &&
    !ts.isModuleDeclaration(node.parent)
  );
}

function isDefaultExport(node: ts.Node): boolean {
  return (
    ts.isExportAssignment(node) ||
    (node.kind === ts.SyntaxKind.DefaultKeyword && ts.isDeclarationStatement(node.parent)) ||
    (ts.isExportSpecifier(node) && node.name.text === 'default')
  );
}

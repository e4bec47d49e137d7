import ts from 'typescript';
import type { Tree } from './tree.ts';

/** A parsed TypeScript file and what its path says about it. */
export interface SourceFile {
  readonly path: string;
  /** The first folder: `src`, `connectors`, … ; empty for files at the root. */
  readonly area: string;
  /** The second folder: the room, the connector, the feature; empty for files that lie directly in the area. */
  readonly room: string;
  readonly isTest: boolean;
  readonly syntax: ts.SourceFile;
}

/** The folders that hold code. */
export const codeAreas: readonly string[] = [
  'src',
  'connectors',
  'service',
  'console',
  'examples',
  'bench',
  'docs',
  'test',
  'tools',
];

/** Parses every TypeScript file of the tree that lies in a code area. No types are checked and nothing is resolved. */
export function parseTree(tree: Tree): readonly SourceFile[] {
  const files: SourceFile[] = [];
  for (const [path, text] of tree) {
    const [area = '', room = '', ...rest] = path.split('/');
    if (!/\.tsx?$/.test(path) || !codeAreas.includes(area)) continue;
    files.push({
      path,
      area,
      room: rest.length > 0 ? room : '',
      isTest: isTestPath(path),
      syntax: ts.createSourceFile(path, text, ts.ScriptTarget.ES2023, true),
    });
  }
  return files;
}

/** Whether a path is a test, or a fixture of one: it may import `testing`, and nothing that ships may import it. */
export function isTestPath(path: string): boolean {
  return /\.(?:test|test-d|bench|fixture)\.tsx?$/.test(path);
}

/** The line of a node, counted from 1. */
export function lineOf(file: SourceFile, position: number): number {
  return file.syntax.getLineAndCharacterOfPosition(position).line + 1;
}

/** Calls back for every node below a node, in the order of the text. */
export function walk(node: ts.Node, visit: (node: ts.Node) => void): void {
  ts.forEachChild(node, child => {
    visit(child);
    walk(child, visit);
  });
}

import ts from 'typescript';
import { lineOf, type SourceFile } from '../house/source-file.ts';

/** What lies between the tokens of a file, and the lines on which there are tokens. */
export interface Trivia {
  readonly comments: readonly { readonly text: string; readonly line: number }[];
  /** Numbers of the lines that hold code, counted from 1. */
  readonly codeLines: ReadonlySet<number>;
}

/** Tells comments from code, token by token. */
export function triviaOf(file: SourceFile): Trivia {
  const { syntax } = file;
  const codeLines = new Set<number>();
  const comments = new Map<number, { readonly text: string; readonly line: number }>();
  const addComments = (ranges: readonly ts.CommentRange[] | undefined): void => {
    for (const { pos, end } of ranges ?? [])
      comments.set(pos, { text: syntax.text.slice(pos, end), line: lineOf(file, pos) });
  };
  const visit = (node: ts.Node): void => {
    if (ts.isJSDoc(node)) return;
    const children = node.getChildren(syntax);
    for (const child of children) visit(child);
    if (children.length > 0) return;
    if (node.kind !== ts.SyntaxKind.JsxText) {
      addComments(ts.getLeadingCommentRanges(syntax.text, node.pos));
      addComments(ts.getTrailingCommentRanges(syntax.text, node.end));
    }
    const start = node.getStart(syntax);
    if (start >= node.end) return;
    for (let line = lineOf(file, start); line <= lineOf(file, node.end); line += 1) codeLines.add(line);
  };
  visit(syntax);
  return { comments: [...comments.values()], codeLines };
}

/** Type tests assert that wrong code does not compile: `x.test-d.ts`, and everything in `test/types/`. */
export function isTypeTest(path: string): boolean {
  return path.endsWith('.test-d.ts') || path.startsWith('test/types/');
}

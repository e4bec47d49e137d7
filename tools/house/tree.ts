import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

/** Files by their path from the root of the repository. Checkers read nothing else, so a test can make a tree up. */
export type Tree = ReadonlyMap<string, string>;

const skippedFolders = new Set(['.git', 'node_modules', 'dist', 'data', 'logs', 'coverage', 'recordings', 'planted']);
const textFile =
  /(?:\.(?:ts|tsx|mjs|js|json|md|ya?ml|sh|sql|lua|css|html|toml|svg|txt|conf)|Dockerfile|\/run|\.example)$/;

/** Reads every text file that belongs to the project: sources, documents, configuration. */
export function readTree(root: string): Tree {
  const files = new Map<string, string>();
  const visit = (folder: string): void => {
    for (const entry of readdirSync(join(root, folder), { withFileTypes: true })) {
      const path = folder === '' ? entry.name : `${folder}/${entry.name}`;
      if (entry.isDirectory()) {
        if (!skippedFolders.has(entry.name)) visit(path);
      } else if (entry.isFile() && textFile.test(path)) {
        files.set(path, readFileSync(join(root, path), 'utf8'));
      }
    }
  };
  visit('');
  return files;
}

import ts from 'typescript';
import { readDoors } from '../house/imports.ts';
import type { Offence } from '../house/offence.ts';
import { lineOf, type SourceFile } from '../house/source-file.ts';
import type { Tree } from '../house/tree.ts';
import type { LayerRule } from './rules.ts';

const maxExportStatements = 40;
const areasWithDoors = new Set(['src', 'connectors', 'service']);

/** Doors export explicit names and nothing else; nobody else passes names on. */
export function checkDoors(files: readonly SourceFile[]): readonly Offence[] {
  return files
    .filter(file => areasWithDoors.has(file.area))
    .flatMap(file => (isDoor(file) ? checkDoor(file) : checkNoReExport(file)));
}

function isDoor(file: SourceFile): boolean {
  return file.path.endsWith('/index.ts');
}

function checkDoor(file: SourceFile): readonly Offence[] {
  const { statements } = file.syntax;
  const offences: Offence[] = [];
  for (const statement of statements) {
    const what = strangerInDoor(statement);
    if (what)
      offences.push(at(file, statement, 'door-content', what, 'export explicit names from the files of the room'));
  }
  if (statements.length > maxExportStatements) {
    const what = `${statements.length} export statements, at most ${maxExportStatements}`;
    offences.push({
      file: file.path,
      line: 1,
      rule: 'door-size' satisfies LayerRule,
      what,
      fix: 'export fewer names, or split the room',
    });
  }
  return offences;
}

function strangerInDoor(statement: ts.Statement): string | undefined {
  if (!ts.isExportDeclaration(statement) || statement.moduleSpecifier === undefined) {
    return `${statement.getText().split('\n', 1)[0]} is not a re-export`;
  }
  return statement.exportClause && ts.isNamedExports(statement.exportClause)
    ? undefined
    : `${statement.getText()} hides the names`;
}

function checkNoReExport(file: SourceFile): readonly Offence[] {
  const imported = new Set<string>();
  for (const statement of file.syntax.statements) {
    const bindings = ts.isImportDeclaration(statement) ? statement.importClause?.namedBindings : undefined;
    if (bindings && ts.isNamedImports(bindings))
      for (const element of bindings.elements) imported.add(element.name.text);
  }
  return file.syntax.statements.filter(ts.isExportDeclaration).flatMap(statement => {
    const { moduleSpecifier, exportClause } = statement;
    const passesOn =
      moduleSpecifier !== undefined ||
      (exportClause &&
        ts.isNamedExports(exportClause) &&
        exportClause.elements.some(it => imported.has((it.propertyName ?? it.name).text)));
    if (!passesOn) return [];
    return [
      at(
        file,
        statement,
        're-export',
        `${statement.getText()} passes a name on`,
        'let its users import it from where it is made',
      ),
    ];
  });
}

/** Every room and connector has a door, and package.json opens exactly these. */
export function checkExports(files: readonly SourceFile[], tree: Tree): readonly Offence[] {
  const manifest = tree.get('package.json');
  if (manifest === undefined) return [];
  const doors = readDoors(tree);
  const offences: Offence[] = [];
  const lineIn = (subpath: string): number => manifest.slice(0, manifest.indexOf(`"${subpath}":`)).split('\n').length;
  const add = (file: string, line: number, what: string, fix: string): void =>
    void offences.push({ file, line, rule: 'exports-entry' satisfies LayerRule, what, fix });
  for (const [subpath, source] of doors) {
    const expected = subpathOf(source);
    if (!tree.has(source)) {
      add(
        'package.json',
        lineIn(subpath),
        `"${subpath}" leads to ${source}, which does not exist`,
        'write the door, or delete the entry',
      );
    } else if (expected !== undefined && expected !== subpath) {
      add('package.json', lineIn(subpath), `"${subpath}" leads to ${source}`, `name the entry "${expected}"`);
    }
  }
  const open = new Set(doors.values());
  for (const folder of [...new Set(files.flatMap(roomFolder))].sort()) {
    const door = `${folder}/index.ts`;
    if (open.has(door)) continue;
    if (!tree.has(door)) add(door, 1, `${folder} has no door`, 'write index.ts with the public names');
    else add(door, 1, `${door} has no entry in package.json`, `add "${subpathOf(door)}" to exports`);
  }
  return offences;
}

function roomFolder(file: SourceFile): readonly string[] {
  return file.room !== '' && (file.area === 'src' || file.area === 'connectors') ? [`${file.area}/${file.room}`] : [];
}

/** The subpath that a room's door must have, or `undefined` for the inner doors of adapters, which are free. */
function subpathOf(door: string): string | undefined {
  if (door === 'src/infrastructure/index.ts') return '.';
  const [, area, room] = /^(src|connectors)\/([^/]+)\/index\.ts$/.exec(door) ?? [];
  if (room === undefined) return undefined;
  return area === 'src' ? `./${room}` : `./connectors/${room}`;
}

function at(file: SourceFile, node: ts.Node, rule: LayerRule, what: string, fix: string): Offence {
  return {
    file: file.path,
    line: lineOf(file, node.getStart(file.syntax)),
    rule,
    what: what.replaceAll(/\s+/g, ' '),
    fix,
  };
}

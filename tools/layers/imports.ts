import { floorOf, reachableByName, reachableByPath } from '../house/floors.ts';
import { type ImportSite, packageName, resolveImport } from '../house/imports.ts';
import type { Offence } from '../house/offence.ts';
import { isTestPath, type SourceFile } from '../house/source-file.ts';
import type { Tree } from '../house/tree.ts';
import type { LayerRule } from './rules.ts';

/** An import that leads to another file of the repository. */
export interface Edge {
  readonly site: ImportSite;
  readonly to: string;
}

/** What is wrong with an import, before its place is added. */
interface Finding {
  readonly rule: LayerRule;
  readonly what: string;
  readonly fix: string;
}

/** Judges every import. The edges that break no rule come back for the search for cycles. */
export function checkImports(
  sites: readonly ImportSite[],
  doors: ReadonlyMap<string, string>,
  tree: Tree,
): { readonly offences: readonly Offence[]; readonly edges: readonly Edge[] } {
  const offences: Offence[] = [];
  const edges: Edge[] = [];
  const doorFiles = new Set(doors.values());
  for (const site of sites) {
    const to = resolveImport(site, doors, tree);
    const finding = to === undefined ? judgeOutside(site) : judge(site, to, doorFiles);
    if (finding) offences.push({ file: site.from.path, line: site.line, ...finding });
    else if (to !== undefined) edges.push({ site, to });
  }
  return { offences, edges };
}

/** Rooms must be in the table before anything can be said about their imports. */
export function checkRooms(files: readonly SourceFile[]): readonly Offence[] {
  return files
    .filter(file => file.area === 'src' && (file.room === '' || floorOf(file.room) === undefined))
    .map(file => ({
      file: file.path,
      line: 1,
      rule: 'unknown-room' satisfies LayerRule,
      what: file.room === '' ? 'File outside any room' : `Room "${file.room}" is not in the floors table`,
      fix: 'move it into a room, or give the room its floor in DESIGN and tools/house/floors.ts',
    }));
}

function judgeOutside(site: ImportSite): Finding | undefined {
  if (site.specifier !== undefined || (site.from.area !== 'src' && site.from.area !== 'connectors')) return undefined;
  return {
    rule: 'computed-import',
    what: 'Imports a module whose name is computed',
    fix: 'write the name as a literal',
  };
}

function judge(site: ImportSite, to: string, doorFiles: ReadonlySet<string>): Finding | undefined {
  const { from } = site;
  const [area = '', room = ''] = to.split('/');
  const quoted = `"${site.specifier}"`;
  if (!site.specifier?.startsWith('.')) return judgeByName(from, area, to, quoted);
  if (!(reachableByPath[from.area] ?? []).includes(area)) return judgeWrongArea(from, area, to, quoted);
  if (isTestPath(to) && !from.isTest) {
    return {
      rule: 'test-import',
      what: `Imports the test ${quoted}`,
      fix: 'move what is needed into a file of its own',
    };
  }
  if (area === 'connectors' && room !== from.room) {
    return {
      rule: 'area',
      what: `Connector "${from.room}" imports connector "${room}" through ${quoted}`,
      fix: 'keep connectors apart: move what both need into a room of the toolkit',
    };
  }
  return area === 'src' ? judgeRooms(from, room, to, quoted, doorFiles) : undefined;
}

function judgeByName(from: SourceFile, area: string, to: string, quoted: string): Finding | undefined {
  if (from.area === 'src' && area === 'src') {
    return {
      rule: 'relative-inside',
      what: `Imports ${quoted} from inside src/`,
      fix: `import the door ${to} by a relative path`,
    };
  }
  return (reachableByName[from.area] ?? []).includes(area) ? undefined : wrongArea(from, area, quoted);
}

function judgeWrongArea(from: SourceFile, area: string, to: string, quoted: string): Finding {
  if (!(reachableByName[from.area] ?? []).includes(area)) return wrongArea(from, area, quoted);
  const [, room = ''] = to.split('/');
  const publicName = area === 'connectors' ? `${packageName}/connectors/${room}` : `${packageName}/${room}`;
  return {
    rule: 'public-name',
    what: `Reaches into ${area}/ by the path ${quoted}`,
    fix: `import from '${publicName}'`,
  };
}

function wrongArea(from: SourceFile, area: string, quoted: string): Finding {
  const fix =
    from.area === 'console'
      ? 'ask the service over HTTP and describe the answer in the console itself'
      : `turn the dependency round, or move the code down to where ${from.area}/ may reach it`;
  return {
    rule: 'area',
    what: `${from.area}/ imports ${quoted} from ${area.includes('.') ? 'the root' : `${area}/`}`,
    fix,
  };
}

function judgeRooms(
  from: SourceFile,
  room: string,
  to: string,
  quoted: string,
  doorFiles: ReadonlySet<string>,
): Finding | undefined {
  if (room === from.room) {
    if (from.isTest || to !== `src/${room}/index.ts`) return undefined;
    return { rule: 'own-door', what: `Imports its own door ${quoted}`, fix: 'import the file that has the name' };
  }
  const here = floorOf(from.room);
  const there = floorOf(room);
  if (here === undefined || there === undefined) return undefined;
  if (there >= here && !(from.isTest && room === 'testing')) {
    return {
      rule: 'floor',
      what: `Room "${from.room}" (floor ${here}) imports ${quoted} (floor ${there})`,
      fix: 'take what is needed as an option or a port, or move it to a lower floor',
    };
  }
  if (to === `src/${room}/index.ts` || doorFiles.has(to)) return undefined;
  return {
    rule: 'door',
    what: `Enters room "${room}" through ${quoted}`,
    fix: `import from src/${room}/index.ts, and export the name there`,
  };
}

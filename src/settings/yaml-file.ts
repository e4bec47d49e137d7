import { createRequire } from 'node:module';
import type * as Yaml from 'yaml';
import { collectLeaves, type TreeProblem, type TreeReader } from './known-paths.ts';
import type { RawValue } from './value-kind.ts';

/** A value of the file and the line of its key. */
export interface YamlValue {
  readonly raw: RawValue;
  readonly line: number | undefined;
}

interface YamlFile {
  /** Values by their key below `infrastructure`. */
  readonly values: ReadonlyMap<string, YamlValue>;
  readonly problems: readonly TreeProblem[];
}

const root = 'infrastructure';

/** Reads the text of a settings file. `known` are the keys below `infrastructure` that may hold a value. */
export function parseYamlFile(text: string, known: readonly string[]): YamlFile {
  // The parser costs as much start-up time as the rest of this room together, and most processes have no such file.
  const yaml = createRequire(import.meta.url)('yaml') as typeof Yaml;
  const lines = new yaml.LineCounter();
  const document = yaml.parseDocument(text, { lineCounter: lines, prettyErrors: false, stringKeys: true });
  // A tag that nobody knows is only a warning to the parser, but it swallows values: `password: !x` is then empty.
  const mistakes = [...document.errors, ...document.warnings];
  if (mistakes.length > 0) {
    const problems = mistakes.map(mistake => ({
      path: root,
      message: `Expected YAML, found a mistake: ${withoutQuotes(mistake.message)}`,
      line: lines.linePos(mistake.pos[0]).line,
    }));
    return { values: new Map(), problems };
  }

  const reader = yamlReader(yaml, document, lines, known);
  const { leaves, problems } = collectLeaves<unknown>(document.contents, reader);
  const values = new Map<string, YamlValue>();
  const nested: TreeProblem[] = [];
  for (const { path, node, line } of leaves) {
    const raw = toRawValue(yaml, node, target => reader.entries(target));
    if (raw === undefined) nested.push({ path, message: 'Expected a value, or a flat list or map of values', line });
    else values.set(path.slice(root.length + 1), { raw, line });
  }
  return { values, problems: [...problems, ...nested] };
}

/** What the parser says, without the parts in which it quotes the file: those may be secrets. */
function withoutQuotes(message: string): string {
  return (message.split(': ')[0] ?? '').replace(/[!%]\S+/g, '…');
}

function yamlReader(
  yaml: typeof Yaml,
  document: Yaml.Document,
  lines: Yaml.LineCounter,
  known: readonly string[],
): TreeReader<unknown> {
  const resolve = (node: unknown): unknown => (yaml.isAlias(node) ? node.resolve(document) : node);
  return {
    known: known.map(path => `${root}.${path}`),
    flags: `${root}.feature_flags`,
    entries(node) {
      if (!yaml.isMap(node)) return undefined;
      return node.items.map(pair => {
        const key = yaml.isScalar(pair.key) ? pair.key : undefined;
        const start = key?.range?.[0];
        return {
          key: String(key?.value),
          node: resolve(pair.value),
          line: start === undefined ? undefined : lines.linePos(start).line,
        };
      });
    },
    isUnset: node => node === null || (yaml.isScalar(node) && (node.value === null || scalarText(node) === '')),
    found: node => (yaml.isSeq(node) ? 'a list' : 'a single value'),
  };
}

/** The text as the file has it, so that a number is read by the same rules as one in a variable. */
function scalarText(node: Yaml.Scalar): string {
  return (typeof node.value === 'string' ? node.value : (node.source ?? String(node.value))).trim();
}

function toRawValue(
  yaml: typeof Yaml,
  node: unknown,
  entriesOf: (node: unknown) => readonly { readonly key: string; readonly node: unknown }[] | undefined,
): RawValue | undefined {
  if (yaml.isScalar(node)) return scalarText(node);
  if (yaml.isSeq(node)) {
    return node.items.every(item => yaml.isScalar(item)) ? node.items.map(scalarText) : undefined;
  }
  const entries = entriesOf(node);
  if (entries === undefined || !entries.every(entry => yaml.isScalar(entry.node))) return undefined;
  return Object.fromEntries(
    entries.map(({ key, node: value }) => [key, yaml.isScalar(value) ? scalarText(value) : '']),
  );
}

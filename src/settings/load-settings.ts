import { ConfigurationError, type ConfigurationProblem } from '../errors/index.ts';
import { Secret } from '../kernel/index.ts';
import { type Candidate, envFileLayer, explicitLayer, type Layer, variablesLayer, yamlFileLayer } from './layers.ts';
import { checkRules, type Finding } from './rules.ts';
import type { PartialTree, Settings, SettingsTree } from './settings.ts';
import type { ListedVariable } from './variable.ts';
import { flagVariable, listVariables } from './variables.ts';

/** Where settings come from, in the order in which one beats the next: explicit, environment, `.env`, YAML, defaults. */
export interface LoadSettingsOptions {
  /** Values from code, in the units of the tree. @default none */
  readonly explicit?: PartialTree<SettingsTree> | undefined;
  /** Environment variables. Only read. @default process.env */
  readonly environment?: Readonly<Record<string, string | undefined>> | undefined;
  /** The env file; one that is named must exist, `false` reads none. @default '.env', if it exists */
  readonly envFile?: string | false | undefined;
  /** The YAML file; one that is named must exist, `false` reads none. @default 'plinth.yaml', if it exists */
  readonly yamlFile?: string | false | undefined;
  /** The folder in which the files are looked for. @default process.cwd() */
  readonly cwd?: string | undefined;
}

/**
 * Loads the settings: one typed tree, frozen all the way down, that the caller keeps and hands on.
 *
 * @throws {ConfigurationError} with every problem at once.
 * @example
 * const settings = loadSettings({ environment: { PORT: '9000' } });
 * settings.service.port; // 9000
 */
export function loadSettings(options: LoadSettingsOptions = {}): Settings {
  const { settings, problems } = readSettings(options);
  if (problems.length > 0) throw new ConfigurationError(summaryOf(problems.length), problems);
  return settings;
}

function summaryOf(count: number): string {
  return count === 1 ? 'The configuration has a problem' : `The configuration has ${count} problems`;
}

/** The settings as far as they can be understood, and everything that is wrong. */
export function readSettings(options: LoadSettingsOptions): {
  readonly settings: Settings;
  readonly problems: readonly ConfigurationProblem[];
} {
  const fixed = listVariables();
  const layers = layersOf(options, fixed);
  const flags = [...new Set(layers.flatMap(layer => layer.flags))].sort();
  const listed = [...fixed, ...flags.map(flagVariable)];

  const problems = layers.flatMap(layer => layer.problems);
  const warnings = layers.flatMap(layer => layer.warnings);
  const values = new Map<string, unknown>();
  const origins: Record<string, string> = {};
  const failed = new Set<string>();
  for (const variable of listed) {
    const winner = firstOf(layers, layer => layer.find(variable));
    origins[variable.path] = winner?.origin ?? 'default';
    const value = winner?.read(variable.kind);
    values.set(variable.path, value);
    if (winner !== undefined && value === undefined) {
      failed.add(variable.path);
      problems.push(notUnderstood(variable, winner));
    }
    warnings.push(...bothNames(variable, layers));
  }
  const isSet = (path: string): boolean => (origins[path] ?? 'default') !== 'default';
  const tree = toTree(listed, values, isSet);

  const locate = ({ path, message }: Finding): ConfigurationProblem => {
    const variable = listed.find(candidate => candidate.path === path);
    return { name: variable?.name ?? path, message, origin: origins[path] ?? 'default' };
  };
  const rules = checkRules(tree, isSet);
  problems.push(...rules.problems.filter(({ path }) => !failed.has(path)).map(locate));
  warnings.push(...rules.warnings.filter(({ path }) => !failed.has(path)).map(locate));
  return { settings: seal(tree, { warnings, origins }), problems };
}

function firstOf<Item, Found>(items: readonly Item[], find: (item: Item) => Found | undefined): Found | undefined {
  for (const item of items) {
    const found = find(item);
    if (found !== undefined) return found;
  }
  return undefined;
}

function layersOf(options: LoadSettingsOptions, listed: readonly ListedVariable[]): readonly Layer[] {
  const { explicit = {}, environment = process.env, envFile, yamlFile, cwd = process.cwd() } = options;
  const place = (path: string | undefined, usual: string) => ({
    path: path ?? usual,
    cwd,
    required: path !== undefined,
  });
  return [
    explicitLayer(explicit, listed),
    variablesLayer(environment, 'environment', listed),
    ...(envFile === false ? [] : [envFileLayer(place(envFile, '.env'), listed)]),
    ...(yamlFile === false ? [] : [yamlFileLayer(place(yamlFile, 'plinth.yaml'), listed)]),
  ];
}

function notUnderstood({ kind }: ListedVariable, { name, origin, raw }: Candidate): ConfigurationProblem {
  return { name, message: `Expected ${kind.expected}, found ${kind.found(raw)}`, origin };
}

/** A warning when a variable is set under both of its names, to different values. */
function bothNames(
  { name, otherName, kind }: ListedVariable,
  layers: readonly Layer[],
): readonly ConfigurationProblem[] {
  if (otherName === undefined) return [];
  const named = layers.flatMap(layer => [layer.named(name) ?? [], layer.named(otherName) ?? []].flat());
  const [used] = named;
  const other = named.find(candidate => candidate.name !== used?.name);
  if (used === undefined || other === undefined || used.raw === other.raw) return [];
  const message = `Not used (${kind.found(other.raw)}): ${used.name} is set too (${kind.found(used.raw)}, from ${used.origin})`;
  return [{ name: other.name, message, origin: other.origin }];
}

/** Nested values; what nothing sets gets its fallback, those that follow from others last and in the table's order. */
function toTree(
  listed: readonly ListedVariable[],
  values: ReadonlyMap<string, unknown>,
  isSet: (path: string) => boolean,
): SettingsTree {
  // The table has a variable for every value of the tree, so the tree is complete when the loops are done.
  const tree = {} as SettingsTree;
  const following: ListedVariable[] = [];
  for (const variable of listed) {
    const { path, fallback } = variable;
    const value = values.get(path);
    if (value === undefined && typeof fallback === 'function') following.push(variable);
    put(tree, path, value ?? (typeof fallback === 'function' ? undefined : fallback));
  }
  for (const { path, fallback } of following) {
    if (typeof fallback === 'function') put(tree, path, fallback(tree, isSet));
  }
  if (tree.featureFlags === undefined) put(tree, 'featureFlags', {});
  return tree;
}

function put(tree: object, path: string, value: unknown): void {
  const keys = path.split('.');
  const last = keys.pop() ?? path;
  let group = tree as Record<string, unknown>;
  for (const key of keys) {
    group[key] ??= {};
    group = group[key] as Record<string, unknown>;
  }
  group[last] = value;
}

function seal(tree: SettingsTree, facts: Pick<Settings, 'warnings' | 'origins'>): Settings {
  // Not enumerable, so that a printed tree shows settings and nothing else.
  for (const [key, value] of Object.entries(facts)) Object.defineProperty(tree, key, { value, enumerable: false });
  return freeze(tree as Settings);
}

function freeze<Value>(value: Value): Value {
  if (typeof value === 'object' && value !== null && !(value instanceof Secret) && !Object.isFrozen(value)) {
    for (const key of Reflect.ownKeys(value)) freeze(Reflect.get(value, key));
    Object.freeze(value);
  }
  return value;
}

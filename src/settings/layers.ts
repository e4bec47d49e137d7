import { resolve } from 'node:path';
import type { ConfigurationProblem } from '../errors/index.ts';
import { Secret } from '../kernel/index.ts';
import { didYouMean } from './did-you-mean.ts';
import { parseEnvFile } from './env-file.ts';
import { collectLeaves } from './known-paths.ts';
import type { PartialTree, SettingsTree } from './settings.ts';
import { readTextFile } from './text-file.ts';
import type { RawValue, ValueKind } from './value-kind.ts';
import type { ListedVariable } from './variable.ts';
import { flagPrefix, isFlagName, otherOwnNames, ownPrefixes } from './variables.ts';
import { parseYamlFile } from './yaml-file.ts';

/** A value that a layer has for a variable, before it is understood. */
export interface Candidate {
  /** The variable, key or path under which it stands. */
  readonly name: string;
  /** Where that is. */
  readonly origin: string;
  readonly raw: unknown;
  read(kind: ValueKind<unknown>): unknown;
}

/** One place that settings come from. */
export interface Layer {
  /** What this place has for a variable. */
  find(variable: ListedVariable): Candidate | undefined;
  /** What stands under the name of an environment variable; other places know no such names. */
  named(name: string): Candidate | undefined;
  /** The flags that this place knows. */
  readonly flags: readonly string[];
  /** What makes the place itself, or parts of it, unusable. */
  readonly problems: readonly ConfigurationProblem[];
  readonly warnings: readonly ConfigurationProblem[];
}

const empty: Layer = { find: () => undefined, named: () => undefined, flags: [], problems: [], warnings: [] };

/** Values that code gives. */
export function explicitLayer(explicit: PartialTree<SettingsTree>, listed: readonly ListedVariable[]): Layer {
  const { leaves, problems } = collectLeaves<unknown>(explicit, {
    known: listed.map(variable => variable.path),
    flags: 'featureFlags',
    entries: node =>
      typeof node === 'object' && node !== null && !Array.isArray(node) && !(node instanceof Secret)
        ? Object.entries(node).map(([key, child]) => ({ key, node: child, line: undefined }))
        : undefined,
    isUnset: node => node === undefined,
    found: node => (Array.isArray(node) ? 'a list' : node === null ? 'null' : `a ${typeof node}`),
  });
  const values = new Map(leaves.map(leaf => [leaf.path, leaf.node]));
  const origin = 'explicit';
  return {
    ...empty,
    flags: flagsOf(values.keys(), 'featureFlags.'),
    problems: problems.map(({ path, message }) => ({ name: path || origin, message, origin })),
    find: ({ path }) =>
      values.has(path)
        ? { name: path, origin, raw: values.get(path), read: kind => kind.fromCode(values.get(path)) }
        : undefined,
  };
}

/** Environment variables, of the process or of a file. Blank ones count as unset. */
export function variablesLayer(
  variables: Readonly<Record<string, string | undefined>>,
  origin: string,
  listed: readonly ListedVariable[],
): Layer {
  const textOf = (name: string): string | undefined => variables[name]?.trim() || undefined;
  const names = Object.keys(variables).filter(name => textOf(name) !== undefined);
  const flags = names.filter(isFlagVariable).map(name => name.slice(flagPrefix.length).toLowerCase());
  const known = listed.flatMap(({ name, otherName }) => (otherName === undefined ? [name] : [name, otherName]));
  const unknown = names.filter(
    name =>
      ownPrefixes.some(prefix => name.startsWith(prefix)) &&
      ![...known, ...otherOwnNames].includes(name) &&
      !isFlagVariable(name),
  );
  const named = (name: string): Candidate | undefined => {
    const raw = textOf(name);
    return raw === undefined ? undefined : { name, origin, raw, read: kind => kind.fromText(raw) };
  };
  return {
    flags,
    problems: [],
    warnings: unknown.map(name => ({ name, message: `Unknown variable${didYouMean(name, known)}`, origin })),
    named,
    find: ({ name, otherName }) => named(name) ?? (otherName === undefined ? undefined : named(otherName)),
  };
}

function isFlagVariable(name: string): boolean {
  const flag = name.slice(flagPrefix.length);
  return name.startsWith(flagPrefix) && flag === flag.toUpperCase() && isFlagName(flag.toLowerCase());
}

/** Where a file is looked for, and whether it has to be there. */
interface FilePlace {
  /** Its path as it was asked for. */
  readonly path: string;
  /** The folder that a relative path starts from. */
  readonly cwd: string;
  readonly required: boolean;
}

/** An env file. */
export function envFileLayer(place: FilePlace, listed: readonly ListedVariable[]): Layer {
  return fromFile(place, text => {
    const { variables, problems } = parseEnvFile(text);
    return {
      ...variablesLayer(variables, place.path, listed),
      problems: problems.map(message => ({ name: place.path, message, origin: place.path })),
    };
  });
}

/** A YAML file. */
export function yamlFileLayer(place: FilePlace, listed: readonly ListedVariable[]): Layer {
  const at = (line: number | undefined): string => (line === undefined ? place.path : `${place.path}:${line}`);
  return fromFile(place, text => {
    const { values, problems } = parseYamlFile(
      text,
      listed.map(variable => variable.file),
    );
    return {
      ...empty,
      flags: flagsOf(values.keys(), 'feature_flags.'),
      problems: problems.map(({ path, message, line }) => ({ name: path || place.path, message, origin: at(line) })),
      find({ file }) {
        const value = values.get(file);
        if (value === undefined) return undefined;
        const raw: RawValue = value.raw;
        return { name: `infrastructure.${file}`, origin: at(value.line), raw, read: kind => kind.fromText(raw) };
      },
    };
  });
}

function fromFile({ path, cwd, required }: FilePlace, parse: (text: string) => Layer): Layer {
  const file = readTextFile(resolve(cwd, path));
  if (file !== undefined && 'text' in file) return parse(file.text);
  if (file === undefined && !required) return empty;
  const message = file === undefined ? 'Expected a file, found nothing there' : file.problem;
  return { ...empty, problems: [{ name: path, message, origin: path }] };
}

function flagsOf(paths: Iterable<string>, prefix: string): readonly string[] {
  return [...paths].filter(path => path.startsWith(prefix)).map(path => path.slice(prefix.length));
}

import type { Settings } from './settings.ts';
import type { ListedVariable } from './variable.ts';
import { flagVariable, listVariables } from './variables.ts';

/** One setting in words. */
export interface SettingDescription {
  /** Its path in the tree, such as `cache.redis.host`. */
  readonly path: string;
  /** Its environment variable. */
  readonly variable: string;
  /** Its value, without secrets; empty when it is not set. */
  readonly value: string;
  /** Where the value came from: `explicit`, `environment`, a file with its line, `default`. */
  readonly origin: string;
  /** The value when nothing sets it, in words. */
  readonly default: string;
  /** What it is, in one sentence. */
  readonly description: string;
}

/**
 * Every setting with its value and where that came from, for people. Secrets show as `[secret]`, addresses without
 * their passwords.
 *
 * @example
 * describeSettings(loadSettings()).find(row => row.path === 'service.port')?.origin; // 'default'
 */
export function describeSettings(settings: Settings): readonly SettingDescription[] {
  const listed = [...listVariables(), ...Object.keys(settings.featureFlags).map(flagVariable)];
  return listed.map(variable => ({
    path: variable.path,
    variable: variable.name,
    value: writeValue(variable, valueAt(settings, variable.path)),
    origin: settings.origins[variable.path] ?? 'default',
    default: describeFallback(variable),
    description: variable.description,
  }));
}

/** The fallback of a variable in words; code spans stand in backticks. */
export function describeFallback(variable: ListedVariable): string {
  if (variable.fallbackText !== undefined) return variable.fallbackText;
  return writeValue(variable, variable.fallback) || 'none';
}

/**
 * The settings as an aligned table of text.
 *
 * @example
 * process.stdout.write(formatSettings(settings));
 */
export function formatSettings(settings: Settings): string {
  const rows = describeSettings(settings).map(row => [row.path, row.value || '-', row.origin, row.variable]);
  const table = [['Setting', 'Value', 'Origin', 'Variable'], ...rows];
  const widths = [0, 1, 2].map(column => Math.max(...table.map(row => row[column]?.length ?? 0)));
  return table.map(row => `${row.map((cell, column) => cell.padEnd(widths[column] ?? 0)).join('  ')}\n`).join('');
}

function writeValue(variable: ListedVariable, value: unknown): string {
  return value === undefined || value === null ? '' : variable.kind.write(value);
}

function valueAt(tree: object, path: string): unknown {
  return path.split('.').reduce((node: unknown, key) => (node as Record<string, unknown>)[key], tree);
}

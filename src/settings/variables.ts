import { dependencyVariables } from './dependency-variables.ts';
import { serviceVariables } from './service-variables.ts';
import type { SettingsTree } from './settings.ts';
import { storageVariables } from './storage-variables.ts';
import { boolean } from './value-kind.ts';
import { flattenVariables, type ListedVariable, type VariableTree } from './variable.ts';

/** The table: a variable for every value of the tree. Flags are open-ended and get theirs from {@link flagVariable}. */
const variables: VariableTree<Omit<SettingsTree, 'featureFlags'>> = {
  ...serviceVariables,
  ...dependencyVariables,
  ...storageVariables,
};

/** What every variable of a feature flag begins with. */
export const flagPrefix = 'FEATURE_FLAG_';

/** Prefixes that are ours alone, so that an unknown variable with one of them is probably a slip. */
export const ownPrefixes: readonly string[] = ['MEDAUG_', 'PLINTH_', flagPrefix];

/** Variables with our prefix that are not settings: switches of the test run. */
export const otherOwnNames: readonly string[] = ['PLINTH_REQUIRE_SERVERS'];

/**
 * Every variable that has a fixed name, in the order of the documents. Feature flags (`FEATURE_FLAG_<NAME>`) come on
 * top.
 *
 * @example
 * listVariables().map(variable => variable.name); // ['APP_NAME', 'APP_VERSION', …]
 */
export function listVariables(): readonly ListedVariable[] {
  return flattenVariables(variables);
}

/** Whether a name can be that of a flag. */
export function isFlagName(name: string): boolean {
  return /^[a-z][a-z0-9_]*$/.test(name);
}

/** The variable of one flag. */
export function flagVariable(flag: string): ListedVariable {
  return {
    name: `${flagPrefix}${flag.toUpperCase()}`,
    path: `featureFlags.${flag}`,
    file: `feature_flags.${flag}`,
    kind: boolean,
    fallback: undefined,
    description: `Whether ${flag} is on where no flag store says otherwise.`,
  };
}

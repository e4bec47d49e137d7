import type { IsValue, SettingsTree } from './settings.ts';
import type { ValueKind } from './value-kind.ts';

/** One value that can be set: a row of the table from which loading, description and documents come. */
export interface Variable<Value> {
  /** The environment variable. */
  readonly name: string;
  /** A second name that is read too; {@link name} wins. @default none */
  readonly otherName?: string;
  /** The key in the YAML file, below `infrastructure`. @default the path in the tree, in snake case, without the unit */
  readonly file?: string;
  /** How it is read, checked and shown. */
  readonly kind: ValueKind<NonNullable<Value>>;
  /** The value when nothing sets one, or how it follows from plain fallbacks and from values further up in the table. */
  readonly fallback: Value | ((tree: SettingsTree, isSet: (path: string) => boolean) => Value);
  /** The fallback in words, where it is a function. @default the fallback itself */
  readonly fallbackText?: string;
  /** What it is, in one sentence. */
  readonly description: string;
  /** A value for `.env.example`. @default the fallback */
  readonly sample?: string;
}

/** A variable for every value of a tree: a value without one does not compile. */
export type VariableTree<Tree> = {
  readonly [Key in keyof Tree]-?: IsValue<Tree[Key]> extends true ? Variable<Tree[Key]> : VariableTree<Tree[Key]>;
};

/** A variable together with its place. */
export interface ListedVariable extends Variable<unknown> {
  /** The path in the tree, such as `cache.redis.host`. */
  readonly path: string;
  /** The key in the YAML file, below `infrastructure`. */
  readonly file: string;
}

/** The table as a list, in its order. */
export function flattenVariables(tree: object, prefix = ''): readonly ListedVariable[] {
  return Object.entries(tree).flatMap(([key, entry]: [string, object]) => {
    const path = `${prefix}${key}`;
    if (!('kind' in entry)) return flattenVariables(entry, `${path}.`);
    // The types of the table say that what has a kind is a variable.
    const variable = entry as Variable<unknown>;
    return [{ ...variable, path, file: variable.file ?? snakeCase(path) }];
  });
}

function snakeCase(path: string): string {
  return path.replace(/Ms$/, '').replace(/[A-Z]/g, letter => `_${letter.toLowerCase()}`);
}

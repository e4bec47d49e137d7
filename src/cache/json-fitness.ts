/** Something in a value that a codec cannot carry. */
export interface Misfit {
  /** Where it is, such as `$.rows[3].total`. */
  readonly path: string;
  /** What it is, in a few words. */
  readonly found: string;
}

type Path = readonly (string | number)[];

/** Whether JSON would leave something out of a value that it has been made of: functions, symbols, maps, buffers. */
export function isFitForJson(value: unknown): boolean {
  switch (typeof value) {
    case 'object':
      break;
    case 'function':
    case 'symbol':
      return false;
    default:
      return true;
  }
  if (value === null) return true;
  if (Array.isArray(value)) {
    for (let index = 0; index < value.length; index += 1) if (!isFitForJson(value[index])) return false;
    return true;
  }
  const prototype: unknown = Object.getPrototypeOf(value);
  if (prototype !== Object.prototype && prototype !== null) return isInstanceFit(value);
  // What has a say in its own JSON is not looked into.
  if ('toJSON' in value && typeof value.toJSON === 'function') return true;
  for (const name in value) if (!isFitForJson((value as Readonly<Record<string, unknown>>)[name])) return false;
  return true;
}

/** The first thing in a value that JSON cannot carry; for a value that is known to be unfit. */
export function findMisfitForJson(value: unknown): Misfit | undefined {
  return find(value, [], [], true);
}

/** The first thing in a value that the structured codec cannot carry. */
export function findMisfitForStructured(value: unknown): Misfit | undefined {
  return find(value, [], [], false);
}

function isInstanceFit(value: object): boolean {
  if ('toJSON' in value && typeof value.toJSON === 'function') return true;
  if (isContainer(value)) return false;
  for (const name of Object.keys(value)) {
    if (!isFitForJson((value as Readonly<Record<string, unknown>>)[name])) return false;
  }
  return true;
}

/** What keeps its content elsewhere than in properties: JSON would make `{}` of it. */
function isContainer(value: object): boolean {
  return (
    value instanceof Map ||
    value instanceof Set ||
    value instanceof ArrayBuffer ||
    ArrayBuffer.isView(value) ||
    value instanceof Promise ||
    value instanceof WeakMap ||
    value instanceof WeakSet
  );
}

function find(value: unknown, path: Path, parents: readonly object[], isJson: boolean): Misfit | undefined {
  if (typeof value === 'function' || typeof value === 'symbol' || (isJson && typeof value === 'bigint')) {
    return { path: print(path), found: `a ${typeof value}` };
  }
  if (typeof value !== 'object' || value === null) return undefined;
  if (isJson && 'toJSON' in value && typeof value.toJSON === 'function') return undefined;
  const isUncloneable = value instanceof Promise || value instanceof WeakMap || value instanceof WeakSet;
  if (isUncloneable || (isJson && isContainer(value))) {
    return { path: print(path), found: `a ${value.constructor?.name ?? 'container'}` };
  }
  if (parents.includes(value)) return isJson ? { path: print(path), found: 'a cycle' } : undefined;
  if (parents.length > maxDepth) return { path: print(path), found: `more than ${maxDepth} levels` };
  const within = [...parents, value];
  for (const [name, part] of partsOf(value)) {
    const misfit = find(part, [...path, name], within, isJson);
    if (misfit !== undefined) return misfit;
  }
  return undefined;
}

/** How deep a misfit is looked for. */
const maxDepth = 100;

function partsOf(value: object): Iterable<readonly [string | number, unknown]> {
  if (Array.isArray(value)) return value.entries();
  if (value instanceof Map) return [...value.keys(), ...value.values()].entries();
  if (value instanceof Set) return [...value].entries();
  return ArrayBuffer.isView(value) ? [] : Object.entries(value);
}

function print(path: Path): string {
  let text = '$';
  for (const step of path) text += typeof step === 'number' ? `[${step}]` : `.${step}`;
  return text;
}

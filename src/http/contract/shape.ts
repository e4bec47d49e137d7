import { ArgumentError } from '../../errors/index.ts';
import { requireInteger } from '../../kernel/index.ts';
import { absorb, makeMap, observe, ShapeNode, type ShapeSize, stepInto, trim } from './shape-node.ts';
import { parsePath, pathOf, type Step } from './shape-path.ts';
import { isJsonType, type JsonType, typesIn, typesOf } from './value-type.ts';

/** What is known about one field of a record. */
export interface FieldShape {
  /** What its values are, in alphabetical order. */
  readonly types: readonly JsonType[];
  /** `always`: every object that could have it had it. `sometimes`: some had not; elements of arrays are never more. */
  readonly presence: 'always' | 'sometimes';
  /** What is below it is not recorded: it is deeper, or has more paths, than a shape may have. */
  readonly cut?: true;
}

/**
 * What records of an endpoint look like, as plain data in the order of the paths, so that two of them can be read side by
 * side. `$` is the record itself, `products[].name` a field of the elements of an array, `counts.*` each value of an object
 * whose keys are data. Keys that are no words are quoted: `["a.b"]`.
 */
export interface Shape {
  readonly [path: string]: FieldShape;
}

/** How large a shape may become. */
export interface ShapeOptions {
  /** Objects whose keys are data and not names of fields, such as `counts` or `studies[].groups`. @default [] */
  readonly maps?: readonly string[] | undefined;
  /** An object with more distinct keys than this is taken for one whose keys are data. @default 256 */
  readonly maxKeys?: number | undefined;
  /** How deep fields are recorded; an array counts as a level. @default 24 */
  readonly maxDepth?: number | undefined;
  /** How many paths are recorded. With more, the deepest levels are cut. @default 4_000 */
  readonly maxPaths?: number | undefined;
}

/**
 * The shape of samples. A sample never drifts from a shape that it was part of.
 *
 * @throws {ArgumentError} when an option is unusable.
 * @example
 * shapeOf([{ id: 1 }, { id: 'b', note: null }]);
 * // { $: object, id: number or string, always, note: null, sometimes }
 */
export function shapeOf(samples: Iterable<unknown>, options: ShapeOptions = {}): Shape {
  const tree = new ShapeTree(options);
  for (const sample of samples) tree.observe(sample);
  return tree.toShape();
}

/**
 * The shape of everything that either shape was made of. The order does not matter, nor how often a shape takes part;
 * `{}` changes nothing. (How two shapes are put together matters only beyond `maxPaths`.)
 *
 * @throws {ArgumentError} when a shape cannot be read, or an option is unusable.
 */
export function mergeShapes(left: Shape, right: Shape, options: ShapeOptions = {}): Shape {
  const tree = new ShapeTree(options);
  tree.add(left);
  tree.add(right);
  return tree.toShape();
}

/**
 * A shape out of a file.
 *
 * @throws {ArgumentError} that names what is no part of a shape.
 * @example
 * parseShape(JSON.parse(await readFile('label.shape.json', 'utf8')));
 */
export function parseShape(json: unknown): Shape {
  if (typeof json !== 'object' || json === null || Array.isArray(json)) {
    throw new ArgumentError('Cannot use the shape: expected an object with a field for each path', 'shape');
  }
  nodeOf(json as Shape);
  return json as Shape;
}

/** A shape that grows. */
export class ShapeTree {
  readonly #size: ShapeSize;
  readonly #root: ShapeNode;

  constructor({ maps = [], maxKeys = 256, maxDepth = 24, maxPaths = 4_000 }: ShapeOptions = {}) {
    this.#size = {
      maxKeys: requireInteger('maxKeys', maxKeys, 1),
      maxDepth: requireInteger('maxDepth', maxDepth, 1, 100),
      maxPaths: requireInteger('maxPaths', maxPaths, 1),
      nodes: 1,
    };
    this.#root = new ShapeNode();
    for (const path of maps) makeMap(walkTo(this.#root, readPath(path), path), this.#size);
  }

  /** Adds a sample. Of arrays with more elements than `maxElements` that many are looked at, from all over. */
  observe(sample: unknown, maxElements: number = Number.POSITIVE_INFINITY): void {
    observe(this.#root, sample, 0, maxElements, this.#size);
    if (this.#size.nodes > this.#size.maxPaths) trim(this.#root, this.#size);
  }

  /** Adds all samples of a shape. */
  add(shape: Shape): void {
    absorb(this.#root, nodeOf(shape), this.#size, 0);
    if (this.#size.nodes > this.#size.maxPaths) trim(this.#root, this.#size);
  }

  toShape(): Shape {
    const found: [string, FieldShape][] = [];
    collect(this.#root, [], 'always', found);
    // Not by assignment: a path may be `__proto__`.
    return Object.fromEntries(found.sort(([left], [right]) => (left < right ? -1 : 1)));
  }
}

/** The paths of objects whose keys are data. */
export function mapsOf(shape: Shape): readonly string[] {
  const maps = Object.keys(shape).map(parsePath);
  return maps.filter(steps => steps?.at(-1) === 'rest').map(steps => pathOf(steps?.slice(0, -1) ?? []));
}

/**
 * A shape as a tree.
 *
 * @throws {ArgumentError}
 */
export function nodeOf(shape: Shape): ShapeNode {
  const root = new ShapeNode();
  for (const [path, field] of Object.entries(shape)) {
    const steps = readPath(path);
    const node = walkTo(root, steps, path);
    checkField(path, field);
    node.types = typesIn(field.types);
    node.isCut = field.cut === true;
    node.objects = field.types.includes('object') ? 1 : 0;
    node.count = field.presence === 'always' ? 1 : 0;
  }
  for (const path of Object.keys(shape)) checkParents(root, readPath(path), path);
  return root;
}

/** Whether a field was there whenever its parent was an object. */
export function presenceOf(field: ShapeNode, parent: ShapeNode): FieldShape['presence'] {
  return field.count < parent.objects ? 'sometimes' : 'always';
}

function collect(
  node: ShapeNode,
  steps: readonly Step[],
  presence: FieldShape['presence'],
  found: [string, FieldShape][],
): void {
  if (node.types === 0) return;
  found.push([pathOf(steps), { types: typesOf(node.types), presence, ...(node.isCut ? { cut: true } : {}) }]);
  if (node.elements) collect(node.elements, [...steps, 'elements'], 'sometimes', found);
  if (node.rest) collect(node.rest, [...steps, 'rest'], 'sometimes', found);
  for (const [key, child] of node.fields ?? []) collect(child, [...steps, { key }], presenceOf(child, node), found);
}

function readPath(path: string): readonly Step[] {
  const steps = parsePath(path);
  if (steps) return steps;
  throw new ArgumentError(
    `Cannot read the path ${JSON.stringify(path)} of a shape: expected names like products[].name, counts.* or ["a.b"]`,
    'shape',
  );
}

function walkTo(root: ShapeNode, steps: readonly Step[], path: string): ShapeNode {
  let node = root;
  for (const step of steps) {
    if (step === 'rest' ? node.fields : typeof step === 'object' && node.rest) {
      throw new ArgumentError(
        `Cannot use the shape: ${path} says that keys are names, and another path that they are data`,
        'shape',
      );
    }
    node = stepInto(node, step);
  }
  return node;
}

function checkField(path: string, field: unknown): asserts field is FieldShape {
  const { types, presence } = (field ?? {}) as Partial<FieldShape>;
  const isKnown = Array.isArray(types) && types.length > 0 && types.every(isJsonType);
  if (isKnown && (presence === 'always' || presence === 'sometimes')) return;
  throw new ArgumentError(
    `Cannot use the shape: ${path} needs types, such as ["string", "null"], and the presence "always" or "sometimes"`,
    'shape',
  );
}

function checkParents(root: ShapeNode, steps: readonly Step[], path: string): void {
  let node = root;
  for (const step of steps) {
    const needed = typesIn([step === 'elements' ? 'array' : 'object']);
    if ((node.types & needed) === 0) {
      throw new ArgumentError(`Cannot use the shape: it has ${path}, but nothing above it that could hold it`, 'shape');
    }
    node = stepInto(node, step);
  }
}

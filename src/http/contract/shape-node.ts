import type { Step } from './shape-path.ts';
import { arrayBit, objectBit, typeBit } from './value-type.ts';

/** What was seen at one path. A node has `fields`, or `rest` when keys are data, and `elements` when it is an array. */
export class ShapeNode {
  /** A set of types. */
  types = 0;
  /** How often the field was there. */
  count = 0;
  /** How often the value was an object. A field that was there less often is missing sometimes. */
  objects = 0;
  /** Nothing is recorded below. */
  isCut = false;
  fields: Map<string, ShapeNode> | undefined;
  rest: ShapeNode | undefined;
  elements: ShapeNode | undefined;
}

/** How large a tree is, and may become. */
export interface ShapeSize {
  readonly maxKeys: number;
  readonly maxDepth: number;
  readonly maxPaths: number;
  /** At least as many nodes as the tree has. */
  nodes: number;
}

/** The node that a step leads to; it is made when there is none. */
export function stepInto(node: ShapeNode, step: Step): ShapeNode {
  if (step === 'elements') {
    node.elements ??= new ShapeNode();
    return node.elements;
  }
  if (step === 'rest') {
    node.rest ??= new ShapeNode();
    return node.rest;
  }
  node.fields ??= new Map();
  const found = node.fields.get(step.key);
  if (found) return found;
  const child = new ShapeNode();
  node.fields.set(step.key, child);
  return child;
}

/** Adds what a value shows. */
export function observe(node: ShapeNode, value: unknown, depth: number, maxElements: number, size: ShapeSize): void {
  const type = typeBit(value);
  node.types |= type;
  if (type === arrayBit) observeElements(node, value as readonly unknown[], depth, maxElements, size);
  else if (type === objectBit) observeFields(node, value as Record<string, unknown>, depth, maxElements, size);
}

function observeElements(
  node: ShapeNode,
  values: readonly unknown[],
  depth: number,
  maxElements: number,
  size: ShapeSize,
): void {
  if (values.length === 0 || isAtEnd(node, depth, size)) return;
  if (node.elements === undefined) size.nodes += 1;
  node.elements ??= new ShapeNode();
  const stride = Math.ceil(values.length / maxElements) || 1;
  for (let index = 0; index < values.length; index += stride) {
    observe(node.elements, values[index], depth + 1, maxElements, size);
  }
}

function observeFields(
  node: ShapeNode,
  values: Readonly<Record<string, unknown>>,
  depth: number,
  maxElements: number,
  size: ShapeSize,
): void {
  node.objects += 1;
  const keys = Object.keys(values);
  if (keys.length === 0 || isAtEnd(node, depth, size)) return;
  for (const key of keys) {
    const value = values[key];
    if (value === undefined) continue;
    const child = node.rest ?? node.fields?.get(key) ?? newField(node, key, size);
    child.count += 1;
    observe(child, value, depth + 1, maxElements, size);
  }
  if (node.fields !== undefined && node.fields.size > size.maxKeys) makeMap(node, size, depth);
}

function newField(node: ShapeNode, key: string, size: ShapeSize): ShapeNode {
  size.nodes += 1;
  return stepInto(node, { key });
}

function isAtEnd(node: ShapeNode, depth: number, { maxDepth }: ShapeSize): boolean {
  if (!node.isCut && depth >= maxDepth) cut(node);
  return node.isCut;
}

function cut(node: ShapeNode): void {
  node.isCut = true;
  node.fields = undefined;
  node.rest = undefined;
  node.elements = undefined;
}

/** Takes the keys of an object for data. */
export function makeMap(node: ShapeNode, size: ShapeSize, depth = 0): void {
  const { fields } = node;
  node.fields = undefined;
  if (node.rest === undefined) size.nodes += 1;
  node.rest ??= new ShapeNode();
  for (const child of fields?.values() ?? []) absorb(node.rest, child, size, depth + 1);
}

/** Adds what another node knows. The other one stays as it is. */
export function absorb(node: ShapeNode, other: ShapeNode, size: ShapeSize, depth: number): void {
  node.types |= other.types;
  node.count += other.count;
  node.objects += other.objects;
  const hasMore = other.fields !== undefined || other.rest !== undefined || other.elements !== undefined;
  if (other.isCut || node.isCut || (hasMore && depth >= size.maxDepth)) {
    cut(node);
    return;
  }
  if (other.elements) absorbInto(node, 'elements', other.elements, size, depth);
  if (other.rest && node.rest === undefined) makeMap(node, size, depth);
  if (other.rest && node.rest) absorb(node.rest, other.rest, size, depth + 1);
  for (const [key, child] of other.fields ?? []) {
    absorbInto(node, node.rest ? 'rest' : { key }, child, size, depth);
  }
  if (node.fields !== undefined && node.fields.size > size.maxKeys) makeMap(node, size, depth);
}

function absorbInto(node: ShapeNode, step: Step, child: ShapeNode, size: ShapeSize, depth: number): void {
  size.nodes += 1;
  absorb(stepInto(node, step), child, size, depth + 1);
}

/** Cuts the deepest levels, as many as it takes for the tree to have no more than `maxPaths`. */
export function trim(root: ShapeNode, size: ShapeSize): void {
  let level: readonly ShapeNode[] = [root];
  let nodes = 0;
  let above: readonly ShapeNode[] = level;
  while (level.length > 0 && nodes + level.length <= size.maxPaths) {
    nodes += level.length;
    above = level;
    level = level.flatMap(below);
  }
  for (const node of level.length > 0 ? above : []) if (below(node).length > 0) cut(node);
  size.nodes = nodes;
}

function below({ fields, rest, elements }: ShapeNode): readonly ShapeNode[] {
  return [...(fields?.values() ?? []), ...(rest ? [rest] : []), ...(elements ? [elements] : [])];
}

import { type Drift, sampleOf } from './drift.ts';
import { nodeOf, presenceOf, type Shape } from './shape.ts';
import type { ShapeNode } from './shape-node.ts';
import { joinPath } from './shape-path.ts';
import { arrayBit, objectBit, typeBit, typesOf } from './value-type.ts';

/** What is expected at one path, and what has been found there of late. */
interface Expected {
  readonly path: string;
  readonly types: number;
  readonly isAlways: boolean;
  readonly isCut: boolean;
  readonly fields: ReadonlyMap<string, Expected>;
  readonly rest: Expected | undefined;
  readonly elements: Expected | undefined;
  /** How many of the latest values were objects. */
  objects: number;
  /** How many of its latest parents had it. */
  count: number;
}

/** How a {@link DriftDetector} decides. */
export interface DriftDetectorOptions {
  readonly minRecords: number;
  readonly maxElements: number;
  readonly maxDrifts: number;
}

/** Compares records with a shape, and tells each difference once. */
export class DriftDetector {
  readonly #root: Expected;
  readonly #options: DriftDetectorOptions;
  readonly #told = new Map<string, Drift>();
  #found: Drift[] = [];
  #records = 0;
  #undecided = 0;

  /** @throws {ArgumentError} when the shape cannot be read. */
  constructor(shape: Shape, options: DriftDetectorOptions) {
    this.#root = expectedOf(nodeOf(shape), '$', true);
    this.#options = options;
  }

  /** Everything that was told, in the order in which it was found. */
  get told(): readonly Drift[] {
    return [...this.#told.values()];
  }

  compare(record: unknown): void {
    this.#records += 1;
    this.#undecided += 1;
    this.#compare(this.#root, record);
  }

  /** What was not told before. Fields that nobody has seen of late are missing. */
  take(): readonly Drift[] {
    if (this.#undecided >= this.#options.minRecords) {
      this.#undecided = 0;
      this.#decide(this.#root);
    }
    const found = this.#found;
    this.#found = [];
    return found;
  }

  #compare(expected: Expected, value: unknown): void {
    const type = typeBit(value);
    if ((expected.types & type) === 0) this.#tell('retyped-field', expected.path, expected.types, value);
    else if (type === objectBit) this.#compareFields(expected, value as Record<string, unknown>);
    else if (type === arrayBit) this.#compareElements(expected, value as readonly unknown[]);
  }

  #compareFields(expected: Expected, values: Readonly<Record<string, unknown>>): void {
    expected.objects += 1;
    if (expected.isCut) return;
    const { fields, rest } = expected;
    for (const key of Object.keys(values)) {
      const value = values[key];
      if (value === undefined) continue;
      const field = rest ?? fields.get(key);
      if (field === undefined) this.#tell('new-field', joinPath(expected.path, { key }), 0, value);
      else {
        field.count += 1;
        this.#compare(field, value);
      }
    }
  }

  #compareElements({ path, isCut, elements }: Expected, values: readonly unknown[]): void {
    if (isCut || values.length === 0) return;
    if (elements === undefined) {
      this.#tell('new-field', joinPath(path, 'elements'), 0, values[0]);
      return;
    }
    const stride = Math.ceil(values.length / this.#options.maxElements) || 1;
    for (let index = 0; index < values.length; index += stride) this.#compare(elements, values[index]);
  }

  /** Looks through what was found of late, and forgets it where there was enough of it to tell. */
  #decide(expected: Expected): void {
    const { fields, rest, elements } = expected;
    const isEnough = expected.objects >= this.#options.minRecords;
    for (const field of fields.values()) {
      if (isEnough && field.isAlways && field.count === 0) this.#tell('missing-field', field.path, field.types);
      if (isEnough) field.count = 0;
      this.#decide(field);
    }
    if (isEnough) expected.objects = 0;
    if (rest) this.#decide(rest);
    if (elements) this.#decide(elements);
  }

  #tell(kind: Drift['kind'], path: string, expected: number, ...values: readonly unknown[]): void {
    const [found] = values.map(value => typesOf(typeBit(value))[0]);
    const key = `${kind} ${kind === 'retyped-field' ? found : ''} ${path}`;
    if (this.#told.has(key) || this.#told.size >= this.#options.maxDrifts) return;
    const drift: Drift = {
      kind,
      path,
      expected: typesOf(expected),
      found,
      sample: values.length === 0 ? undefined : sampleOf(values[0]),
      records: this.#records,
    };
    this.#told.set(key, drift);
    this.#found.push(drift);
  }
}

function expectedOf(node: ShapeNode, path: string, isAlways: boolean): Expected {
  const fields = [...(node.fields ?? [])].map(([key, child]): [string, Expected] => [
    key,
    expectedOf(child, joinPath(path, { key }), presenceOf(child, node) === 'always'),
  ]);
  return {
    path,
    types: node.types,
    isAlways,
    isCut: node.isCut,
    fields: new Map(fields),
    rest: node.rest && expectedOf(node.rest, joinPath(path, 'rest'), false),
    elements: node.elements && expectedOf(node.elements, joinPath(path, 'elements'), false),
    objects: 0,
    count: 0,
  };
}

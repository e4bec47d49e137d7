import type { z } from 'zod';

/**
 * What a column holds, as far as SQL is concerned: `integer` and `number` arrive as numbers, `moment` is a
 * `timestamptz` and arrives as a `Date`, `day` is a `date` and stays the text `2026-01-15`, `json` is a document.
 */
export type ColumnKind = 'integer' | 'number' | 'boolean' | 'text' | 'uuid' | 'moment' | 'day' | 'json';

/** What a field of the schema says about its column. */
export interface FieldFacts {
  readonly kind: ColumnKind;
  readonly isNullable: boolean;
  /** Whether it may be left out on insert, because the schema has a default or allows it. */
  readonly isOptional: boolean;
  /** Whether the schema fills in what was left out. */
  readonly hasDefault: boolean;
}

/** The parts of a zod schema that are looked at. */
interface SchemaParts {
  readonly format?: string | null | undefined;
  readonly _zod: {
    readonly def: {
      readonly type: string;
      readonly innerType?: SchemaParts;
      readonly in?: SchemaParts;
      readonly out?: SchemaParts;
      readonly options?: readonly SchemaParts[];
      readonly values?: readonly unknown[];
      readonly entries?: Readonly<Record<string, unknown>>;
    };
  };
}

/** Reads a field of a schema. `undefined` for a type that no column can hold. */
export function fieldFacts(schema: z.core.$ZodType): FieldFacts | undefined {
  let isNullable = false;
  let isOptional = false;
  let hasDefault = false;
  let parts = schema as unknown as SchemaParts;
  for (;;) {
    const { def } = parts._zod;
    if (def.type === 'nullable') isNullable = true;
    else if (def.type === 'optional') isOptional = true;
    else if (def.type === 'default' || def.type === 'prefault') hasDefault = true;
    else if (!transparent.has(def.type)) break;
    const inner = def.type === 'pipe' ? (def.out?._zod.def.type === 'transform' ? def.in : def.out) : def.innerType;
    if (inner === undefined) return undefined;
    parts = inner;
  }
  const kind = kindOf(parts);
  return kind === undefined ? undefined : { kind, isNullable, hasDefault, isOptional: isOptional || hasDefault };
}

const transparent: ReadonlySet<string> = new Set(['readonly', 'nonoptional', 'catch', 'pipe']);

function kindOf(schema: SchemaParts): ColumnKind | undefined {
  const { def } = schema._zod;
  switch (def.type) {
    case 'string':
    case 'template_literal':
      return textKind(schema.format ?? '');
    case 'number':
      return /int/.test(schema.format ?? '') ? 'integer' : 'number';
    case 'boolean':
      return 'boolean';
    case 'date':
      return 'moment';
    case 'enum':
      return kindOfValues(Object.values(def.entries ?? {}));
    case 'literal':
      return kindOfValues(def.values ?? []);
    case 'union':
      return kindOfUnion(def.options ?? []);
    case 'object':
    case 'record':
    case 'array':
    case 'tuple':
    case 'unknown':
    case 'any':
    case 'lazy':
    case 'intersection':
      return 'json';
    default:
      return undefined;
  }
}

function textKind(format: string): ColumnKind {
  if (format === 'guid' || format.startsWith('uuid')) return 'uuid';
  return format === 'date' ? 'day' : 'text';
}

function kindOfValues(values: readonly unknown[]): ColumnKind | undefined {
  const types = new Set(values.map(value => typeof value));
  if (types.size !== 1) return undefined;
  if (types.has('string')) return 'text';
  if (types.has('number')) return values.every(Number.isInteger) ? 'integer' : 'number';
  return types.has('boolean') ? 'boolean' : undefined;
}

function kindOfUnion(options: readonly SchemaParts[]): ColumnKind | undefined {
  const kinds = new Set(options.map(kindOf));
  return kinds.size === 1 ? [...kinds][0] : undefined;
}

/** PostgreSQL's types that fit a kind, by the names of its catalogue; `enum` stands for all enumerations. */
export const fittingTypes: Readonly<Record<ColumnKind, readonly string[]>> = Object.freeze({
  integer: ['int2', 'int4', 'int8', 'numeric'],
  number: ['int2', 'int4', 'int8', 'float4', 'float8', 'numeric'],
  boolean: ['bool'],
  text: ['text', 'varchar', 'bpchar', 'citext', 'name', 'uuid', 'int8', 'numeric', 'inet', 'cidr', 'time', 'enum'],
  uuid: ['uuid', 'text', 'varchar'],
  moment: ['timestamptz'],
  day: ['date'],
  json: ['jsonb', 'json'],
});

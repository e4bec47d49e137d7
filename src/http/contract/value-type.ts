/** What a JSON value is; `other` is what JSON does not know. */
export type JsonType = 'array' | 'boolean' | 'null' | 'number' | 'object' | 'other' | 'string';

const names: readonly JsonType[] = ['array', 'boolean', 'null', 'number', 'object', 'other', 'string'];

/** Types as bits, so that a set of them is a number. */
export const arrayBit = 1;
const booleanBit = 2;
const nullBit = 4;
const numberBit = 8;
export const objectBit = 16;
const otherBit = 32;
const stringBit = 64;

/** The bit of a value's type. */
export function typeBit(value: unknown): number {
  switch (typeof value) {
    case 'string':
      return stringBit;
    case 'number':
      return numberBit;
    case 'boolean':
      return booleanBit;
    case 'object':
      return value === null ? nullBit : Array.isArray(value) ? arrayBit : isPlain(value) ? objectBit : otherBit;
    default:
      return otherBit;
  }
}

function isPlain(value: object): boolean {
  const prototype: unknown = Object.getPrototypeOf(value);
  return prototype === Object.prototype || prototype === null;
}

/** A set of types as names, in alphabetical order. */
export function typesOf(bits: number): readonly JsonType[] {
  return names.filter((_, index) => (bits & (1 << index)) !== 0);
}

/** Names as a set of types. */
export function typesIn(types: readonly JsonType[]): number {
  return types.reduce((bits, type) => bits | (1 << names.indexOf(type)), 0);
}

export function isJsonType(value: unknown): value is JsonType {
  return names.includes(value as JsonType);
}

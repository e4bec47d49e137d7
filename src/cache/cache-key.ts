import { types } from 'node:util';
import { ArgumentError } from '../errors/index.ts';

/** Begins every key that is not one plain string. */
const mark = '~';

/** The deepest nesting of an argument. */
const maxDepth = 64;

/** The most parts of all arguments together: values, properties, elements. */
const maxParts = 10_000;

/**
 * A key for the arguments of a call: arguments that are deeply equal give the same key, and others give different ones. One
 * string is its own key; everything else becomes text that begins with `~`.
 *
 * Arguments may be strings, numbers, booleans, `null`, `undefined`, bigints, `Date`s, and arrays, plain objects, `Map`s and
 * `Set`s of them. The order of the properties of an object, and of what is in a `Map` or `Set`, does not matter; a
 * property that is `undefined` is not the same as one that is not there.
 *
 * @throws {ArgumentError} for anything else, with the position of the argument.
 * @example
 * cacheKey(['7']); // 7
 * cacheKey([{ city: 'Bern', page: 2 }, true]); // ~{"city":"Bern","page":2},true
 */
export function cacheKey(args: readonly unknown[]): string {
  if (args.length === 1) {
    const only = args[0];
    if (typeof only === 'string' && isPlain(only)) return only;
  }
  const writer = new KeyWriter();
  let key = mark;
  for (let index = 0; index < args.length; index += 1) {
    if (index > 0) key += ',';
    key += writer.argument(index + 1, args[index]);
  }
  return key;
}

/** Whether a string is its own key. */
export function isPlain(text: string): boolean {
  return text.length > 0 && text.charCodeAt(0) !== 126;
}

/** Writes values as text that can be told apart, whatever their types. */
class KeyWriter {
  #position = 0;
  #parts = 0;

  argument(position: number, value: unknown): string {
    this.#position = position;
    return this.#write(value, 0);
  }

  #write(value: unknown, depth: number): string {
    switch (typeof value) {
      case 'string':
        return JSON.stringify(value);
      case 'number':
        return Object.is(value, -0) ? '-0' : String(value);
      case 'boolean':
      case 'undefined':
        return String(value);
      case 'bigint':
        return `${value}n`;
      case 'object':
        return value === null ? 'null' : this.#writeObject(value, depth + 1);
      default:
        throw this.#refusal(`a ${typeof value}`);
    }
  }

  #writeObject(value: object, depth: number): string {
    if (depth > maxDepth) throw this.#refusal(`something nested more than ${maxDepth} levels deep, or in a circle`);
    const prototype: unknown = Object.getPrototypeOf(value);
    if (prototype === Array.prototype) return this.#writeArray(value as readonly unknown[], depth);
    if (prototype === Object.prototype || prototype === null) return this.#writeProperties(value, depth);
    if (Object.keys(value).length === 0 && (types.isDate(value) || types.isSet(value) || types.isMap(value))) {
      this.#requireNoSymbols(value);
      if (types.isDate(value) && prototype === Date.prototype) return `D${this.#write(value.getTime(), depth)}`;
      if (types.isSet(value) && prototype === Set.prototype) {
        return `S{${[...value].map(item => this.#part(item, depth)).sort()}}`;
      }
      if (types.isMap(value) && prototype === Map.prototype) {
        const entries = [...value];
        return `M{${entries.map(([key, item]) => `${this.#part(key, depth)}:${this.#part(item, depth)}`).sort()}}`;
      }
    }
    throw this.#refusal(describe(value));
  }

  #writeArray(array: readonly unknown[], depth: number): string {
    this.#requireNoSymbols(array);
    // A hole or a property besides the elements would be lost.
    if (Object.keys(array).length !== array.length) throw this.#refusal('an array with holes or further properties');
    let text = '[';
    for (let index = 0; index < array.length; index += 1) {
      if (index > 0) text += ',';
      text += this.#part(array[index], depth);
    }
    return `${text}]`;
  }

  #writeProperties(value: object, depth: number): string {
    this.#requireNoSymbols(value);
    let text = '{';
    for (const name of Object.keys(value).sort()) {
      if (text.length > 1) text += ',';
      text += `${JSON.stringify(name)}:${this.#part((value as Record<string, unknown>)[name], depth)}`;
    }
    return `${text}}`;
  }

  #part(value: unknown, depth: number): string {
    this.#parts += 1;
    if (this.#parts > maxParts) throw this.#refusal(`more than ${maxParts} parts`);
    return this.#write(value, depth);
  }

  #requireNoSymbols(value: object): void {
    if (Object.getOwnPropertySymbols(value).length > 0) throw this.#refusal('properties named by symbols');
  }

  #refusal(found: string): ArgumentError {
    const expected = 'expected text, numbers, booleans, dates, and plain objects, arrays, maps and sets of them';
    const message = `Cannot make a key of argument ${this.#position}: ${expected}, got ${found}; give \`key\``;
    return new ArgumentError(message, String(this.#position));
  }
}

function describe(value: object): string {
  const made = (value as { readonly constructor?: unknown }).constructor;
  return typeof made === 'function' && made.name !== '' ? `an instance of ${made.name}` : 'an object of its own kind';
}

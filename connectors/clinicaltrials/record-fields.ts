import { ValidationError } from 'plinth/errors';
import { calendarDate, parseAge, type TrialAge, type TrialDate } from './trial-date.ts';

/**
 * The fields of an object in a record. What is absent is `null` or an empty list; what is of another type than it should be
 * makes the record unreadable, and the error says where.
 */
export class RecordFields {
  readonly #object: Readonly<Record<string, unknown>>;
  readonly #path: string;

  /** @throws {ValidationError} when the value is no object. */
  constructor(value: unknown, path = '') {
    if (typeof value !== 'object' || value === null || Array.isArray(value)) throw mismatch(path, 'an object', value);
    this.#object = value as Readonly<Record<string, unknown>>;
    this.#path = path;
  }

  has(name: string): boolean {
    return this.#object[name] !== undefined && this.#object[name] !== null;
  }

  /** The fields of an object within this one; without any when it is absent. */
  at(...names: readonly string[]): RecordFields {
    return names.reduce<RecordFields>((fields, name) => fields.#within(name), this);
  }

  /** What is made of an object within this one; `null` when it is absent. */
  optional<Value>(name: string, read: (fields: RecordFields) => Value): Value | null {
    return this.has(name) ? read(this.#within(name)) : null;
  }

  text(name: string): string | null {
    return this.#typed<string>(name, 'string', 'text');
  }

  requiredText(name: string): string {
    const text = this.text(name);
    if (text === null) throw mismatch(this.#pathOf(name), 'text', undefined);
    return text;
  }

  number(name: string): number | null {
    return this.#typed<number>(name, 'number', 'a number');
  }

  flag(name: string): boolean | null {
    return this.#typed<boolean>(name, 'boolean', 'true or false');
  }

  texts(name: string): readonly string[] {
    return this.#elements(name).map((element, index) => {
      if (typeof element !== 'string') throw mismatch(`${this.#pathOf(name)}[${index}]`, 'text', element);
      return element;
    });
  }

  list<Value>(name: string, read: (fields: RecordFields) => Value): readonly Value[] {
    return this.#elements(name).map((element, index) =>
      read(new RecordFields(element, `${this.#pathOf(name)}[${index}]`)),
    );
  }

  /** A date that is an object of its own: `{ date, type }`. */
  date(name: string): TrialDate | null {
    return this.optional(name, fields => {
      const date = fields.text('date');
      const type = fields.text('type') as TrialDate['type'];
      return date === null ? null : { date, precision: calendarDate(date), type };
    });
  }

  /** A date that is only a text. */
  plainDate(name: string): TrialDate | null {
    const date = this.text(name);
    return date === null ? null : { date, precision: calendarDate(date), type: null };
  }

  age(name: string): TrialAge | null {
    const text = this.text(name);
    return text === null ? null : parseAge(text);
  }

  #within(name: string): RecordFields {
    return new RecordFields(this.has(name) ? this.#object[name] : {}, this.#pathOf(name));
  }

  #elements(name: string): readonly unknown[] {
    const value = this.has(name) ? this.#object[name] : [];
    if (!Array.isArray(value)) throw mismatch(this.#pathOf(name), 'a list', value);
    return value;
  }

  #typed<Value>(name: string, type: string, expected: string): Value | null {
    if (!this.has(name)) return null;
    const value = this.#object[name];
    if (typeof value !== type) throw mismatch(this.#pathOf(name), expected, value);
    return value as Value;
  }

  #pathOf(name: string): string {
    return this.#path === '' ? name : `${this.#path}.${name}`;
  }
}

function mismatch(path: string, expected: string, found: unknown): ValidationError {
  const what = Array.isArray(found)
    ? 'a list'
    : found === null
      ? 'null'
      : found === undefined
        ? 'nothing'
        : typeof found;
  const message = `Expected ${expected}, got ${what}`;
  return new ValidationError(`${path === '' ? 'The record' : path}: ${message}`, {
    [path === '' ? '$' : path]: message,
  });
}

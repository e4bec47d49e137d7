import type { HtmlElement, HtmlField, Reading } from './html-page.ts';

/** A field of a row, made by {@link text}, {@link link} or {@link attribute}. */
export class Field<Value> implements HtmlField<Value> {
  readonly #read: (row: HtmlElement) => Reading<Value>;

  constructor(read: (row: HtmlElement) => Reading<Value>) {
    this.#read = read;
  }

  /** The field's value in a row, or why it has none. */
  read(row: HtmlElement): Reading<Value> {
    return this.#read(row);
  }

  /** The part of the text that matches: the pattern's first group if it has one. Text that does not match is missing. */
  match(this: Field<string>, pattern: RegExp): Field<string> {
    // Those two flags would make it remember where it was.
    const once = new RegExp(pattern.source, pattern.flags.replace(/[gy]/g, ''));
    return this.#andThen(value => {
      const found = once.exec(value);
      const part = found?.[1] ?? found?.[0];
      return part === undefined ? { missing: `${pattern} does not match "${value.slice(0, 80)}"` } : { value: part };
    });
  }

  /** What is made of the value; `undefined` means that it is missing. */
  map<Mapped>(make: (value: Value) => Mapped | undefined): Field<Mapped> {
    return this.#andThen(value => {
      const made = make(value);
      return made === undefined ? { missing: `"${String(value).slice(0, 80)}" cannot be used` } : { value: made };
    });
  }

  /** The same field, `undefined` where it is missing. */
  optional(): Field<Value | undefined> {
    return new Field<Value | undefined>(row => {
      const reading = this.#read(row);
      return 'missing' in reading ? { value: undefined } : reading;
    });
  }

  #andThen<Next>(next: (value: Value) => Reading<Next>): Field<Next> {
    return new Field(row => {
      const reading = this.#read(row);
      return 'missing' in reading ? reading : next(reading.value);
    });
  }
}

/** The text of the first element of a row that matches, of the row itself without a selector. Empty text is missing. */
export function text(selector?: string): Field<string> {
  return of(selector, element => element.text() || undefined, 'text');
}

/** The absolute http or https address of the first element of a row that matches, or of the row itself. */
export function link(selector?: string, attributeName = 'href'): Field<string> {
  return of(selector, element => element.link(attributeName), `http or https address in ${attributeName}`);
}

/** An attribute of the first element of a row that matches, or of the row itself. */
export function attribute(name: string, selector?: string): Field<string> {
  return of(selector, element => element.attribute(name), `attribute ${name}`);
}

function of(
  selector: string | undefined,
  read: (element: HtmlElement) => string | undefined,
  what: string,
): Field<string> {
  return new Field(row => {
    const element = selector === undefined ? row : row.all(selector, { atLeast: 0 })[0];
    if (element === undefined) return { missing: `"${selector}" matches 0` };
    const value = read(element);
    return value === undefined ? { missing: `${selector ?? element.tag} has no ${what}` } : { value };
  });
}

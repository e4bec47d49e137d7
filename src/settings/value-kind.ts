import { inspect } from 'node:util';
import { formatDuration, parseDuration, Secret } from '../kernel/index.ts';

/** What a variable or a file can hold before it is understood: variables only text, files also flat lists and maps. */
export type RawValue = string | readonly string[] | Readonly<Record<string, string>>;

/** One kind of value: how it is read, checked and shown. Reading answers `undefined` for what is not acceptable. */
export interface ValueKind<Value> {
  /** What is accepted, as the end of "Expected …". */
  readonly expected: string;
  /** Reads what a variable or file holds. Text comes trimmed and is never empty. */
  fromText(raw: RawValue): Value | undefined;
  /** Checks a value that was given in code, in the unit of the tree. */
  fromCode(value: unknown): Value | undefined;
  /** The value for people, without its secrets. */
  write(value: Value): string;
  /** What was found instead, for a message, without secrets. */
  found(value: unknown): string;
}

/** What makes a kind out of a single text. */
interface TextKind<Value> {
  readonly expected: string;
  readonly parse: (text: string) => Value | undefined;
  /** @default text is parsed, everything else refused */
  readonly fromCode?: (value: unknown) => Value | undefined;
  /** @default String */
  readonly write?: (value: Value) => string;
  /** @default the value in quotes */
  readonly found?: (value: unknown) => string;
}

export function textKind<Value>(options: TextKind<Value>): ValueKind<Value> {
  const { expected, parse, write = String, found = quote } = options;
  const fromText = (raw: unknown): Value | undefined => (typeof raw === 'string' ? parse(raw) : undefined);
  return { expected, fromText, fromCode: options.fromCode ?? fromText, write, found };
}

/** A value in quotes, cut where it gets long. */
export function quote(value: unknown): string {
  if (Array.isArray(value)) return `a list of ${value.length}`;
  if (typeof value === 'object' && value !== null) return 'a map';
  if (typeof value !== 'string') return inspect(value);
  return JSON.stringify(value.length > 80 ? `${value.slice(0, 80)}…` : value);
}

/** Says that there is a value without saying which. */
export function hide(value: unknown): string {
  const text = value instanceof Secret ? value.reveal() : value;
  return typeof text === 'string' ? `a value of ${text.length} characters, not shown` : `a ${typeof value}, not shown`;
}

/** Bounds of a number, both inclusive. */
interface Bounds {
  readonly min: number;
  readonly max: number;
}

function within(value: unknown, { min, max }: Bounds): number | undefined {
  return typeof value === 'number' && value >= min && value <= max ? value : undefined;
}

/** A whole number in plain decimal digits, none below zero. */
export function integer(bounds: Bounds): ValueKind<number> {
  return textKind({
    expected: `a whole number from ${bounds.min} to ${bounds.max}`,
    parse: text => (/^\d+$/.test(text) ? within(Number(text), bounds) : undefined),
    fromCode: value => (Number.isInteger(value) ? within(value, bounds) : undefined),
  });
}

/** A number in plain decimal digits, with or without a fraction, none below zero. */
export function decimal(bounds: Bounds): ValueKind<number> {
  return textKind({
    expected: `a number from ${bounds.min} to ${bounds.max}`,
    parse: text => (/^\d+(?:\.\d+)?$/.test(text) ? within(Number(text), bounds) : undefined),
    fromCode: value => within(value, bounds),
  });
}

/** Retries as an operator sets them, attempts (one more, the first call) as the tree holds them. */
export function retries(bounds: Bounds): ValueKind<number> {
  return {
    ...integer({ min: bounds.min + 1, max: bounds.max + 1 }),
    expected: `a whole number of retries after the first attempt, from ${bounds.min} to ${bounds.max}`,
    fromText: raw => {
      const count = integer(bounds).fromText(raw);
      return count === undefined ? undefined : count + 1;
    },
    write: attempts => `${attempts} attempts`,
  };
}

const booleans: Readonly<Record<string, boolean | undefined>> = {
  true: true,
  false: false,
  yes: true,
  no: false,
  on: true,
  off: false,
  1: true,
  0: false,
};

/** A switch. */
export const boolean: ValueKind<boolean> = textKind({
  expected: 'true or false (also yes/no, on/off, 1/0)',
  parse: text => booleans[text.toLowerCase()],
  fromCode: value => (typeof value === 'boolean' ? value : undefined),
});

/** One of a few words, in any letter case, with `_` and `-` alike. */
export function choice<const Choice extends string>(...choices: readonly Choice[]): ValueKind<Choice> {
  const normalise = (text: string): string => text.toLowerCase().replaceAll('_', '-');
  return textKind({
    expected: `one of ${choices.join(', ')}`,
    parse: text => choices.find(candidate => normalise(candidate) === normalise(text)),
  });
}

const unitsMs = { seconds: 1_000, minutes: 60_000, days: 86_400_000 } as const;

/** Ten years: longer than any lifetime that is meant. */
const longestMs = 315_360_000_000;

/**
 * A length of time, as milliseconds in the tree. A bare number counts in `unit`; without a unit, only text that names
 * its own (`30s`, `5m`) is accepted.
 */
export function duration(unit?: keyof typeof unitsMs): ValueKind<number> {
  return durationWithin({ min: 1, max: longestMs }, 'above zero and', unit);
}

/** A length of time that may also be none, `0s`. */
export function durationOrZero(): ValueKind<number> {
  return durationWithin({ min: 0, max: longestMs }, 'from 0s', undefined);
}

function durationWithin(bounds: Bounds, from: string, unit: keyof typeof unitsMs | undefined): ValueKind<number> {
  return textKind({
    expected: `a duration${unit === undefined ? '' : ` in ${unit}, or`} with its unit, such as 30s or 5m, ${from} up to 3650d`,
    parse: text => {
      if (/^\d+(?:\.\d+)?$/.test(text)) {
        return unit === undefined ? undefined : within(Math.round(Number(text) * unitsMs[unit]), bounds);
      }
      return /^[\d.smhd]+$/.test(text) && /[smhd]$/.test(text) ? within(parsedDuration(text), bounds) : undefined;
    },
    fromCode: value => within(value, bounds),
    write: formatDuration,
  });
}

function parsedDuration(text: string): number | undefined {
  try {
    return Math.round(parseDuration(text));
  } catch {
    return undefined;
  }
}

/** The first 32 code points and DEL, which belong neither into log lines nor into header fields. */
export function hasControlCharacters(text: string): boolean {
  return [...text].some(character => character < ' ' || character === '\x7f');
}

/** Free text on one line. */
export const line: ValueKind<string> = textKind({
  expected: 'text on one line',
  parse: text => (text === '' || hasControlCharacters(text) ? undefined : text),
});

/** Text of a certain form. */
export function form(expected: string, pattern: RegExp): ValueKind<string> {
  return textKind({ expected, parse: text => (pattern.test(text) ? text : undefined) });
}

/** A value that must not be shown. */
export function secret(expected: string, accepts: (text: string) => boolean): ValueKind<Secret> {
  const parse = (text: string): Secret | undefined => (accepts(text) ? new Secret(text) : undefined);
  return textKind({
    expected,
    parse,
    fromCode: value => (value instanceof Secret ? parse(value.reveal()) : undefined),
    found: hide,
  });
}

/** A key or token of another service: what may stand in a header field. */
export const apiKey: ValueKind<Secret> = secret('a key without spaces or line breaks', text =>
  /^[\x21-\x7e]+$/.test(text),
);

/** Several values: a list in a file, separated by commas in a variable. */
export function list<Value>(item: ValueKind<Value>): ValueKind<readonly Value[]> {
  const each = (
    values: readonly unknown[],
    read: (value: unknown) => Value | undefined,
  ): readonly Value[] | undefined => {
    const items = values.map(read).filter(value => value !== undefined);
    return items.length === values.length ? [...new Set(items)] : undefined;
  };
  const parts = (text: string): readonly string[] =>
    text
      .split(',')
      .map(part => part.trim())
      .filter(part => part !== '');
  return {
    expected: `a comma-separated list, each ${item.expected}`,
    fromText: raw => {
      if (typeof raw === 'string') return each(parts(raw), value => item.fromText(String(value)));
      return Array.isArray(raw) ? each(raw, value => item.fromText(String(value).trim())) : undefined;
    },
    fromCode: value => (Array.isArray(value) ? each(value, member => item.fromCode(member)) : undefined),
    write: values => values.map(value => item.write(value)).join(','),
    found: value =>
      Array.isArray(value) ? `the list ${value.map(member => item.found(member)).join(', ')}` : item.found(value),
  };
}

/** A value for each of several names: a map in a file, `name=value` separated by commas in a variable. */
export function byName<Value>(
  name: RegExp,
  nameExpected: string,
  item: ValueKind<Value>,
): ValueKind<Readonly<Record<string, Value>>> {
  const each = (
    pairs: readonly (readonly [string, unknown])[],
    read: (value: unknown) => Value | undefined,
  ): Readonly<Record<string, Value>> | undefined => {
    const entries: [string, Value][] = [];
    for (const [key, raw] of pairs) {
      const value = read(raw);
      if (value === undefined || !name.test(key)) return undefined;
      entries.push([key.toLowerCase(), value]);
    }
    return Object.fromEntries(entries);
  };
  return {
    expected: `comma-separated name=value, each name ${nameExpected} and each value ${item.expected}`,
    fromText: raw => {
      if (Array.isArray(raw)) return undefined;
      const pairs = typeof raw === 'string' ? splitPairs(raw) : Object.entries(raw);
      return each(pairs, value => item.fromText(String(value).trim()));
    },
    fromCode: value => {
      if (typeof value !== 'object' || value === null || Array.isArray(value)) return undefined;
      return each(Object.entries(value), member => item.fromCode(member));
    },
    write: values =>
      Object.entries(values)
        .map(([key, value]) => `${key}=${item.write(value)}`)
        .join(','),
    found: value =>
      quote(typeof value === 'object' && value !== null ? inspect(value, { depth: 0, breakLength: Infinity }) : value),
  };
}

function splitPairs(text: string): readonly (readonly [string, string])[] {
  return text
    .split(',')
    .map(part => part.trim())
    .filter(part => part !== '')
    .map(part => {
      const [key = '', ...rest] = part.split('=');
      return [key.trim(), rest.join('=')] as const;
    });
}

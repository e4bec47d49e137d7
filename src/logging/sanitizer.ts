import { Secret } from '../kernel/index.ts';
import { cutText, type Redactor } from './redactor.ts';
import { looksRandom } from './secret-keys.ts';
import { isCardNumber, redacted } from './secret-tokens.ts';

/** How much of a value reaches a line. */
const maxDepth = 8;
const maxNodes = 2_000;
const maxItems = 100;

const headerNames =
  /^(?:proxy-)?authorization$|^(?:set-)?cookie2?$|^x-(?:api-key|auth-token|csrf-token|amz-security-token)$/i;

interface Walk {
  readonly ancestors: object[];
  nodes: number;
}

/**
 * Makes a plain copy of any value that can be written as JSON, without its secrets, bounded in depth and size. It never
 * throws and never changes what it is given: cycles, getters that throw, proxies, BigInt and symbols become text.
 */
export class Sanitizer {
  readonly #redactor: Redactor | undefined;

  /** Without a redactor the copy is bounded and nothing is hidden. */
  constructor(redactor: Redactor | undefined) {
    this.#redactor = redactor;
  }

  /** The text without its secrets. */
  text(text: string): string {
    return this.#redactor === undefined ? cutText(text) : this.#redactor.text(text);
  }

  /** The copy of a line's fields. */
  fields(fields: object): Readonly<Record<string, unknown>> {
    try {
      return this.#entries(propertiesOf(fields), { ancestors: [fields], nodes: 0 });
    } catch {
      return { fields: '[unreadable]' };
    }
  }

  /** Whether a key may be shown and says nothing about its value. */
  isPlainKey(key: string): boolean {
    return this.text(key) === key && (this.#redactor === undefined || this.#redactor.keys.kindOf(key) === 'plain');
  }

  #property(key: string, value: unknown, walk: Walk): unknown {
    if (value === null || value === undefined || typeof value === 'boolean') return value;
    const kind = this.#redactor?.keys.kindOf(key) ?? 'plain';
    if (kind === 'plain' || value instanceof Secret) return this.#value(value, walk);
    if (kind === 'secret') return value === '' ? '' : redacted;
    if (kind === 'plural') return typeof value === 'number' || value === '' ? value : redacted;
    return typeof value === 'string' && looksRandom(value) ? redacted : this.#value(value, walk);
  }

  #value(value: unknown, walk: Walk): unknown {
    walk.nodes += 1;
    switch (typeof value) {
      case 'string':
        return this.text(value);
      case 'number':
        if (!Number.isFinite(value)) return null;
        return value > 1e12 && this.#redactor !== undefined && isCardNumber(String(value)) ? redacted : value;
      case 'bigint':
        return this.text(value.toString());
      case 'symbol':
        return this.text(value.toString());
      case 'function':
        return '[function]';
      case 'object':
        return value === null ? null : this.#guarded(value, walk);
      default:
        return value;
    }
  }

  #guarded(value: object, walk: Walk): unknown {
    if (walk.ancestors.includes(value)) return '[circular]';
    if (walk.ancestors.length >= maxDepth || walk.nodes > maxNodes)
      return Array.isArray(value) ? '[array]' : '[object]';
    walk.ancestors.push(value);
    try {
      return this.#object(value, walk);
    } catch {
      return '[unreadable]';
    } finally {
      walk.ancestors.pop();
    }
  }

  #object(value: object, walk: Walk): unknown {
    if (Array.isArray(value)) return this.#items(value, value.length, walk);
    if (value instanceof Secret) return value.toString();
    if (value instanceof Error) return this.#error(value, walk);
    if (value instanceof Date) return Number.isNaN(value.getTime()) ? 'Invalid Date' : value.toISOString();
    if (value instanceof URL) return this.text(value.href);
    if (value instanceof RegExp) return this.text(String(value));
    if (value instanceof Set) return this.#items(value, value.size, walk);
    if (value instanceof ArrayBuffer || ArrayBuffer.isView(value)) return `[${value.byteLength} bytes]`;
    if (value instanceof String || value instanceof Number || value instanceof Boolean)
      return this.#value(value.valueOf(), walk);
    if (hasEntries(value)) return this.#entries(value.entries(), walk);
    if ('toJSON' in value && typeof value.toJSON === 'function') return this.#value(value.toJSON(), walk);
    return this.#entries(propertiesOf(value), walk);
  }

  #items(items: Iterable<unknown>, count: number, walk: Walk): readonly unknown[] {
    const copy: unknown[] = [];
    let header = '';
    for (const item of items) {
      if (copy.length >= maxItems || walk.nodes > maxNodes) {
        copy.push(`[${count - copy.length} more]`);
        break;
      }
      // Raw header lists: the value follows its name.
      copy.push(header === '' ? this.#value(item, walk) : this.#property(header, item, walk));
      header = typeof item === 'string' && headerNames.test(item) ? item : '';
    }
    return copy;
  }

  #entries(entries: Iterable<readonly [unknown, unknown]>, walk: Walk): Readonly<Record<string, unknown>> {
    const copy: Record<string, unknown> = Object.create(null);
    let count = 0;
    let named = '';
    for (const [rawKey, value] of entries) {
      if (count >= maxItems || walk.nodes > maxNodes) {
        copy['…'] = '[more]';
        break;
      }
      count += 1;
      const key = typeof rawKey === 'string' ? rawKey : String(rawKey);
      // `{ name: 'authorization', value: '…' }`, as header lists of tools have it.
      if ((key === 'name' || key === 'key') && typeof value === 'string') named = value;
      const shown =
        key === 'value' && named !== '' ? this.#property(named, value, walk) : this.#property(key, value, walk);
      copy[this.text(key)] = shown;
    }
    return copy;
  }

  #error(error: Error, walk: Walk): Readonly<Record<string, unknown>> {
    const { name, message, stack, cause } = error;
    const copy: Record<string, unknown> = {
      name: this.text(String(name)),
      message: this.text(String(message)),
      ...this.#entries(factsOf(error), walk),
    };
    if (typeof stack === 'string') copy['stack'] = this.text(stack);
    if (cause !== undefined) copy['cause'] = this.#value(cause, walk);
    if (error instanceof AggregateError) copy['errors'] = this.#items(error.errors, error.errors.length, walk);
    return copy;
  }
}

function hasEntries(value: object): value is { entries(): Iterable<readonly [unknown, unknown]> } {
  if (value instanceof Map) return true;
  const tag = Reflect.get(value, Symbol.toStringTag);
  return (
    (tag === 'Headers' || tag === 'URLSearchParams' || tag === 'FormData') &&
    typeof Reflect.get(value, 'entries') === 'function'
  );
}

/** What an error carries as facts. Clients, sockets and requests that hang on it are named, not taken apart. */
function* factsOf(error: Error): Generator<readonly [string, unknown]> {
  for (const [key, value] of propertiesOf(error, ['name', 'message', 'stack', 'cause', 'errors'])) {
    const machinery = machineryName(value);
    yield [key, machinery === undefined ? value : `[${machinery}]`];
  }
}

/** The class of a value that is no data: data is plain, of a known kind, or says how it is written. */
function machineryName(value: unknown): string | undefined {
  if (typeof value !== 'object' || value === null || Array.isArray(value) || ArrayBuffer.isView(value))
    return undefined;
  try {
    const prototype: unknown = Object.getPrototypeOf(value);
    if (prototype === null || prototype === Object.prototype || hasEntries(value) || 'toJSON' in value)
      return undefined;
    return dataKinds.some(kind => value instanceof kind) ? undefined : value.constructor.name;
  } catch {
    return 'unreadable';
  }
}

const dataKinds = [Error, Secret, Date, URL, RegExp, Set, ArrayBuffer, String, Number, Boolean] as const;

function* propertiesOf(value: object, without: readonly string[] = []): Generator<readonly [string, unknown]> {
  for (const key of Object.keys(value)) {
    if (without.includes(key)) continue;
    let property: unknown;
    try {
      property = Reflect.get(value, key);
    } catch {
      property = '[unreadable]';
    }
    yield [key, property];
  }
}

import { ArgumentError } from '../errors/index.ts';

/** The most characters of a key. */
const maxKeyLength = 4_096;

/** The most characters of a namespace. */
const maxNamespaceLength = 64;

const loneSurrogate = /\p{Surrogate}/u;

/** What the keys of one cache are called in a store. Those of two namespaces, or of two kinds, never meet. */
export class StoreKeys {
  /** What the keys of entries begin with. */
  readonly prefix: string;
  /** What the keys of tags begin with. */
  readonly tagPrefix: string;
  readonly #leasePrefix: string;

  /** @throws {ArgumentError} for a namespace that cannot be used. */
  constructor(keyPrefix: string, namespace: string) {
    requireNamespace(namespace);
    const base = keyPrefix.endsWith(':') ? keyPrefix.slice(0, -1) : keyPrefix;
    this.prefix = `${keyPrefix}${namespace}:`;
    this.tagPrefix = `${base}-tags:${namespace}:`;
    this.#leasePrefix = `${base}-lease:${namespace}:`;
  }

  /** The key of an entry. @throws {ArgumentError} for one that cannot be used. */
  entry(key: string): string {
    return this.prefix + requireKey(key);
  }

  /** The key of the lease of an entry. */
  lease(key: string): string {
    return this.#leasePrefix + key;
  }
}

/** @throws {ArgumentError} for a tag whose text is not Unicode. */
export function requireText(what: string, argument: string, text: string): void {
  if (loneSurrogate.test(text)) {
    throw new ArgumentError(
      `Cannot use ${what}: expected Unicode text, got half of a surrogate pair at ${text.search(loneSurrogate)}`,
      argument,
    );
  }
}

function requireKey(key: string): string {
  if (typeof key !== 'string') {
    throw new ArgumentError(`Cannot use a key: expected text, got ${key === null ? 'null' : typeof key}`, 'key');
  }
  if (key.length === 0 || key.length > maxKeyLength) {
    const found = `${key.length} characters`;
    throw new ArgumentError(`Cannot use a key: expected 1 to ${maxKeyLength} characters, got ${found}`, 'key');
  }
  requireText('a key', 'key', key);
  return key;
}

function requireNamespace(namespace: string): void {
  const { length } = namespace;
  if (length === 0 || length > maxNamespaceLength || namespace.includes(':')) {
    throw new ArgumentError(
      `Cannot use the namespace "${namespace.slice(0, maxNamespaceLength)}": expected 1 to ${maxNamespaceLength} characters without a colon`,
      'namespace',
    );
  }
  requireText('the namespace', 'namespace', namespace);
}

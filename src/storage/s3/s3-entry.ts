import type { ObjectInfo } from '../storage-strategy.ts';

/**
 * What stands in the bucket for a key: a small object of its own that names the content. It is written last and in one
 * request, so that content and metadata change together, and metadata may be of any length and alphabet.
 */
export interface Entry {
  readonly key: string;
  /** Under which name the content is kept. No two writes use the same. */
  readonly contentId: string;
  /** Another one with every change of the entry. */
  readonly revision: string;
  readonly bytes: number;
  readonly metadata: string;
}

/** An entry as it was read. */
export interface FoundEntry {
  /** `undefined` when it cannot be read as one. */
  readonly entry: Entry | undefined;
  readonly etag: string | undefined;
}

/** The names of things in the bucket. */
export class EntryNames {
  readonly #prefix: string;

  constructor(prefix: string) {
    this.#prefix = prefix;
  }

  entry(key: string): string {
    return `${this.#prefix}entries/${key}`;
  }

  content(key: string, id: string): string {
    return `${this.#prefix}contents/${key}/${id}`;
  }

  /** What a stranger has uploaded, until it is taken. */
  upload(key: string, id: string): string {
    return `${this.#prefix}uploads/${key}/${id}`;
  }

  /** A passing object without content. */
  probe(id: string): string {
    return `${this.#prefix}probes/${id}`;
  }

  /** Says by its time when somebody has swept the bucket. */
  get sweepMark(): string {
    return `${this.#prefix}sweeps/last`;
  }

  /** What the names of everything begin with that is not to stay unless an entry names it. */
  get passing(): readonly string[] {
    return ['contents/', 'uploads/', 'probes/'].map(folder => this.#prefix + folder);
  }

  keyOfEntry(name: string): string {
    return name.slice(this.entry('').length);
  }

  /** Key and id of a content by its name, if it is one. */
  ofContent(name: string): { readonly key: string; readonly id: string } | undefined {
    const contents = `${this.#prefix}contents/`;
    const end = name.lastIndexOf('/');
    if (!name.startsWith(contents) || end < contents.length) return undefined;
    return { key: name.slice(contents.length, end), id: name.slice(end + 1) };
  }
}

export function infoOf({ key, revision, bytes, metadata }: Entry): ObjectInfo {
  return { key, version: revision, bytes, metadata };
}

/** What stands under a key that was found. What cannot be read still stands there, so that it can be replaced. */
export function infoOfFound(key: string, found: FoundEntry | undefined): ObjectInfo | undefined {
  if (found === undefined) return undefined;
  return found.entry === undefined ? { key, version: 'damaged', bytes: 0, metadata: '' } : infoOf(found.entry);
}

export function encodeEntry({ key, contentId, revision, bytes, metadata }: Entry): string {
  return JSON.stringify({ format: 1, key, contentId, revision, bytes, metadata });
}

/** `undefined` when the text is not the entry of this key. */
export function decodeEntry(key: string, text: string): Entry | undefined {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    return undefined;
  }
  if (typeof value !== 'object' || value === null) return undefined;
  const { format, contentId, revision, bytes, metadata, ...rest } = value as Record<string, unknown>;
  const isEntry =
    format === 1 &&
    rest['key'] === key &&
    typeof contentId === 'string' &&
    typeof revision === 'string' &&
    typeof metadata === 'string' &&
    typeof bytes === 'number' &&
    Number.isSafeInteger(bytes) &&
    bytes >= 0;
  return isEntry ? { key, contentId, revision, bytes, metadata } : undefined;
}

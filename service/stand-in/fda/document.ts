import type { OpenFdaEndpoint, OpenFdaRecord } from './endpoints.ts';
import type { Query } from './query-parser.ts';

/** A record prepared for searching: the texts of every field. */
export interface SearchDocument {
  readonly record: OpenFdaRecord;
  readonly endpoint: OpenFdaEndpoint;
  readonly values: ReadonlyMap<string, readonly string[]>;
}

/** Prepares a record for searching. */
export function toDocument(record: OpenFdaRecord, endpoint: OpenFdaEndpoint): SearchDocument {
  const values = new Map<string, string[]>();
  collect(record, '', values);
  return { record, endpoint, values };
}

function collect(value: unknown, path: string, values: Map<string, string[]>): void {
  if (Array.isArray(value)) {
    for (const entry of value) collect(entry, path, values);
  } else if (typeof value === 'object' && value !== null) {
    for (const [name, entry] of Object.entries(value)) collect(entry, path === '' ? name : `${path}.${name}`, values);
  } else if (value !== null && value !== undefined) {
    const known = values.get(path);
    if (known === undefined) values.set(path, [String(value)]);
    else known.push(String(value));
  }
}

/** Words as the search engine's standard analyser makes them: apostrophes and points stay inside words and numbers. */
export function analyse(text: string): string[] {
  const words = /[\p{L}\p{N}_]+(?:(?:(?<=\p{L})['\u2019.](?=\p{L})|(?<=\p{N})[.,'](?=\p{N}))[\p{L}\p{N}_]+)*/gu;
  return text.toLowerCase().match(words) ?? [];
}

/** Whether a document fits a search. */
export function matches(query: Query, document: SearchDocument): boolean {
  switch (query.kind) {
    case 'and':
      return query.parts.every(part => matches(part, document));
    case 'or':
      return query.parts.some(part => matches(part, document));
    case 'not':
      return !matches(query.part, document);
    case 'exists':
      return document.values.has(query.field);
    case 'match':
      return someValue(query.field, document, (value, field) => matchesText(value, field, query.text));
    case 'wildcard':
      return someValue(query.field, document, (value, field) => matchesPattern(value, field, query.pattern));
    case 'range':
      return someValue(query.field, document, (value, field) => isWithin(value, field, query));
  }
}

/** The terms of a field that `count` counts. */
export function termsOf(document: SearchDocument, requested: string): Set<string> {
  const { field, exact } = splitExact(requested);
  const values = document.values.get(field) ?? [];
  return new Set(exact || !document.endpoint.isAnalysed(field) ? values : values.flatMap(analyse));
}

interface Field {
  /** Whether a value matches only as a whole, in its own case. */
  readonly whole: boolean;
  /** Whether it holds days. */
  readonly isDate: boolean;
}

type Test = (value: string, field: Field) => boolean;

function someValue(requested: string | undefined, { values, endpoint }: SearchDocument, test: Test): boolean {
  const fieldOf = (name: string, exact: boolean): Field => {
    return { whole: exact || !endpoint.isAnalysed(name), isDate: endpoint.dateFields.has(name) };
  };
  if (requested === undefined) {
    return [...values].some(([name, texts]) => texts.some(text => test(text, fieldOf(name, false))));
  }
  const { field, exact } = splitExact(requested);
  if (exact && !endpoint.isAnalysed(field)) return false;
  return (values.get(field) ?? []).some(text => test(text, fieldOf(field, exact)));
}

function splitExact(requested: string): { readonly field: string; readonly exact: boolean } {
  const exact = requested.endsWith('.exact');
  return { field: exact ? requested.slice(0, -'.exact'.length) : requested, exact };
}

function matchesText(value: string, field: Field, text: string): boolean {
  if (field.isDate) return digits(value) === digits(text);
  if (field.whole) return value === text;
  const words = analyse(value);
  const phrase = analyse(text);
  if (phrase.length === 0) return false;
  return words.some((_, start) => phrase.every((word, offset) => words[start + offset] === word));
}

function matchesPattern(value: string, field: Field, pattern: string): boolean {
  const escaped = pattern.replace(/[.+^${}()|[\]\\]/g, '\\$&').replaceAll('*', '.*');
  if (field.whole) return new RegExp(`^${escaped}$`, 's').test(value);
  return analyse(value).some(word => new RegExp(`^${escaped.toLowerCase()}$`, 's').test(word));
}

function isWithin(value: string, field: Field, { from, to }: { readonly from: string; readonly to: string }): boolean {
  const [one, low, high] = field.isDate ? [digits(value), digits(from), digits(to)] : [value, from, to];
  return (from === '*' || one >= low) && (to === '*' || one <= high);
}

function digits(text: string): string {
  return text.replaceAll('-', '');
}

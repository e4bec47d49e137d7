import { ArgumentError, ValidationError } from '../../errors/index.ts';
import type { UnreadableReason } from './quarantine.ts';
import { joinPath } from './shape-path.ts';

/** A schema by the Standard Schema convention, as zod, valibot and arktype make them. */
export interface StandardSchema<Value> {
  readonly '~standard': {
    readonly validate: (value: unknown) => StandardResult<Value> | Promise<StandardResult<Value>>;
  };
}

/** What a {@link StandardSchema} says about a value. */
export type StandardResult<Value> =
  | { readonly value: Value; readonly issues?: undefined }
  | { readonly issues: readonly StandardIssue[] };

/** One thing that is wrong with a value. */
export interface StandardIssue {
  readonly message: string;
  readonly path?: readonly (PropertyKey | { readonly key: PropertyKey })[] | undefined;
}

/** Makes a fact of a record, and throws when it cannot: a function, something with `parse`, or a schema. Never asynchronous. */
export type RecordReader<Value> =
  | ((record: unknown) => Value)
  | { parse(record: unknown): Value }
  | StandardSchema<Value>;

/** A reader as a function. */
export function readerOf<Value>(reader: RecordReader<Value>): (record: unknown) => Value {
  if ('~standard' in reader) return record => readByStandard(reader, record);
  return typeof reader === 'function' ? reader : record => reader.parse(record);
}

/** Refuses what a reader must not return: its failure would come too late. */
export function requireSynchronous(value: unknown): void {
  if (typeof value !== 'object' || value === null || !('then' in value) || typeof value.then !== 'function') return;
  void Promise.resolve(value).catch(() => {});
  throw new ArgumentError('Cannot use an asynchronous reader of records: expected the fact, got a promise', 'read');
}

function readByStandard<Value>(schema: StandardSchema<Value>, record: unknown): Value {
  const result = schema['~standard'].validate(record);
  requireSynchronous(result);
  const { issues, ...found } = result as Exclude<typeof result, Promise<unknown>>;
  if (issues === undefined) return (found as { readonly value: Value }).value;
  const faults = issues.map(issue => [pathOfIssue(issue), issue.message] as const);
  const summary = faults.map(([path, message]) => `${path}: ${message}`).join('; ');
  throw new ValidationError(summary, Object.fromEntries(faults));
}

const messageCharacters = 500;

/** What is to be known later about an error of a reader. */
export function reasonOf(error: unknown): UnreadableReason {
  const [name, message] = error instanceof Error ? [error.name, error.message] : ['Error', String(error)];
  const path = pathOfError(error);
  return { name, message: message.slice(0, messageCharacters), ...(path === undefined ? {} : { path }) };
}

function pathOfError(error: unknown): string | undefined {
  if (error instanceof ValidationError) return Object.keys(error.fieldErrors)[0];
  if (!(error instanceof Error) || !('issues' in error) || !Array.isArray(error.issues)) return undefined;
  const [issue] = error.issues as readonly unknown[];
  return typeof issue === 'object' && issue !== null ? pathOfIssue(issue as StandardIssue) : undefined;
}

function pathOfIssue({ path }: StandardIssue): string {
  if (!Array.isArray(path)) return '$';
  return path
    .map((step: PropertyKey | { readonly key: PropertyKey }) => (typeof step === 'object' ? step.key : step))
    .reduce<string>(
      (above, key) =>
        typeof key === 'number' ? `${above === '$' ? '' : above}[${key}]` : joinPath(above, { key: String(key) }),
      '$',
    );
}

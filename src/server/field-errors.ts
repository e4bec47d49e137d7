/** At most so many fields are named in a validation answer, so that a hostile body cannot blow it up. */
export const maxFieldErrors = 100;

/** The longest message about a field, in characters. */
export const maxFieldErrorLength = 500;

/** At most so many names are listed where an unknown one was given. */
const maxNames = 20;

/** The longest name of a field, in characters. */
const maxFieldNameLength = 200;

/** One thing that a schema found, in the words of JSON Schema. */
interface Issue {
  readonly instancePath?: unknown;
  readonly message?: unknown;
  readonly keyword?: unknown;
  readonly params?: unknown;
}

/** One thing that is wrong within an alternative of a union. */
interface UnionIssue {
  readonly code?: unknown;
  readonly path?: readonly unknown[];
  readonly message?: unknown;
}

/** What the framework's validation found, by field; undefined for every other error. `schemas` are those of the route. */
export function fieldErrorsOf(error: unknown, schemas: object = {}): Record<string, string> | undefined {
  if (!(error instanceof Error)) return undefined;
  const { validation, validationContext } = error as { validation?: unknown; validationContext?: unknown };
  if (!Array.isArray(validation)) return undefined;
  const root = typeof validationContext === 'string' ? validationContext : 'body';
  const known = namesIn((schemas as Readonly<Record<string, unknown>>)[root]);
  return boundedFieldErrors(foundIn(validation as readonly Issue[], root, known));
}

/** Messages by field: several about one are joined, and neither is without end. */
export function boundedFieldErrors(found: Iterable<readonly [string, string]>): Record<string, string> {
  const messages = new Map<string, string>();
  for (const [name, message] of found) {
    const field = name.slice(0, maxFieldNameLength);
    const before = messages.get(field);
    if (before === undefined && messages.size >= maxFieldErrors) break;
    messages.set(field, (before === undefined ? message : `${before}; ${message}`).slice(0, maxFieldErrorLength));
  }
  return Object.fromEntries(messages);
}

function* foundIn(
  issues: readonly Issue[],
  root: string,
  known: readonly string[],
): Generator<readonly [string, string]> {
  for (const { instancePath, message = 'Invalid value', keyword, params } of issues) {
    const path = typeof instancePath === 'string' ? instancePath.split('/').filter(part => part !== '') : [];
    if (keyword === 'unrecognized_keys' && path.length === 0 && known.length > 0) {
      const { keys = [] } = (params ?? {}) as { readonly keys?: readonly string[] };
      for (const key of keys) yield [key, `It is unknown here: expected ${listOf(namesNear(key, known))}`];
      continue;
    }
    const within = keyword === 'invalid_union' ? alternativeOf(params) : undefined;
    for (const issue of within ?? [{ message }]) {
      const field = [...path, ...(issue.path ?? []).map(String)].join('.');
      yield [field || root, String(issue.message ?? message)];
    }
  }
}

/** What is wrong within the one alternative of a union that is of the kind of the value; undefined when there is not one. */
function alternativeOf(params: unknown): readonly UnionIssue[] | undefined {
  const { errors } = (params ?? {}) as { errors?: unknown };
  if (!Array.isArray(errors)) return undefined;
  const isOfOtherKind = ({ code, path }: UnionIssue): boolean => code === 'invalid_type' && path?.length === 0;
  const fitting = (errors as readonly (readonly UnionIssue[])[]).filter(issues => !issues.some(isOfOtherKind));
  return fitting.length === 1 ? fitting[0] : undefined;
}

/** The names of fields that a schema of zod takes, of one behind a transformation too; none where it is no object. */
function namesIn(schema: unknown): readonly string[] {
  const { shape, out } = (schema ?? {}) as { readonly shape?: unknown; readonly out?: unknown };
  if (typeof shape === 'object' && shape !== null) return Object.keys(shape);
  return out === undefined ? [] : namesIn(out);
}

/** The names that may be meant: `filter[name][…]` has many ends, which are told to who came as far as `filter[name]`. */
function namesNear(wrong: string, known: readonly string[]): readonly string[] {
  const near = known.filter(name => name.endsWith(']') && stemOf(name) === stemOf(wrong));
  if (near.length > 0) return near;
  return [...new Set(known.map(name => (name.endsWith(']') ? `${stemOf(name)}[…]` : name)))];
}

function stemOf(name: string): string {
  return name.slice(0, name.lastIndexOf('['));
}

function listOf(names: readonly string[]): string {
  const rest = names.length - maxNames;
  return names.slice(0, maxNames).join(', ') + (rest > 0 ? ` and ${rest} more` : '');
}

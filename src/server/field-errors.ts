/** At most so many fields are named in a validation answer, so that a hostile body cannot blow it up. */
export const maxFieldErrors = 100;

/** The longest message about a field, in characters. */
export const maxFieldErrorLength = 500;

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

/** What the framework's validation found, by field; undefined for every other error. */
export function fieldErrorsOf(error: unknown): Record<string, string> | undefined {
  if (!(error instanceof Error)) return undefined;
  const { validation, validationContext } = error as { validation?: unknown; validationContext?: unknown };
  if (!Array.isArray(validation)) return undefined;
  const root = typeof validationContext === 'string' ? validationContext : 'body';
  return boundedFieldErrors(foundIn(validation as readonly Issue[], root));
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

function* foundIn(issues: readonly Issue[], root: string): Generator<readonly [string, string]> {
  for (const { instancePath, message = 'Invalid value', keyword, params } of issues) {
    const path = typeof instancePath === 'string' ? instancePath.split('/').filter(part => part !== '') : [];
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

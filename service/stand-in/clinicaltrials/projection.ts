/** A copy of a record with nothing but what lies at, above and below the paths, in the record's own order. */
export function project(record: unknown, paths: readonly string[]): unknown {
  return copy(record, '', paths) ?? {};
}

function copy(value: unknown, path: string, paths: readonly string[]): unknown {
  if (paths.some(wanted => path === wanted || path.startsWith(`${wanted}.`))) return value;
  if (!paths.some(wanted => path === '' || wanted.startsWith(`${path}.`))) return undefined;
  if (Array.isArray(value)) {
    const entries = value.map(entry => copy(entry, path, paths)).filter(entry => entry !== undefined);
    return entries.length === 0 ? undefined : entries;
  }
  if (typeof value !== 'object' || value === null) return undefined;
  const kept = Object.entries(value)
    .map(([name, entry]) => [name, copy(entry, path === '' ? name : `${path}.${name}`, paths)] as const)
    .filter(([, entry]) => entry !== undefined);
  return kept.length === 0 ? undefined : Object.fromEntries(kept);
}

/** All values at a path such as `treatments[].drugs[].drugName`, in order; nothing, and empty texts, are none. */
export function valuesAt(root: unknown, path: string): unknown[] {
  const [step = '', ...rest] = path.split('.');
  const name = step.replace(/(\[\])+$/, '');
  const below: unknown = name === '' ? root : (root as Record<string, unknown> | null | undefined)?.[name];
  const lists = (step.match(/\[\]/g) ?? []).length;
  const values = [below].flat(lists);
  if (rest.length > 0) return values.flatMap(value => valuesAt(value, rest.join('.')));
  return values.filter(value => value !== null && value !== undefined && value !== '');
}

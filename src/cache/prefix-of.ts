/** The part of a key before its first colon, by which a cache counts; empty when there is none. */
export function prefixOf(key: string): string {
  const end = key.indexOf(':');
  return end === -1 ? '' : key.slice(0, end);
}

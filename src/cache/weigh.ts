/** What the runtime takes for the entry itself, for an object, for a member and for a number, in bytes. */
const entryBytes = 80;
const objectBytes = 24;
const memberBytes = 8;
const numberBytes = 8;

/**
 * About what an entry takes in memory, in bytes: everything that can be reached from its value counts, once. Functions and
 * private members cannot be looked into. It takes as long as there are members: give a cache a `sizeOf` of its own for
 * large structures.
 */
export function weigh(value: unknown, key: string): number {
  let bytes = entryBytes + textBytes(key);
  const seen = new Set<object>();
  const waiting: unknown[] = [value];
  while (waiting.length > 0) {
    const item = waiting.pop();
    if (typeof item === 'string') bytes += textBytes(item);
    else if (typeof item === 'bigint') bytes += objectBytes + item.toString(16).length / 2;
    else if (typeof item !== 'object' || item === null) bytes += numberBytes;
    else if (!seen.has(item)) {
      seen.add(item);
      bytes += objectBytes + membersOf(item, waiting);
    }
  }
  return Math.ceil(bytes);
}

/** Puts what an object holds where it waits to be weighed; gives the bytes of the object itself beyond the least. */
function membersOf(item: object, waiting: unknown[]): number {
  if (ArrayBuffer.isView(item)) return item.byteLength;
  if (item instanceof ArrayBuffer || item instanceof SharedArrayBuffer) return item.byteLength;
  if (item instanceof Map) {
    for (const [key, value] of item) waiting.push(key, value);
    return item.size * 4 * memberBytes;
  }
  if (item instanceof Set) {
    for (const member of item) waiting.push(member);
    return item.size * 3 * memberBytes;
  }
  if (Array.isArray(item)) {
    for (const member of item) waiting.push(member);
    return item.length * memberBytes;
  }
  const members = dataOf(item);
  for (const member of members) waiting.push(member);
  return members.length * memberBytes;
}

/** The own members of an object; what a getter would give is not asked for. */
function dataOf(item: object): readonly unknown[] {
  try {
    return Object.values(Object.getOwnPropertyDescriptors(item)).map(({ value }) => value);
  } catch {
    return [];
  }
}

/** Latin text takes a byte for each character, other text two. A long text is judged by its beginning. */
function textBytes(text: string): number {
  return objectBytes + text.length * (/[^\0-\xff]/.test(text.slice(0, 1_000)) ? 2 : 1);
}

/** How many keys may share a place. */
const ways = 8;

/** Of a long key this many characters at its end count, and as many at its beginning. */
const hashedCharacters = 24;

/**
 * Which keys were evicted lately, as 16 bits of a hash and 16 bits of time each: 4 to 8 bytes per key. It may forget one
 * early, and takes one key of some thousands for another; both cost a hit at most.
 */
export class EvictedKeys {
  #table: Uint32Array = new Uint32Array(0);
  #evictions = 0;

  /** A key was evicted from a cache of so many entries. */
  add(key: string, entries: number): void {
    if (this.#table.length < entries) this.#table = new Uint32Array(Math.max(64, 2 ** Math.ceil(Math.log2(entries))));
    const table = this.#table;
    this.#evictions += 1;
    const hash = hashOf(key);
    const first = this.#place(hash);
    const now = this.#now();
    let oldest = first;
    let oldestAge = -1;
    for (let at = first; at < first + ways; at += 1) {
      const found = table[at] as number;
      const age = found === 0 ? 0x10000 : (now - found) & 0xffff;
      if (age <= oldestAge) continue;
      oldest = at;
      oldestAge = age;
    }
    table[oldest] = (fingerprint(hash) << 16) | now;
  }

  /** Whether a key is among the last evicted ones, about as many as given; it is not any more. */
  take(key: string, evictions: number): boolean {
    if (this.#table.length === 0) return false;
    const table = this.#table;
    const hash = hashOf(key);
    const wanted = fingerprint(hash);
    const first = this.#place(hash);
    for (let at = first; at < first + ways; at += 1) {
      const found = table[at] as number;
      if (found >>> 16 !== wanted) continue;
      table[at] = 0;
      return ((this.#now() - found) & 0xffff) << this.#shift() <= evictions;
    }
    return false;
  }

  clear(): void {
    this.#table = new Uint32Array(0);
    this.#evictions = 0;
  }

  /** One tick of its time is so many evictions that its 16 bits last for several times what is remembered. */
  #shift(): number {
    return Math.max(0, 32 - Math.clz32(this.#table.length) - 13);
  }

  #now(): number {
    return (this.#evictions >>> this.#shift()) & 0xffff;
  }

  #place(hash: number): number {
    return hash & (this.#table.length - 1) & -ways;
  }
}

/** Never 0, which stands for an empty place. */
function fingerprint(hash: number): number {
  return (Math.imul(hash, 0x9e37_79b1) >>> 16) | 1;
}

function hashOf(key: string): number {
  const { length } = key;
  let hash = length;
  const head = Math.min(length, hashedCharacters);
  for (let index = 0; index < head; index += 1) hash = Math.imul(hash ^ key.charCodeAt(index), 0x0100_0193);
  for (let index = Math.max(head, length - hashedCharacters); index < length; index += 1) {
    hash = Math.imul(hash ^ key.charCodeAt(index), 0x0100_0193);
  }
  hash ^= hash >>> 15;
  hash = Math.imul(hash, 0x85eb_ca6b);
  return hash ^ (hash >>> 13);
}

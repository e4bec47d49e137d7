/** How many keys may share a place. */
const ways = 8;

/** Of a long key this many characters at its end count, and as many at its beginning. */
const hashedCharacters = 24;

/** Whether a key is not among the evicted, or whether it was evicted while it was new, or later. */
export type Eviction = 'none' | 'new' | 'proven';

/**
 * Which keys were evicted lately, as 16 bits of a hash and 16 bits of time each: 5 to 10 bytes per key. It may forget one
 * early, and takes one key of some thousands for another; both cost a hit at most. Its time is the number of new keys
 * that were evicted.
 */
export class EvictedKeys {
  #table: Uint32Array = new Uint32Array(0);
  #evictions = 0;

  /** A key was evicted, new or proven, from a cache of so many entries. */
  add(key: string, isNew: boolean, entries: number): void {
    if (this.#table.length < entries) this.#table = new Uint32Array(sizeFor(entries));
    if (isNew) this.#evictions += 1;
    const table = this.#table;
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
    table[oldest] = (((fingerprint(hash) << 1) | (isNew ? 1 : 0)) << 16) | now;
  }

  /** How a key was evicted, if it is among about so many of the last ones; it is not any more. */
  take(key: string, evictions: number): Eviction {
    if (this.#table.length === 0) return 'none';
    const table = this.#table;
    const hash = hashOf(key);
    const wanted = fingerprint(hash);
    const first = this.#place(hash);
    for (let at = first; at < first + ways; at += 1) {
      const found = table[at] as number;
      if (found >>> 17 !== wanted || found === 0) continue;
      table[at] = 0;
      const age = ((this.#now() - found) & 0xffff) << this.#shift();
      if (age > evictions) return 'none';
      return (found & 0x10000) === 0 ? 'proven' : 'new';
    }
    return 'none';
  }

  clear(): void {
    this.#table = new Uint32Array(0);
    this.#evictions = 0;
  }

  /** One unit of its time is so many evictions that 16 bits last for several times what is remembered. */
  #shift(): number {
    return Math.max(0, 32 - Math.clz32(this.#table.length) - 13);
  }

  #now(): number {
    return (this.#evictions >>> this.#shift()) & 0xffff;
  }

  /** Where keys of this hash are. */
  #place(hash: number): number {
    return hash & (this.#table.length - 1) & -ways;
  }
}

/** A power of two, with a fifth of its places to spare, as keys do not fall into them evenly. */
function sizeFor(entries: number): number {
  return Math.max(64, 2 ** Math.ceil(Math.log2(entries * 1.25)));
}

function fingerprint(hash: number): number {
  return Math.imul(hash, 0x9e37_79b1) >>> 17;
}

function hashOf(key: string): number {
  const { length } = key;
  let hash = length ^ 0x811c_9dc5;
  const head = Math.min(length, hashedCharacters);
  for (let index = 0; index < head; index += 1) hash = Math.imul(hash ^ key.charCodeAt(index), 0x0100_0193);
  for (let index = Math.max(head, length - hashedCharacters); index < length; index += 1) {
    hash = Math.imul(hash ^ key.charCodeAt(index), 0x0100_0193);
  }
  hash ^= hash >>> 15;
  hash = Math.imul(hash, 0x85eb_ca6b);
  return hash ^ (hash >>> 13);
}

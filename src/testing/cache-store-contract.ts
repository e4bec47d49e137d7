import { deepEqual, equal, ok } from 'node:assert/strict';
import type { CacheStore, StoredBytes } from '../cache/index.ts';
import { CacheError } from '../errors/index.ts';
import { systemIds } from '../kernel/index.ts';
import type { ContractSuite } from './contract.ts';

/** A store under test. It may be shared by all cases, except that the last one closes it. */
export interface CacheStoreSubject {
  readonly store: CacheStore;
  /** Lets time of the store pass: a real wait when that is the time of a server. At least so long. */
  advance(durationMs: number): Promise<void>;
}

/** Long enough to be there until it is over, in milliseconds. */
const longMs = 600_000;

/** Short enough to wait for, and longer than a few requests take, in milliseconds. */
const shortMs = 400;

/**
 * What a `CacheStore` promises. A store with a clock of its own takes about four seconds for all of it. A request must not
 * take longer than a tenth of a second.
 *
 * @example
 * const clock = new VirtualClock();
 * const store = new MemoryCacheStore({ clock });
 * for (const { name, run } of cacheStoreContract) it(name, () => run({ store, advance: ms => clock.advance(ms) }));
 */
export const cacheStoreContract: ContractSuite<CacheStoreSubject> = [
  {
    name: 'gives what was written, in the order of the keys',
    async run({ store }) {
      const [a, b, c] = keys();
      deepEqual(await store.read([]), []);
      deepEqual(await texts(store, [a, b]), [undefined, undefined]);
      await store.write(a, 'first', longMs);
      await store.write(c, 'third', longMs);
      deepEqual(await texts(store, [c, b, a, c]), ['third', undefined, 'first', 'third']);
      await store.write(a, 'again', longMs);
      deepEqual(await texts(store, [a]), ['again']);
    },
  },
  {
    name: 'keeps every byte as it is',
    async run({ store }) {
      const every = Uint8Array.from({ length: 256 }, (_, index) => index);
      const written: readonly StoredBytes[] = [every, '', new Uint8Array(), 'é\0😀\r\n', Buffer.from([0xff, 0xfe, 0])];
      for (const bytes of written) {
        const [key] = keys();
        await store.write(key, bytes, longMs);
        const [read] = await store.read([key]);
        ok(
          read !== undefined && Buffer.from(bytes as Uint8Array).equals(read),
          `Not as it was: ${JSON.stringify(bytes)}`,
        );
      }
    },
  },
  {
    name: 'keeps five megabytes',
    async run({ store }) {
      const [key] = keys();
      const large = Buffer.alloc(5_000_000, 'Plinth\xff', 'latin1');
      await store.write(key, large, longMs);
      const [read] = await store.read([key]);
      ok(read !== undefined && large.equals(read), 'What was read is not what was written');
      await store.delete([key]);
    },
  },
  {
    name: 'takes keys for what they are',
    async run({ store }) {
      const [base] = keys();
      const odd = [
        '',
        '*',
        '?',
        '[a]',
        '\\',
        '{x}',
        '{',
        '\n',
        '\r\n',
        '\0',
        ' ',
        '"',
        "'",
        'A',
        'a',
        'ключ',
        '😀',
        '%',
        ':',
      ];
      const all = [...odd, 'k'.repeat(4_096 - base.length)].map(end => base + end);
      for (const [index, key] of all.entries()) await store.write(key, String(index), longMs);
      deepEqual(
        await texts(store, all),
        all.map((_, index) => String(index)),
      );
      equal(await store.delete(all), all.length);
    },
  },
  {
    name: 'replaces only what begins as it is told, or nothing',
    async run({ store }) {
      const [a, b] = keys();
      equal(await store.replace(a, 'x', 'y', longMs), false, 'There was nothing to replace');
      equal(await store.replace(a, undefined, '\x01l12 rest', longMs), true);
      equal(await store.replace(a, undefined, 'other', longMs), false, 'Something was there');
      equal(await store.replace(a, '\x01l13', 'other', longMs), false);
      equal(await store.replace(a, '\x01l12 rest and more', 'other', longMs), false);
      deepEqual(await texts(store, [a]), ['\x01l12 rest']);
      equal(await store.replace(a, '\x01l12', Buffer.from([0xff, 0]), longMs), true);
      deepEqual(Buffer.from((await store.read([a]))[0] ?? []), Buffer.from([0xff, 0]));
      await store.write(b, 'whole', longMs);
      equal(await store.replace(b, 'whole', 'new', longMs), true);
    },
  },
  {
    name: 'lets one of many that replace at once win',
    async run({ store }) {
      const [a] = keys();
      const create = await Promise.all(many(40, index => store.replace(a, undefined, `first ${index}`, longMs)));
      equal(create.filter(Boolean).length, 1, 'More than one has found nothing');
      const update = await Promise.all(many(40, index => store.replace(a, 'first', `second ${index}`, longMs)));
      equal(update.filter(Boolean).length, 1, 'More than one has replaced the same');
      equal((await texts(store, [a]))[0], `second ${update.indexOf(true)}`);
    },
  },
  {
    name: 'deletes, and says how many there were',
    async run({ store }) {
      const [a, b, c] = keys();
      equal(await store.delete([]), 0);
      equal(await store.delete([a]), 0);
      await store.write(a, '1', longMs);
      await store.write(b, '2', longMs);
      await store.write(c, '3', longMs);
      equal(await store.delete([a, `${a}x`, b]), 2);
      deepEqual(await texts(store, [a, b, c]), [undefined, undefined, '3']);
      const more = many(1_200, index => `${a}:${index}`);
      await Promise.all(more.map(key => store.write(key, 'x', longMs)));
      equal(await store.delete(more), 1_200);
    },
  },
  {
    name: 'adds to whole numbers, which are decimal digits',
    async run({ store }) {
      const [a, b] = keys();
      equal(await store.increment(a, 5, undefined, longMs), 5);
      equal(await store.increment(a, -7, undefined, longMs), -2);
      deepEqual(await texts(store, [a]), ['-2']);
      await store.write(b, '41', longMs);
      equal(await store.increment(b, 1, longMs, longMs), 42);
      equal(await store.increment(b, 0, undefined, longMs), 42);
      for (const text of ['text', '\x01j', '1.5']) {
        await store.write(b, text, longMs);
        const failure: unknown = await store.increment(b, 1, undefined, longMs).catch((error: unknown) => error);
        ok(failure instanceof CacheError, `${JSON.stringify(text)} is no number, and yet: ${String(failure)}`);
        deepEqual(await texts(store, [b]), [text]);
      }
    },
  },
  {
    name: 'adds in one step',
    async run({ store }) {
      const [a] = keys();
      const sums = await Promise.all(many(100, () => store.increment(a, 1, undefined, longMs)));
      deepEqual(
        sums.sort((one, other) => one - other),
        many(100, index => index + 1),
      );
    },
  },
  {
    name: 'forgets when the lifetime has passed, and no sooner',
    async run({ store, advance }) {
      const [brief, renewed, replaced, long, gone] = keys();
      for (const key of [brief, renewed, replaced, gone]) await store.write(key, 'x', shortMs);
      await store.write(long, 'x', longMs);
      await store.write(renewed, 'y', longMs);
      equal(await store.replace(replaced, 'x', 'y', longMs), true);
      deepEqual(await texts(store, [brief, renewed, replaced, long]), ['x', 'y', 'y', 'x']);
      await advance(shortMs + 20);
      deepEqual(await texts(store, [brief, renewed, replaced, long]), [undefined, 'y', 'y', 'x']);
      equal(await store.replace(brief, 'x', 'y', longMs), false, 'What has expired was replaced');
      equal(await store.replace(brief, undefined, 'z', shortMs), true);
      equal(await store.delete([gone]), 0, 'What has expired was deleted');
      await advance(shortMs + 20);
      deepEqual(await texts(store, [brief]), [undefined]);
      deepEqual(await scanned(store, brief), []);
    },
  },
  {
    name: 'lets a number live on, unless it is told how long',
    async run({ store, advance }) {
      const [kept, longer, shorter, fresh] = keys();
      for (const key of [kept, longer]) await store.write(key, '1', shortMs);
      await store.write(shorter, '1', longMs);
      await store.increment(kept, 1, undefined, longMs);
      await store.increment(longer, 1, longMs, shortMs);
      await store.increment(shorter, 1, shortMs, longMs);
      await store.increment(fresh, 1, undefined, shortMs);
      deepEqual(await texts(store, [kept, longer, shorter, fresh]), ['2', '2', '2', '1']);
      await advance(shortMs + 20);
      deepEqual(await texts(store, [kept, longer, shorter, fresh]), [undefined, '2', undefined, undefined]);
      equal(await store.increment(kept, 1, undefined, longMs), 1);
    },
  },
  {
    name: 'finds all keys that begin with a prefix, and no others',
    async run({ store }) {
      const [base] = keys();
      const prefix = `${base}*[a-z]?\\{x}:`;
      const inside = many(2_500, index => `${prefix}${index}`);
      const outside = [base, `${base}*`, `${base}xa?\\{x}:1`, `x${prefix}1`, prefix.slice(0, -1)];
      await Promise.all([...inside, ...outside].map(key => store.write(key, 'x', longMs)));
      deepEqual(await scanned(store, prefix), [...inside].sort());
      deepEqual(await scanned(store, `${base}none`), []);
      equal(await store.delete([...inside, ...outside]), inside.length + outside.length);
    },
  },
  {
    name: 'has a time that goes on',
    async run({ store, advance }) {
      await store.read(keys());
      const before = store.now();
      ok(before > Date.UTC(2020, 0), `${before} is not the time of day in milliseconds`);
      await advance(300);
      const passed = store.now() - before;
      ok(passed >= 250 && passed < 60_000, `${passed} ms have passed, where 300 were waited`);
    },
  },
  {
    name: 'may be closed twice',
    async run({ store }) {
      await store.close();
      await store.close();
    },
  },
];

/** Five keys that nobody else has. */
function keys(): [string, string, string, string, string] {
  const id = systemIds.next();
  return [`${id}:a`, `${id}:b`, `${id}:c`, `${id}:d`, `${id}:e`];
}

function many<Result>(count: number, make: (index: number) => Result): Result[] {
  return Array.from({ length: count }, (_, index) => make(index));
}

async function texts(store: CacheStore, wanted: readonly string[]): Promise<readonly (string | undefined)[]> {
  const found = await store.read(wanted);
  return found.map(bytes => (bytes === undefined ? undefined : Buffer.from(bytes).toString()));
}

async function scanned(store: CacheStore, prefix: string): Promise<readonly string[]> {
  const found = new Set<string>();
  for await (const portion of store.scan(prefix)) for (const key of portion) found.add(key);
  return [...found].sort();
}

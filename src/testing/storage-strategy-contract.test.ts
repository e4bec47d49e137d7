import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { LocalStorageStrategy, type ObjectInfo, type OpenObject, type StorageStrategy } from '../storage/index.ts';
import { storageStrategyContract } from './index.ts';

const root = mkdtempSync(join(tmpdir(), 'plinth-contract-'));
afterAll(() => rmSync(root, { recursive: true, force: true }));
let folders = 0;

type Change = (store: StorageStrategy) => Partial<StorageStrategy>;

/** A strategy that keeps its promises, except for what is changed. */
function strategyWith(change: Change): StorageStrategy {
  const store = new LocalStorageStrategy({ directory: join(root, String(folders++)), sync: false });
  return {
    put: (...given) => store.put(...given),
    open: (...given) => store.open(...given),
    copy: (...given) => store.copy(...given),
    updateMetadata: (...given) => store.updateMetadata(...given),
    delete: (...given) => store.delete(...given),
    list: given => store.list(given),
    close: () => store.close(),
    [Symbol.asyncDispose]: () => store.close(),
    ...change(store),
  };
}

/** Changes what is given for an object that was opened. */
const opening =
  (change: (found: OpenObject, key: string, store: StorageStrategy) => Partial<OpenObject>): Change =>
  store => ({
    async open(key, options) {
      const found = await store.open(key, options);
      if (found === undefined) return undefined;
      return {
        info: found.info,
        read: (...given) => found.read(...given),
        close: () => found.close(),
        [Symbol.asyncDispose]: () => found.close(),
        ...change(found, key, store),
      };
    },
  });

/** Changes every key that it is given. */
const withKeys =
  (change: (key: string) => string): Change =>
  store => ({
    put: (key, ...rest) => store.put(change(key), ...rest),
    open: (key, ...rest) => store.open(change(key), ...rest),
    copy: (from, to, ...rest) => store.copy(change(from), change(to), ...rest),
    updateMetadata: (key, ...rest) => store.updateMetadata(change(key), ...rest),
    delete: (key, ...rest) => store.delete(change(key), ...rest),
  });

/** Asks for the metadata before it locks the key. */
const asksTooEarly: Change = store => ({
  async put(key, content, options) {
    const parts: Uint8Array[] = [];
    for await (const part of content) parts.push(part);
    const bytes = parts.reduce((sum, part) => sum + part.byteLength, 0);
    await using current = await store.open(key);
    const metadata = await options.finish(current?.info, bytes);
    async function* again(): AsyncGenerator<Uint8Array> {
      yield* parts;
    }
    return await store.put(key, again(), { finish: () => metadata });
  },
});

async function current(store: StorageStrategy, key: string): Promise<ObjectInfo | undefined> {
  await using found = await store.open(key);
  return found?.info;
}

/** For each promise the strategies that break it, in one way each, and keep most of the others. */
const broken: Readonly<Record<string, Readonly<Record<string, Change>>>> = {
  'gives what was written, with its metadata': {
    'forgets the metadata': opening(found => ({ info: { ...found.info, metadata: '' } })),
    'loses the end': opening(found => ({ read: () => found.read({ start: 0, end: found.info.bytes - 1 }) })),
  },
  'keeps what is empty, and the longest metadata': {
    'cuts the metadata': opening(found => ({ info: { ...found.info, metadata: found.info.metadata.slice(0, 1_999) } })),
    'trims the metadata': opening(found => ({ info: { ...found.info, metadata: found.info.metadata.trim() } })),
  },
  'reads any part of a large content': {
    'reads everything': opening(found => ({ read: () => found.read() })),
    'overwrites what is still looked at': opening(found => ({
      async *read(range, options) {
        let before: Uint8Array | undefined;
        for await (const chunk of found.read(range, options)) {
          if (options?.reusesMemory !== true) yield chunk;
          else if (before !== undefined) {
            chunk.copyWithin(0, 1);
            yield before;
          }
          before = chunk;
        }
        if (options?.reusesMemory === true && before !== undefined) yield before;
      },
    })),
    'counts the end in': opening(found => ({
      read: range => found.read(range === undefined ? range : { start: range.start, end: range.end + 1 }),
    })),
  },
  'replaces content and metadata together, with a new version': {
    'has one version': store => ({
      put: async (...given) => ({ ...(await store.put(...given)), version: '1' }),
    }),
    'keeps the first metadata': store => ({
      put: (key, content, options) =>
        store.put(key, content, {
          ...options,
          finish: async (standing, bytes) => standing?.metadata ?? (await options.finish(standing, bytes)),
        }),
    }),
  },
  'asks with what stands there, once the content has ended': {
    'asks first': store => ({
      async put(key, content, options) {
        const metadata = await options.finish(await current(store, key), 4);
        return await store.put(key, content, { finish: () => metadata });
      },
    }),
    'does not say what stands there': store => ({
      put: (key, content, options) =>
        store.put(key, content, { ...options, finish: (_, bytes) => options.finish(undefined, bytes) }),
    }),
  },
  'leaves everything as it was when the content or the answer fails': {
    'deletes first': store => ({
      async put(key, ...rest) {
        await store.delete(key);
        return await store.put(key, ...rest);
      },
    }),
    'takes a failure for the end': store => ({
      async put(key, content, options) {
        async function* ending(): AsyncGenerator<Uint8Array> {
          try {
            yield* content;
          } catch {
            return;
          }
        }
        return await store.put(key, ending(), options);
      },
    }),
  },
  'stops when the signal aborts': {
    'does not look at the signal': store => ({
      put: (key, content, { finish }) => store.put(key, content, { finish }),
      open: key => store.open(key),
    }),
  },
  'gives the reason of the signal as it is, wherever it aborts': {
    'does not look again before it writes': store => ({
      put: (key, content, { finish }) => store.put(key, content, { finish }),
    }),
    'takes it for an error of its own': store => ({
      list: options =>
        store.list(options).catch(() => {
          throw new RangeError('Cannot list');
        }),
    }),
  },
  'lets one of many that create at once be the first': { 'asks before it locks': asksTooEarly },
  'loses no answer of many that replace at once': { 'asks before it locks': asksTooEarly },
  'reads what was opened, whatever happens to the key meanwhile, or says that it is gone': {
    'opens again to read': opening((_, key, store) => ({
      async *read(range) {
        await using again = await store.open(key);
        if (again !== undefined) yield* again.read(range);
      },
    })),
  },
  'changes metadata without the content': {
    'only says so': store => ({
      async updateMetadata(key, change) {
        const info = await current(store, key);
        const metadata = info === undefined ? undefined : await change(info);
        return info === undefined || metadata === undefined ? info : { ...info, metadata, version: metadata };
      },
    }),
    'empties the content': store => ({
      async updateMetadata(key, change) {
        const info = await current(store, key);
        const metadata = info === undefined ? undefined : await change(info);
        async function* nothing(): AsyncGenerator<Uint8Array> {}
        return metadata === undefined ? info : await store.put(key, nothing(), { finish: () => metadata });
      },
    }),
  },
  'copies, with metadata of its own': {
    'copies the metadata': store => ({
      copy: (from, to, options) =>
        store.copy(from, to, {
          ...options,
          finish: async (source, standing) => {
            await options.finish(source, standing);
            return source.metadata;
          },
        }),
    }),
    'copies nothing': store => ({
      copy: (from, to, options) =>
        store.copy(from, to, options).then(async info => {
          async function* nothing(): AsyncGenerator<Uint8Array> {}
          return info === undefined ? info : await store.put(to, nothing(), { finish: () => info.metadata });
        }),
    }),
  },
  'deletes, and only the version that is meant': {
    'deletes any version': store => ({ delete: key => store.delete(key) }),
    'says that it was there': store => ({
      delete: (...given) => store.delete(...given).then(() => true),
    }),
  },
  'keeps apart keys that some file systems take for the same': {
    'does not care for case': withKeys(key => key.toLowerCase()),
    'takes folders for parts of the name': withKeys(key => key.replaceAll('/', '.').slice(0, 100)),
  },
  'refuses keys that are none': {
    'makes keys of them': withKeys(key => key.replace(/[^\w/-]/g, '_').replace(/^\/|\/(?=\/)|\/$/g, '') || '_'),
  },
  'lists by page, in the order of the bytes': {
    'begins anew for every page': store => ({
      list: ({ prefix, limit }) => store.list({ prefix, limit: Math.max(limit, 1_000) }),
    }),
    'has the order of another language': store => ({
      async list(options) {
        const { keys, more } = await store.list(options);
        return { keys: [...keys].reverse(), more };
      },
    }),
    'never says that there is more': store => ({
      list: async options => ({ ...(await store.list(options)), more: false }),
    }),
  },
  'may be closed twice': {
    'closes once': store => {
      let closings = 0;
      return {
        async close() {
          closings += 1;
          if (closings > 1) throw new RangeError('It is closed');
          await store.close();
        },
      };
    },
  },
};

describe('the contract of storage strategies', () => {
  it('has strategies that break each of its promises', () => {
    expect(Object.keys(broken)).toEqual(storageStrategyContract.map(({ name }) => name));
  });

  for (const { name, run } of storageStrategyContract) {
    it.each(Object.entries(broken[name] ?? {}))(`"${name}" finds one that %s`, async (_, change) => {
      const failure: unknown = await run({ strategy: strategyWith(change) }).then(
        () => undefined,
        (error: unknown) => error,
      );
      expect(failure).toSatisfy(
        error => error instanceof RangeError || (error as { code?: unknown } | undefined)?.code === 'ERR_ASSERTION',
      );
    });

    it(`"${name}" has nothing to say against one that keeps them`, async () => {
      await run({ strategy: strategyWith(() => ({})) });
    });
  }
});

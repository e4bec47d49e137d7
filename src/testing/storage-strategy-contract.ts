import { deepEqual, equal, notEqual, ok } from 'node:assert/strict';
import { FailedError } from '../errors/index.ts';
import type { KeyPage, ObjectInfo, StorageStrategy } from '../storage/index.ts';
import type { ContractSuite } from './contract.ts';
import {
  bytesOf,
  chunks,
  copies,
  failureOf,
  inOrder,
  listed,
  many,
  newKey,
  opened,
  pattern,
  slices,
  text,
  write,
} from './storage-contract-objects.ts';
import { signalCases } from './storage-signal-cases.ts';

/** A strategy under test. It may be shared by all cases, except that the last one closes it. */
export interface StorageStrategySubject {
  readonly strategy: StorageStrategy;
}

/**
 * What a `StorageStrategy` promises. It writes about 60 MB and takes a few seconds on a store on this machine.
 *
 * @example
 * const strategy = new LocalStorageStrategy({ directory: './data/storage-test' });
 * for (const { name, run } of storageStrategyContract) it(name, () => run({ strategy }));
 */
export const storageStrategyContract: ContractSuite<StorageStrategySubject> = [
  {
    name: 'gives what was written, with its metadata',
    async run({ strategy }) {
      const key = newKey();
      equal(await strategy.open(key), undefined);
      const every = Uint8Array.from({ length: 256 }, (_, index) => index);
      const written = await write(strategy, key, [every, new Uint8Array(), Buffer.from('end')], 'first {"a":1}');
      deepEqual({ ...written, version: '' }, { key, version: '', bytes: 259, metadata: 'first {"a":1}' });
      await using found = await opened(strategy, key);
      deepEqual(found.info, written);
      deepEqual(await bytesOf(found.read()), Buffer.concat([every, Buffer.from('end')]));
    },
  },
  {
    name: 'keeps what is empty, and the longest metadata',
    async run({ strategy }) {
      const key = newKey();
      const metadata = ` ~"\\${'m'.repeat(1_996)}`;
      await write(strategy, key, [], metadata);
      await using found = await opened(strategy, key);
      equal(found.info.metadata, metadata);
      equal(found.info.bytes, 0);
      deepEqual(await bytesOf(found.read()), Buffer.alloc(0));
    },
  },
  {
    name: 'reads any part of a large content',
    async run({ strategy }) {
      const key = newKey();
      const large = pattern(20_000_003);
      await write(strategy, key, slices(large, 700_001), 'large');
      const ranges = [
        [0, 20_000_003],
        [0, 1],
        [0, 0],
        [524_287, 524_289],
        [8_388_600, 16_777_230],
        [20_000_002, 20_000_003],
        [20_000_000, 30_000_000],
        [20_000_003, 20_000_004],
      ] as const;
      for (const [start, end] of ranges) {
        await using found = await opened(strategy, key);
        ok((await bytesOf(found.read({ start, end }))).equals(large.subarray(start, end)), `Not ${start} to ${end}`);
        await using again = await opened(strategy, key);
        const copied = await bytesOf(copies(again.read({ start, end }, { reusesMemory: true })));
        ok(copied.equals(large.subarray(start, end)), `Not ${start} to ${end} where memory may be used again`);
      }
      await strategy.delete(key);
    },
  },
  {
    name: 'replaces content and metadata together, with a new version',
    async run({ strategy }) {
      const key = newKey();
      const first = await write(strategy, key, [Buffer.from('one')], 'one');
      const second = await write(strategy, key, [Buffer.from('one')], 'two');
      notEqual(first.version, second.version);
      equal(await text(strategy, key), 'one');
      await using found = await opened(strategy, key);
      equal(found.info.metadata, 'two');
    },
  },
  {
    name: 'asks with what stands there, once the content has ended',
    async run({ strategy }) {
      const key = newKey();
      const seen: (ObjectInfo | undefined)[] = [];
      let ended = false;
      async function* content(): AsyncGenerator<Uint8Array> {
        yield Buffer.from('1234');
        ended = true;
      }
      const first = await strategy.put(key, content(), {
        finish: (current, bytes) => {
          ok(ended, 'Asked before the content has ended');
          equal(bytes, 4);
          seen.push(current);
          return 'a';
        },
      });
      await strategy.put(key, content(), {
        finish: current => {
          seen.push(current);
          return 'b';
        },
      });
      deepEqual(seen, [undefined, first]);
    },
  },
  {
    name: 'leaves everything as it was when the content or the answer fails',
    async run({ strategy }) {
      const key = newKey();
      const failure = new FailedError('The content has failed');
      async function* failing(): AsyncGenerator<Uint8Array> {
        yield pattern(6_000_000);
        throw failure;
      }
      const refusal = new FailedError('Refused');
      const refuse = (): string => {
        throw refusal;
      };
      for (const before of [undefined, 'before']) {
        if (before !== undefined) await write(strategy, key, [Buffer.from(before)], before);
        equal(await failureOf(strategy.put(key, failing(), { finish: () => 'x' })), failure);
        equal(await failureOf(strategy.put(key, chunks([pattern(10)]), { finish: refuse })), refusal);
        equal(await text(strategy, key), before);
      }
      equal(await failureOf(strategy.copy(key, `${key}.copy`, { finish: refuse })), refusal);
      equal(await text(strategy, `${key}.copy`), undefined);
      equal(await failureOf(strategy.updateMetadata(key, refuse)), refusal);
      deepEqual(await listed(strategy, key), [key]);
    },
  },
  ...signalCases,
  {
    name: 'lets one of many that create at once be the first',
    async run({ strategy }) {
      const key = newKey();
      const refusal = new FailedError('There is one already');
      const finish = (current: ObjectInfo | undefined): string => {
        if (current !== undefined) throw refusal;
        return 'only';
      };
      const outcomes = await Promise.allSettled(
        many(20, index => strategy.put(key, chunks([Buffer.from(`writer ${index}`)]), { finish })),
      );
      const winners = outcomes.flatMap(({ status }, index) => (status === 'fulfilled' ? [index] : []));
      equal(winners.length, 1, `${winners.length} have created the same`);
      for (const outcome of outcomes) if (outcome.status === 'rejected') equal(outcome.reason, refusal);
      equal(await text(strategy, key), `writer ${winners[0]}`);
    },
  },
  {
    name: 'loses no answer of many that replace at once',
    async run({ strategy }) {
      const key = newKey();
      const count = (current: ObjectInfo | undefined): string => String(Number(current?.metadata ?? 0) + 1);
      await Promise.all(many(12, index => strategy.put(key, chunks([Buffer.from([index])]), { finish: count })));
      await Promise.all(many(12, () => strategy.updateMetadata(key, current => count(current))));
      await using found = await opened(strategy, key);
      equal(found.info.metadata, '24');
    },
  },
  {
    name: 'reads what was opened, whatever happens to the key meanwhile, or says that it is gone',
    async run({ strategy }) {
      const key = newKey();
      const old = pattern(3_000_000);
      await write(strategy, key, [old], 'old');
      await using found = await opened(strategy, key);
      await write(strategy, key, [Buffer.from('new')], 'new');
      const read = await bytesOf(found.read()).catch((error: unknown) => error);
      if (Buffer.isBuffer(read)) ok(read.equals(old), 'What was read is of two versions');
      else equal((read as { code?: unknown }).code, 'STORAGE_ERROR');
      equal(await text(strategy, key), 'new');
    },
  },
  {
    name: 'changes metadata without the content',
    async run({ strategy }) {
      const key = newKey();
      equal(await strategy.updateMetadata(key, () => 'none'), undefined);
      const first = await write(strategy, key, [Buffer.from('content')], 'first');
      const versions = new Set([first.version]);
      for (const metadata of ['second, longer', 'third', '']) {
        const changed = await strategy.updateMetadata(key, async current => {
          equal(current.key, key);
          return metadata;
        });
        equal(changed?.metadata, metadata);
        versions.add(changed?.version ?? '');
        await using found = await opened(strategy, key);
        deepEqual(found.info, changed);
        equal(await text(strategy, key), 'content');
      }
      equal(versions.size, 4);
      const left = await strategy.updateMetadata(key, () => undefined);
      ok(versions.has(left?.version ?? ''), 'Nothing was changed, but the version');
    },
  },
  {
    name: 'copies, with metadata of its own',
    async run({ strategy }) {
      const [from, to] = [newKey(), newKey()];
      equal(await strategy.copy(from, to, { finish: () => 'x' }), undefined);
      const source = await write(strategy, from, slices(pattern(2_000_000), 1_000_000), 'source');
      const copied = await strategy.copy(from, to, {
        finish: (original, current) => {
          deepEqual(original, source);
          equal(current, undefined);
          return 'copy';
        },
      });
      equal(copied?.metadata, 'copy');
      equal(copied?.key, to);
      await strategy.delete(from);
      await using found = await opened(strategy, to);
      ok((await bytesOf(found.read())).equals(pattern(2_000_000)), 'The copy is not the original');
    },
  },
  {
    name: 'deletes, and only the version that is meant',
    async run({ strategy }) {
      const key = newKey();
      equal(await strategy.delete(key), false);
      const first = await write(strategy, key, [Buffer.from('1')], '1');
      const second = await write(strategy, key, [Buffer.from('2')], '2');
      equal(await strategy.delete(key, { version: first.version }), false);
      equal(await text(strategy, key), '2');
      equal(await strategy.delete(key, { version: second.version }), true);
      equal(await text(strategy, key), undefined);
      equal(await strategy.delete(key), false);
    },
  },
  {
    name: 'keeps apart keys that some file systems take for the same',
    async run({ strategy }) {
      const base = newKey();
      const ends = [
        'a',
        'A',
        'a/b',
        'a/B',
        'a.b',
        'a b',
        'é',
        'É',
        'e',
        'ß',
        'ss',
        '日本',
        '😀',
        '+a',
        'a=',
        'a^',
        '%',
      ];
      const long = ['n'.repeat(255), 'N'.repeat(255), `${'N'.repeat(250)}/${'日'.repeat(80)}.txt`, '日'.repeat(85)];
      const keys = [...ends, ...long].map(end => `${base}/${end}`);
      for (const key of keys) await write(strategy, key, [Buffer.from(key)], 'x');
      for (const key of keys) equal(await text(strategy, key), key);
      deepEqual(await listed(strategy, `${base}/`), inOrder(keys));
      for (const key of keys) equal(await strategy.delete(key), true);
      deepEqual(await listed(strategy, base), []);
    },
  },
  {
    name: 'refuses keys that are none',
    async run({ strategy }) {
      for (const key of ['', '/', '../x', 'a/../../x', '/etc/passwd', 'a\0b', 'a\\b', 'a//b', '.', 'C:x']) {
        for (const attempt of [
          () => strategy.put(key, chunks([]), { finish: () => 'x' }),
          () => strategy.open(key),
          () => strategy.delete(key),
          () => strategy.copy(newKey(), key, { finish: () => 'x' }),
          () => strategy.updateMetadata(key, () => 'x'),
        ]) {
          const failure = await failureOf(attempt());
          equal(
            (failure as { code?: unknown } | undefined)?.code,
            'VALIDATION_ERROR',
            `Accepted: ${JSON.stringify(key)}`,
          );
        }
      }
    },
  },
  {
    name: 'lists by page, in the order of the bytes',
    async run({ strategy }) {
      const base = newKey();
      const inside = many(45, index => `${base}/${index % 3 === 0 ? 'sub/' : 'sub-'}${index}.txt`);
      const outside = [`${base}x/1.txt`, `${base}.txt`];
      await Promise.all([...inside, ...outside].map(key => write(strategy, key, [], 'x')));
      const pages: KeyPage[] = [];
      for (let after: string | undefined; ; after = pages.at(-1)?.keys.at(-1)) {
        pages.push(await strategy.list({ prefix: `${base}/`, after, limit: 7 }));
        if (pages.at(-1)?.more !== true) break;
      }
      deepEqual(
        pages.flatMap(({ keys }) => keys),
        inOrder(inside),
      );
      ok(
        pages.every(({ keys }) => keys.length <= 7),
        'A page is longer than asked for',
      );
      equal((await strategy.list({ prefix: `${base}/sub-1`, limit: 1_000 })).keys.length, 8);
      const behind = await strategy.list({ prefix: `${base}/`, after: `${base}/sub/2`, limit: 1_000 });
      ok(
        behind.keys.every(key => Buffer.compare(Buffer.from(key), Buffer.from(`${base}/sub/2`)) > 0),
        'A key in front of `after`',
      );
    },
  },
  {
    name: 'may be closed twice',
    async run({ strategy }) {
      await strategy.close();
      await strategy.close();
    },
  },
];

import { equal, ok } from 'node:assert/strict';
import { FailedError, TimeoutError } from '../errors/index.ts';
import type { StorageStrategy } from '../storage/index.ts';
import type { ContractSuite } from './contract.ts';
import { chunks, failureOf, newKey, pattern, text, write } from './storage-contract-objects.ts';

/** What a strategy promises to those who leave before it is done. */
export const signalCases: ContractSuite<{ readonly strategy: StorageStrategy }> = [
  {
    name: 'stops when the signal aborts',
    async run({ strategy }) {
      const key = newKey();
      const leaving = new AbortController();
      const reason = new FailedError('Left');
      let given = 0;
      async function* endless(): AsyncGenerator<Uint8Array> {
        for (; given < 64; given += 1) {
          if (given === 3) leaving.abort(reason);
          yield pattern(1_000_000);
        }
      }
      const failure = await failureOf(strategy.put(key, endless(), { finish: () => 'x', signal: leaving.signal }));
      equal(failure, reason);
      ok(given < 20, `${given} chunks were taken, where the caller left at the third`);
      equal(await text(strategy, key), undefined);
      equal(await failureOf(strategy.open(key, { signal: leaving.signal })), reason);
    },
  },
  {
    name: 'gives the reason of the signal as it is, wherever it aborts',
    async run({ strategy }) {
      const key = newKey();
      await write(strategy, key, [Buffer.from('before')], 'before');
      // An error of the platform, and one that a strategy may have, too.
      for (const reason of [undefined, new TimeoutError('The caller has no more time', 1_000)]) {
        const leaving = new AbortController();
        const { signal } = leaving;
        const finish = (): string => {
          leaving.abort(reason);
          return 'after';
        };
        equal(await failureOf(strategy.put(key, chunks([Buffer.from('after')]), { finish, signal })), signal.reason);
        equal(await failureOf(strategy.copy(key, `${key}.copy`, { finish, signal })), signal.reason);
        const listing = new AbortController();
        const listed = failureOf(strategy.list({ limit: 1_000, signal: listing.signal }));
        listing.abort(reason);
        ok([undefined, listing.signal.reason].includes(await listed), 'Listing fails with something else');
        equal(await text(strategy, key), 'before');
      }
    },
  },
];

import { describe, expect, it } from 'vitest';
import { MissedChanges } from './missed-changes.ts';

/** A store that notes what it is told, and fails as often as it is asked to. */
function recordingStore(failures = 0) {
  const told: string[] = [];
  let left = failures;
  const note = async (what: string): Promise<void> => {
    if (left > 0) {
      left -= 1;
      throw new TypeError('away');
    }
    told.push(what);
  };
  return {
    told,
    delete: (keys: readonly string[]) => note(`delete ${keys.length <= 3 ? keys.join(' ') : keys.length}`),
    deleteByTag: (tag: string) => note(`delete tag ${tag}`),
    expireByTag: (tag: string) => note(`expire tag ${tag}`),
    clear: () => note('clear'),
  };
}

describe('MissedChanges', () => {
  it('tells the store every change once', async () => {
    const missed = new MissedChanges();
    missed.add('a');
    missed.add('b');
    missed.add('a');
    missed.addTag('t', 'expired');
    missed.addTag('t', 'deleted');
    missed.addTag('t', 'expired');
    expect([missed.has('a'), missed.has('c'), missed.hasTag(['x', 't']), missed.hasTag(['x'])]).toEqual([
      true,
      false,
      true,
      false,
    ]);
    const store = recordingStore();
    await missed.tell(store);
    expect(store.told).toEqual(['delete tag t', 'delete a b']);
    expect([missed.isEmpty, missed.has('a')]).toEqual([true, false]);
  });

  it('keeps what the store was not told', async () => {
    const missed = new MissedChanges();
    missed.add('a');
    const store = recordingStore(1);
    await expect(missed.tell(store)).rejects.toThrow('away');
    expect(missed.has('a')).toBe(true);
    await missed.tell(store);
    expect([store.told, missed.isEmpty]).toEqual([['delete a'], true]);
  });

  it('keeps what changes again while it is told', async () => {
    const missed = new MissedChanges();
    missed.add('a');
    missed.add('b');
    const store = recordingStore();
    const telling = missed.tell(store);
    missed.add('a');
    await telling;
    expect([missed.has('a'), missed.has('b')]).toEqual([true, false]);
  });

  it('counts everything as changed when there is too much to remember', async () => {
    const missed = new MissedChanges();
    for (let index = 0; index <= 10_000; index += 1) missed.add(`key${index}`);
    expect(missed.has('any')).toBe(true);
    const store = recordingStore();
    await missed.tell(store);
    expect([store.told, missed.isEmpty]).toEqual([['clear'], true]);
  });
});

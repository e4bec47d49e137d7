import type { RedisArguments } from './driver.ts';

/** About how many keys the server looks at in one step, for which it is busy with nothing else. */
const keysPerStep = '1000';

/** The keys of one server that begin with a prefix, in portions. */
export async function* scanNode(
  send: (words: RedisArguments) => Promise<unknown>,
  prefix: string,
): AsyncGenerator<readonly string[], void, undefined> {
  let cursor = '0';
  do {
    const reply = await send(['SCAN', cursor, 'MATCH', beginningWith(prefix), 'COUNT', keysPerStep]);
    const [next, keys] = reply as readonly [string, readonly string[]];
    if (keys.length > 0) yield keys;
    cursor = next;
  } while (cursor !== '0');
}

/** A pattern of Redis that matches what begins with this very text. */
export function beginningWith(prefix: string): string {
  return `${prefix.replace(/[*?[\]\\]/g, '\\$&')}*`;
}

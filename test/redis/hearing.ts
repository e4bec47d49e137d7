import { setTimeout as sleep } from 'node:timers/promises';
import type { KeyListener, RedisConnection } from 'plinth/redis';

/** Waits for something that happens in other processes. */
export async function until(condition: () => boolean | Promise<boolean>, limitMs = 10_000): Promise<void> {
  const endMs = performance.now() + limitMs;
  while (!(await condition())) {
    if (performance.now() > endMs) throw new Error(`It did not happen within ${limitMs} ms: ${condition}`);
    await sleep(5);
  }
}

/** A listener that notes what it is told; `*` stands for all keys. */
export class Notes implements KeyListener {
  readonly told: string[] = [];

  changed(key: string): void {
    this.told.push(key);
  }

  allChanged(): void {
    this.told.push('*');
  }
}

/** Waits until a beat that was sent after this call has been answered: what happened before has been told then. */
export async function heard(redis: RedisConnection): Promise<void> {
  const nowMs = performance.now();
  await until(() => redis.changes.heardUntilMs > nowMs);
}

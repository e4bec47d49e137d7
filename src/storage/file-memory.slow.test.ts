import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { afterAll, describe, expect, it } from 'vitest';
import { FileStorageManager, LocalStorageStrategy } from './index.ts';

// In a process of its own: what others hold there would be counted, too.
setFlagsFromString('--expose-gc');
const collectGarbage = runInNewContext('gc') as () => void;

const root = mkdtempSync(join(tmpdir(), 'plinth-files-'));
afterAll(() => rmSync(root, { recursive: true, force: true }));

describe('The memory that a file of 100 MB takes', () => {
  it.each([true, false])('is less than 40 MB, with compression %s', async compression => {
    const directory = mkdtempSync(join(root, 'memory-'));
    await using files = new FileStorageManager({
      strategy: new LocalStorageStrategy({ directory, sync: false }),
      compression,
    });
    const block = Buffer.alloc(65_536, 'plinth');
    async function* large(): AsyncGenerator<Buffer> {
      for (let index = 0; index < 1_600; index += 1) yield block;
    }
    // What is still held, not what waits to be collected: that is up to V8.
    const held = (): number => {
      collectGarbage();
      const { arrayBuffers, heapUsed } = process.memoryUsage();
      return arrayBuffers + heapUsed;
    };
    const before = held();
    let peak = 0;
    const watch = (): void => {
      peak = Math.max(peak, held() - before);
    };
    async function* watched(): AsyncGenerator<Buffer> {
      let index = 0;
      for await (const chunk of large()) {
        if (index++ % 200 === 0) watch();
        yield chunk;
      }
    }
    const saved = await files.saveFile(watched(), 'large.txt');
    const { stream } = await files.readFile(saved.key);
    let bytes = 0;
    for await (const chunk of stream) {
      if (bytes % (16 * 1_048_576) < (chunk as Buffer).length) watch();
      bytes += (chunk as Buffer).length;
    }
    expect(bytes).toBe(1_600 * 65_536);
    expect(peak).toBeLessThan(40_000_000);
  });
});
